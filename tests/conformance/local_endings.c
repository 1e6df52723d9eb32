/* SPDX-License-Identifier: BSD-2-Clause */
/* How a connection ends: shutting, closing, and what the other side sees. */
#include "local.h"

static void end_of_data_after_close(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };

    for (int i = 0; i < 2; i++) {
        struct pair pair = local_pair(types[i]);

        put(pair.b, "last");
        must(drop(pair.b));
        say_ready("closed", pair.a);
        say_recv("got", pair.a, 64, 0);
        say_recv("end", pair.a, 64, 0);
        say_recv("end", pair.a, 64, MSG_DONTWAIT);
        say_call("send", sys_send(pair.a, "x", 1, MSG_NOSIGNAL));
        say_so_error("error", pair.a);
    }
}

static void end_with_data_unread(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };

    for (int i = 0; i < 2; i++) {
        struct pair pair = local_pair(types[i]);

        put(pair.a, "unread");
        put(pair.b, "before");
        must(drop(pair.b));
        say_ready("closed", pair.a);
        say_recv("first", pair.a, 64, 0);
        say_ready("then", pair.a);
        say_recv("second", pair.a, 64, 0);
        say_recv("third", pair.a, 64, 0);
        say_ready("at-last", pair.a);
    }
}

static void end_with_data_unread_seen_by_writer(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };

    for (int i = 0; i < 2; i++) {
        struct pair pair = local_pair(types[i]);

        put(pair.a, "unread");
        must(drop(pair.b));
        say_call("first", sys_send(pair.a, "x", 1, MSG_NOSIGNAL));
        say_call("second", sys_send(pair.a, "x", 1, MSG_NOSIGNAL));
        say_so_error("error", pair.a);
        say_so_error("error", pair.a);
    }
}

static void end_shut_writing(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };

    for (int i = 0; i < 2; i++) {
        struct pair pair = local_pair(types[i]);

        put(pair.a, "last");
        say_call("shutdown", sys_shutdown(pair.a, SHUT_WR));
        say_ready("own", pair.a);
        say_ready("peer", pair.b);
        say_call("send", sys_send(pair.a, "x", 1, MSG_NOSIGNAL));
        say_recv("got", pair.b, 64, 0);
        say_recv("end", pair.b, 64, 0);
        put(pair.b, "still");
        say_recv("back", pair.a, 64, 0);
    }
}

static void end_shut_reading(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };

    for (int i = 0; i < 2; i++) {
        struct pair pair = local_pair(types[i]);

        put(pair.b, "before");
        say_call("shutdown", sys_shutdown(pair.a, SHUT_RD));
        say_ready("own", pair.a);
        say_ready("peer", pair.b);
        say_call("send", sys_send(pair.b, "x", 1, MSG_NOSIGNAL));
        say_recv("got", pair.a, 64, 0);
        say_recv("end", pair.a, 64, 0);
        put(pair.a, "still");
        say_recv("there", pair.b, 64, 0);
    }
}

static void end_shut_both(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };

    for (int i = 0; i < 2; i++) {
        struct pair pair = local_pair(types[i]);

        say_call("shutdown", sys_shutdown(pair.a, SHUT_RDWR));
        say_call("again", sys_shutdown(pair.a, SHUT_RDWR));
        say_ready("own", pair.a);
        say_ready("peer", pair.b);
        say_recv("recv", pair.b, 64, 0);
        say_call("send", sys_send(pair.b, "x", 1, MSG_NOSIGNAL));
        say_peer_name("peer", pair.a, NULL);
    }
}

static void end_shutdown_unconnected(void)
{
    int fd = new_local(SOCK_STREAM);

    say_call("how", sys_shutdown(fd, 3));
    say_call("shutdown", sys_shutdown(fd, SHUT_RDWR));
    say_ready("then", fd);
    say_recv("recv", fd, 1, MSG_DONTWAIT);
    say_call("send", sys_send(fd, "x", 1, MSG_NOSIGNAL));
}

static void end_unconnected_calls(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };

    for (int i = 0; i < 3; i++) {
        int fd = new_local(types[i]);

        say_recv("recv", fd, 1, MSG_DONTWAIT);
        say_call("send", sys_send(fd, "x", 1, MSG_NOSIGNAL));
        say_peer_name("peer", fd, NULL);
        say_ready("ready", fd);
    }
}

static void end_one_descriptor_of_two(void)
{
    struct pair pair = local_pair(SOCK_STREAM);
    int other = own(must(sys_dup(pair.b)));

    must(drop(pair.b));
    say_ready("one-left", pair.a);
    put(pair.a, "x");
    say_recv("got", other, 1, 0);
    must(drop(other));
    say_ready("none-left", pair.a);
}

static void *close_later(void *argument)
{
    pause_ms(30);
    sys_close(*(int *)argument);
    return NULL;
}

static void end_wakes_a_reader(void)
{
    static int other;
    int ends[2];
    char byte;

    must(sys_socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    own(ends[0]);
    other = ends[1];
    start_thread(close_later, &other);
    say_call("read", sys_read(ends[0], &byte, 1));
}

static void end_wakes_a_writer(void)
{
    static int other;
    static char data[1 << 20];
    int ends[2];

    must(sys_socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    own(ends[0]);
    other = ends[1];
    fill(ends[0]);
    start_thread(close_later, &other);
    long sent = sys_send(ends[0], data, sizeof data, MSG_NOSIGNAL);
    /* Linux says ECONNRESET to who waited, and EPIPE to who comes now. */
    say_yes("ended", sent < 0 && (errno == ECONNRESET || errno == EPIPE));
}

const struct test_case local_ending_cases[] = {
    CASE(end_of_data_after_close),
    CASE(end_with_data_unread),
    CASE(end_with_data_unread_seen_by_writer),
    CASE(end_shut_writing),
    CASE(end_shut_reading),
    CASE(end_shut_both),
    CASE(end_shutdown_unconnected),
    CASE(end_unconnected_calls),
    CASE(end_one_descriptor_of_two),
    THREADED(end_wakes_a_reader),
    THREADED(end_wakes_a_writer),
    END_OF_CASES,
};
