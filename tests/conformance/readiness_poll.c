/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls poll and ppoll: their array, their timeout, their count. */
#include "readiness.h"

#define GARBAGE 0x7fff

static struct pollfd asking(int fd, short events)
{
    /* Garbage in revents: the kernel must overwrite it, not add to it. */
    return (struct pollfd){ .fd = fd, .events = events, .revents = GARBAGE };
}

/* A descriptor that is none. */
static int closed_fd(void)
{
    int fd = must(sys_socket(AF_INET, SOCK_DGRAM, 0));

    must(sys_close(fd));
    return fd;
}

static void poll_without_fds_sleeps(void)
{
    long long started = now_ms();

    say_call("poll", sys_poll(NULL, 0, 40));
    say_kept("time", started, 40);
}

static void poll_without_fds_nor_time(void)
{
    say_call("poll", sys_poll(NULL, 0, 0));
}

static void poll_idle_returns_at_once(void)
{
    struct pollfd fds[] = { asking(tcp_pair().a, POLLIN) };

    say_call("poll", sys_poll(fds, 1, 0));
    say_events("revents", fds[0].revents);
}

static void poll_idle_times_out(void)
{
    struct pollfd fds[] = { asking(udp_pair().a, POLLIN) };
    long long started = now_ms();

    say_call("poll", sys_poll(fds, 1, 40));
    say_events("revents", fds[0].revents);
    say_kept("time", started, 40);
}

static void poll_forever_with_event_pending(void)
{
    struct pair pair = tcp_pair();
    struct pollfd fds[] = { asking(pair.b, POLLIN) };

    put(pair.a, "x");
    say_call("poll", sys_poll(fds, 1, -1));
    say_events("revents", fds[0].revents);
}

static void poll_negative_fd_is_ignored(void)
{
    struct pollfd fds[] = { asking(-1, POLLIN | POLLOUT), asking(-7, POLLIN) };

    say_call("poll", sys_poll(fds, 2, 5));
    say_events("first", fds[0].revents);
    say_events("second", fds[1].revents);
}

static void poll_negative_fd_among_ready(void)
{
    struct pair pair = tcp_pair();
    struct pollfd fds[] = { asking(pair.a, POLLOUT), asking(-1, POLLOUT), asking(pair.b, POLLOUT) };

    say_call("poll", sys_poll(fds, 3, PATIENCE));
    for (int i = 0; i < 3; i++)
        say_events("revents", fds[i].revents);
}

static void poll_closed_fd(void)
{
    struct pollfd fds[] = { asking(closed_fd(), POLLIN | POLLOUT) };

    say_call("poll", sys_poll(fds, 1, 0));
    say_events("revents", fds[0].revents);
}

static void poll_closed_fd_does_not_wait(void)
{
    struct pair pair = tcp_pair();
    struct pollfd fds[] = { asking(pair.a, POLLIN), asking(closed_fd(), 0) };

    say_call("poll", sys_poll(fds, 2, -1));
    say_events("idle", fds[0].revents);
    say_events("closed", fds[1].revents);
}

static void poll_same_fd_thrice(void)
{
    struct pair pair = tcp_pair();
    struct pollfd fds[] = { asking(pair.b, POLLIN), asking(pair.b, POLLOUT), asking(pair.b, POLLIN | POLLOUT) };

    put(pair.a, "x");
    settled(pair.b, POLLIN, POLLIN);
    say_call("poll", sys_poll(fds, 3, 0));
    for (int i = 0; i < 3; i++)
        say_events("revents", fds[i].revents);
}

static void poll_same_fd_half_ready(void)
{
    struct pair pair = tcp_pair();
    struct pollfd fds[] = { asking(pair.b, POLLIN), asking(pair.b, POLLOUT) };

    say_call("poll", sys_poll(fds, 2, PATIENCE));
    say_events("reading", fds[0].revents);
    say_events("writing", fds[1].revents);
}

static void poll_counts_descriptors(void)
{
    struct pair one = tcp_pair();
    struct pair other = udp_pair();
    struct pollfd fds[] = {
        asking(one.a, POLLIN),
        asking(one.b, POLLIN | POLLOUT),
        asking(other.a, POLLIN),
        asking(other.b, POLLIN),
    };

    put(one.a, "x");
    put(other.a, "y");
    settled(one.b, POLLIN, POLLIN);
    settled(other.b, POLLIN, POLLIN);
    say_call("poll", sys_poll(fds, 4, 0));
    for (int i = 0; i < 4; i++)
        say_events("revents", fds[i].revents);
}

static void poll_many_descriptors(void)
{
    enum { COUNT = 60, FIRST = 17, SECOND = 58 };
    struct pollfd fds[COUNT];
    struct address at[COUNT];
    int sender = new_udp(AF_INET);

    for (int i = 0; i < COUNT; i++)
        fds[i] = asking(udp_bound(AF_INET, &at[i]), POLLIN);
    must(send_to(sender, "x", &at[FIRST]));
    must(send_to(sender, "x", &at[SECOND]));
    settled(fds[FIRST].fd, POLLIN, POLLIN);
    settled(fds[SECOND].fd, POLLIN, POLLIN);
    say_call("poll", sys_poll(fds, COUNT, 0));
    for (int i = 0; i < COUNT; i++)
        if (fds[i].revents)
            say_int("at", i);
}

static void poll_asking_nothing_of_data(void)
{
    struct pair pair = tcp_pair();

    put(pair.a, "x");
    settled(pair.b, POLLIN, POLLIN);
    say_events("revents", ready(pair.b, 0));
}

static void poll_asking_nothing_of_reset(void)
{
    struct pair pair = tcp_pair();

    reset(pair.a);
    say_events("revents", settled(pair.b, 0, POLLERR | POLLHUP));
}

static void poll_rdhup_only_if_asked(void)
{
    struct pair pair = tcp_pair();

    must(sys_shutdown(pair.a, SHUT_WR));
    say_events("asked", settled(pair.b, POLLIN | POLLRDHUP, POLLRDHUP));
    say_events("alone", ready(pair.b, POLLRDHUP));
    say_events("not", ready(pair.b, POLLIN));
}

static void poll_normal_is_the_same(void)
{
    struct pair pair = tcp_pair();

    say_events("idle", ready(pair.b, POLLRDNORM | POLLWRNORM));
    put(pair.a, "x");
    say_events("data", settled(pair.b, POLLRDNORM | POLLWRNORM, POLLRDNORM));
}

static void poll_no_urgent_data(void)
{
    struct pair pair = tcp_pair();

    put(pair.a, "x");
    say_events("revents", settled(pair.b, POLLIN | POLLPRI, POLLIN));
}

static void poll_ipv6(void)
{
    struct address at;
    int listener = tcp_listener(AF_INET6, &at);
    int a = tcp_client(&at);

    say_events("listener", settled(listener, ALL, POLLIN));
    int b = accept_one(listener);
    say_events("idle", ready(b, ALL));
    put(a, "x");
    say_events("data", settled(b, ALL, POLLIN));
}

static void ppoll_without_time(void)
{
    struct timespec none = { 0, 0 };
    struct pollfd fds[] = { asking(tcp_pair().a, POLLIN | POLLOUT) };

    say_call("ppoll", sys_ppoll(fds, 1, &none, NULL));
    say_events("revents", fds[0].revents);
}

static void ppoll_forever_with_event_pending(void)
{
    struct pair pair = tcp_pair();
    struct pollfd fds[] = { asking(pair.b, POLLIN) };

    put(pair.a, "x");
    say_call("ppoll", sys_ppoll(fds, 1, NULL, NULL));
    say_events("revents", fds[0].revents);
}

static void ppoll_times_out(void)
{
    struct timespec timeout = { 0, 40 * 1000 * 1000 };
    struct pollfd fds[] = { asking(tcp_pair().a, POLLIN) };
    long long started = now_ms();

    say_call("ppoll", sys_ppoll(fds, 1, &timeout, NULL));
    say_kept("time", started, 40);
    /* As POSIX wants it; what is left of the time is Linux's own affair, which its C library hides. */
    say_yes("timeout-untouched", timeout.tv_sec == 0 && timeout.tv_nsec == 40 * 1000 * 1000);
}

static void ppoll_with_mask(void)
{
    struct pair pair = tcp_pair();
    struct pollfd fds[] = { asking(pair.b, POLLIN) };
    struct timespec timeout = { PATIENCE / 1000, 0 };
    sigset_t mask;

    sigfillset(&mask);
    put(pair.a, "x");
    say_call("ppoll", sys_ppoll(fds, 1, &timeout, &mask));
    say_events("revents", fds[0].revents);
}

static void ppoll_bad_timeout(void)
{
    struct timespec negative = { -1, 0 };
    struct timespec too_many = { 0, 1000 * 1000 * 1000 };

    say_call("negative", sys_ppoll(NULL, 0, &negative, NULL));
    say_call("nanoseconds", sys_ppoll(NULL, 0, &too_many, NULL));
}

const struct test_case poll_cases[] = {
    CASE(poll_without_fds_sleeps),
    CASE(poll_without_fds_nor_time),
    CASE(poll_idle_returns_at_once),
    CASE(poll_idle_times_out),
    CASE(poll_forever_with_event_pending),
    CASE(poll_negative_fd_is_ignored),
    CASE(poll_negative_fd_among_ready),
    CASE(poll_closed_fd),
    CASE(poll_closed_fd_does_not_wait),
    CASE(poll_same_fd_thrice),
    CASE(poll_same_fd_half_ready),
    CASE(poll_counts_descriptors),
    CASE(poll_many_descriptors),
    CASE(poll_asking_nothing_of_data),
    CASE(poll_asking_nothing_of_reset),
    CASE(poll_rdhup_only_if_asked),
    CASE(poll_normal_is_the_same),
    CASE(poll_no_urgent_data),
    CASE(poll_ipv6),
    CASE(ppoll_without_time),
    CASE(ppoll_forever_with_event_pending),
    CASE(ppoll_times_out),
    CASE(ppoll_with_mask),
    CASE(ppoll_bad_timeout),
    END_OF_CASES,
};
