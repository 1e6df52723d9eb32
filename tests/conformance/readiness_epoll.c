/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll: its calls and their errors, its time, and the data and the order of its events. */
#include "readiness.h"

/* ---- calls and errors ---- */

static void create_flags(void)
{
    int plain = new_epoll();
    int cloexec = own(must(sys_epoll_create1(EPOLL_CLOEXEC)));

    say_int("plain", must(sys_fcntl(plain, F_GETFD, 0)) & FD_CLOEXEC);
    say_int("cloexec", must(sys_fcntl(cloexec, F_GETFD, 0)) & FD_CLOEXEC);
    say_ok("unknown", sys_epoll_create1(0x40));
}

static void add_twice(void)
{
    int epoll = new_epoll();
    int fd = tcp_pair().a;

    say_ok("first", control(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, 1));
    say_ok("second", control(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, 2));
}

static void add_delete_add(void)
{
    int epoll = new_epoll();
    int fd = tcp_pair().a;

    watch(epoll, fd, EPOLLOUT, 1);
    say_event("before", epoll);
    say_ok("del", control(epoll, EPOLL_CTL_DEL, fd, 0, 0));
    say_quiet("between", epoll);
    say_ok("add", control(epoll, EPOLL_CTL_ADD, fd, EPOLLOUT, 2));
    say_event("after", epoll);
}

static void not_added(void)
{
    int epoll = new_epoll();
    int fd = tcp_pair().a;

    say_ok("mod", control(epoll, EPOLL_CTL_MOD, fd, EPOLLIN, 1));
    say_ok("del", control(epoll, EPOLL_CTL_DEL, fd, 0, 0));
}

static void delete_twice(void)
{
    int epoll = new_epoll();
    int fd = tcp_pair().a;

    watch(epoll, fd, EPOLLIN, 1);
    say_ok("first", control(epoll, EPOLL_CTL_DEL, fd, 0, 0));
    say_ok("second", control(epoll, EPOLL_CTL_DEL, fd, 0, 0));
}

static void delete_without_event(void)
{
    int epoll = new_epoll();
    int fd = tcp_pair().a;

    watch(epoll, fd, EPOLLIN, 1);
    say_ok("del", sys_epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL));
}

static void control_bad_descriptors(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    say_ok("negative-epoll", control(-1, EPOLL_CTL_ADD, pair.a, EPOLLIN, 1));
    say_ok("negative-target", control(epoll, EPOLL_CTL_ADD, -1, EPOLLIN, 1));
    drop(pair.a);
    say_ok("closed-target", control(epoll, EPOLL_CTL_ADD, pair.a, EPOLLIN, 1));
    drop(epoll);
    say_ok("closed-epoll", control(epoll, EPOLL_CTL_ADD, pair.b, EPOLLIN, 1));
}

static void control_of_no_epoll(void)
{
    struct pair pair = tcp_pair();

    say_ok("ctl", control(pair.a, EPOLL_CTL_ADD, pair.b, EPOLLIN, 1));
}

static void control_of_itself(void)
{
    int epoll = new_epoll();

    say_ok("add", control(epoll, EPOLL_CTL_ADD, epoll, EPOLLIN, 1));
}

static void control_unknown_operation(void)
{
    say_ok("ctl", control(new_epoll(), 77, tcp_pair().a, EPOLLIN, 1));
}

static void wait_for_no_room(void)
{
    struct epoll_event event;
    volatile int negative = -1; /* the compiler knows better than to pass it */
    int epoll = new_epoll();

    say_call("zero", sys_epoll_wait(epoll, &event, 0, 0));
    say_call("negative", sys_epoll_wait(epoll, &event, negative, 0));
}

static void wait_bad_descriptors(void)
{
    struct epoll_event event;
    int epoll = new_epoll();

    say_call("negative", sys_epoll_wait(-1, &event, 1, 0));
    say_call("socket", sys_epoll_wait(tcp_pair().a, &event, 1, 0));
    drop(epoll);
    say_call("closed", sys_epoll_wait(epoll, &event, 1, 0));
}

/* ---- time ---- */

static void wait_without_time(void)
{
    int epoll = new_epoll();

    say_wait("empty", epoll, 0);
    watch(epoll, tcp_pair().a, EPOLLIN, 1);
    say_wait("idle", epoll, 0);
}

static void wait_times_out(void)
{
    int epoll = new_epoll();
    long long started = now_ms();

    watch(epoll, tcp_pair().a, EPOLLIN, 1);
    say_wait("wait", epoll, 40);
    say_kept("time", started, 40);
}

static void wait_forever_with_event_pending(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN, 1);
    put(pair.a, "x");
    say_wait("wait", epoll, -1);
}

static void pwait_with_and_without_mask(void)
{
    struct epoll_event event;
    int epoll = new_epoll();
    sigset_t mask;

    sigfillset(&mask);
    say_call("idle", sys_epoll_pwait(epoll, &event, 1, 5, &mask));
    watch(epoll, tcp_pair().a, EPOLLOUT, 7);
    say_call("mask", sys_epoll_pwait(epoll, &event, 1, PATIENCE, &mask));
    say_int("data", event.data.u64);
    say_call("none", sys_epoll_pwait(epoll, &event, 1, PATIENCE, NULL));
    say_call("no-room", sys_epoll_pwait(epoll, &event, 0, 0, NULL));
}

/* ---- modification and data ---- */

static void modified_mask(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN, 1);
    say_quiet("in", epoll);
    rearm(epoll, pair.b, EPOLLOUT, 1);
    say_event("out", epoll);
    rearm(epoll, pair.b, 0, 1);
    say_quiet("nothing", epoll);
}

static void modified_data(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLOUT, 1);
    say_event("before", epoll);
    rearm(epoll, pair.b, EPOLLOUT, 2);
    say_event("after", epoll);
}

static void data_is_carried_whole(void)
{
    struct epoll_event event = { 0 };
    uint64_t data = 0xfedcba9876543210;
    int epoll = new_epoll();

    watch(epoll, tcp_pair().a, EPOLLOUT, data);
    say_call("wait", sys_epoll_wait(epoll, &event, 1, PATIENCE));
    say_yes("same", event.data.u64 == data);
}

static void several_at_once(void)
{
    struct pair first = tcp_pair();
    struct pair second = tcp_pair();
    struct pair third = udp_pair();
    int epoll = new_epoll();

    watch(epoll, first.b, EPOLLIN, 1);
    watch(epoll, second.b, EPOLLIN, 2);
    watch(epoll, third.b, EPOLLIN, 3);
    put(first.a, "x");
    put(third.a, "x");
    settled(first.b, POLLIN, POLLIN);
    settled(third.b, POLLIN, POLLIN);
    say_event("wait", epoll);
}

/* Who asks for one event at a time still hears of all: the manual promises a round. */
static void rotation_is_fair(void)
{
    enum { COUNT = 5 };
    int times[COUNT] = { 0 };
    int epoll = new_epoll();

    for (int i = 0; i < COUNT; i++)
        watch(epoll, udp_bound(AF_INET, NULL), EPOLLOUT, i);
    for (int i = 0; i < 2 * COUNT; i++) {
        struct epoll_event event = { 0 };

        must(sys_epoll_wait(epoll, &event, 1, PATIENCE));
        times[event.data.u64 % COUNT]++;
    }
    for (int i = 0; i < COUNT; i++)
        say_int("times", times[i]);
}

static void one_event_at_a_time_loses_none(void)
{
    struct pair pairs[3];
    unsigned seen = 0;
    int epoll = new_epoll();

    for (int i = 0; i < 3; i++) {
        pairs[i] = tcp_pair();
        watch(epoll, pairs[i].b, EPOLLIN | EPOLLET, i);
        put(pairs[i].a, "x");
        await_bytes(pairs[i].b, 1);
    }
    for (int i = 0; i < 3; i++) {
        struct epoll_event event = { 0 };

        say_call("wait", sys_epoll_wait(epoll, &event, 1, PATIENCE));
        seen |= 1u << (event.data.u64 & 7);
    }
    say_int("seen", seen);
    say_quiet("after", epoll);
}

const struct test_case epoll_cases[] = {
    CASE(create_flags),
    CASE(add_twice),
    CASE(add_delete_add),
    CASE(not_added),
    CASE(delete_twice),
    CASE(delete_without_event),
    CASE(control_bad_descriptors),
    CASE(control_of_no_epoll),
    CASE(control_of_itself),
    CASE(control_unknown_operation),
    CASE(wait_for_no_room),
    CASE(wait_bad_descriptors),
    CASE(wait_without_time),
    CASE(wait_times_out),
    CASE(wait_forever_with_event_pending),
    CASE(pwait_with_and_without_mask),
    CASE(modified_mask),
    CASE(modified_data),
    CASE(data_is_carried_whole),
    CASE(several_at_once),
    CASE(rotation_is_fair),
    CASE(one_event_at_a_time_loses_none),
    END_OF_CASES,
};
