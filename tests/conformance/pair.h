/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets in the states that cases start from, and waiting for what must come. */
#ifndef CONFORMANCE_PAIR_H
#define CONFORMANCE_PAIR_H

#include "case.h"
#include "sys.h"

/* How long something that must happen is waited for. Nothing that works comes near it. */
#define PATIENCE 5000
/* How long something that must not happen is given. */
#define QUIET 10

struct address {
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    };
    socklen_t length;
};

/* Two connected sockets. In a TCP pair, a is the one that connected. */
struct pair {
    int a;
    int b;
};

struct address loopback(int family, int port);
struct address anywhere(int family, int port);
struct address v4_address(unsigned host, int port);
struct address v4_mapped(unsigned host, int port); /* ::ffff:host, for an IPv6 socket */
int port_of(const struct address *at);
bool same_address(const struct address *one, const struct address *other);

/* Thin wrappers; they return what the call returns. */
int bind_to(int fd, const struct address *at);
int connect_to(int fd, const struct address *to);
long send_to(int fd, const char *text, const struct address *to);
int local_of(int fd, struct address *at);
int peer_of(int fd, struct address *at);

/* Set-ups; they own what they make and must() all of it. */
int new_tcp(int family);
int new_udp(int family);
int tcp_listener(int family, struct address *at);
int tcp_client(const struct address *to);
int accept_one(int listener);
int udp_bound(int family, struct address *at);
struct pair tcp_pair(void);
struct pair small_tcp_pair(void); /* with small buffers */
struct pair udp_pair(void);
void set_nonblocking(int fd, bool on);
void set_option(int fd, int level, int option, int value);
/* An address where nothing answers: a bound TCP socket that does not listen, a UDP port just given up. */
struct address closed_tcp(int family);
struct address closed_udp(int family);
/* An address that a TCP socket may be bound to; that a port is free says nothing of the other protocol's. */
struct address free_tcp(int family);
/* A UDP socket connected to such an address; bound before, lest it be given that very port. */
int udp_to_nobody(int family);

void put(int fd, const char *text);
/* Sends until a send fails, and leaves its errno. Returns how much was taken. */
size_t flood(int fd, int flags);
/*
 * Sends until the connection takes no more, and stays so. Returns how much it took. For connections with the
 * usual buffers: those of a small pair are of the size of the pieces in which a kernel moves data on, so they
 * can turn writable again long after.
 */
size_t fill(int fd);
/* Receives that much; must() get it. */
void drain(int fd, size_t bytes);
/* A byte of much data: of a period that no buffer's size divides. */
unsigned char pattern(size_t at, int seed);
/* Closes with a reset instead of the usual farewell. */
void reset(int fd);

/* What is ready at once. */
unsigned ready(int fd, unsigned events);
/* What is ready once all of `awaited` is, or patience ends. */
unsigned settled(int fd, unsigned events, unsigned awaited);
/* Waits until so many bytes (of a datagram socket: a datagram) can be received. */
void await_bytes(int fd, int bytes);
/* Receives exactly so many bytes of a stream (less at its end) without ever hanging, and says them. */
void say_arrival(const char *label, int fd, size_t bytes);
/* One receive, said. */
void say_recv(const char *label, int fd, size_t capacity, int flags);
/* Waits for the connection's end, of either kind, and says it. */
void say_end(const char *label, int fd);
/* SO_ERROR, which reading clears. */
void say_so_error(const char *label, int fd);

#endif
