/* SPDX-License-Identifier: BSD-2-Clause */
/* Two processes of a rump kernel that want each other's locks. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

static int lock(int fd, int command, short type, long start, pid_t *by)
{
    struct flock range = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = 1 };
    int done = rump_sys_fcntl(fd, command, (long)&range);

    if (by != NULL)
        *by = range.l_pid;
    return done;
}

static const char *told(int done)
{
    return done == 0 ? "ok" : strerrorname_np(errno);
}

static int has_second;

/* Has the second byte, and waits for the first. */
static void *other(void *file)
{
    int fd;

    rump_pub_lwproc_rfork(RUMP_RFCFDG);
    fd = rump_sys_open(file, O_RDWR, 0);
    if (lock(fd, F_SETLK, F_WRLCK, 1, NULL) != 0)
        perror("second");
    __atomic_store_n(&has_second, 1, __ATOMIC_SEQ_CST);
    printf("other: %s\n", told(lock(fd, F_SETLKW, F_WRLCK, 0, NULL)));
    rump_pub_lwproc_releaselwp();
    return NULL;
}

int main(void)
{
    const struct timespec while_short = { .tv_nsec = 1000000 };
    static char file[] = "/file";
    pthread_t thread;
    pid_t by = 0;
    int fd, done;

    if (rump_init() != 0)
        return perror("rump_init"), 1;
    rump_pub_lwproc_rfork(RUMP_RFCFDG);
    fd = rump_sys_open(file, O_RDWR | O_CREAT, 0600);
    printf("first: %s\n", told(lock(fd, F_SETLK, F_WRLCK, 0, NULL)));
    pthread_create(&thread, NULL, other, file);
    while (!__atomic_load_n(&has_second, __ATOMIC_SEQ_CST))
        nanosleep(&while_short, NULL);
    done = lock(fd, F_GETLK, F_WRLCK, 1, &by);
    printf("asked: %s, %s\n", told(done), by > 0 && by != rump_sys_getpid() ? "another's" : "nobody's");
    printf("second: %s\n", told(lock(fd, F_SETLK, F_WRLCK, 1, NULL)));
    /* If the other does not wait yet, this does, and is woken when that finds that it would be for ever. */
    printf("for ever: %s\n", told(lock(fd, F_SETLKW, F_WRLCK, 1, NULL)));
    fflush(stdout);
    /* The end of a descriptor of the file is that of the process's locks of it. */
    rump_sys_close(rump_sys_open(file, O_RDONLY, 0));
    pthread_join(thread, NULL);
    printf("then: %s\n", told(lock(fd, F_SETLKW, F_WRLCK, 1, NULL)));
    return 0;
}
