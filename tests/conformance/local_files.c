/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors in messages, and who sent them. */
#include "local.h"

#include <string.h>

static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

/* Sends one end of a new pair, closes it here, and returns the other. */
static int send_one(int fd, const char *text)
{
    struct pair pair = local_pair(SOCK_STREAM);

    must(send_files(fd, text, &pair.b, 1));
    must(drop(pair.b));
    return pair.a;
}

static void files_arrive(void)
{
    for (int i = 0; i < 3; i++) {
        struct pair pair = local_pair(types[i]);
        int kept = send_one(pair.a, "file");
        struct message got;

        say_ready("kept", kept);
        got = receive(pair.b, 64, 256, 0);
        say_message("got", &got);
        put(got.files[0], "works");
        say_recv("through", kept, 64, MSG_DONTWAIT);
        drop(got.files[0]);
        say_ready("closed", kept);
    }
}

static void files_that_share(void)
{
    struct pair pair = local_pair(SOCK_STREAM), sent = local_pair(SOCK_STREAM);
    struct message got;

    must(send_files(pair.a, "x", &sent.b, 1));
    got = receive(pair.b, 64, 256, 0);
    set_nonblocking(got.files[0], true);
    say_yes("nonblock", must(sys_fcntl(sent.b, F_GETFL, 0)) & O_NONBLOCK);
    say_yes("cloexec", must(sys_fcntl(got.files[0], F_GETFD, 0)) & FD_CLOEXEC);
    must(send_files(pair.a, "x", &sent.b, 1));
    got = receive(pair.b, 64, 256, MSG_CMSG_CLOEXEC);
    say_yes("cloexec", must(sys_fcntl(got.files[0], F_GETFD, 0)) & FD_CLOEXEC);
    say_yes("flag", got.flags & MSG_CMSG_CLOEXEC);
}

static void files_of_other_kinds(void)
{
    struct pair pair = local_pair(SOCK_STREAM), inet = tcp_pair();
    int epoll = own(must(sys_epoll_create1(0)));
    int fds[] = { inet.a, epoll };
    struct message got;

    must(send_files(pair.a, "x", fds, 2));
    must(drop(inet.a));
    got = receive(pair.b, 64, 256, 0);
    say_message("got", &got);
    put(got.files[0], "tcp");
    say_arrival("through", inet.b, 3);
    struct epoll_event event;
    say_call("epoll", sys_epoll_wait(got.files[1], &event, 1, 0));
}

static void files_for_which_there_is_no_room(void)
{
    for (int i = 0; i < 3; i++) {
        struct pair pair = local_pair(types[i]);
        int first = local_pair(SOCK_STREAM).a, second = local_pair(SOCK_STREAM).a;
        int fds[] = { first, second };
        struct message got;
        int kept;

        must(send_files(pair.a, "both", fds, 2));
        got = receive(pair.b, 64, CMSG_LEN(sizeof(int)), 0);
        say_message("one", &got);
        kept = send_one(pair.a, "none");
        got = receive(pair.b, 64, 0, 0);
        say_message("none", &got);
        say_ready("closed", kept);
        kept = send_one(pair.a, "header");
        got = receive(pair.b, 64, CMSG_LEN(0), 0);
        say_message("header", &got);
        say_ready("closed", kept);
    }
}

static void files_that_a_plain_read_drops(void)
{
    for (int i = 0; i < 3; i++) {
        struct pair pair = local_pair(types[i]);
        int kept = send_one(pair.a, "x");
        char byte;

        say_call("read", sys_read(pair.b, &byte, 1));
        say_ready("closed", kept);
        kept = send_one(pair.a, "x");
        say_recv("recv", pair.b, 1, 0);
        say_ready("closed", kept);
    }
}

static void files_at_a_closed_socket(void)
{
    for (int i = 0; i < 3; i++) {
        struct pair pair = local_pair(types[i]);
        int kept = send_one(pair.a, "x");

        must(drop(pair.b));
        say_ready("closed", kept);
        say_call("send", send_files(pair.a, "x", &kept, 1));
    }
}

static void files_looked_at(void)
{
    for (int i = 0; i < 3; i++) {
        struct pair pair = local_pair(types[i]);
        int kept = send_one(pair.a, "x");
        struct message got = receive(pair.b, 64, 256, MSG_PEEK);

        say_message("peek", &got);
        got = receive(pair.b, 64, 256, 0);
        say_message("got", &got);
        drop(got.files[0]);
        say_ready("one-left", kept);
    }
}

static void files_in_a_stream(void)
{
    struct pair pair = local_pair(SOCK_STREAM);
    struct message got;

    put(pair.a, "be");
    must(send_files(pair.a, "files", &pair.a, 1));
    put(pair.a, "after");
    got = receive(pair.b, 4, 256, 0);
    say_message("four", &got);
    got = receive(pair.b, 64, 256, 0);
    say_message("rest", &got);
    must(send_files(pair.a, "one", &pair.a, 1));
    must(send_files(pair.a, "two", &pair.a, 1));
    put(pair.a, "after");
    for (int i = 0; i < 4; i++) {
        got = receive(pair.b, 64, 256, 0);
        say_message("got", &got);
    }
}

static void files_without_data(void)
{
    for (int i = 0; i < 3; i++) {
        struct pair pair = local_pair(types[i]);
        struct message got;

        say_call("send", send_files(pair.a, "", &pair.a, 1));
        got = receive(pair.b, 64, 256, 0);
        say_message("got", &got);
    }
}

static void files_that_are_none(void)
{
    struct pair pair = local_pair(SOCK_STREAM);
    int fds[] = { pair.a, -1, 9999 };
    struct message got;

    say_call("closed", send_files(pair.a, "x", fds + 1, 1));
    say_call("none", send_files(pair.a, "x", fds, 3));
    got = receive(pair.b, 64, 256, 0);
    say_message("got", &got);
}

static long send_control(int fd, int level, int type, const void *data, size_t length, size_t said)
{
    union {
        char bytes[CMSG_SPACE(64)];
        struct cmsghdr align;
    } control = { { 0 } };
    struct iovec text = { "x", 1 };
    struct msghdr message = {
        .msg_iov = &text,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = CMSG_SPACE(length),
    };

    control.align.cmsg_level = level;
    control.align.cmsg_type = type;
    control.align.cmsg_len = said;
    memcpy(CMSG_DATA(&control.align), data, length);
    return sys_sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void files_in_bad_control_data(void)
{
    struct pair pair = local_pair(SOCK_STREAM);
    int fds[] = { pair.a, pair.b };

    say_call("good", send_control(pair.a, SOL_SOCKET, SCM_RIGHTS, fds, 8, CMSG_LEN(8)));
    say_call("type", send_control(pair.a, SOL_SOCKET, 77, fds, 8, CMSG_LEN(8)));
    say_call("short", send_control(pair.a, SOL_SOCKET, SCM_RIGHTS, fds, 8, CMSG_LEN(0) - 1));
    say_call("long", send_control(pair.a, SOL_SOCKET, SCM_RIGHTS, fds, 8, CMSG_LEN(99)));
    say_call("zero", send_control(pair.a, SOL_SOCKET, SCM_RIGHTS, fds, 8, 0));
    say_call("no-files", send_control(pair.a, SOL_SOCKET, SCM_RIGHTS, fds, 0, CMSG_LEN(0)));
}

static void files_too_many(void)
{
    static char control[CMSG_SPACE(300 * sizeof(int))];
    struct pair pair = local_pair(SOCK_STREAM);
    struct iovec text = { "x", 1 };
    struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = control };
    struct cmsghdr *header = (struct cmsghdr *)control;
    static const int counts[] = { 253, 254 };

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    for (int i = 0; i < 254; i++)
        memcpy(CMSG_DATA(header) + i * sizeof(int), &pair.a, sizeof(int));
    for (int i = 0; i < 2; i++) {
        header->cmsg_len = CMSG_LEN(counts[i] * sizeof(int));
        message.msg_controllen = CMSG_SPACE(counts[i] * sizeof(int));
        say_call(i ? "more" : "most", sys_sendmsg(pair.a, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
    }
}

static void files_hold_each_other(void)
{
    struct pair pair = local_pair(SOCK_STREAM);
    int kept = send_one(pair.a, "one");

    must(send_files(pair.a, "self", &pair.b, 1));
    must(drop(pair.a));
    must(drop(pair.b));
    /* On Linux they are looked for when another one is closed, and then some time later. */
    must(drop(local_pair(SOCK_STREAM).a));
    say_events("closed", settled(kept, POLLIN | POLLOUT | POLLRDHUP, POLLHUP));
}

static void sender_is_told(void)
{
    for (int i = 0; i < 3; i++) {
        struct pair pair = local_pair(types[i]);
        struct message got;

        set_option(pair.b, SOL_SOCKET, SO_PASSCRED, 1);
        put(pair.a, "x");
        got = receive(pair.b, 64, 256, 0);
        say_message("got", &got);
        must(send_files(pair.a, "y", &pair.a, 1));
        got = receive(pair.b, 64, 256, 0);
        say_message("both", &got);
        must(send_files(pair.a, "y", &pair.a, 1));
        got = receive(pair.b, 64, CMSG_SPACE(sizeof(struct ucred)), 0);
        say_message("room-for-one", &got);
        put(pair.a, "x");
        got = receive(pair.b, 64, CMSG_LEN(4), 0);
        say_message("cut", &got);
        put(pair.a, "x");
        got = receive(pair.b, 64, 0, 0);
        say_message("no-room", &got);
    }
}

static void sender_says_who(void)
{
    struct pair pair = local_pair(SOCK_STREAM);
    struct ucred who = { sys_getpid(), 0, 0 };
    struct message got;

    set_option(pair.b, SOL_SOCKET, SO_PASSCRED, 1);
#ifndef RUMP
    who.uid = getuid();
    who.gid = getgid();
#endif
    say_call("own", send_control(pair.a, SOL_SOCKET, SCM_CREDENTIALS, &who, sizeof who, CMSG_LEN(sizeof who)));
    got = receive(pair.b, 64, 256, 0);
    say_message("got", &got);
    say_call("short", send_control(pair.a, SOL_SOCKET, SCM_CREDENTIALS, &who, 8, CMSG_LEN(8)));
}

const struct test_case local_file_cases[] = {
    CASE(files_arrive),
    CASE(files_that_share),
    CASE(files_of_other_kinds),
    CASE(files_for_which_there_is_no_room),
    CASE(files_that_a_plain_read_drops),
    CASE(files_at_a_closed_socket),
    CASE(files_looked_at),
    CASE(files_in_a_stream),
    CASE(files_without_data),
    CASE(files_that_are_none),
    CASE(files_in_bad_control_data),
    CASE(files_too_many),
    CASE(files_hold_each_other),
    CASE(sender_is_told),
    CASE(sender_says_who),
    END_OF_CASES,
};
