/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket options: their defaults, what is read after a write, and refusals. */
#include "sockets.h"

#include <stdio.h>
#include <string.h>

#define UNKNOWN 9999

static void say_option(const char *label, int fd, int level, int option)
{
    int value = -12345;
    socklen_t length = sizeof value;

    if (sys_getsockopt(fd, level, option, &value, &length) < 0)
        say(label, errno_name(errno));
    else
        say_int(label, value);
}

/* Writes each value, and says what is read back, or why it was refused. */
static void say_written(int fd, int level, int option, const int *values, int count)
{
    say_option("default", fd, level, option);
    for (int i = 0; i < count; i++) {
        char label[32];

        snprintf(label, sizeof label, "set(%d)", values[i]);
        if (sys_setsockopt(fd, level, option, &values[i], sizeof values[i]) < 0)
            say(label, errno_name(errno));
        else
            say_option(label, fd, level, option);
    }
}

#define SAY_WRITTEN(fd, level, option, ...) \
    say_written(fd, level, option, (int[]){ __VA_ARGS__ }, sizeof((int[]){ __VA_ARGS__ }) / sizeof(int))

/* ---- what a socket is ---- */

static void option_kind(void)
{
    int domains[] = { AF_INET, AF_INET, AF_INET6, AF_INET6 };
    int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_STREAM, SOCK_DGRAM };

    for (int i = 0; i < 4; i++) {
        /* The flags are not part of the type. */
        int fd = own(must(sys_socket(domains[i], types[i] | SOCK_NONBLOCK, 0)));

        say_option("domain", fd, SOL_SOCKET, SO_DOMAIN);
        say_option("type", fd, SOL_SOCKET, SO_TYPE);
        say_option("protocol", fd, SOL_SOCKET, SO_PROTOCOL);
    }
}

static void option_acceptconn(void)
{
    int fd = new_tcp(AF_INET);

    say_option("fresh", fd, SOL_SOCKET, SO_ACCEPTCONN);
    must(sys_listen(fd, 1));
    say_option("listening", fd, SOL_SOCKET, SO_ACCEPTCONN);
    say_option("connected", tcp_pair().b, SOL_SOCKET, SO_ACCEPTCONN);
    say_option("datagram", new_udp(AF_INET), SOL_SOCKET, SO_ACCEPTCONN);
}

static void option_read_only(void)
{
    int fd = new_tcp(AF_INET);
    int options[] = { SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ERROR, SO_ACCEPTCONN };
    int value = 1;

    for (int i = 0; i < 5; i++)
        say_ok("set", sys_setsockopt(fd, SOL_SOCKET, options[i], &value, sizeof value));
}

static void option_error_is_read_once(void)
{
    struct pair pair = tcp_pair();

    say_so_error("fresh", pair.a);
    reset(pair.b);
    settled(pair.a, 0, POLLERR | POLLHUP);
    say_so_error("reset", pair.a);
    say_so_error("again", pair.a);
}

/* ---- on and off ---- */

static void option_reuseaddr(void)
{
    SAY_WRITTEN(new_tcp(AF_INET), SOL_SOCKET, SO_REUSEADDR, 1, 0, 5);
}

static void option_keepalive(void)
{
    SAY_WRITTEN(new_tcp(AF_INET), SOL_SOCKET, SO_KEEPALIVE, 1, 0, 5);
}

static void option_broadcast(void)
{
    SAY_WRITTEN(new_udp(AF_INET), SOL_SOCKET, SO_BROADCAST, 1, 0, 5);
}

static void option_nodelay(void)
{
    SAY_WRITTEN(new_tcp(AF_INET), IPPROTO_TCP, TCP_NODELAY, 1, 0, 5);
}

static void option_nodelay_connected(void)
{
    struct pair pair = tcp_pair();

    SAY_WRITTEN(pair.a, IPPROTO_TCP, TCP_NODELAY, 1, 0);
    put(pair.a, "x");
    say_arrival("got", pair.b, 1);
}

static void option_v6only(void)
{
    SAY_WRITTEN(new_tcp(AF_INET6), IPPROTO_IPV6, IPV6_V6ONLY, 1, 0, 5);
    SAY_WRITTEN(new_udp(AF_INET6), IPPROTO_IPV6, IPV6_V6ONLY, 1);
}

static void option_v6only_after_bind(void)
{
    int fd = tcp_listener(AF_INET6, NULL);
    int value = 1;

    say_ok("set", sys_setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, sizeof value));
}

/* ---- numbers ---- */

static void option_keepidle(void)
{
    SAY_WRITTEN(new_tcp(AF_INET), IPPROTO_TCP, TCP_KEEPIDLE, 30, 0, -1, 32767, 32768);
}

static void option_keepintvl(void)
{
    SAY_WRITTEN(new_tcp(AF_INET), IPPROTO_TCP, TCP_KEEPINTVL, 5, 0, -1, 32767, 32768);
}

static void option_keepcnt(void)
{
    SAY_WRITTEN(new_tcp(AF_INET), IPPROTO_TCP, TCP_KEEPCNT, 3, 0, -1, 127, 128);
}

static void option_ttl(void)
{
    SAY_WRITTEN(new_tcp(AF_INET), IPPROTO_IP, IP_TTL, 42, 1, 255, 0, 256);
    SAY_WRITTEN(new_udp(AF_INET), IPPROTO_IP, IP_TTL, 7);
}

static void option_ttl_does_not_stop_loopback(void)
{
    struct pair pair = udp_pair();

    set_option(pair.a, IPPROTO_IP, IP_TTL, 1);
    put(pair.a, "x");
    settled(pair.b, POLLIN, POLLIN);
    say_recv("got", pair.b, 8, MSG_DONTWAIT);
}

static void say_buffer(const char *label, int fd, int option, int asked)
{
    int value = 0;
    socklen_t length = sizeof value;

    must(sys_setsockopt(fd, SOL_SOCKET, option, &asked, sizeof asked));
    must(sys_getsockopt(fd, SOL_SOCKET, option, &value, &length));
    /* Linux doubles, others round: only less than asked would be wrong. */
    say_yes(label, value >= asked);
}

static void option_buffers(void)
{
    int fds[] = { new_tcp(AF_INET), new_udp(AF_INET), tcp_pair().a };

    for (int i = 0; i < 3; i++) {
        say_buffer("rcvbuf-at-least", fds[i], SO_RCVBUF, 8 * 1024);
        say_buffer("sndbuf-at-least", fds[i], SO_SNDBUF, 8 * 1024);
        say_buffer("rcvbuf-at-least", fds[i], SO_RCVBUF, 32 * 1024);
        say_buffer("sndbuf-at-least", fds[i], SO_SNDBUF, 32 * 1024);
    }
}

/* Out of range in either direction is clamped, never refused. */
static void option_buffers_of_any_size(void)
{
    int fd = new_tcp(AF_INET);
    int sizes[] = { 0, 1, 1 << 30 };

    for (int i = 0; i < 3; i++) {
        say_ok("rcvbuf", sys_setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &sizes[i], sizeof sizes[i]));
        say_ok("sndbuf", sys_setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sizes[i], sizeof sizes[i]));
    }
}

/* ---- structures ---- */

static void say_linger(const char *label, int fd)
{
    struct linger linger = { -1, -1 };
    socklen_t length = sizeof linger;

    must(sys_getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length));
    printf(" %s=%d,%d(%d)", label, linger.l_onoff, linger.l_linger, (int)length);
}

static void option_linger(void)
{
    int fd = new_tcp(AF_INET);
    struct linger on = { 7, 5 };
    struct linger off = { 0, 0 };

    say_linger("default", fd);
    say_ok("set", sys_setsockopt(fd, SOL_SOCKET, SO_LINGER, &on, sizeof on));
    say_linger("on", fd);
    say_ok("clear", sys_setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof off));
    struct linger now = { -1, -1 };
    socklen_t length = sizeof now;
    must(sys_getsockopt(fd, SOL_SOCKET, SO_LINGER, &now, &length));
    say_int("off", now.l_onoff);
}

static void say_timeout(const char *label, int fd, int option)
{
    struct timeval time = { -1, -1 };
    socklen_t length = sizeof time;

    must(sys_getsockopt(fd, SOL_SOCKET, option, &time, &length));
    printf(" %s=%ld.%06ld(%d)", label, (long)time.tv_sec, (long)time.tv_usec, (int)length);
}

static void option_timeouts(void)
{
    /* A time that every usual tick divides. */
    struct timeval time = { 3, 500 * 1000 };
    struct timeval none = { 0, 0 };
    int options[] = { SO_RCVTIMEO, SO_SNDTIMEO };

    for (int i = 0; i < 2; i++) {
        int fd = new_tcp(AF_INET);

        say_timeout("default", fd, options[i]);
        must(sys_setsockopt(fd, SOL_SOCKET, options[i], &time, sizeof time));
        say_timeout("set", fd, options[i]);
        must(sys_setsockopt(fd, SOL_SOCKET, options[i], &none, sizeof none));
        say_timeout("cleared", fd, options[i]);
    }
}

/* ---- refusals ---- */

static void option_unknown(void)
{
    int levels[] = { SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP };
    int fd = new_tcp(AF_INET);
    int value = 1;

    for (int i = 0; i < 3; i++) {
        say_option("get", fd, levels[i], UNKNOWN);
        say_ok("set", sys_setsockopt(fd, levels[i], UNKNOWN, &value, sizeof value));
    }
    fd = new_tcp(AF_INET6);
    say_option("get6", fd, IPPROTO_IPV6, UNKNOWN);
    say_ok("set6", sys_setsockopt(fd, IPPROTO_IPV6, UNKNOWN, &value, sizeof value));
}

static void option_of_another_protocol(void)
{
    int value = 1;

    say_ok("tcp-of-udp", sys_setsockopt(new_udp(AF_INET), IPPROTO_TCP, TCP_NODELAY, &value, sizeof value));
    say_ok("v6-of-v4", sys_setsockopt(new_tcp(AF_INET), IPPROTO_IPV6, IPV6_V6ONLY, &value, sizeof value));
}

static void option_set_too_short(void)
{
    int fd = new_tcp(AF_INET);
    int six = new_tcp(AF_INET6);
    char bytes[16] = { 0 };

    say_ok("reuseaddr", sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, bytes, 2));
    say_ok("rcvbuf", sys_setsockopt(fd, SOL_SOCKET, SO_RCVBUF, bytes, 3));
    say_ok("linger", sys_setsockopt(fd, SOL_SOCKET, SO_LINGER, bytes, sizeof(int)));
    say_ok("rcvtimeo", sys_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, bytes, sizeof(int)));
    say_ok("nodelay", sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, bytes, 1));
    say_ok("v6only", sys_setsockopt(six, IPPROTO_IPV6, IPV6_V6ONLY, bytes, 2));
    say_ok("nothing", sys_setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, bytes, 0));
}

static void option_get_cut(void)
{
    int fd = new_tcp(AF_INET);
    unsigned char bytes[16];
    socklen_t length = 1;

    memset(bytes, 0xee, sizeof bytes);
    say_ok("short", sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, bytes, &length));
    say_int("length", length);
    say_yes("untouched", bytes[1] == 0xee);
    length = 0;
    say_ok("nothing", sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, bytes, &length));
    say_int("length", length);
}

static void option_get_with_room_to_spare(void)
{
    int fd = new_tcp(AF_INET);
    unsigned char bytes[16];
    socklen_t length = sizeof bytes;

    memset(bytes, 0xee, sizeof bytes);
    say_ok("type", sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, bytes, &length));
    say_int("length", length);
    say_yes("untouched", bytes[4] == 0xee);
    length = sizeof bytes;
    say_ok("nodelay", sys_getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, bytes, &length));
    say_int("length", length);
}

static void option_get_negative_length(void)
{
    int value;
    socklen_t length = (socklen_t)-1;

    say_ok("socket", sys_getsockopt(new_tcp(AF_INET), SOL_SOCKET, SO_TYPE, &value, &length));
    length = (socklen_t)-1;
    say_ok("tcp", sys_getsockopt(new_tcp(AF_INET), IPPROTO_TCP, TCP_NODELAY, &value, &length));
}

/* ---- what reuse allows ---- */

static int bind_again(const struct address *at, int reuse)
{
    int fd = new_tcp(AF_INET);

    set_option(fd, SOL_SOCKET, SO_REUSEADDR, reuse);
    return bind_to(fd, at) < 0 ? -1 : sys_listen(fd, 1);
}

/* The side that closes first keeps the port for a while; reuse is what a restarted server asks for. */
static void reuse_after_connection(void)
{
    struct address at = loopback(AF_INET, 0);
    int listener = new_tcp(AF_INET);

    set_option(listener, SOL_SOCKET, SO_REUSEADDR, 1);
    must(bind_to(listener, &at));
    must(sys_listen(listener, 4));
    must(local_of(listener, &at));
    int client = tcp_client(&at);
    int server = accept_one(listener);
    drop(listener);
    drop(server);
    say_end("client", client);
    drop(client);
    pause_ms(QUIET);
    say_ok("without", bind_again(&at, 0));
    say_ok("with", bind_again(&at, 1));
}

static void reuse_shares_no_listener(void)
{
    struct address at = loopback(AF_INET, 0);
    int listener = new_tcp(AF_INET);

    set_option(listener, SOL_SOCKET, SO_REUSEADDR, 1);
    must(bind_to(listener, &at));
    must(sys_listen(listener, 4));
    must(local_of(listener, &at));
    say_ok("bind", bind_again(&at, 1));
}

/* ---- receiving with a timeout, in the calls that it governs ---- */

static void give_time(int fd, int option)
{
    struct timeval time = { 0, 60 * 1000 };

    must(sys_setsockopt(fd, SOL_SOCKET, option, &time, sizeof time));
}

static void timeout_of_recv(void)
{
    int fds[] = { tcp_pair().a, udp_bound(AF_INET, NULL) };

    for (int i = 0; i < 2; i++) {
        char byte;
        long long started = now_ms();

        give_time(fds[i], SO_RCVTIMEO);
        say_recv("recv", fds[i], 1, 0);
        say_kept("time", started, 60);
        say_call("read", sys_read(fds[i], &byte, 1));
    }
}

static void timeout_of_accept(void)
{
    int listener = tcp_listener(AF_INET, NULL);
    long long started = now_ms();

    give_time(listener, SO_RCVTIMEO);
    say_ok("accept", sys_accept(listener, NULL, NULL));
    say_kept("time", started, 60);
}

static void timeout_of_send(void)
{
    static char chunk[64 * 1024];
    struct pair pair = tcp_pair();
    long long started;
    long sent;

    fill(pair.a);
    give_time(pair.a, SO_SNDTIMEO);
    /* Though it be full for a writer who waits, a little may still fit: then that little is told first. */
    do {
        started = now_ms();
        sent = sys_send(pair.a, chunk, sizeof chunk, MSG_NOSIGNAL);
    } while (sent > 0);
    say_ok("send", sent);
    say_kept("time", started, 60);
}

static void timeout_does_not_delay_data(void)
{
    struct pair pair = tcp_pair();

    give_time(pair.b, SO_RCVTIMEO);
    put(pair.a, "x");
    await_bytes(pair.b, 1);
    say_recv("recv", pair.b, 8, 0);
    /* Waiting for all of it ends with what there is. */
    put(pair.a, "yz");
    say_recv("all", pair.b, 8, MSG_WAITALL);
}

const struct test_case option_cases[] = {
    CASE(option_kind),
    CASE(option_acceptconn),
    CASE(option_read_only),
    CASE(option_error_is_read_once),
    CASE(option_reuseaddr),
    CASE(option_keepalive),
    CASE(option_broadcast),
    CASE(option_nodelay),
    CASE(option_nodelay_connected),
    CASE(option_v6only),
    CASE(option_v6only_after_bind),
    CASE(option_keepidle),
    CASE(option_keepintvl),
    CASE(option_keepcnt),
    CASE(option_ttl),
    CASE(option_ttl_does_not_stop_loopback),
    CASE(option_buffers),
    CASE(option_buffers_of_any_size),
    CASE(option_linger),
    CASE(option_timeouts),
    CASE(option_unknown),
    CASE(option_of_another_protocol),
    CASE(option_set_too_short),
    CASE(option_get_cut),
    CASE(option_get_with_room_to_spare),
    CASE(option_get_negative_length),
    CASE(reuse_after_connection),
    CASE(reuse_shares_no_listener),
    CASE(timeout_of_recv),
    CASE(timeout_of_accept),
    CASE(timeout_of_send),
    CASE(timeout_does_not_delay_data),
    END_OF_CASES,
};
