/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll, level-triggered: told for as long as it is so. Also told but once, and told to one only. */
#include "readiness.h"

static void level_repeats_until_drained(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN, 1);
    say_quiet("idle", epoll);
    put(pair.a, "ab");
    await_bytes(pair.b, 2);
    say_event("two", epoll);
    say_event("two", epoll);
    say_arrival("got", pair.b, 1);
    say_event("one", epoll);
    say_arrival("got", pair.b, 1);
    say_quiet("none", epoll);
}

static void level_add_when_ready(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    put(pair.a, "x");
    await_bytes(pair.b, 1);
    watch(epoll, pair.b, EPOLLIN, 1);
    say_wait("wait", epoll, 0);
}

static void level_in_and_out(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLOUT, 1);
    say_event("idle", epoll);
    put(pair.a, "x");
    await_bytes(pair.b, 1);
    say_event("data", epoll);
}

static void level_out_when_drained(void)
{
    struct pair pair = tcp_pair();
    size_t taken = fill(pair.a);
    int epoll = new_epoll();

    watch(epoll, pair.a, EPOLLOUT, 1);
    say_quiet("full", epoll);
    drain(pair.b, taken);
    say_event("drained", epoll);
}

static void level_data_gone_before_wait(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN, 1);
    put(pair.a, "x");
    say_arrival("got", pair.b, 1);
    say_quiet("wait", epoll);
}

static void level_hangup(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLRDHUP, 1);
    drop(pair.a);
    settled(pair.b, ALL, POLLRDHUP);
    say_event("first", epoll);
    say_end("recv", pair.b);
    say_event("still", epoll);
}

static void level_error_is_never_masked(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, 0, 1);
    put(pair.a, "x");
    say_quiet("data", epoll);
    reset(pair.a);
    settled(pair.b, 0, POLLERR | POLLHUP);
    say_event("reset", epoll);
}

static void level_listener(void)
{
    struct address at;
    int listener = tcp_listener(AF_INET, &at);
    int epoll = new_epoll();

    watch(epoll, listener, EPOLLIN, 1);
    tcp_client(&at);
    say_event("pending", epoll);
    say_event("still", epoll);
    accept_one(listener);
    say_quiet("accepted", epoll);
}

static void level_connect(void)
{
    struct address at;
    int client = new_tcp(AF_INET);
    int epoll = new_epoll();

    tcp_listener(AF_INET, &at);
    set_nonblocking(client, true);
    connect_to(client, &at);
    watch(epoll, client, EPOLLIN | EPOLLOUT, 1);
    say_event("connected", epoll);
    say_so_error("error", client);
}

static void level_datagrams(void)
{
    struct pair pair = udp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN, 1);
    put(pair.a, "one");
    say_event("one", epoll);
    say_recv("got", pair.b, 10, MSG_DONTWAIT);
    say_quiet("none", epoll);
}

static void level_datagram_refused(void)
{
    int fd = udp_to_nobody(AF_INET);
    int epoll = new_epoll();

    watch(epoll, fd, EPOLLIN, 1);
    put(fd, "anyone there?");
    say_event("refused", epoll);
    say_so_error("error", fd);
    say_quiet("told", epoll);
}

/* ---- one shot ---- */

static void oneshot_disarms(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLONESHOT, 1);
    put(pair.a, "a");
    say_event("first", epoll);
    say_quiet("still-there", epoll);
    put(pair.a, "b");
    await_bytes(pair.b, 2);
    say_quiet("more", epoll);
}

static void oneshot_rearmed_when_ready(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLONESHOT, 1);
    put(pair.a, "a");
    say_event("first", epoll);
    rearm(epoll, pair.b, EPOLLIN | EPOLLONESHOT, 2);
    say_event("rearmed", epoll);
    say_quiet("after", epoll);
}

static void oneshot_rearmed_then_ready(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLONESHOT, 1);
    put(pair.a, "a");
    say_event("first", epoll);
    say_arrival("got", pair.b, 1);
    rearm(epoll, pair.b, EPOLLIN | EPOLLONESHOT, 2);
    say_quiet("drained", epoll);
    put(pair.a, "b");
    say_event("second", epoll);
}

static void oneshot_disarmed_hears_no_hangup(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLONESHOT, 1);
    put(pair.a, "a");
    say_event("first", epoll);
    reset(pair.a);
    settled(pair.b, 0, POLLERR | POLLHUP);
    say_quiet("reset", epoll);
    rearm(epoll, pair.b, EPOLLIN | EPOLLONESHOT, 1);
    say_event("rearmed", epoll);
}

static void oneshot_is_still_registered(void)
{
    int fd = tcp_pair().a;
    int epoll = new_epoll();

    watch(epoll, fd, EPOLLOUT | EPOLLONESHOT, 1);
    say_event("first", epoll);
    say_ok("add", control(epoll, EPOLL_CTL_ADD, fd, EPOLLOUT, 2));
    say_ok("del", control(epoll, EPOLL_CTL_DEL, fd, 0, 0));
}

/* ---- exclusive ---- */

static void exclusive_delivers(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLEXCLUSIVE, 1);
    say_quiet("idle", epoll);
    put(pair.a, "x");
    say_event("data", epoll);
    say_event("still", epoll);
}

static void exclusive_limits(void)
{
    int fd = tcp_pair().a;
    int epoll = new_epoll();

    say_ok("oneshot", control(epoll, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 1));
    say_ok("nested", control(epoll, EPOLL_CTL_ADD, new_epoll(), EPOLLIN | EPOLLEXCLUSIVE, 1));
    say_ok("edge", control(epoll, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLET, 1));
    say_ok("mod", control(epoll, EPOLL_CTL_MOD, fd, EPOLLIN, 1));
    say_ok("del", control(epoll, EPOLL_CTL_DEL, fd, 0, 0));
    watch(epoll, fd, EPOLLIN, 1);
    say_ok("mod-to", control(epoll, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLEXCLUSIVE, 1));
}

const struct test_case level_cases[] = {
    CASE(level_repeats_until_drained),
    CASE(level_add_when_ready),
    CASE(level_in_and_out),
    CASE(level_out_when_drained),
    CASE(level_data_gone_before_wait),
    CASE(level_hangup),
    CASE(level_error_is_never_masked),
    CASE(level_listener),
    CASE(level_connect),
    CASE(level_datagrams),
    CASE(level_datagram_refused),
    CASE(oneshot_disarms),
    CASE(oneshot_rearmed_when_ready),
    CASE(oneshot_rearmed_then_ready),
    CASE(oneshot_disarmed_hears_no_hangup),
    CASE(oneshot_is_still_registered),
    CASE(exclusive_delivers),
    CASE(exclusive_limits),
    END_OF_CASES,
};
