/* SPDX-License-Identifier: BSD-2-Clause */
/* How connections end: in one direction, in both, politely or with a reset. */
#include "sockets.h"

static void shut_write_ends_the_stream(void)
{
    struct pair pair = tcp_pair();

    put(pair.a, "last");
    say_ok("shutdown", sys_shutdown(pair.a, SHUT_WR));
    say_arrival("got", pair.b, 4);
    say_end("then", pair.b);
    say_end("again", pair.b);
    say_ok("send", sys_send(pair.a, "x", 1, MSG_NOSIGNAL));
}

static void shut_write_leaves_the_other_way(void)
{
    struct pair pair = tcp_pair();

    must(sys_shutdown(pair.a, SHUT_WR));
    say_end("b", pair.b);
    put(pair.b, "answer");
    say_arrival("a", pair.a, 6);
    must(sys_shutdown(pair.b, SHUT_WR));
    say_end("a", pair.a);
    say_ok("send", sys_send(pair.b, "x", 1, MSG_NOSIGNAL));
}

static void shut_write_twice(void)
{
    struct pair pair = tcp_pair();

    say_ok("first", sys_shutdown(pair.a, SHUT_WR));
    say_ok("second", sys_shutdown(pair.a, SHUT_WR));
}

static void shut_read(void)
{
    struct pair pair = tcp_pair();

    say_ok("shutdown", sys_shutdown(pair.a, SHUT_RD));
    say_recv("recv", pair.a, 8, 0);
    say_recv("again", pair.a, 8, 0);
    /* It says nothing to the peer, and writing goes on. */
    put(pair.a, "still");
    say_arrival("b", pair.b, 5);
}

static void shut_read_keeps_what_is_there(void)
{
    struct pair pair = tcp_pair();

    put(pair.b, "early");
    await_bytes(pair.a, 5);
    must(sys_shutdown(pair.a, SHUT_RD));
    say_recv("recv", pair.a, 8, 0);
    say_recv("then", pair.a, 8, 0);
}

static void shut_both(void)
{
    struct pair pair = tcp_pair();
    struct address at;

    say_ok("shutdown", sys_shutdown(pair.a, SHUT_RDWR));
    say_recv("recv", pair.a, 8, 0);
    say_ok("send", sys_send(pair.a, "x", 1, MSG_NOSIGNAL));
    say_end("peer", pair.b);
    /* The socket stays a socket until it is closed. */
    say_ok("getsockname", local_of(pair.a, &at));
}

static void shut_by_both_sides(void)
{
    struct pair pair = tcp_pair();

    must(sys_shutdown(pair.a, SHUT_WR));
    must(sys_shutdown(pair.b, SHUT_WR));
    say_end("a", pair.a);
    say_end("b", pair.b);
    say_so_error("error-a", pair.a);
    say_so_error("error-b", pair.b);
}

static void shut_then_connect_again(void)
{
    struct address at;

    tcp_listener(AF_INET, &at);
    int fd = new_tcp(AF_INET);
    set_nonblocking(fd, true);
    connect_to(fd, &at);
    settled(fd, POLLOUT, POLLOUT);
    /* The first call after a connection was made says that it was; but who shut it knows. */
    say_ok("shutdown", sys_shutdown(fd, SHUT_WR));
    say_ok("connect", connect_to(fd, &at));
}

static void shut_before_it_is_connected(void)
{
    struct address to;
    int hows[] = { SHUT_RD, SHUT_WR, SHUT_RDWR };
    int listener = tcp_listener(AF_INET, &to);

    for (int i = 0; i < 3; i++) {
        int client = new_tcp(AF_INET);

        say_ok("shutdown", sys_shutdown(client, hows[i]));
        say_events("idle", ready(client, POLLIN | POLLOUT | POLLRDHUP));
        say_ok("connect", connect_to(client, &to));
        int server = accept_one(listener);

        say_events("ready", ready(client, POLLIN | POLLOUT | POLLRDHUP));
        say_ok("send", sys_send(client, "x", 1, MSG_NOSIGNAL));
        put(server, "late");
        if (hows[i] == SHUT_WR)
            say_arrival("got", client, 4);
        drop(client);
    }
}

static void shut_unconnected_datagrams(void)
{
    struct address at;
    int fd = udp_bound(AF_INET, &at);

    set_nonblocking(fd, true);
    say_ok("shutdown", sys_shutdown(fd, SHUT_RDWR));
    say_events("ready", ready(fd, POLLIN | POLLOUT | POLLRDHUP));
    say_ok("recv", sys_recv(fd, &at, 1, 0));
    say_ok("nowhere", sys_send(fd, "x", 1, 0));
    say_ok("somewhere", send_to(fd, "x", &at));
}

static void close_is_the_end(void)
{
    struct pair pair = tcp_pair();

    put(pair.a, "bye");
    say_ok("close", drop(pair.a));
    say_arrival("got", pair.b, 3);
    say_end("then", pair.b);
    say_so_error("error", pair.b);
}

static void close_then_written_to(void)
{
    struct pair pair = tcp_pair();

    drop(pair.a);
    say_end("recv", pair.b);
    /* The first is taken, for the end of a direction is not the end of the other; it is answered by a reset. */
    say_call("first", sys_send(pair.b, "x", 1, MSG_NOSIGNAL));
    settled(pair.b, 0, POLLERR | POLLHUP);
    say_call("second", sys_send(pair.b, "x", 1, MSG_NOSIGNAL));
    say_call("third", sys_write(pair.b, "x", 1));
}

static void close_with_unread_data_resets(void)
{
    struct pair pair = tcp_pair();

    put(pair.b, "never read");
    await_bytes(pair.a, 10);
    drop(pair.a);
    say_end("recv", pair.b);
    say_end("again", pair.b);
}

static void linger_zero_resets(void)
{
    struct pair pair = tcp_pair();

    reset(pair.a);
    say_end("recv", pair.b);
    say_end("again", pair.b);
    say_ok("send", sys_send(pair.b, "x", 1, MSG_NOSIGNAL));
}

static void reset_told_by_send(void)
{
    struct pair pair = tcp_pair();

    reset(pair.a);
    settled(pair.b, 0, POLLERR | POLLHUP);
    say_ok("first", sys_send(pair.b, "x", 1, MSG_NOSIGNAL));
    say_ok("second", sys_send(pair.b, "x", 1, MSG_NOSIGNAL));
    say_recv("recv", pair.b, 1, 0);
}

static void reset_told_by_option(void)
{
    struct pair pair = tcp_pair();

    reset(pair.a);
    settled(pair.b, 0, POLLERR | POLLHUP);
    say_so_error("error", pair.b);
    say_recv("recv", pair.b, 1, 0);
    say_ok("send", sys_send(pair.b, "x", 1, MSG_NOSIGNAL));
}

static void reset_socket_has_no_peer(void)
{
    struct pair pair = tcp_pair();
    struct address at;

    reset(pair.a);
    settled(pair.b, 0, POLLERR | POLLHUP);
    say_ok("getpeername", peer_of(pair.b, &at));
    say_ok("shutdown", sys_shutdown(pair.b, SHUT_RDWR));
}

static void linger_some_waits_for_the_peer(void)
{
    struct pair pair = tcp_pair();
    struct linger some = { 1, 3 };

    must(sys_setsockopt(pair.a, SOL_SOCKET, SO_LINGER, &some, sizeof some));
    put(pair.a, "bye");
    long long started = now_ms();
    /* All is acknowledged at once here, so it is not waited for long. */
    say_ok("close", drop(pair.a));
    say_yes("prompt", now_ms() - started < 2500);
    say_arrival("got", pair.b, 3);
    say_end("then", pair.b);
}

const struct test_case ending_cases[] = {
    CASE(shut_write_ends_the_stream),
    CASE(shut_write_leaves_the_other_way),
    CASE(shut_write_twice),
    CASE(shut_read),
    CASE(shut_read_keeps_what_is_there),
    CASE(shut_both),
    CASE(shut_by_both_sides),
    CASE(shut_then_connect_again),
    CASE(shut_before_it_is_connected),
    CASE(shut_unconnected_datagrams),
    CASE(close_is_the_end),
    CASE(close_then_written_to),
    CASE(close_with_unread_data_resets),
    CASE(linger_zero_resets),
    CASE(reset_told_by_send),
    CASE(reset_told_by_option),
    CASE(reset_socket_has_no_peer),
    CASE(linger_some_waits_for_the_peer),
    END_OF_CASES,
};
