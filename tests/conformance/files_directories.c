/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading directories, locking files, pipes, copies. */
#include "files.h"

#include <dirent.h>

/* All names, sorted, with a letter for what they are. */
static void say_entries(const char *label, int fd, size_t room)
{
    char buffer[4096], *names[64];
    char text[1024] = "";
    int count = 0;
    long got;

    while ((got = sys_getdents64(fd, buffer, room)) > 0)
        for (long at = 0; at < got;) {
            struct dirent64 *entry = (struct dirent64 *)(buffer + at);
            char *name = malloc(300);

            snprintf(name, 300, "%s:%d", entry->d_name, entry->d_type);
            names[count++] = name;
            at += entry->d_reclen;
        }
    for (int i = 0; i < count; i++)
        for (int j = i + 1; j < count; j++)
            if (strcmp(names[i], names[j]) > 0) {
                char *other = names[i];

                names[i] = names[j];
                names[j] = other;
            }
    for (int i = 0; i < count; i++) {
        strcat(strcat(text, i ? "," : ""), names[i]);
        free(names[i]);
    }
    if (got < 0)
        say_ok(label, got);
    else
        say(label, text);
}

static void entries(void)
{
    fresh();
    put_file("file", "");
    must(sys_mkdir("dir", 0755));
    must(sys_symlink("x", "link"));
    must(sys_mknod("fifo", S_IFIFO | 0600, 0));
    int fd = opened(".", O_RDONLY);
    say_entries("all", fd, 4096);
    say_entries("at-end", fd, 4096);
    say_call("rewind", sys_lseek(fd, 0, SEEK_SET));
    say_entries("few", fd, 64);
    must(sys_lseek(fd, 0, SEEK_SET));
    say_entries("no-room", fd, 8);
    int file = opened("file", O_RDONLY);
    say_entries("file", file, 4096);
    must(sys_lseek(fd, 0, SEEK_SET));
    must(sys_unlink("file"));
    say_entries("less", fd, 4096);
}

static void many_entries(void)
{
    char name[16], buffer[1024];
    int count = 0, fd;
    long got;

    fresh();
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "%d", i);
        put_file(name, "");
    }
    fd = opened(".", O_RDONLY);
    while ((got = sys_getdents64(fd, buffer, sizeof buffer)) > 0)
        for (long at = 0; at < got; count++)
            at += ((struct dirent64 *)(buffer + at))->d_reclen;
    say_int("count", count);
}

const struct test_case directory_cases[] = { CASE(entries), CASE(many_entries), END_OF_CASES };

/* ---- pipes and locks ---- */

static void pipes(void)
{
    int ends[2];
    char text[16];
    static char much[70000];

    must(sys_pipe2(ends, O_NONBLOCK));
    own(ends[0]);
    own(ends[1]);
    say_call("empty", sys_read(ends[0], text, 4));
    say_call("wrong-end", sys_write(ends[0], "x", 1));
    say_call("wrong-end", sys_read(ends[1], text, 1));
    say_call("write", sys_write(ends[1], "abcd", 4));
    say_bytes("some", text, sys_read(ends[0], text, 2));
    say_bytes("rest", text, sys_read(ends[0], text, 16));
    say_call("seek", sys_lseek(ends[0], 0, SEEK_SET));
    say_call("pread", sys_pread(ends[0], text, 1, 0));
    say_call("much", sys_write(ends[1], much, sizeof much));
    say_call("full", sys_write(ends[1], "x", 1));
    struct pollfd polled[2] = { { .fd = ends[0], .events = POLLIN }, { .fd = ends[1], .events = POLLOUT } };
    say_call("ready", sys_poll(polled, 2, 0));
    say_events("in", (unsigned)polled[0].revents);
    say_events("out", (unsigned)polled[1].revents);
    struct stat st;
    must(sys_fstat(ends[0], &st));
    say_yes("fifo", S_ISFIFO(st.st_mode));
    drop(ends[1]);
    long all = 0, got;
    while ((got = sys_read(ends[0], much, sizeof much)) > 0)
        all += got;
    say_int("all", all);
    say_int("end", got);
    sys_poll(polled, 1, 0);
    say_events("ended", (unsigned)polled[0].revents);
    say_call("flags", sys_pipe2(ends, 0x10));
}

static void a_pipe_nobody_reads(void)
{
    int ends[2];

    signal(SIGPIPE, SIG_IGN);
    must(sys_pipe(ends));
    own(ends[0]);
    own(ends[1]);
    drop(ends[0]);
    say_call("write", sys_write(ends[1], "x", 1));
    struct pollfd polled = { .fd = ends[1], .events = POLLOUT };
    sys_poll(&polled, 1, 0);
    say_events("broken", (unsigned)polled.revents);
}

static void fifos(void)
{
    char text[8];

    fresh();
    must(sys_mknod("fifo", S_IFIFO | 0644, 0));
    say_ok("writer-alone", sys_open("fifo", O_WRONLY | O_NONBLOCK, 0));
    int reader = own((int)must(sys_open("fifo", O_RDONLY | O_NONBLOCK, 0)));
    say_call("no-writer", sys_read(reader, text, 1));
    int writer = own((int)must(sys_open("fifo", O_WRONLY | O_NONBLOCK, 0)));
    say_call("empty", sys_read(reader, text, 1));
    say_call("write", sys_write(writer, "abc", 3));
    say_bytes("read", text, sys_read(reader, text, 8));
    drop(writer);
    say_call("ended", sys_read(reader, text, 1));
    say_stat("stat", "fifo");
}

static void *writes_to_fifo(void *path)
{
    int fd = sys_open(path, O_WRONLY, 0);

    sys_write(fd, "met", 3);
    sys_close(fd);
    return NULL;
}

static void fifos_wait_for_each_other(void)
{
    char text[8];
    static char path[256];

    fresh();
    must(sys_mknod("fifo", S_IFIFO | 0644, 0));
    must(SYS_GETCWD(path, sizeof path - 8));
    strcat(path, "/fifo");
    start_thread(writes_to_fifo, path);
    int reader = own((int)must(sys_open(path, O_RDONLY, 0)));
    say_bytes("read", text, sys_read(reader, text, 8));
    say_call("end", sys_read(reader, text, 8));
    join_threads();
}

static void locks(void)
{
    fresh();
    put_file("f", "");
    int a = opened("f", O_RDWR), b = opened("f", O_RDONLY), copy = own((int)must(sys_dup(a)));
    say_call("shared", sys_flock(a, LOCK_SH));
    say_call("shared-too", sys_flock(b, LOCK_SH | LOCK_NB));
    say_call("alone", sys_flock(a, LOCK_EX | LOCK_NB));
    say_call("let-go", sys_flock(b, LOCK_UN));
    say_call("alone", sys_flock(a, LOCK_EX | LOCK_NB));
    say_call("copy", sys_flock(copy, LOCK_EX | LOCK_NB));
    say_call("refused", sys_flock(b, LOCK_SH | LOCK_NB));
    drop(a);
    say_call("still", sys_flock(b, LOCK_SH | LOCK_NB));
    drop(copy);
    say_call("free", sys_flock(b, LOCK_EX | LOCK_NB));
    say_call("nonsense", sys_flock(b, 0));
    say_call("closed", sys_flock(999, LOCK_SH));
}

const struct test_case pipe_cases[] = {
    CASE(pipes), CASE(a_pipe_nobody_reads), CASE(fifos), THREADED(fifos_wait_for_each_other), CASE(locks),
    END_OF_CASES,
};

/* ---- copies ---- */

static void copies(void)
{
    off_t from_at = 2, to_at = 1;
    int ends[2];
    char text[16];

    fresh();
    put_file("from", "0123456789");
    int from = opened("from", O_RDONLY), to = opened("to", O_CREAT | O_RDWR);
    say_call("range", sys_copy_file_range(from, NULL, to, NULL, 4, 0));
    say_call("offsets", sys_copy_file_range(from, &from_at, to, &to_at, 5, 0));
    say_int("from", from_at);
    say_int("to", to_at);
    say_file("text", "to");
    say_call("from-stands", sys_lseek(from, 0, SEEK_CUR));
    say_call("rest", sys_copy_file_range(from, NULL, to, NULL, 100, 0));
    say_call("end", sys_copy_file_range(from, NULL, to, NULL, 100, 0));
    say_call("flags", sys_copy_file_range(from, NULL, to, NULL, 1, 1));
    say_call("not-writable", sys_copy_file_range(to, NULL, from, NULL, 1, 0));
    from_at = 0, to_at = 2;
    say_call("overlap", sys_copy_file_range(to, &from_at, to, &to_at, 5, 0));
    must(sys_pipe2(ends, O_NONBLOCK));
    own(ends[0]);
    own(ends[1]);
    from_at = 5;
    say_call("sendfile", sys_sendfile(ends[1], from, &from_at, 3));
    say_int("at", from_at);
    say_bytes("arrived", text, sys_read(ends[0], text, 16));
    must(sys_lseek(from, 8, SEEK_SET));
    say_call("from-where-it-stands", sys_sendfile(ends[1], from, NULL, 100));
    say_bytes("arrived", text, sys_read(ends[0], text, 16));
    say_call("from-pipe", sys_sendfile(to, ends[0], NULL, 1));
    say_call("range-pipe", sys_copy_file_range(from, NULL, ends[1], NULL, 1, 0));
}

const struct test_case copy_cases[] = { CASE(copies), END_OF_CASES };
