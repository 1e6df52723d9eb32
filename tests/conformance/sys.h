/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls under test, as sys_X().
 *
 * Without RUMP they are the host's, so the program records what the host's kernel does. With RUMP they are
 * rump_sys_X(), so the same program asks a rump kernel. Types and constants are the host's either way: the
 * numbers of both are Linux's.
 */
#ifndef CONFORMANCE_SYS_H
#define CONFORMANCE_SYS_H

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#ifdef RUMP

#if __has_include(<rump/mmsg.h>)
#include <rump/mmsg.h>
#endif
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#define SYS(name) rump_sys_##name

static inline int sys_boot(void)
{
    return rump_init();
}

/* Its time, not ours: a simulated host has its own. */
static inline long long sys_now_ms(void)
{
    return (long long)(rump_now() / 1000000);
}

#else

#define SYS(name) name

static inline int sys_boot(void)
{
    return 0;
}

static inline long long sys_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif

#define sys_socket SYS(socket)
#define sys_socketpair SYS(socketpair)
#define sys_bind SYS(bind)
#define sys_listen SYS(listen)
#define sys_accept SYS(accept)
#define sys_accept4 SYS(accept4)
#define sys_connect SYS(connect)
#define sys_shutdown SYS(shutdown)
#define sys_close SYS(close)

#define sys_send SYS(send)
#define sys_sendto SYS(sendto)
#define sys_sendmsg SYS(sendmsg)
#define sys_recv SYS(recv)
#define sys_recvfrom SYS(recvfrom)
#define sys_recvmsg SYS(recvmsg)
#define sys_sendmmsg SYS(sendmmsg)
#define sys_recvmmsg SYS(recvmmsg)
#define sys_read SYS(read)
#define sys_write SYS(write)
#define sys_readv SYS(readv)
#define sys_writev SYS(writev)

#define sys_getsockopt SYS(getsockopt)
#define sys_setsockopt SYS(setsockopt)
#define sys_getsockname SYS(getsockname)
#define sys_getpeername SYS(getpeername)

#define sys_poll SYS(poll)
#define sys_ppoll SYS(ppoll)
#define sys_epoll_create1 SYS(epoll_create1)
#define sys_epoll_ctl SYS(epoll_ctl)
#define sys_epoll_wait SYS(epoll_wait)
#define sys_epoll_pwait SYS(epoll_pwait)

#define sys_chdir SYS(chdir)
#define sys_fchdir SYS(fchdir)
#define sys_mkdir SYS(mkdir)
#define sys_mkdirat SYS(mkdirat)
#define sys_rmdir SYS(rmdir)
#define sys_unlink SYS(unlink)
#define sys_unlinkat SYS(unlinkat)
#define sys_link SYS(link)
#define sys_linkat SYS(linkat)
#define sys_symlink SYS(symlink)
#define sys_symlinkat SYS(symlinkat)
#define sys_readlink SYS(readlink)
#define sys_readlinkat SYS(readlinkat)
#define sys_rename SYS(rename)
#define sys_renameat SYS(renameat)
#define sys_renameat2 SYS(renameat2)
#define sys_mknod SYS(mknod)
#define sys_truncate SYS(truncate)
#define sys_ftruncate SYS(ftruncate)
#define sys_fallocate SYS(fallocate)
#define sys_chmod SYS(chmod)
#define sys_fchmod SYS(fchmod)
#define sys_chown SYS(chown)
#define sys_lchown SYS(lchown)
#define sys_fchownat SYS(fchownat)
#define sys_utimensat SYS(utimensat)
#define sys_access SYS(access)
#define sys_faccessat SYS(faccessat)
#define sys_stat SYS(stat)
#define sys_lstat SYS(lstat)
#define sys_fstat SYS(fstat)
#define sys_getgroups SYS(getgroups)
#define sys_setgroups SYS(setgroups)
#define sys_fstatat SYS(fstatat)
#define sys_statx SYS(statx)
#define sys_lseek SYS(lseek)
#define sys_pread SYS(pread)
#define sys_pwrite SYS(pwrite)
#define sys_preadv SYS(preadv)
#define sys_pwritev SYS(pwritev)
#define sys_getdents64 SYS(getdents64)
#define sys_umask SYS(umask)
#define sys_fsync SYS(fsync)
#define sys_fdatasync SYS(fdatasync)
#define sys_syncfs SYS(syncfs)
#define sys_statfs SYS(statfs)
#define sys_fstatfs SYS(fstatfs)
#define sys_getxattr SYS(getxattr)
#define sys_lgetxattr SYS(lgetxattr)
#define sys_setxattr SYS(setxattr)
#define sys_lsetxattr SYS(lsetxattr)
#define sys_listxattr SYS(listxattr)
#define sys_removexattr SYS(removexattr)
#define sys_copy_file_range SYS(copy_file_range)
#define sys_sendfile SYS(sendfile)
#define sys_flock SYS(flock)
#define sys_pipe SYS(pipe)
#define sys_pipe2 SYS(pipe2)

#define sys_dup SYS(dup)
#define sys_dup2 SYS(dup2)
#define sys_dup3 SYS(dup3)
#define sys_getpid SYS(getpid)

/* The host's are variadic, a rump kernel's are not: pin the types, so that both are handed the same thing. */
static inline int sys_fcntl(int fd, int command, long argument)
{
    return SYS(fcntl)(fd, command, argument);
}

static inline int sys_ioctl(int fd, unsigned long request, void *argument)
{
    return SYS(ioctl)(fd, request, argument);
}

#endif
