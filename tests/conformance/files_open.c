/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening, and what an open file may do. */
#include "files.h"

/* A null pointer that the compiler knows nothing of. */
static void *volatile nowhere;

static void flags_of_open(void)
{
    fresh();
    put_file("file", "text");
    must(sys_mkdir("dir", 0755));
    must(sys_symlink("file", "link"));
    must(sys_symlink("nothing", "dangling"));
    say_ok("absent", sys_open("absent", O_RDONLY, 0));
    say_ok("new", own(sys_open("new", O_CREAT | O_EXCL | O_RDWR, 0640)));
    say_ok("again", sys_open("new", O_CREAT | O_EXCL | O_RDWR, 0640));
    say_ok("excl-link", sys_open("link", O_CREAT | O_EXCL | O_RDWR, 0640));
    say_ok("excl-dangling", sys_open("dangling", O_CREAT | O_EXCL | O_RDWR, 0640));
    say_ok("nofollow", sys_open("link", O_RDONLY | O_NOFOLLOW, 0));
    say_ok("through", own(sys_open("dangling", O_CREAT | O_RDWR, 0600)));
    say_stat("made", "nothing");
    say_ok("dir-read", own(sys_open("dir", O_RDONLY, 0)));
    say_ok("dir-write", sys_open("dir", O_WRONLY, 0));
    say_ok("dir-rdwr", sys_open("dir", O_RDWR, 0));
    say_ok("dir-creat", sys_open("dir", O_CREAT | O_RDONLY, 0644));
    say_ok("file-directory", sys_open("file", O_RDONLY | O_DIRECTORY, 0));
    say_ok("link-directory", sys_open("link", O_RDONLY | O_DIRECTORY, 0));
    say_ok("slash", sys_open("file/", O_RDONLY, 0));
    say_ok("new-slash", sys_open("other/", O_CREAT | O_WRONLY, 0644));
    say_ok("empty", sys_open("", O_RDONLY, 0));
    say_ok("null", sys_open(nowhere, O_RDONLY, 0));
    say_stat("mode", "new");
}

static void truncation_by_opening(void)
{
    fresh();
    put_file("file", "text");
    opened("file", O_RDONLY);
    say_file("kept", "file");
    opened("file", O_WRONLY | O_TRUNC);
    say_file("gone", "file");
}

static void reading_and_writing_need_it(void)
{
    char byte = 'x';

    fresh();
    put_file("file", "text");
    int reader = opened("file", O_RDONLY), writer = opened("file", O_WRONLY);
    int dir = own((int)must(sys_open(".", O_RDONLY, 0)));
    say_call("write", sys_write(reader, &byte, 1));
    say_call("read", sys_read(writer, &byte, 1));
    say_call("pwrite", sys_pwrite(reader, &byte, 1, 0));
    say_call("pread", sys_pread(writer, &byte, 1, 0));
    say_call("truncate", sys_ftruncate(reader, 0));
    say_call("dir-read", sys_read(dir, &byte, 1));
    say_call("dir-pread", sys_pread(dir, &byte, 1, 0));
    say_call("dir-write", sys_write(dir, &byte, 1));
    say_call("dir-truncate", sys_ftruncate(dir, 0));
    say_call("read-none", sys_read(reader, &byte, 0));
    say_call("null", sys_read(reader, nowhere, 4));
    say_call("flags", sys_fcntl(writer, F_GETFL, 0) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
}

static void appending(void)
{
    fresh();
    put_file("file", "one");
    int fd = opened("file", O_RDWR | O_APPEND);
    say_call("at", sys_lseek(fd, 0, SEEK_CUR));
    say_call("write", sys_write(fd, "two", 3));
    say_call("behind", sys_lseek(fd, 0, SEEK_CUR));
    say_call("back", sys_lseek(fd, 0, SEEK_SET));
    say_call("write", sys_write(fd, "3", 1));
    say_call("pwrite", sys_pwrite(fd, "4", 1, 0));
    say_file("text", "file");
    say_call("flags", sys_fcntl(fd, F_GETFL, 0) & O_APPEND);
    say_call("clear", sys_fcntl(fd, F_SETFL, 0));
    say_call("pwrite", sys_pwrite(fd, "O", 1, 0));
    say_call("set", sys_fcntl(fd, F_SETFL, O_APPEND));
    say_call("write", sys_write(fd, "5", 1));
    say_file("text", "file");
}

static void positions_are_shared_by_dup(void)
{
    char text[8];

    fresh();
    put_file("file", "abcdef");
    int fd = opened("file", O_RDONLY), copy = own((int)must(sys_dup(fd))), other = opened("file", O_RDONLY);
    say_bytes("first", text, sys_read(fd, text, 2));
    say_bytes("copy", text, sys_read(copy, text, 2));
    say_bytes("other", text, sys_read(other, text, 2));
}

static void seeking(void)
{
    char byte;

    fresh();
    put_file("file", "abcdef");
    int fd = opened("file", O_RDWR);
    say_call("set", sys_lseek(fd, 4, SEEK_SET));
    say_call("cur", sys_lseek(fd, -1, SEEK_CUR));
    say_call("end", sys_lseek(fd, 2, SEEK_END));
    say_call("read", sys_read(fd, &byte, 1));
    say_call("negative", sys_lseek(fd, -1, SEEK_SET));
    say_call("before", sys_lseek(fd, -9, SEEK_END));
    say_call("still", sys_lseek(fd, 0, SEEK_CUR));
    say_call("whence", sys_lseek(fd, 0, 9));
    say_call("data", sys_lseek(fd, 2, SEEK_DATA));
    say_call("hole", sys_lseek(fd, 2, SEEK_HOLE));
    say_call("beyond", sys_lseek(fd, 6, SEEK_DATA));
    say_call("negative-data", sys_lseek(fd, -1, SEEK_DATA));
    say_call("closed", sys_lseek(999, 0, SEEK_SET));
}

static void offsets_that_are_none(void)
{
    char byte = 0;

    fresh();
    put_file("file", "abc");
    int fd = opened("file", O_RDWR);
    say_call("pread", sys_pread(fd, &byte, 1, -1));
    say_call("pwrite", sys_pwrite(fd, &byte, 1, -1));
    say_call("far", sys_pread(fd, &byte, 1, 1000));
    say_call("truncate", sys_ftruncate(fd, -1));
    say_call("path-truncate", sys_truncate("file", -1));
    say_call("fallocate", sys_fallocate(fd, 0, -1, 1));
    say_call("fallocate-none", sys_fallocate(fd, 0, 0, 0));
    say_call("fallocate-mode", sys_fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 1));
}

static void an_unlinked_file_lives_on(void)
{
    char text[8];
    struct stat st;

    fresh();
    put_file("file", "abc");
    int fd = opened("file", O_RDWR);
    must(sys_unlink("file"));
    say_call("write", sys_pwrite(fd, "xyz", 3, 3));
    say_bytes("read", text, sys_pread(fd, text, 6, 0));
    must(sys_fstat(fd, &st));
    say_int("links", (long)st.st_nlink);
    say_int("size", (long)st.st_size);
    put_file("file", "new");
    say_bytes("old", text, sys_pread(fd, text, 6, 0));
    say_file("new", "file");
}

static void files_are_ready(void)
{
    fresh();
    put_file("file", "");
    struct pollfd polled = { .fd = opened("file", O_RDWR), .events = POLLIN | POLLOUT };
    say_call("poll", sys_poll(&polled, 1, 0));
    say_events("events", (unsigned)polled.revents);
    struct epoll_event event = { .events = EPOLLIN };
    int set = own((int)must(sys_epoll_create1(0)));
    say_call("epoll", sys_epoll_ctl(set, EPOLL_CTL_ADD, polled.fd, &event));
    say_call("fsync", sys_fsync(polled.fd));
    say_call("fdatasync", sys_fdatasync(polled.fd));
    say_call("fsync-set", sys_fsync(set));
}

const struct test_case open_cases[] = {
    CASE(flags_of_open), CASE(truncation_by_opening), CASE(reading_and_writing_need_it), CASE(appending),
    CASE(positions_are_shared_by_dup), CASE(seeking), CASE(offsets_that_are_none),
    CASE(an_unlinked_file_lives_on), CASE(files_are_ready), END_OF_CASES,
};
