/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a registration is of: a descriptor's number together with the open file behind it. It lives as long as
 * the open file, not as long as the number (epoll(7), questions 1 and 6). And epolls that watch epolls.
 */
#include "readiness.h"

/* ---- closing and duplicating ---- */

static void closed_fd_is_forgotten(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLOUT, 1);
    say_event("open", epoll);
    drop(pair.b);
    say_quiet("closed", epoll);
    say_ok("del", control(epoll, EPOLL_CTL_DEL, pair.b, 0, 0));
}

static void closed_with_event_pending(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN, 1);
    put(pair.a, "x");
    await_bytes(pair.b, 1);
    drop(pair.b);
    say_quiet("closed", epoll);
}

static void closed_one_keeps_the_others(void)
{
    struct pair first = tcp_pair();
    struct pair second = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, first.b, EPOLLOUT, 1);
    watch(epoll, second.b, EPOLLOUT, 2);
    drop(first.b);
    say_event("wait", epoll);
}

static void duplicate_is_another_key(void)
{
    struct pair pair = tcp_pair();
    int copy = own(must(sys_dup(pair.b)));
    int epoll = new_epoll();

    say_ok("original", control(epoll, EPOLL_CTL_ADD, pair.b, EPOLLIN, 1));
    say_ok("copy", control(epoll, EPOLL_CTL_ADD, copy, EPOLLIN, 2));
    put(pair.a, "x");
    await_bytes(pair.b, 1);
    say_event("wait", epoll);
    say_ok("del", control(epoll, EPOLL_CTL_DEL, copy, 0, 0));
    say_event("wait", epoll);
}

static void duplicate_keeps_registration(void)
{
    struct pair pair = tcp_pair();
    int copy = own(must(sys_dup(pair.b)));
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN, 1);
    drop(pair.b);
    put(pair.a, "x");
    say_event("one-closed", epoll);
    say_ok("del-closed", control(epoll, EPOLL_CTL_DEL, pair.b, 0, 0));
    say_ok("del-copy", control(epoll, EPOLL_CTL_DEL, copy, 0, 0));
    drop(copy);
    say_quiet("both-closed", epoll);
}

static void duplicate_closed_changes_nothing(void)
{
    struct pair pair = tcp_pair();
    int copy = own(must(sys_dup(pair.b)));
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLET, 1);
    drop(copy);
    say_quiet("closed", epoll);
    put(pair.a, "x");
    say_event("data", epoll);
}

static void number_used_again(void)
{
    struct pair old = tcp_pair();
    struct pair new = tcp_pair();
    int copy = own(must(sys_dup(old.b)));
    int epoll = new_epoll();

    watch(epoll, old.b, EPOLLIN, 1);
    /* The number now names another open file; the copy keeps the old one, and its registration, alive. */
    must(sys_dup2(new.b, old.b));
    say_ok("mod", control(epoll, EPOLL_CTL_MOD, old.b, EPOLLIN, 3));
    say_ok("add", control(epoll, EPOLL_CTL_ADD, old.b, EPOLLIN, 2));
    put(old.a, "x");
    put(new.a, "x");
    await_bytes(copy, 1);
    await_bytes(new.b, 1);
    say_event("wait", epoll);
    say_ok("del", control(epoll, EPOLL_CTL_DEL, old.b, 0, 0));
    say_event("wait", epoll);
    drop(copy);
    say_quiet("after", epoll);
}

static void number_used_again_by_dup2(void)
{
    struct pair old = tcp_pair();
    struct pair new = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, old.b, EPOLLOUT, 1);
    must(sys_dup2(new.b, old.b));
    say_quiet("wait", epoll);
    say_ok("add", control(epoll, EPOLL_CTL_ADD, old.b, EPOLLOUT, 2));
    say_event("wait", epoll);
}

static void duplicated_epoll_is_the_same(void)
{
    int fd = tcp_pair().a;
    int epoll = new_epoll();
    int copy = own(must(sys_dup(epoll)));

    watch(epoll, fd, EPOLLOUT, 1);
    say_event("copy", copy);
    say_ok("add", control(copy, EPOLL_CTL_ADD, fd, EPOLLOUT, 2));
    drop(epoll);
    say_event("original-closed", copy);
}

static void epoll_closed_before_its_sockets(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN, 1);
    drop(epoll);
    put(pair.a, "x");
    say_arrival("got", pair.b, 1);
    epoll = new_epoll();
    say_ok("add", control(epoll, EPOLL_CTL_ADD, pair.b, EPOLLOUT, 2));
    say_event("wait", epoll);
}

/* ---- epolls in epolls ---- */

static void epoll_is_polled(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    say_events("empty", ready(epoll, POLLIN | POLLOUT));
    watch(epoll, pair.b, EPOLLIN, 1);
    say_events("idle", ready(epoll, POLLIN | POLLOUT));
    put(pair.a, "x");
    say_events("ready", settled(epoll, POLLIN | POLLOUT, POLLIN));
    say_event("wait", epoll);
    say_arrival("got", pair.b, 1);
    say_events("drained", ready(epoll, POLLIN | POLLOUT));
}

static void nested_level(void)
{
    struct pair pair = tcp_pair();
    int inner = new_epoll();
    int outer = new_epoll();

    watch(inner, pair.b, EPOLLIN, 1);
    watch(outer, inner, EPOLLIN, 2);
    say_quiet("idle", outer);
    put(pair.a, "x");
    say_event("outer", outer);
    say_event("inner", inner);
    say_event("outer", outer);
    say_arrival("got", pair.b, 1);
    say_quiet("outer", outer);
}

static void nested_ready_before_added(void)
{
    int inner = new_epoll();
    int outer = new_epoll();

    watch(inner, tcp_pair().a, EPOLLOUT, 1);
    watch(outer, inner, EPOLLIN, 2);
    say_event("outer", outer);
}

static void nested_becomes_ready_by_control(void)
{
    int fd = tcp_pair().a;
    int inner = new_epoll();
    int outer = new_epoll();

    watch(outer, inner, EPOLLIN, 2);
    watch(inner, fd, EPOLLIN, 1);
    say_quiet("idle", outer);
    rearm(inner, fd, EPOLLOUT, 1);
    say_event("modified", outer);
    must(control(inner, EPOLL_CTL_DEL, fd, 0, 0));
    say_quiet("deleted", outer);
}

static void nested_edge(void)
{
    struct pair pair = tcp_pair();
    int inner = new_epoll();
    int outer = new_epoll();

    watch(inner, pair.b, EPOLLIN | EPOLLET, 1);
    watch(outer, inner, EPOLLIN | EPOLLET, 2);
    put(pair.a, "a");
    say_event("outer", outer);
    say_quiet("outer", outer);
    say_event("inner", inner);
    say_quiet("inner", inner);
    put(pair.a, "b");
    say_event("outer", outer);
    say_event("inner", inner);
}

static void nested_thrice(void)
{
    struct pair pair = tcp_pair();
    int inner = new_epoll();
    int middle = new_epoll();
    int outer = new_epoll();

    watch(outer, middle, EPOLLIN, 3);
    watch(middle, inner, EPOLLIN, 2);
    watch(inner, pair.b, EPOLLIN, 1);
    say_quiet("idle", outer);
    put(pair.a, "x");
    say_event("outer", outer);
    say_event("middle", middle);
    say_event("inner", inner);
}

static void nested_inner_closed(void)
{
    int inner = new_epoll();
    int outer = new_epoll();

    watch(inner, tcp_pair().a, EPOLLOUT, 1);
    watch(outer, inner, EPOLLIN, 2);
    say_event("outer", outer);
    drop(inner);
    say_quiet("closed", outer);
}

static void loop_of_two(void)
{
    int first = new_epoll();
    int second = new_epoll();

    say_ok("one-way", control(first, EPOLL_CTL_ADD, second, EPOLLIN, 1));
    say_ok("back", control(second, EPOLL_CTL_ADD, first, EPOLLIN, 1));
}

static void loop_of_three(void)
{
    int epolls[] = { new_epoll(), new_epoll(), new_epoll() };

    say_ok("first", control(epolls[0], EPOLL_CTL_ADD, epolls[1], EPOLLIN, 1));
    say_ok("second", control(epolls[1], EPOLL_CTL_ADD, epolls[2], EPOLLIN, 1));
    say_ok("third", control(epolls[2], EPOLL_CTL_ADD, epolls[0], EPOLLIN, 1));
    must(control(epolls[0], EPOLL_CTL_DEL, epolls[1], 0, 0));
    say_ok("opened", control(epolls[2], EPOLL_CTL_ADD, epolls[0], EPOLLIN, 1));
}

/* The manual says five; where exactly the count starts is nobody's business. */
static void nesting_has_a_bottom(void)
{
    int inside = new_epoll();
    int error = 0;

    for (int depth = 0; depth < 12 && !error; depth++) {
        int outside = new_epoll();

        if (control(outside, EPOLL_CTL_ADD, inside, EPOLLIN, 1) < 0)
            error = errno;
        if (depth == 2)
            say("three", errno_name(error));
        inside = outside;
    }
    say("twelve", errno_name(error));
}

const struct test_case key_cases[] = {
    CASE(closed_fd_is_forgotten),
    CASE(closed_with_event_pending),
    CASE(closed_one_keeps_the_others),
    CASE(duplicate_is_another_key),
    CASE(duplicate_keeps_registration),
    CASE(duplicate_closed_changes_nothing),
    CASE(number_used_again),
    CASE(number_used_again_by_dup2),
    CASE(duplicated_epoll_is_the_same),
    CASE(epoll_closed_before_its_sockets),
    CASE(epoll_is_polled),
    CASE(nested_level),
    CASE(nested_ready_before_added),
    CASE(nested_becomes_ready_by_control),
    CASE(nested_edge),
    CASE(nested_thrice),
    CASE(nested_inner_closed),
    CASE(loop_of_two),
    CASE(loop_of_three),
    CASE(nesting_has_a_bottom),
    END_OF_CASES,
};
