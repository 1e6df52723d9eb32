/* SPDX-License-Identifier: BSD-2-Clause */
/* What is in files: holes, ends, sizes, scattered transfers. */
#include "files.h"

static void holes_are_zeros(void)
{
    static char text[20000];
    struct stat st;

    fresh();
    int fd = opened("file", O_CREAT | O_RDWR);
    say_call("write", sys_pwrite(fd, "end", 3, 16384));
    must(sys_fstat(fd, &st));
    say_int("size", (long)st.st_size);
    say_int("blocks", (long)st.st_blocks);
    say_call("read", sys_pread(fd, text, sizeof text, 0));
    long nonzero = 0;
    for (int i = 0; i < 16384; i++)
        nonzero += text[i] != 0;
    say_int("nonzero", nonzero);
    say_call("data", sys_lseek(fd, 0, SEEK_DATA));
    say_call("hole", sys_lseek(fd, 0, SEEK_HOLE));
    say_call("next-hole", sys_lseek(fd, 16384, SEEK_HOLE));
}

static void what_is_cut_does_not_come_back(void)
{
    char text[16];

    fresh();
    put_file("file", "0123456789");
    int fd = opened("file", O_RDWR);
    say_call("cut", sys_ftruncate(fd, 3));
    say_call("grow", sys_ftruncate(fd, 8));
    say_call("read", sys_pread(fd, text, sizeof text, 0));
    say_yes("zeros", memcmp(text, "012\0\0\0\0\0", 8) == 0);
    say_call("by-path", sys_truncate("file", 1));
    say_file("text", "file");
    say_call("absent", sys_truncate("absent", 1));
    say_call("dir", sys_truncate(".", 1));
}

static void writing_behind_the_end(void)
{
    char text[16];

    fresh();
    put_file("file", "0123456789");
    int fd = opened("file", O_RDWR);
    must(sys_ftruncate(fd, 4));
    say_call("write", sys_pwrite(fd, "x", 1, 9));
    say_call("read", sys_pread(fd, text, sizeof text, 0));
    say_yes("zeros", memcmp(text, "0123\0\0\0\0\0x", 10) == 0);
}

static void scattered(void)
{
    char a[4], b[4];
    struct iovec to[] = { { a, 3 }, { NULL, 0 }, { b, 4 } };
    struct iovec from[] = { { "abc", 3 }, { "", 0 }, { "defg", 4 } };

    fresh();
    int fd = opened("file", O_CREAT | O_RDWR);
    say_call("writev", sys_writev(fd, from, 3));
    say_call("preadv", sys_preadv(fd, to, 3, 1));
    say_bytes("a", a, 3);
    say_bytes("b", b, 3);
    say_call("pwritev", sys_pwritev(fd, from, 3, 5));
    say_file("text", "file");
    /* The compiler would know better. */
    volatile int many = 2000, negative = -1;
    say_call("too-many", sys_preadv(fd, to, many, 0));
    say_call("negative", sys_preadv(fd, to, negative, 0));
    say_call("none", sys_preadv(fd, to, 0, 0));
}

static void large_files(void)
{
    char byte = 0;

    fresh();
    int fd = opened("file", O_CREAT | O_RDWR);
    say_call("truncate", sys_ftruncate(fd, 1LL << 40));
    say_call("write", sys_pwrite(fd, "x", 1, (1LL << 40) - 1));
    say_call("read", sys_pread(fd, &byte, 1, (1LL << 40) - 1));
    say_int("byte", byte);
    say_call("end", sys_lseek(fd, 0, SEEK_END) == 1LL << 40);
    say_call("cut", sys_ftruncate(fd, 0));
}

static void space_that_is_asked_for(void)
{
    struct stat st;

    fresh();
    int fd = opened("file", O_CREAT | O_RDWR);
    say_call("allocate", sys_fallocate(fd, 0, 0, 10000));
    must(sys_fstat(fd, &st));
    say_int("size", (long)st.st_size);
    say_int("blocks", (long)st.st_blocks);
    say_call("keep", sys_fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 20000));
    must(sys_fstat(fd, &st));
    say_int("size", (long)st.st_size);
    must(sys_pwrite(fd, "abcdefgh", 8, 4092));
    say_call("punch", sys_fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4094, 4));
    char text[8];
    must(sys_pread(fd, text, 8, 4092));
    say_yes("punched", memcmp(text, "ab\0\0\0\0gh", 8) == 0);
}

const struct test_case content_cases[] = {
    CASE(holes_are_zeros), CASE(what_is_cut_does_not_come_back), CASE(writing_behind_the_end), CASE(scattered),
    CASE(large_files), CASE(space_that_is_asked_for), END_OF_CASES,
};
