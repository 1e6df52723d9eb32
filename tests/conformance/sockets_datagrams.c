/* SPDX-License-Identifier: BSD-2-Clause */
/* Datagrams: their boundaries, their addresses, their cutting, and what connecting one's socket means. */
#include "sockets.h"

#include <string.h>

/* Receives one datagram that must come. */
static long receive(int fd, void *buffer, size_t capacity, int flags, struct address *from)
{
    from->length = sizeof from->in6;
    settled(fd, POLLIN, POLLIN);
    return sys_recvfrom(fd, buffer, capacity, flags | MSG_DONTWAIT, &from->sa, &from->length);
}

static void say_datagram(const char *label, int fd)
{
    struct address from;
    char buffer[64];

    say_bytes(label, buffer, receive(fd, buffer, sizeof buffer, 0, &from));
}

static void datagram_and_its_sender(void)
{
    struct address a_at, b_at, from;
    char buffer[16];
    int a = udp_bound(AF_INET, &a_at);
    int b = udp_bound(AF_INET, &b_at);

    say_call("sendto", send_to(a, "hello", &b_at));
    say_bytes("got", buffer, receive(b, buffer, sizeof buffer, 0, &from));
    say_int("length", from.length);
    say_yes("from", same_address(&from, &a_at));
    say_call("answer", send_to(b, "hi", &from));
    say_datagram("got", a);
}

static void datagram_ipv6(void)
{
    struct address a_at, b_at, from;
    char buffer[16];
    int a = udp_bound(AF_INET6, &a_at);
    int b = udp_bound(AF_INET6, &b_at);

    say_call("sendto", send_to(a, "hello", &b_at));
    say_bytes("got", buffer, receive(b, buffer, sizeof buffer, 0, &from));
    say_int("length", from.length);
    say_yes("from", same_address(&from, &a_at));
}

static void datagram_to_itself(void)
{
    struct address at;
    int fd = udp_bound(AF_INET, &at);

    say_call("sendto", send_to(fd, "me", &at));
    say_datagram("got", fd);
}

static void datagrams_keep_boundaries(void)
{
    struct pair pair = udp_pair();

    put(pair.a, "ab");
    put(pair.a, "cdef");
    say_datagram("first", pair.b);
    say_datagram("second", pair.b);
}

static void datagrams_keep_order(void)
{
    enum { COUNT = 20 };
    struct pair pair = udp_pair();
    struct address from;
    int in_order = 0;

    for (int i = 0; i < COUNT; i++)
        must(sys_send(pair.a, &i, sizeof i, 0));
    for (int i = 0; i < COUNT; i++) {
        int number = -1;

        receive(pair.b, &number, sizeof number, 0, &from);
        in_order += number == i;
    }
    say_int("in-order", in_order);
}

static void datagram_empty(void)
{
    struct address a_at, b_at, from;
    char byte = 'x';
    int a = udp_bound(AF_INET, &a_at);
    int b = udp_bound(AF_INET, &b_at);

    say_call("send", sys_sendto(a, "", 0, 0, &b_at.sa, b_at.length));
    say_call("recv", receive(b, &byte, 1, 0, &from));
    say_yes("from", same_address(&from, &a_at));
    say_recv("next", b, 1, MSG_DONTWAIT);
}

static void datagram_empty_among_others(void)
{
    struct pair pair = udp_pair();

    put(pair.a, "before");
    must(sys_send(pair.a, "", 0, 0));
    put(pair.a, "after");
    say_datagram("first", pair.b);
    say_datagram("second", pair.b);
    say_datagram("third", pair.b);
}

static void datagram_into_nothing(void)
{
    struct pair pair = udp_pair();

    /* Receiving nothing still takes the datagram. */
    put(pair.a, "gone");
    put(pair.a, "next");
    settled(pair.b, POLLIN, POLLIN);
    say_recv("nothing", pair.b, 0, 0);
    say_datagram("got", pair.b);
}

static void datagram_cut(void)
{
    struct pair pair = udp_pair();

    put(pair.a, "abcdef");
    put(pair.a, "next");
    settled(pair.b, POLLIN, POLLIN);
    say_recv("cut", pair.b, 3, 0);
    say_datagram("next", pair.b);
}

static void datagram_true_length(void)
{
    struct pair pair = udp_pair();
    char buffer[3];

    put(pair.a, "abcdef");
    settled(pair.b, POLLIN, POLLIN);
    say_call("recv", sys_recv(pair.b, buffer, sizeof buffer, MSG_TRUNC));
    say_bytes("bytes", buffer, sizeof buffer);
    say_recv("next", pair.b, 8, MSG_DONTWAIT);
}

static void datagram_peek(void)
{
    struct pair pair = udp_pair();
    char buffer[3];

    put(pair.a, "abcdef");
    settled(pair.b, POLLIN, POLLIN);
    say_recv("peek", pair.b, 8, MSG_PEEK);
    say_recv("peek-cut", pair.b, 2, MSG_PEEK);
    say_call("peek-length", sys_recv(pair.b, buffer, sizeof buffer, MSG_PEEK | MSG_TRUNC));
    say_recv("recv", pair.b, 8, 0);
    say_recv("next", pair.b, 8, MSG_DONTWAIT | MSG_PEEK);
}

static void datagram_scattered(void)
{
    struct address a_at, b_at, from;
    char one[2], two[8];
    int a = udp_bound(AF_INET, &a_at);
    int b = udp_bound(AF_INET, &b_at);
    struct iovec out[] = { { "abc", 3 }, { "", 0 }, { "de", 2 } };
    struct iovec in[] = { { one, 2 }, { two, 8 } };
    struct msghdr sent = { .msg_name = &b_at, .msg_namelen = b_at.length, .msg_iov = out, .msg_iovlen = 3 };
    struct msghdr got = { .msg_name = &from, .msg_namelen = sizeof from.in6, .msg_iov = in, .msg_iovlen = 2 };

    say_call("sendmsg", sys_sendmsg(a, &sent, 0));
    settled(b, POLLIN, POLLIN);
    say_call("recvmsg", sys_recvmsg(b, &got, 0));
    say_bytes("one", one, 2);
    say_bytes("two", two, 3);
    say_int("flags", got.msg_flags & ~MSG_CMSG_CLOEXEC);
    say_int("name", got.msg_namelen);
    say_yes("from", same_address(&from, &a_at));
}

static void datagram_scattered_and_cut(void)
{
    struct pair pair = udp_pair();
    char one[2], two[1];
    struct iovec in[] = { { one, 2 }, { two, 1 } };
    struct msghdr got = { .msg_iov = in, .msg_iovlen = 2 };

    put(pair.a, "abcdef");
    put(pair.a, "abc");
    for (int i = 0; i < 2; i++) {
        settled(pair.b, POLLIN, POLLIN);
        say_call("recvmsg", sys_recvmsg(pair.b, &got, 0));
        say_yes("cut", got.msg_flags & MSG_TRUNC);
    }
    put(pair.a, "abcdef");
    settled(pair.b, POLLIN, POLLIN);
    say_call("true-length", sys_recvmsg(pair.b, &got, MSG_TRUNC));
    say_yes("cut", got.msg_flags & MSG_TRUNC);
}

static void datagram_vectors(void)
{
    struct pair pair = udp_pair();
    char one[1], two[8];
    struct iovec out[] = { { "ab", 2 }, { "cd", 2 } };
    struct iovec in[] = { { one, 1 }, { two, 8 } };

    say_call("writev", sys_writev(pair.a, out, 2));
    settled(pair.b, POLLIN, POLLIN);
    say_call("readv", sys_readv(pair.b, in, 2));
    say_bytes("one", one, 1);
    say_bytes("two", two, 3);
}

static void datagram_sender_into_short_buffer(void)
{
    struct address a_at, b_at;
    unsigned char cut[16];
    char buffer[8];
    socklen_t length = 4;
    int a = udp_bound(AF_INET, &a_at);
    int b = udp_bound(AF_INET, &b_at);

    must(send_to(a, "hi", &b_at));
    settled(b, POLLIN, POLLIN);
    memset(cut, 0xee, sizeof cut);
    say_call("recvfrom", sys_recvfrom(b, buffer, sizeof buffer, 0, (struct sockaddr *)cut, &length));
    say_int("length", length);
    say_yes("written", memcmp(cut, &a_at, 4) == 0);
    say_yes("untouched", cut[4] == 0xee);
}

static void datagram_large(void)
{
    enum { SIZE = 9000 };
    static unsigned char out[SIZE], in[SIZE + 1];
    struct pair pair = udp_pair();

    for (int i = 0; i < SIZE; i++)
        out[i] = i % 251;
    say_call("send", sys_send(pair.a, out, SIZE, 0));
    settled(pair.b, POLLIN, POLLIN);
    say_call("recv", sys_recv(pair.b, in, sizeof in, MSG_DONTWAIT));
    say_yes("same", memcmp(in, out, SIZE) == 0);
}

static void datagram_too_long(void)
{
    static char out[70 * 1000];
    struct pair pair = udp_pair();

    say_call("send", sys_send(pair.a, out, sizeof out, 0));
    put(pair.a, "next");
    say_datagram("got", pair.b);
}

/* ---- without, and with, a destination ---- */

static void datagram_without_destination(void)
{
    struct iovec vector = { "x", 1 };
    struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };

    say_call("send", sys_send(new_udp(AF_INET), "x", 1, 0));
    say_call("write", sys_write(new_udp(AF_INET), "x", 1));
    say_call("sendmsg", sys_sendmsg(new_udp(AF_INET), &message, 0));
    say_call("send6", sys_send(new_udp(AF_INET6), "x", 1, 0));
}

static void datagram_bad_destination(void)
{
    struct address at, bad;
    int fd = new_udp(AF_INET);

    udp_bound(AF_INET, &at);
    bad = at;
    bad.length = 7;
    say_call("short", send_to(fd, "x", &bad));
    bad = at;
    bad.sa.sa_family = 250;
    say_call("family", send_to(fd, "x", &bad));
    bad = at;
    bad.in.sin_port = 0;
    say_call("port", send_to(fd, "x", &bad));
    say_call("good", send_to(fd, "x", &at));
}

static void datagram_broadcast_must_be_allowed(void)
{
    struct address all = v4_address(0x7fffffff, 9); /* the loopback network's own broadcast address */
    int fd = new_udp(AF_INET);

    say_call("without", send_to(fd, "x", &all));
    set_option(fd, SOL_SOCKET, SO_BROADCAST, 1);
    say_call("with", send_to(fd, "x", &all));
}

static void datagram_connected_names(void)
{
    struct address at, peer;
    int fd = new_udp(AF_INET);

    udp_bound(AF_INET, &at);
    say_ok("connect", connect_to(fd, &at));
    say_ok("getpeername", peer_of(fd, &peer));
    say_yes("peer", same_address(&peer, &at));
}

static void datagram_connected_filters(void)
{
    struct address a_at, b_at, c_at;
    int a = udp_bound(AF_INET, &a_at);
    int b = udp_bound(AF_INET, &b_at);
    int c = udp_bound(AF_INET, &c_at);

    must(connect_to(b, &a_at));
    must(send_to(c, "stranger", &b_at));
    must(send_to(a, "friend", &b_at));
    say_datagram("got", b);
    say_recv("next", b, 16, MSG_DONTWAIT);
}

static void datagram_connected_sends_elsewhere(void)
{
    struct address at, other_at;
    int fd = new_udp(AF_INET);
    int peer = udp_bound(AF_INET, &at);
    int other = udp_bound(AF_INET, &other_at);

    must(connect_to(fd, &at));
    say_call("elsewhere", send_to(fd, "once", &other_at));
    say_call("peer", sys_send(fd, "always", 6, 0));
    say_datagram("other", other);
    say_datagram("peer", peer);
}

static void datagram_connected_anew(void)
{
    struct address at, other_at, now;
    int fd = new_udp(AF_INET);
    int first = udp_bound(AF_INET, &at);
    int second = udp_bound(AF_INET, &other_at);

    must(connect_to(fd, &at));
    put(fd, "one");
    say_ok("again", connect_to(fd, &other_at));
    must(peer_of(fd, &now));
    say_yes("peer", same_address(&now, &other_at));
    put(fd, "two");
    say_datagram("first", first);
    say_datagram("second", second);
}

static void datagram_disconnected(void)
{
    struct address at, mine, stranger_at;
    struct address none = { .sa = { .sa_family = AF_UNSPEC }, .length = sizeof none.in };
    int fd = new_udp(AF_INET);
    int stranger = udp_bound(AF_INET, &stranger_at);

    /* A port asked for by number: one that the kernel chose may go with the connection. */
    mine = closed_udp(AF_INET);
    must(bind_to(fd, &mine));
    udp_bound(AF_INET, &at);
    must(connect_to(fd, &at));
    say_ok("disconnect", connect_to(fd, &none));
    say_ok("getpeername", peer_of(fd, &at));
    say_call("send", sys_send(fd, "x", 1, 0));
    /* It stays where it was bound, and hears everybody again. */
    must(send_to(stranger, "hello", &mine));
    say_datagram("got", fd);
}

/* ---- refusals and ends ---- */

static void datagram_refused_is_told_once(void)
{
    int fd = udp_to_nobody(AF_INET);

    say_call("send", sys_send(fd, "x", 1, 0));
    settled(fd, 0, POLLERR);
    say_recv("recv", fd, 8, MSG_DONTWAIT);
    say_recv("again", fd, 8, MSG_DONTWAIT);
}

static void datagram_refused_is_told_by_send(void)
{
    int fd = udp_to_nobody(AF_INET);

    put(fd, "x");
    settled(fd, 0, POLLERR);
    say_call("send", sys_send(fd, "y", 1, 0));
    /* That one was not sent, so it is not refused in turn. */
    say_so_error("error", fd);
    say_call("again", sys_send(fd, "z", 1, 0));
}

static void datagram_refused_ipv6(void)
{
    int fd = udp_to_nobody(AF_INET6);

    put(fd, "x");
    settled(fd, 0, POLLERR);
    say_so_error("error", fd);
}

static void datagram_shut_read(void)
{
    struct pair pair = udp_pair();

    say_ok("shutdown", sys_shutdown(pair.a, SHUT_RD));
    say_recv("recv", pair.a, 8, 0);
    say_call("send", sys_send(pair.a, "x", 1, 0));
    say_datagram("peer", pair.b);
}

static void datagram_shut_write(void)
{
    struct pair pair = udp_pair();

    say_ok("shutdown", sys_shutdown(pair.a, SHUT_WR));
    say_call("send", sys_send(pair.a, "x", 1, MSG_NOSIGNAL));
    put(pair.b, "still");
    say_datagram("recv", pair.a);
}

static void datagram_nothing_to_receive(void)
{
    int fd = udp_bound(AF_INET, NULL);

    say_recv("dontwait", fd, 8, MSG_DONTWAIT);
    set_nonblocking(fd, true);
    say_recv("nonblock", fd, 8, 0);
    say_recv("peek", fd, 8, MSG_PEEK);
    say_recv("unbound", new_udp(AF_INET), 8, MSG_DONTWAIT);
}

static void datagrams_of_many_senders(void)
{
    enum { SENDERS = 12 };
    struct address at;
    unsigned seen = 0;
    int fd = udp_bound(AF_INET, &at);

    for (int i = 0; i < SENDERS; i++) {
        unsigned char number = i;

        must(sys_sendto(new_udp(AF_INET), &number, 1, 0, &at.sa, at.length));
    }
    for (int i = 0; i < SENDERS; i++) {
        unsigned char number = 31;
        struct address from;

        receive(fd, &number, 1, 0, &from);
        seen |= 1u << number;
    }
    say_yes("all", seen == (1u << SENDERS) - 1);
}

const struct test_case datagram_cases[] = {
    CASE(datagram_and_its_sender),
    CASE(datagram_ipv6),
    CASE(datagram_to_itself),
    CASE(datagrams_keep_boundaries),
    CASE(datagrams_keep_order),
    CASE(datagram_empty),
    CASE(datagram_empty_among_others),
    CASE(datagram_into_nothing),
    CASE(datagram_cut),
    CASE(datagram_true_length),
    CASE(datagram_peek),
    CASE(datagram_scattered),
    CASE(datagram_scattered_and_cut),
    CASE(datagram_vectors),
    CASE(datagram_sender_into_short_buffer),
    CASE(datagram_large),
    CASE(datagram_too_long),
    CASE(datagram_without_destination),
    CASE(datagram_bad_destination),
    CASE(datagram_broadcast_must_be_allowed),
    CASE(datagram_connected_names),
    CASE(datagram_connected_filters),
    CASE(datagram_connected_sends_elsewhere),
    CASE(datagram_connected_anew),
    CASE(datagram_disconnected),
    CASE(datagram_refused_is_told_once),
    CASE(datagram_refused_is_told_by_send),
    CASE(datagram_refused_ipv6),
    CASE(datagram_shut_read),
    CASE(datagram_shut_write),
    CASE(datagram_nothing_to_receive),
    CASE(datagrams_of_many_senders),
    END_OF_CASES,
};
