/* SPDX-License-Identifier: BSD-2-Clause */
/* Watches: what is heard of files, and in which order. */
#include "files.h"

#include <sys/inotify.h>

#ifdef RUMP
#define sys_inotify_init1 rump_sys_inotify_init1
#define sys_inotify_add_watch rump_sys_inotify_add_watch
#define sys_inotify_rm_watch rump_sys_inotify_rm_watch
#else
#define sys_inotify_init1 inotify_init1
#define sys_inotify_add_watch inotify_add_watch
#define sys_inotify_rm_watch inotify_rm_watch
#endif

static int watching(void)
{
    return own((int)must(sys_inotify_init1(IN_NONBLOCK)));
}

/* All that is there: watch, events, whether it is half of a move, name. */
static void say_heard(const char *label, int fd)
{
    char buffer[4096], text[1024] = "";
    long got;

    while ((got = sys_read(fd, buffer, sizeof buffer)) > 0)
        for (long at = 0; at < got;) {
            const struct inotify_event *event = (void *)(buffer + at);
            char one[96];

            snprintf(one, sizeof one, "%s%d:%x%s%s%s", text[0] ? "," : "", event->wd, event->mask,
                event->cookie ? "~" : "", event->len ? "/" : "", event->len ? event->name : "");
            strcat(text, one);
            at += (long)sizeof *event + event->len;
        }
    say(label, text);
}

static void a_directory_tells_of_names(void)
{
    fresh();
    int fd = watching();
    say_call("watch", sys_inotify_add_watch(fd, ".", IN_ALL_EVENTS));
    put_file("a", "text");
    say_heard("put", fd);
    must(sys_mkdir("d", 0755));
    must(sys_rename("a", "b"));
    say_heard("rename", fd);
    must(sys_rename("b", "d/b"));
    say_heard("out", fd);
    must(sys_rename("d/b", "c"));
    must(sys_chmod("c", 0600));
    say_heard("in", fd);
    must(sys_link("c", "e"));
    must(sys_unlink("c"));
    say_heard("link", fd);
    must(sys_truncate("e", 1));
    must(sys_rmdir("d"));
    must(sys_symlink("x", "s"));
    say_heard("rest", fd);
}

static void a_file_tells_of_itself(void)
{
    fresh();
    put_file("f", "text");
    int fd = watching();
    say_call("watch", sys_inotify_add_watch(fd, "f", IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF));
    put_file("f", "more");
    must(sys_chmod("f", 0600));
    must(sys_rename("f", "g"));
    say_heard("all", fd);
    must(sys_unlink("g"));
    say_heard("end", fd);
    say_call("gone", sys_inotify_rm_watch(fd, 1));
}

static void watches_of_a_set(void)
{
    char small[8];

    fresh();
    must(sys_mkdir("d", 0755));
    put_file("f", "");
    int fd = watching(), other = opened("f", O_RDONLY);
    say_call("first", sys_inotify_add_watch(fd, "d", IN_CREATE));
    say_call("second", sys_inotify_add_watch(fd, "f", IN_MODIFY));
    say_call("again", sys_inotify_add_watch(fd, "d", IN_DELETE));
    put_file("d/x", "");
    say_heard("replaced", fd);
    say_call("added", sys_inotify_add_watch(fd, "d", IN_CREATE | IN_MASK_ADD));
    put_file("d/y", "");
    must(sys_unlink("d/y"));
    struct pollfd polled = { .fd = fd, .events = POLLIN };
    say_call("ready", sys_poll(&polled, 1, 0));
    say_call("no-room", sys_read(fd, small, sizeof small));
    say_heard("both", fd);
    say_call("empty", sys_read(fd, small, sizeof small));
    say_call("remove", sys_inotify_rm_watch(fd, 1));
    say_heard("ignored", fd);
    say_call("next", sys_inotify_add_watch(fd, "d", IN_CREATE | IN_ONESHOT));
    put_file("d/z", "");
    put_file("d/z2", "");
    say_heard("once", fd);
    say_call("nothing", sys_inotify_add_watch(fd, "d", 0));
    say_call("only-dir", sys_inotify_add_watch(fd, "f", IN_CREATE | IN_ONLYDIR));
    say_call("absent", sys_inotify_add_watch(fd, "x", IN_CREATE));
    say_call("no-set", sys_inotify_add_watch(other, "d", IN_CREATE));
    say_call("flags", sys_inotify_init1(1));
}

const struct test_case watch_cases[] = {
    OF_TMPFS(a_directory_tells_of_names), CASE(a_file_tells_of_itself), CASE(watches_of_a_set), END_OF_CASES,
};
