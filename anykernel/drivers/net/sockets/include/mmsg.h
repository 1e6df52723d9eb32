/*
 * Many messages in a call: sendmmsg and recvmmsg, over the kernel's sendmsg and recvmsg. There is no border that a call
 * per message would cross, so there is nothing to save either; programs that use them run.
 *
 * struct mmsghdr is the host's, which has it with _GNU_SOURCE; without that these are not there either. As on Linux an error counts only if nothing went before,
 * and the time limit is looked at after each message.
 */
#ifndef RUMP_MMSG_H
#define RUMP_MMSG_H

#ifdef _GNU_SOURCE

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <time.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

static inline int rump_sys_sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
    unsigned int sent;

    for (sent = 0; sent < count && sent < 1024; sent++) {
        ssize_t len = rump_sys_sendmsg(fd, &messages[sent].msg_hdr, flags);
        if (len < 0)
            return sent > 0 ? (int)sent : -1;
        messages[sent].msg_len = (unsigned int)len;
    }
    return (int)sent;
}

static inline int rump_sys_recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags,
                                    struct timespec *limit)
{
    unsigned long long end = 0;
    unsigned int got;

    if (limit != NULL) {
        if (limit->tv_sec < 0 || limit->tv_nsec < 0 || limit->tv_nsec > 999999999) {
            errno = EINVAL;
            return -1;
        }
        end = rump_now() + (unsigned long long)limit->tv_sec * 1000000000ULL + (unsigned long long)limit->tv_nsec;
    }
    for (got = 0; got < count && got < 1024; got++) {
        ssize_t len = rump_sys_recvmsg(fd, &messages[got].msg_hdr, flags & ~MSG_WAITFORONE);
        if (len < 0)
            return got > 0 ? (int)got : -1;
        messages[got].msg_len = (unsigned int)len;
        if ((flags & MSG_WAITFORONE) != 0)
            flags |= MSG_DONTWAIT;
        if (limit != NULL && rump_now() >= end)
            return (int)got + 1;
    }
    return (int)got;
}

#endif

#endif
