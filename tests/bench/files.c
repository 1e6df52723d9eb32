/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * files WHAT DIRECTORY: what operations on files cost there, on the host's kernel or on one of ours. What a file
 * system did not write yet is written within the time where it says so.
 *
 *   create    microseconds to create and close an empty file
 *   write     MB/s of the first write of a file, 64 KiB at a time
 *   read      MB/s of reading that file, 64 KiB at a time
 *   pread     nanoseconds to read 4 KiB that were read before, from one of 64 places
 *   stat      nanoseconds to look at a path's attributes
 *   store     MB/s of writing a file, 1 MiB at a time, until it survives a loss of power
 *   fetch     MB/s of reading the file "stored", 1 MiB at a time
 *   small     microseconds to create, write, close and remove one of 10,000 small files, until that survives
 */
#include "../conformance/files.h"

enum { MB = 1000000, MIB = 1 << 20 };

static char buffer[MIB];

static void check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "files: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int file(const char *name, int flags)
{
    int fd = sys_open(name, flags, 0644);

    check(fd >= 0, name);
    return fd;
}

/* MB/s of moving so many bytes, in pieces. */
static double move(int fd, long long bytes, size_t piece, int out, int until_safe)
{
    double begin = now();

    for (long long left = bytes; left > 0; left -= (long long)piece) {
        ssize_t done = out ? sys_write(fd, buffer, piece) : sys_read(fd, buffer, piece);

        check(done == (ssize_t)piece, out ? "write" : "read");
    }
    if (until_safe)
        check(sys_fsync(fd) == 0, "fsync");
    return (double)bytes / (now() - begin) / MB;
}

static double create(int count)
{
    char name[32];
    double begin = now();

    for (int n = 0; n < count; n++) {
        snprintf(name, sizeof name, "file%d", n);
        check(sys_close(file(name, O_CREAT | O_WRONLY)) == 0, "close");
    }
    double each = (now() - begin) / count * 1e6;
    for (int n = 0; n < count; n++) {
        snprintf(name, sizeof name, "file%d", n);
        check(sys_unlink(name) == 0, name);
    }
    return each;
}

static double small(int count)
{
    char name[32];
    double begin = now();

    for (int n = 0; n < count; n++) {
        snprintf(name, sizeof name, "small%d", n);
        int fd = file(name, O_CREAT | O_WRONLY);
        check(sys_write(fd, buffer, 1000) == 1000 && sys_close(fd) == 0, name);
    }
    for (int n = 0; n < count; n++) {
        snprintf(name, sizeof name, "small%d", n);
        check(sys_unlink(name) == 0, name);
    }
    int here = file(".", O_RDONLY);
    check(sys_syncfs(here) == 0 && sys_close(here) == 0, "syncfs");
    return (now() - begin) / count * 1e6;
}

static double pread_cost(void)
{
    int fd = file("hot", O_CREAT | O_RDWR), count = 300000;

    move(fd, MIB, MIB, 1, 0);
    double begin = now();
    for (int n = 0; n < count; n++)
        check(sys_pread(fd, buffer, 4096, n * 7919L % 64 * 4096) == 4096, "pread");
    double each = (now() - begin) / count * 1e9;
    check(sys_unlink("hot") == 0, "hot");
    return each;
}

static double stat_cost(void)
{
    struct stat st;
    int count = 300000;

    check(sys_close(file("known", O_CREAT | O_RDWR)) == 0, "known");
    double begin = now();
    for (int n = 0; n < count; n++)
        check(sys_stat("known", &st) == 0, "stat");
    double each = (now() - begin) / count * 1e9;
    check(sys_unlink("known") == 0, "known");
    return each;
}

int main(int argc, char **argv)
{
    const char *what = argc == 3 ? argv[1] : "";
    double figure = 0;

    check(sys_boot() == 0, "boot");
    if (argc == 3)
        check(sys_chdir(argv[2]) == 0, argv[2]);
    memset(buffer, 1, sizeof buffer);
    if (strcmp(what, "create") == 0)
        figure = create(20000);
    else if (strcmp(what, "small") == 0)
        figure = small(10000);
    else if (strcmp(what, "pread") == 0)
        figure = pread_cost();
    else if (strcmp(what, "stat") == 0)
        figure = stat_cost();
    else if (strcmp(what, "fetch") == 0)
        figure = move(file("stored", O_RDONLY), 512LL * MIB, MIB, 0, 0);
    else if (strcmp(what, "store") == 0) {
        figure = move(file("new", O_CREAT | O_RDWR | O_TRUNC), 512LL * MIB, MIB, 1, 1);
        check(sys_unlink("new") == 0, "new");
    } else if (strcmp(what, "write") == 0 || strcmp(what, "read") == 0) {
        int fd = file("bulk", O_CREAT | O_RDWR | O_TRUNC);

        figure = move(fd, 256LL * MIB, 65536, 1, 0);
        check(sys_lseek(fd, 0, SEEK_SET) == 0, "lseek");
        if (what[0] == 'r')
            figure = move(fd, 256LL * MIB, 65536, 0, 0);
        check(sys_unlink("bulk") == 0, "bulk");
    } else
        return 2;
    printf("%f\n", figure);
    return 0;
}
