/* SPDX-License-Identifier: BSD-2-Clause */
#include "pair.h"

#include <string.h>

/* ---- addresses ---- */

struct address v4_address(unsigned host, int port)
{
    struct address at;

    memset(&at, 0, sizeof at);
    at.in.sin_family = AF_INET;
    at.in.sin_addr.s_addr = htonl(host);
    at.in.sin_port = htons(port);
    at.length = sizeof at.in;
    return at;
}

static struct address v6_address(struct in6_addr host, int port)
{
    struct address at;

    memset(&at, 0, sizeof at);
    at.in6.sin6_family = AF_INET6;
    at.in6.sin6_addr = host;
    at.in6.sin6_port = htons(port);
    at.length = sizeof at.in6;
    return at;
}

struct address v4_mapped(unsigned host, int port)
{
    struct in6_addr mapped = { .s6_addr = { [10] = 0xff, [11] = 0xff } };
    unsigned in_order = htonl(host);

    memcpy(&mapped.s6_addr[12], &in_order, sizeof in_order);
    return v6_address(mapped, port);
}

struct address loopback(int family, int port)
{
    return family == AF_INET ? v4_address(INADDR_LOOPBACK, port) : v6_address(in6addr_loopback, port);
}

struct address anywhere(int family, int port)
{
    return family == AF_INET ? v4_address(INADDR_ANY, port) : v6_address(in6addr_any, port);
}

int port_of(const struct address *at)
{
    return ntohs(at->sa.sa_family == AF_INET ? at->in.sin_port : at->in6.sin6_port);
}

bool same_address(const struct address *one, const struct address *other)
{
    if (one->sa.sa_family != other->sa.sa_family || port_of(one) != port_of(other))
        return false;
    if (one->sa.sa_family == AF_INET)
        return one->in.sin_addr.s_addr == other->in.sin_addr.s_addr;
    return memcmp(&one->in6.sin6_addr, &other->in6.sin6_addr, sizeof one->in6.sin6_addr) == 0;
}

int bind_to(int fd, const struct address *at)
{
    return sys_bind(fd, &at->sa, at->length);
}

int connect_to(int fd, const struct address *to)
{
    return sys_connect(fd, &to->sa, to->length);
}

long send_to(int fd, const char *text, const struct address *to)
{
    return sys_sendto(fd, text, strlen(text), MSG_NOSIGNAL, &to->sa, to->length);
}

int local_of(int fd, struct address *at)
{
    at->length = sizeof at->in6;
    return sys_getsockname(fd, &at->sa, &at->length);
}

int peer_of(int fd, struct address *at)
{
    at->length = sizeof at->in6;
    return sys_getpeername(fd, &at->sa, &at->length);
}

/* ---- set-ups ---- */

int new_tcp(int family)
{
    return own(must(sys_socket(family, SOCK_STREAM, 0)));
}

int new_udp(int family)
{
    return own(must(sys_socket(family, SOCK_DGRAM, 0)));
}

static int bound(int fd, int family, struct address *at)
{
    struct address asked = loopback(family, 0);

    must(bind_to(fd, &asked));
    if (at)
        must(local_of(fd, at));
    return fd;
}

int tcp_listener(int family, struct address *at)
{
    int fd = bound(new_tcp(family), family, at);

    must(sys_listen(fd, 16));
    return fd;
}

int tcp_client(const struct address *to)
{
    int fd = new_tcp(to->sa.sa_family);

    must(connect_to(fd, to));
    return fd;
}

int accept_one(int listener)
{
    settled(listener, POLLIN, POLLIN);
    return own(must(sys_accept4(listener, NULL, NULL, 0)));
}

int udp_bound(int family, struct address *at)
{
    return bound(new_udp(family), family, at);
}

static struct pair connected_pair(int buffers)
{
    struct address at;
    struct pair pair;
    int listener = tcp_listener(AF_INET, &at);

    pair.a = new_tcp(AF_INET);
    if (buffers) {
        set_option(listener, SOL_SOCKET, SO_RCVBUF, buffers);
        set_option(listener, SOL_SOCKET, SO_SNDBUF, buffers);
        set_option(pair.a, SOL_SOCKET, SO_RCVBUF, buffers);
        set_option(pair.a, SOL_SOCKET, SO_SNDBUF, buffers);
    }
    must(connect_to(pair.a, &at));
    pair.b = accept_one(listener);
    drop(listener);
    return pair;
}

struct pair tcp_pair(void)
{
    return connected_pair(0);
}

struct pair small_tcp_pair(void)
{
    return connected_pair(16 * 1024);
}

struct pair udp_pair(void)
{
    struct address a;
    struct address b;
    struct pair pair;

    pair.a = udp_bound(AF_INET, &a);
    pair.b = udp_bound(AF_INET, &b);
    must(connect_to(pair.a, &b));
    must(connect_to(pair.b, &a));
    return pair;
}

void set_nonblocking(int fd, bool on)
{
    long flags = must(sys_fcntl(fd, F_GETFL, 0));

    must(sys_fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

void set_option(int fd, int level, int option, int value)
{
    must(sys_setsockopt(fd, level, option, &value, sizeof value));
}

struct address closed_tcp(int family)
{
    struct address at;

    /* Bound and kept, so that nobody else can get the port and listen there. */
    bound(new_tcp(family), family, &at);
    return at;
}

struct address free_tcp(int family)
{
    struct address at;

    drop(bound(new_tcp(family), family, &at));
    return at;
}

struct address closed_udp(int family)
{
    struct address at;

    drop(udp_bound(family, &at));
    return at;
}

int udp_to_nobody(int family)
{
    int fd = udp_bound(family, NULL);
    struct address nobody = closed_udp(family);

    must(connect_to(fd, &nobody));
    return fd;
}

/* ---- data ---- */

void put(int fd, const char *text)
{
    must(sys_send(fd, text, strlen(text), MSG_NOSIGNAL));
}

size_t flood(int fd, int flags)
{
    static const char chunk[4096];
    size_t total = 0;

    for (;;) {
        long sent = sys_send(fd, chunk, sizeof chunk, flags | MSG_NOSIGNAL);

        if (sent < 0)
            return total;
        total += sent;
    }
}

size_t fill(int fd)
{
    size_t total = 0;

    /* The peer's side may still be taking what is queued here: full is what stays full. */
    for (int refusals = 0; refusals < 3; refusals++) {
        size_t taken = flood(fd, MSG_DONTWAIT);

        if (errno != EAGAIN)
            must_work(-1, "fill");
        if (taken > 0)
            refusals = 0;
        total += taken;
        pause_ms(20);
    }
    return total;
}

unsigned char pattern(size_t at, int seed)
{
    return (unsigned char)(at % 251 + at / 65521 + seed);
}

void drain(int fd, size_t bytes)
{
    static char chunk[16 * 1024];

    while (bytes > 0) {
        size_t most = bytes < sizeof chunk ? bytes : sizeof chunk;

        settled(fd, POLLIN, POLLIN);
        long got = must(sys_recv(fd, chunk, most, MSG_DONTWAIT));
        if (got == 0) {
            errno = EPIPE;
            must_work(-1, "drain: too early an end");
        }
        bytes -= got;
    }
}

void reset(int fd)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };

    must(sys_setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now));
    must(drop(fd));
}

/* ---- waiting ---- */

unsigned ready(int fd, unsigned events)
{
    struct pollfd one = { .fd = fd, .events = events };

    must(sys_poll(&one, 1, 0));
    return (unsigned short)one.revents;
}

unsigned settled(int fd, unsigned events, unsigned awaited)
{
    long long deadline = now_ms() + PATIENCE;

    while ((ready(fd, events) & awaited) != awaited && now_ms() < deadline)
        pause_ms(1);
    /* Once more: the bits of one change need not all appear in the same instant. */
    return ready(fd, events);
}

void await_bytes(int fd, int bytes)
{
    long long deadline = now_ms() + PATIENCE;
    int there = 0;

    while (must(sys_ioctl(fd, FIONREAD, &there)) == 0 && there < bytes && now_ms() < deadline)
        pause_ms(1);
    /* A datagram can be seen an instant before those who wait for it are told. */
    pause_ms(1);
}

void say_arrival(const char *label, int fd, size_t bytes)
{
    char buffer[256];
    size_t got = 0;

    while (got < bytes && got < sizeof buffer) {
        settled(fd, POLLIN, POLLIN);
        long result = sys_recv(fd, buffer + got, bytes - got, MSG_DONTWAIT);

        if (result < 0) {
            say(label, errno_name(errno));
            return;
        }
        if (result == 0)
            break;
        got += result;
    }
    say_bytes(label, buffer, got);
}

void say_recv(const char *label, int fd, size_t capacity, int flags)
{
    char buffer[256];
    long result = sys_recv(fd, buffer, capacity < sizeof buffer ? capacity : sizeof buffer, flags);

    say_bytes(label, buffer, result);
}

void say_end(const char *label, int fd)
{
    char byte;

    settled(fd, POLLIN | POLLRDHUP, POLLRDHUP);
    long result = sys_recv(fd, &byte, 1, MSG_DONTWAIT);

    if (result == 0)
        say(label, "EOF");
    else
        say(label, result < 0 ? errno_name(errno) : "data");
}

void say_so_error(const char *label, int fd)
{
    int error = -1;
    socklen_t length = sizeof error;

    must(sys_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length));
    say(label, errno_name(error));
}
