/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks of ranges, as fcntl has them: of the process, and of open files. */
#include "files.h"

static int lock(int fd, int command, short type, long start, long len)
{
    struct flock range = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

    return sys_fcntl(fd, command, (long)&range);
}

/* What would be in the way of a lock. */
static void say_conflict(const char *label, int fd, int command, short type, long start, long len)
{
    struct flock range = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };
    char text[64];

    if (sys_fcntl(fd, command, (long)&range) != 0) {
        say_ok(label, -1);
        return;
    }
    snprintf(text, sizeof text, "%d/%d/%ld/%ld/%s", range.l_type, range.l_whence, (long)range.l_start, (long)range.l_len,
        range.l_pid < 0 ? "open" : range.l_pid > 0 ? "process" : "none");
    say(label, text);
}

static void ranges_of_open_files(void)
{
    fresh();
    put_file("f", "0123456789");
    int a = opened("f", O_RDWR), b = opened("f", O_RDWR), copy = own((int)must(sys_dup(a)));
    say_call("alone", lock(a, F_OFD_SETLK, F_WRLCK, 2, 3));
    say_call("copy", lock(copy, F_OFD_SETLK, F_WRLCK, 0, 4));
    say_call("refused", lock(b, F_OFD_SETLK, F_RDLCK, 4, 1));
    say_call("beside", lock(b, F_OFD_SETLK, F_WRLCK, 5, 0));
    say_conflict("by", b, F_OFD_GETLK, F_RDLCK, 0, 0);
    say_conflict("by-rest", a, F_OFD_GETLK, F_RDLCK, 0, 0);
    say_conflict("by-none", a, F_OFD_GETLK, F_WRLCK, 0, 5);
    say_call("shared", lock(a, F_OFD_SETLK, F_RDLCK, 1, 2));
    say_conflict("first", b, F_OFD_GETLK, F_WRLCK, 0, 0);
    say_conflict("second", b, F_OFD_GETLK, F_WRLCK, 1, 3);
    say_call("shared-too", lock(b, F_OFD_SETLK, F_RDLCK, 1, 2));
    say_call("hole", lock(a, F_OFD_SETLK, F_UNLCK, 1, 3));
    say_conflict("before", b, F_OFD_GETLK, F_WRLCK, 0, 0);
    say_conflict("behind", b, F_OFD_GETLK, F_WRLCK, 1, 0);
    drop(a);
    say_call("still", lock(b, F_OFD_SETLK, F_WRLCK, 0, 1));
    drop(copy);
    say_call("free", lock(b, F_OFD_SETLK, F_WRLCK, 0, 0));
}

static void ranges_of_the_process(void)
{
    fresh();
    put_file("f", "0123456789");
    int a = opened("f", O_RDWR), b = opened("f", O_RDWR), other = opened("f", O_RDONLY);
    say_call("alone", lock(a, F_SETLK, F_WRLCK, 0, 4));
    say_call("its-own", lock(b, F_SETLK, F_WRLCK, 2, 4));
    say_conflict("none", b, F_GETLK, F_WRLCK, 0, 0);
    say_conflict("joined", b, F_OFD_GETLK, F_RDLCK, 0, 0);
    say_call("open-refused", lock(b, F_OFD_SETLK, F_RDLCK, 0, 1));
    say_call("part", lock(b, F_SETLK, F_RDLCK, 2, 2));
    say_conflict("split", b, F_OFD_GETLK, F_RDLCK, 0, 0);
    say_call("wait-for-own", lock(b, F_SETLKW, F_WRLCK, 0, 0));
    drop(other);
    say_conflict("gone", b, F_OFD_GETLK, F_RDLCK, 0, 0);
    say_call("open", lock(b, F_OFD_SETLK, F_WRLCK, 1, 1));
    say_call("refused", lock(a, F_SETLK, F_WRLCK, 0, 0));
    say_conflict("by", a, F_GETLK, F_RDLCK, 0, 0);
}

static void ranges_that_are_none(void)
{
    struct flock range = { .l_type = F_RDLCK, .l_whence = SEEK_CUR, .l_start = -3, .l_len = 2 };

    fresh();
    put_file("f", "0123456789");
    int fd = opened("f", O_RDWR), reads = opened("f", O_RDONLY), writes = opened("f", O_WRONLY);
    must(sys_lseek(fd, 5, SEEK_SET));
    say_call("from-here", sys_fcntl(fd, F_SETLK, (long)&range));
    say_conflict("there", fd, F_OFD_GETLK, F_WRLCK, 0, 0);
    range.l_whence = SEEK_END;
    range.l_start = 0;
    range.l_len = -4;
    say_call("before-end", sys_fcntl(fd, F_SETLK, (long)&range));
    say_conflict("last", fd, F_OFD_GETLK, F_WRLCK, 5, 0);
    range.l_whence = 9;
    say_call("whence", sys_fcntl(fd, F_SETLK, (long)&range));
    say_call("type", lock(fd, F_SETLK, 7, 0, 0));
    say_call("negative", lock(fd, F_SETLK, F_RDLCK, -1, 1));
    say_call("before", lock(fd, F_SETLK, F_RDLCK, 1, -2));
    say_call("too-far", lock(fd, F_SETLK, F_RDLCK, 0x7fffffffffffffff, 2));
    say_call("farthest", lock(fd, F_SETLK, F_RDLCK, 0x7fffffffffffffff, 1));
    say_call("ask-for-none", lock(fd, F_GETLK, F_UNLCK, 0, 0));
    say_call("not-writable", lock(reads, F_SETLK, F_WRLCK, 0, 0));
    say_call("not-readable", lock(writes, F_SETLK, F_RDLCK, 0, 0));
    say_call("let-go", lock(reads, F_SETLK, F_UNLCK, 0, 0));
    say_call("closed", lock(999, F_SETLK, F_RDLCK, 0, 0));
    say_call("null", sys_fcntl(fd, F_SETLK, 0));
    range.l_whence = SEEK_SET;
    range.l_pid = 1;
    say_call("pid", sys_fcntl(fd, F_OFD_SETLK, (long)&range));
}

static void *let_go(void *argument)
{
    pause_ms(50);
    lock(*(int *)argument, F_OFD_SETLK, F_UNLCK, 0, 1);
    return NULL;
}

static void a_range_is_waited_for(void)
{
    fresh();
    put_file("f", "");
    int a = opened("f", O_RDWR), b = opened("f", O_RDWR);
    must(lock(a, F_OFD_SETLK, F_WRLCK, 0, 10));
    start_thread(let_go, &a);
    say_call("waited", lock(b, F_OFD_SETLKW, F_WRLCK, 0, 1));
    join_threads();
    say_call("rest", lock(b, F_OFD_SETLK, F_WRLCK, 0, 2));
    start_thread(let_go, &b);
    say_call("process-waited", lock(a, F_SETLKW, F_WRLCK, 0, 1));
    join_threads();
}

const struct test_case lock_cases[] = {
    CASE(ranges_of_open_files), CASE(ranges_of_the_process), CASE(ranges_that_are_none), THREADED(a_range_is_waited_for),
    END_OF_CASES,
};
