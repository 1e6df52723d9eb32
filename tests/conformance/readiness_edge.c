/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll, edge-triggered: told once of each thing that happens, whatever was done about the last. */
#include "readiness.h"

static void edge_once_for_each_arrival(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLET, 1);
    say_quiet("idle", epoll);
    put(pair.a, "a");
    say_event("first", epoll);
    say_quiet("unread", epoll);
    put(pair.a, "b");
    say_event("second", epoll);
    say_quiet("unread", epoll);
    say_arrival("got", pair.b, 2);
}

static void edge_partial_read_is_no_event(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLET, 1);
    put(pair.a, "abcd");
    say_event("arrival", epoll);
    say_arrival("got", pair.b, 1);
    say_quiet("left-over", epoll);
    put(pair.a, "e");
    say_event("more", epoll);
    say_arrival("got", pair.b, 4);
}

static void edge_drained_and_filled_again(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLET, 1);
    for (int i = 0; i < 3; i++) {
        put(pair.a, "x");
        say_event("arrival", epoll);
        say_arrival("got", pair.b, 1);
        say_quiet("drained", epoll);
    }
}

static void edge_two_arrivals_one_event(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLET, 1);
    put(pair.a, "a");
    await_bytes(pair.b, 1);
    put(pair.a, "b");
    await_bytes(pair.b, 2);
    say_event("both", epoll);
    say_quiet("after", epoll);
}

static void edge_add_when_ready(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    put(pair.a, "x");
    await_bytes(pair.b, 1);
    watch(epoll, pair.b, EPOLLIN | EPOLLET, 1);
    say_event("added", epoll);
    say_quiet("after", epoll);
}

static void edge_modified_when_ready(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLET, 1);
    put(pair.a, "x");
    say_event("arrival", epoll);
    say_quiet("after", epoll);
    rearm(epoll, pair.b, EPOLLIN | EPOLLET, 2);
    say_event("modified", epoll);
    say_quiet("after", epoll);
}

static void edge_gone_before_wait(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLET, 1);
    put(pair.a, "x");
    say_arrival("got", pair.b, 1);
    say_quiet("wait", epoll);
    put(pair.a, "y");
    say_event("next", epoll);
}

static void edge_arrival_says_writable_too(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLOUT | EPOLLET, 1);
    say_event("added", epoll);
    say_quiet("after", epoll);
    put(pair.a, "x");
    /* All that is ready is told, not only what changed. */
    say_event("arrival", epoll);
    say_quiet("after", epoll);
}

static void edge_own_send_is_no_event(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.a, EPOLLIN | EPOLLOUT | EPOLLET, 1);
    say_event("added", epoll);
    put(pair.a, "x");
    say_arrival("got", pair.b, 1);
    say_quiet("sent", epoll);
}

static void edge_out_when_drained(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.a, EPOLLOUT | EPOLLET, 1);
    say_event("added", epoll);
    size_t taken = fill(pair.a);
    /* Filling it may have made it full and writable again a few times. */
    discard_events(epoll);
    say_quiet("full", epoll);
    drain(pair.b, taken);
    say_event("drained", epoll);
}

static void edge_peer_closes(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLRDHUP | EPOLLET, 1);
    drop(pair.a);
    settled(pair.b, ALL, POLLRDHUP);
    say_event("closed", epoll);
    say_quiet("after", epoll);
    say_end("recv", pair.b);
    say_quiet("read", epoll);
}

static void edge_data_then_close(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLRDHUP | EPOLLET, 1);
    put(pair.a, "x");
    say_event("data", epoll);
    drop(pair.a);
    say_event("closed", epoll);
    say_quiet("after", epoll);
    say_arrival("got", pair.b, 1);
    say_end("then", pair.b);
}

static void edge_own_shutdown(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.a, EPOLLIN | EPOLLRDHUP | EPOLLET, 1);
    say_quiet("idle", epoll);
    must(sys_shutdown(pair.a, SHUT_RD));
    say_event("shut", epoll);
    say_quiet("after", epoll);
}

static void edge_reset(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLET, 1);
    reset(pair.a);
    settled(pair.b, 0, POLLERR | POLLHUP);
    say_event("reset", epoll);
    say_quiet("after", epoll);
}

static void edge_connected(void)
{
    struct address at;
    int client = new_tcp(AF_INET);
    int epoll = new_epoll();

    tcp_listener(AF_INET, &at);
    set_nonblocking(client, true);
    connect_to(client, &at);
    settled(client, POLLOUT, POLLOUT);
    watch(epoll, client, EPOLLIN | EPOLLOUT | EPOLLET, 1);
    say_event("connected", epoll);
    say_quiet("after", epoll);
}

static void edge_refused(void)
{
    struct address at = closed_tcp(AF_INET);
    int client = new_tcp(AF_INET);
    int epoll = new_epoll();

    set_nonblocking(client, true);
    watch(epoll, client, EPOLLIN | EPOLLOUT | EPOLLET, 1);
    discard_events(epoll);
    connect_to(client, &at);
    settled(client, 0, POLLERR | POLLHUP);
    say_event("refused", epoll);
    say_quiet("after", epoll);
    say_so_error("error", client);
}

static void edge_registered_before_connecting(void)
{
    struct address at;
    int client = new_tcp(AF_INET);
    int epoll = new_epoll();

    tcp_listener(AF_INET, &at);
    set_nonblocking(client, true);
    watch(epoll, client, EPOLLOUT | EPOLLET, 1);
    discard_events(epoll);
    connect_to(client, &at);
    say_event("connected", epoll);
}

static void edge_listener(void)
{
    struct address at;
    int listener = tcp_listener(AF_INET, &at);
    int epoll = new_epoll();

    watch(epoll, listener, EPOLLIN | EPOLLET, 1);
    tcp_client(&at);
    say_event("first", epoll);
    say_quiet("not-accepted", epoll);
    tcp_client(&at);
    say_event("second", epoll);
    accept_one(listener);
    say_quiet("one-left", epoll);
    accept_one(listener);
    tcp_client(&at);
    say_event("third", epoll);
}

static void edge_datagrams(void)
{
    struct pair pair = udp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLET, 1);
    put(pair.a, "one");
    say_event("one", epoll);
    say_quiet("unread", epoll);
    put(pair.a, "two");
    say_event("two", epoll);
    say_recv("got", pair.b, 10, MSG_DONTWAIT);
    say_quiet("one-left", epoll);
    say_recv("got", pair.b, 10, MSG_DONTWAIT);
}

static void edge_datagram_refused(void)
{
    int fd = udp_to_nobody(AF_INET);
    int epoll = new_epoll();

    watch(epoll, fd, EPOLLIN | EPOLLET, 1);
    put(fd, "anyone there?");
    say_event("refused", epoll);
    say_quiet("after", epoll);
    say_so_error("error", fd);
}

static void edge_oneshot(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLET | EPOLLONESHOT, 1);
    put(pair.a, "a");
    say_event("first", epoll);
    put(pair.a, "b");
    await_bytes(pair.b, 2);
    say_quiet("disarmed", epoll);
    rearm(epoll, pair.b, EPOLLIN | EPOLLET | EPOLLONESHOT, 2);
    say_event("rearmed", epoll);
    say_quiet("after", epoll);
}

static void edge_two_epolls(void)
{
    struct pair pair = tcp_pair();
    int first = new_epoll();
    int second = new_epoll();

    watch(first, pair.b, EPOLLIN | EPOLLET, 1);
    watch(second, pair.b, EPOLLIN | EPOLLET, 2);
    put(pair.a, "x");
    say_event("first", first);
    say_event("second", second);
    say_quiet("first", first);
    say_quiet("second", second);
}

static void edge_and_level_of_one_socket(void)
{
    struct pair pair = tcp_pair();
    int edge = new_epoll();
    int level = new_epoll();

    watch(edge, pair.b, EPOLLIN | EPOLLET, 1);
    watch(level, pair.b, EPOLLIN, 2);
    put(pair.a, "x");
    say_event("edge", edge);
    say_event("level", level);
    say_quiet("edge", edge);
    say_event("level", level);
}

static void edge_modified_to_level(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLET, 1);
    put(pair.a, "x");
    say_event("edge", epoll);
    say_quiet("edge", epoll);
    rearm(epoll, pair.b, EPOLLIN, 1);
    say_event("level", epoll);
    say_event("level", epoll);
}

const struct test_case edge_cases[] = {
    CASE(edge_once_for_each_arrival),
    CASE(edge_partial_read_is_no_event),
    CASE(edge_drained_and_filled_again),
    CASE(edge_two_arrivals_one_event),
    CASE(edge_add_when_ready),
    CASE(edge_modified_when_ready),
    CASE(edge_gone_before_wait),
    CASE(edge_arrival_says_writable_too),
    CASE(edge_own_send_is_no_event),
    CASE(edge_out_when_drained),
    CASE(edge_peer_closes),
    CASE(edge_data_then_close),
    CASE(edge_own_shutdown),
    CASE(edge_reset),
    CASE(edge_connected),
    CASE(edge_refused),
    CASE(edge_registered_before_connecting),
    CASE(edge_listener),
    CASE(edge_datagrams),
    CASE(edge_datagram_refused),
    CASE(edge_oneshot),
    CASE(edge_two_epolls),
    CASE(edge_and_level_of_one_socket),
    CASE(edge_modified_to_level),
    END_OF_CASES,
};
