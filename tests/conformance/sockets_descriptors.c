/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors: duplicates, flags, fcntl and ioctl, as sockets have them. */
#include "sockets.h"

static bool nonblocking(int fd)
{
    return must(sys_fcntl(fd, F_GETFL, 0)) & O_NONBLOCK;
}

static bool cloexec(int fd)
{
    return must(sys_fcntl(fd, F_GETFD, 0)) & FD_CLOEXEC;
}

/* ---- duplicates ---- */

static void dup_shares_the_stream(void)
{
    struct pair pair = tcp_pair();
    int copy = own(must(sys_dup(pair.b)));

    put(pair.a, "abcd");
    say_arrival("original", pair.b, 2);
    say_arrival("copy", copy, 2);
    put(copy, "ef");
    say_arrival("peer", pair.a, 2);
}

static void dup_shares_status_flags(void)
{
    int fd = tcp_pair().a;
    int copy = own(must(sys_dup(fd)));

    set_nonblocking(fd, true);
    say_yes("set", nonblocking(copy));
    set_nonblocking(copy, false);
    say_yes("cleared", nonblocking(fd));
}

static void dup_shares_options(void)
{
    int fd = new_tcp(AF_INET);
    int copy = own(must(sys_dup(fd)));
    int value = 0;
    socklen_t length = sizeof value;

    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    must(sys_getsockopt(copy, IPPROTO_TCP, TCP_NODELAY, &value, &length));
    say_int("copy", value);
}

static void dup_keeps_connection_open(void)
{
    struct pair pair = tcp_pair();
    int copy = own(must(sys_dup(pair.a)));

    drop(pair.a);
    pause_ms(QUIET);
    say_events("first", ready(pair.b, POLLIN | POLLRDHUP));
    put(copy, "still");
    say_arrival("got", pair.b, 5);
    drop(copy);
    say_end("second", pair.b);
}

static void dup_is_shut_together(void)
{
    struct pair pair = tcp_pair();
    int copy = own(must(sys_dup(pair.a)));

    must(sys_shutdown(copy, SHUT_WR));
    say_ok("send", sys_send(pair.a, "x", 1, MSG_NOSIGNAL));
    say_end("peer", pair.b);
}

static void dup_is_lowest(void)
{
    int fd = new_udp(AF_INET);
    int first = own(must(sys_dup(fd)));
    int second = own(must(sys_dup(fd)));

    say_yes("rising", first < second);
    drop(first);
    int third = own(must(sys_dup(fd)));
    say_yes("same-again", third == first);
}

static void dup_does_not_copy_cloexec(void)
{
    int fd = own(must(sys_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));

    say_yes("original", cloexec(fd));
    say_yes("copy", cloexec(own(must(sys_dup(fd)))));
}

static void dup2_replaces(void)
{
    struct pair one = tcp_pair();
    struct pair other = tcp_pair();

    say_yes("dup2", sys_dup2(one.b, other.b) == other.b);
    /* What the number stood for was closed by that. */
    say_end("closed", other.a);
    put(one.a, "hi");
    say_arrival("got", other.b, 2);
}

static void dup2_of_itself(void)
{
    int fd = own(must(sys_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));

    say_yes("dup2", sys_dup2(fd, fd) == fd);
    say_yes("cloexec", cloexec(fd));
}

static void dup2_refusals(void)
{
    int fd = new_udp(AF_INET);
    int closed = new_udp(AF_INET);

    drop(closed);
    say_ok("closed", sys_dup2(closed, fd));
    say_ok("closed-itself", sys_dup2(closed, closed));
    say_ok("negative", sys_dup2(fd, -1));
    /* A refused dup2 closes nothing. */
    say_ok("open", sys_fcntl(fd, F_GETFD, 0));
}

static void dup3_flags(void)
{
    int fd = new_udp(AF_INET);
    int target = new_udp(AF_INET);

    say_yes("dup3", sys_dup3(fd, target, O_CLOEXEC) == target);
    say_yes("cloexec", cloexec(target));
    say_yes("dup3", sys_dup3(fd, target, 0) == target);
    say_yes("cloexec", cloexec(target));
    say_ok("itself", sys_dup3(fd, fd, 0));
    say_ok("unknown", sys_dup3(fd, target, 1));
}

static void fcntl_dupfd(void)
{
    int fd = new_udp(AF_INET);
    int plain = own(must(sys_fcntl(fd, F_DUPFD, 50)));
    int marked = own(must(sys_fcntl(fd, F_DUPFD_CLOEXEC, 50)));

    say_yes("at-least", plain >= 50 && marked > plain);
    say_yes("cloexec", cloexec(plain));
    say_yes("cloexec", cloexec(marked));
    say_ok("negative", sys_fcntl(fd, F_DUPFD, -1));
}

static void numbers_are_used_again(void)
{
    int first = new_udp(AF_INET);

    drop(first);
    say_yes("same", new_tcp(AF_INET) == first);
}

/* ---- flags ---- */

static void fcntl_status_flags(void)
{
    int fd = new_tcp(AF_INET);

    say_yes("read-write", (must(sys_fcntl(fd, F_GETFL, 0)) & O_ACCMODE) == O_RDWR);
    say_yes("fresh", nonblocking(fd));
    say_ok("set", sys_fcntl(fd, F_SETFL, O_NONBLOCK));
    say_yes("nonblock", nonblocking(fd));
    say_yes("read-write", (must(sys_fcntl(fd, F_GETFL, 0)) & O_ACCMODE) == O_RDWR);
    say_ok("clear", sys_fcntl(fd, F_SETFL, 0));
    say_yes("nonblock", nonblocking(fd));
}

static void fcntl_descriptor_flags(void)
{
    int fd = new_tcp(AF_INET);

    say_yes("fresh", cloexec(fd));
    say_ok("set", sys_fcntl(fd, F_SETFD, FD_CLOEXEC));
    say_yes("cloexec", cloexec(fd));
    say_ok("clear", sys_fcntl(fd, F_SETFD, 0));
    say_yes("cloexec", cloexec(fd));
}

static void fcntl_unknown(void)
{
    say_ok("fcntl", sys_fcntl(new_tcp(AF_INET), 7777, 0));
}

static void ioctl_nonblocking(void)
{
    struct pair pair = tcp_pair();
    int on = 1;
    int off = 0;

    say_ok("on", sys_ioctl(pair.a, FIONBIO, &on));
    say_yes("nonblock", nonblocking(pair.a));
    say_recv("recv", pair.a, 1, 0);
    say_ok("off", sys_ioctl(pair.a, FIONBIO, &off));
    say_yes("nonblock", nonblocking(pair.a));
}

static void say_readable(const char *label, int fd)
{
    int count = -1;

    say_ok(label, sys_ioctl(fd, FIONREAD, &count));
    say_int("count", count);
}

static void ioctl_readable_of_stream(void)
{
    struct pair pair = tcp_pair();

    say_readable("idle", pair.b);
    put(pair.a, "abc");
    put(pair.a, "de");
    await_bytes(pair.b, 5);
    say_readable("five", pair.b);
    say_arrival("got", pair.b, 2);
    say_readable("three", pair.b);
    say_arrival("got", pair.b, 3);
    drop(pair.a);
    settled(pair.b, POLLRDHUP, POLLRDHUP);
    say_readable("ended", pair.b);
}

static void ioctl_readable_of_datagrams(void)
{
    struct pair pair = udp_pair();

    say_readable("idle", pair.b);
    put(pair.a, "abc");
    put(pair.a, "de");
    settled(pair.b, POLLIN, POLLIN);
    /* Of the next datagram, not of all. */
    say_readable("first", pair.b);
    say_recv("got", pair.b, 8, 0);
    settled(pair.b, POLLIN, POLLIN);
    say_readable("second", pair.b);
    say_recv("got", pair.b, 8, 0);
    say_readable("none", pair.b);
}

static void ioctl_readable_of_listener(void)
{
    int count = 0;

    say_ok("ioctl", sys_ioctl(tcp_listener(AF_INET, NULL), FIONREAD, &count));
}

static void ioctl_unknown(void)
{
    int value = 0;

    say_ok("ioctl", sys_ioctl(new_tcp(AF_INET), 0xbeef, &value));
}

static void close_twice(void)
{
    int fd = new_tcp(AF_INET);

    say_ok("first", drop(fd));
    say_ok("second", sys_close(fd));
}

const struct test_case descriptor_cases[] = {
    CASE(dup_shares_the_stream),
    CASE(dup_shares_status_flags),
    CASE(dup_shares_options),
    CASE(dup_keeps_connection_open),
    CASE(dup_is_shut_together),
    CASE(dup_is_lowest),
    CASE(dup_does_not_copy_cloexec),
    CASE(dup2_replaces),
    CASE(dup2_of_itself),
    CASE(dup2_refusals),
    CASE(dup3_flags),
    CASE(fcntl_dupfd),
    CASE(numbers_are_used_again),
    CASE(fcntl_status_flags),
    CASE(fcntl_descriptor_flags),
    CASE(fcntl_unknown),
    CASE(ioctl_nonblocking),
    CASE(ioctl_readable_of_stream),
    CASE(ioctl_readable_of_datagrams),
    CASE(ioctl_readable_of_listener),
    CASE(ioctl_unknown),
    CASE(close_twice),
    END_OF_CASES,
};
