/* SPDX-License-Identifier: BSD-2-Clause */
/* Data that more follows, connections that are made with the first data, and times of arrival on streams. */
#include "sockets.h"

#include <string.h>

/* The kernel's header does not go together with the C library's. */
#define UDP_CORK_OPTION 1

static long send_more(int fd, const char *text, const struct address *to)
{
    return sys_sendto(fd, text, strlen(text), MSG_MORE, to ? &to->sa : NULL, to ? to->length : 0);
}

static void say_next(const char *label, int fd)
{
    settled(fd, POLLIN, POLLIN);
    say_recv(label, fd, 64, MSG_DONTWAIT);
}

static void say_none(const char *label, int fd)
{
    pause_ms(QUIET);
    say_recv(label, fd, 64, MSG_DONTWAIT);
}

/* ---- datagrams ---- */

static void datagram_of_pieces(void)
{
    struct address at, other_at;
    int from = new_udp(AF_INET), fd = udp_bound(AF_INET, &at), other = udp_bound(AF_INET, &other_at);

    say_call("first", send_more(from, "ab", &at));
    say_none("not-yet", fd);
    /* Where it goes was said with the first piece. */
    say_call("second", send_more(from, "cd", &other_at));
    say_call("last", send_to(from, "ef", &other_at));
    say_next("got", fd);
    say_none("other", other);
    say_call("again", send_to(from, "gh", &other_at));
    say_next("other", other);
    say_call("first", send_more(from, "ij", &at));
    say_call("without", sys_send(from, "kl", 2, 0));
    say_next("got", fd);
}

static void datagram_of_pieces_and_nothing(void)
{
    struct address at;
    int from = new_udp(AF_INET), fd = udp_bound(AF_INET, &at);

    say_call("first", send_more(from, "ab", &at));
    say_call("nothing", send_to(from, "", &at));
    say_next("got", fd);
    say_call("nothing", send_more(from, "", &at));
    say_call("last", send_to(from, "zz", &at));
    say_next("got", fd);
}

static void datagram_of_pieces_ipv6(void)
{
    struct address at, at6, mapped;
    int fd = udp_bound(AF_INET, &at), fd6 = udp_bound(AF_INET6, &at6), from = new_udp(AF_INET6);

    mapped = v4_mapped(INADDR_LOOPBACK, port_of(&at));
    say_call("first", send_more(from, "ab", &at6));
    say_call("last", send_to(from, "cd", &at6));
    say_next("got", fd6);
    say_call("first", send_more(from, "ef", &mapped));
    say_call("last", send_to(from, "gh", &mapped));
    say_next("got", fd);
}

static void datagram_of_pieces_too_long(void)
{
    static char data[65508];
    struct address at;
    int from = new_udp(AF_INET), fd = udp_bound(AF_INET, &at);

    say_call("first", sys_sendto(from, data, 60000, MSG_MORE, &at.sa, at.length));
    say_call("second", sys_sendto(from, data, 6000, 0, &at.sa, at.length));
    say_call("next", send_to(from, "alone", &at));
    say_next("got", fd);
    say_call("at-once", sys_sendto(from, data, sizeof data, MSG_MORE, &at.sa, at.length));
    say_call("next", send_to(from, "alone", &at));
    say_next("got", fd);
    say_call("most", sys_sendto(from, data, 65000, MSG_MORE, &at.sa, at.length));
    say_call("rest", sys_sendto(from, data, 507, 0, &at.sa, at.length));
    settled(fd, POLLIN, POLLIN);
    say_call("got", sys_recv(fd, data, sizeof data, MSG_DONTWAIT));
}

static void datagram_corked(void)
{
    struct address at;
    int from = new_udp(AF_INET), fd = udp_bound(AF_INET, &at);

    set_option(from, IPPROTO_UDP, UDP_CORK_OPTION, 1);
    say_call("first", send_to(from, "ab", &at));
    say_call("second", send_to(from, "cd", &at));
    say_none("not-yet", fd);
    set_option(from, IPPROTO_UDP, UDP_CORK_OPTION, 0);
    say_next("got", fd);
    say_call("free", send_to(from, "ef", &at));
    say_next("got", fd);
    set_option(from, IPPROTO_UDP, UDP_CORK_OPTION, 1);
    set_option(from, IPPROTO_UDP, UDP_CORK_OPTION, 0);
    say_none("nothing", fd);
}

static void datagram_begun_and_left(void)
{
    struct address at, other_at, nowhere;
    int from = new_udp(AF_INET), fd = udp_bound(AF_INET, &at), other = udp_bound(AF_INET, &other_at);

    /* To whom it is connected then. */
    say_call("first", send_more(from, "ab", &at));
    must(connect_to(from, &other_at));
    say_call("last", sys_send(from, "cd", 2, 0));
    say_next("other", other);
    say_none("got", fd);
    say_call("first", send_more(from, "ab", NULL));
    drop(from);
    say_none("other", other);
    from = new_udp(AF_INET);
    say_call("nowhere", send_more(from, "x", NULL));
    nowhere = at;
    nowhere.in.sin_port = 0;
    say_call("first", send_more(from, "ab", &at));
    say_call("last", send_to(from, "cd", &nowhere));
    say_next("got", fd);
}

/* ---- streams ---- */

static void stream_of_pieces(void)
{
    struct pair pair = tcp_pair();

    say_call("first", send_more(pair.a, "ab", NULL));
    say_call("second", send_more(pair.a, "cd", NULL));
    say_call("last", sys_send(pair.a, "ef", 2, 0));
    say_arrival("got", pair.b, 6);
    /* It waits for more, but not for ever. */
    say_call("alone", send_more(pair.a, "gh", NULL));
    say_arrival("got", pair.b, 2);
    /* And not beyond the end. */
    say_call("end", send_more(pair.a, "ij", NULL));
    must(sys_shutdown(pair.a, SHUT_WR));
    say_arrival("got", pair.b, 2);
    say_end("then", pair.b);
}

static void stream_corked(void)
{
    struct pair pair = tcp_pair();

    set_option(pair.a, IPPROTO_TCP, TCP_CORK, 1);
    put(pair.a, "ab");
    put(pair.a, "cd");
    set_option(pair.a, IPPROTO_TCP, TCP_CORK, 0);
    say_arrival("got", pair.b, 4);
    set_option(pair.a, IPPROTO_TCP, TCP_CORK, 1);
    put(pair.a, "ef");
    say_arrival("got", pair.b, 2);
    put(pair.a, "gh");
    drop(pair.a);
    say_arrival("got", pair.b, 2);
    say_end("then", pair.b);
}

static void stream_corked_and_large(void)
{
    static char out[300 * 1000], in[1000];
    struct pair pair = tcp_pair();
    size_t sent = 0, got = 0;

    set_option(pair.a, IPPROTO_TCP, TCP_CORK, 1);
    set_nonblocking(pair.a, true);
    while (got < sizeof out) {
        if (sent < sizeof out) {
            long count = sys_send(pair.a, out + sent, sizeof out - sent, 0);

            sent += count > 0 ? (size_t)count : 0;
        }
        settled(pair.b, POLLIN, POLLIN);
        got += (size_t)must(sys_recv(pair.b, in, sizeof in, 0));
    }
    say_yes("all", got == sizeof out);
}

/* ---- connecting with the first data ---- */

static void fast_open(void)
{
    struct address at, none = closed_tcp(AF_INET);
    int listener = tcp_listener(AF_INET, &at), client = new_tcp(AF_INET);

    say_call("send", sys_sendto(client, "hello", 5, MSG_FASTOPEN, &at.sa, at.length));
    int server = accept_one(listener);
    say_arrival("got", server, 5);
    say_call("again", sys_sendto(client, "x", 1, MSG_FASTOPEN, &at.sa, at.length));
    say_call("plain", sys_send(client, "more", 4, 0));
    say_arrival("got", server, 4);
    client = new_tcp(AF_INET);
    say_call("refused", sys_sendto(client, "x", 1, MSG_FASTOPEN, &none.sa, none.length));
    say_call("then", sys_send(client, "x", 1, MSG_NOSIGNAL));
    say_call("listening", sys_sendto(listener, "x", 1, MSG_FASTOPEN, &at.sa, at.length));
    client = new_tcp(AF_INET);
    say_call("nothing", sys_sendto(client, "", 0, MSG_FASTOPEN, &at.sa, at.length));
    server = accept_one(listener);
    put(client, "late");
    say_arrival("got", server, 4);
    say_call("datagram", sys_sendto(new_udp(AF_INET), "x", 1, MSG_FASTOPEN, &none.sa, none.length));
}

static void fast_open_without_waiting(void)
{
    struct address at;
    int listener = tcp_listener(AF_INET, &at), client = new_tcp(AF_INET);

    set_nonblocking(client, true);
    say_call("send", sys_sendto(client, "hello", 5, MSG_FASTOPEN, &at.sa, at.length));
    int server = accept_one(listener);
    settled(client, POLLOUT, POLLOUT);
    say_so_error("error", client);
    say_call("again", sys_sendto(client, "hello", 5, MSG_FASTOPEN, &at.sa, at.length));
    say_arrival("got", server, 5);
    client = new_tcp(AF_INET);
    say_call("once", sys_sendto(client, "x", 1, MSG_FASTOPEN | MSG_DONTWAIT, &at.sa, at.length));
    accept_one(listener);
    settled(client, POLLOUT, POLLOUT);
    say_ok("connect", connect_to(client, &at));
    say_call("send", sys_send(client, "x", 1, 0));
}

static void fast_open_much(void)
{
    static char out[200 * 1000], in[10000];
    struct address at;
    int listener = tcp_listener(AF_INET, &at), client = new_tcp(AF_INET);
    size_t got = 0;

    /* No more than the buffers of both take, lest it wait for a reader. */
    say_call("send", sys_sendto(client, out, 20000, MSG_FASTOPEN, &at.sa, at.length));
    int server = accept_one(listener);
    while (got < 20000)
        got += (size_t)must(sys_recv(server, in, sizeof in, 0));
    say_int("got", (long)got);
}

static void fast_open_options(void)
{
    struct address at;
    int listener = tcp_listener(AF_INET, &at), client = new_tcp(AF_INET), on = 1;

    say_ok("listener", sys_setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN, &on, sizeof on));
    say_ok("listener", sys_setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on));
    say_ok("client", sys_setsockopt(client, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on));
    say_ok("connect", connect_to(client, &at));
    put(client, "hello");
    say_arrival("got", accept_one(listener), 5);
    say_ok("late", sys_setsockopt(client, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on));
    say_ok("late", sys_setsockopt(client, IPPROTO_TCP, TCP_FASTOPEN, &on, sizeof on));
}

/* ---- times of arrival ---- */

/* Receives, and says of which kind the time is that was told; returns it in milliseconds. */
static long long say_time(const char *label, int fd, size_t count, int flags)
{
    _Alignas(struct cmsghdr) char bytes[128];
    char text[64];
    struct iovec data = { text, count };
    struct msghdr header = { .msg_iov = &data, .msg_iovlen = 1 };

    header.msg_control = bytes;
    header.msg_controllen = sizeof bytes;
    say_call(label, sys_recvmsg(fd, &header, flags));
    struct cmsghdr *one = CMSG_FIRSTHDR(&header);
    say_int("kind", one == NULL ? 0 : one->cmsg_type);
    if (one == NULL)
        return 0;
    long long words[2];
    say_int("data", (long)(one->cmsg_len - CMSG_LEN(0)));
    memcpy(words, CMSG_DATA(one), sizeof words);
    return words[0] * 1000 + words[1] / (one->cmsg_type == SO_TIMESTAMP ? 1000 : 1000000);
}

static void stream_times(void)
{
    struct pair pair = tcp_pair();

    set_option(pair.b, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    put(pair.a, "abcd");
    await_bytes(pair.b, 4);
    pause_ms(300);
    put(pair.a, "efgh");
    await_bytes(pair.b, 8);
    /* Of several pieces, when the last of them came. */
    long long peeked = say_time("peek", pair.b, 2, MSG_PEEK);
    long long first = say_time("first", pair.b, 2, 0);
    long long both = say_time("both", pair.b, 4, 0);
    long long rest = say_time("rest", pair.b, 2, 0);
    say_yes("same", peeked == first && both == rest);
    set_option(pair.b, SOL_SOCKET, SO_TIMESTAMP, 1);
    put(pair.a, "ij");
    await_bytes(pair.b, 2);
    say_yes("sane", say_time("micro", pair.b, 8, 0) >= rest);
    set_option(pair.b, SOL_SOCKET, SO_TIMESTAMP, 0);
    put(pair.a, "kl");
    await_bytes(pair.b, 2);
    say_time("off", pair.b, 8, 0);
    set_option(pair.b, SOL_SOCKET, SO_TIMESTAMP, 1);
    drop(pair.a);
    settled(pair.b, POLLIN, POLLIN | POLLRDHUP);
    say_time("end", pair.b, 8, 0);
}

const struct test_case more_cases[] = {
    CASE(datagram_of_pieces),
    CASE(datagram_of_pieces_and_nothing),
    CASE(datagram_of_pieces_ipv6),
    CASE(datagram_of_pieces_too_long),
    CASE(datagram_corked),
    CASE(datagram_begun_and_left),
    CASE(stream_of_pieces),
    CASE(stream_corked),
    CASE(stream_corked_and_large),
    CASE(fast_open),
    CASE(fast_open_without_waiting),
    CASE(fast_open_much),
    CASE(fast_open_options),
    CASE(stream_times),
    END_OF_CASES,
};
