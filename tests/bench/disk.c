/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk WHAT IMAGE: what a disk costs of which the host has nothing in its cache: the image itself on the host's kernel, the
 * first disk, which is that image, on one of ours. With RUMP_BENCH_NO_RING the system refuses io_uring to this program.
 *
 *   read-1    microseconds to read 4 KiB somewhere, one after the other
 *   read-16   the same, by 16 threads: the time between two that end. Of one file whoever waits for the disk takes turns in
 *             our kernels, so this is what those cost, too.
 *   flush     microseconds until 4 KiB that were written survive a loss of power
 */
#include "../conformance/files.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { PIECE = 4096, MOST_THREADS = 16, READS = 2000, FLUSHES = 300 };

static int disk;
static unsigned long long pieces;

static void check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "disk: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void refuse_rings(void)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof steps / sizeof *steps, steps };

    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no new privileges");
    check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "a filter of system calls");
}

/* Has the host forget what it knows of the image, and says how many pieces it has. */
static unsigned long long forget(const char *image)
{
    int fd = open(image, O_RDONLY | O_CLOEXEC);

    check(fd >= 0, image);
    check(fdatasync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0, image);
    unsigned long long end = (unsigned long long)lseek(fd, 0, SEEK_END);
    check(close(fd) == 0, image);
    return end / PIECE;
}

static void *reader(void *seed)
{
    unsigned long long random = *(unsigned long long *)seed;
    char bytes[PIECE];

    for (int n = 0; n < READS; n++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        off_t at = (off_t)((random >> 33) % pieces * PIECE);
        check(sys_pread(disk, bytes, PIECE, at) == PIECE, "pread");
    }
    return NULL;
}

static double reads(int threads)
{
    unsigned long long seeds[MOST_THREADS];
    pthread_t all[MOST_THREADS];
    double begin = now();

    for (int n = 0; n < threads; n++) {
        seeds[n] = (unsigned long long)begin + (unsigned long long)n * 7919;
        check(pthread_create(&all[n], NULL, reader, &seeds[n]) == 0, "thread");
    }
    for (int n = 0; n < threads; n++)
        check(pthread_join(all[n], NULL) == 0, "join");
    return (now() - begin) / (threads * READS);
}

static double flushes(void)
{
    static const char bytes[PIECE];
    double begin = now();

    for (int n = 0; n < FLUSHES; n++) {
        check(sys_pwrite(disk, bytes, PIECE, n * (off_t)PIECE) == PIECE, "pwrite");
        check(sys_fdatasync(disk) == 0, "fdatasync");
    }
    return (now() - begin) / FLUSHES;
}

int main(int argc, char **argv)
{
    double figure;

    if (argc != 3)
        return 2;
    if (getenv("RUMP_BENCH_NO_RING"))
        refuse_rings();
    pieces = forget(argv[2]);
    check(sys_boot() == 0, "boot");
#ifdef RUMP
    disk = sys_open("/dev/disk0", O_RDWR, 0);
#else
    disk = sys_open(argv[2], O_RDWR, 0);
#endif
    check(disk >= 0, "the disk");
    if (strcmp(argv[1], "read-1") == 0)
        figure = reads(1);
    else if (strcmp(argv[1], "read-16") == 0)
        figure = reads(MOST_THREADS);
    else if (strcmp(argv[1], "flush") == 0)
        figure = flushes();
    else
        return 2;
    printf("%f\n", figure);
    return 0;
}
