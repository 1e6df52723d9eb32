/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses: binding, who is who, buffers too short for an answer, and IPv4 within IPv6. */
#include "sockets.h"

#include <string.h>

/* 192.0.2.1, of a block kept for documentation: nobody's address. */
#define NOT_OURS 0xc0000201

/* Takes an address without listening there, lest whoever connects to it be given it, and reach itself. */
static void hold(const struct address *at)
{
    bind_to(new_tcp(at->sa.sa_family), at);
}

/* ---- bind ---- */

static void bind_used_address(void)
{
    struct address at;
    struct address any;

    tcp_listener(AF_INET, &at);
    any = anywhere(AF_INET, port_of(&at));
    say_ok("tcp", bind_to(new_tcp(AF_INET), &at));
    say_ok("tcp-any", bind_to(new_tcp(AF_INET), &any));
    udp_bound(AF_INET, &at);
    any = anywhere(AF_INET, port_of(&at));
    say_ok("udp", bind_to(new_udp(AF_INET), &at));
    say_ok("udp-any", bind_to(new_udp(AF_INET), &any));
}

static void bind_used_ipv6_address(void)
{
    struct address at;

    tcp_listener(AF_INET6, &at);
    say_ok("tcp", bind_to(new_tcp(AF_INET6), &at));
    udp_bound(AF_INET6, &at);
    say_ok("udp", bind_to(new_udp(AF_INET6), &at));
}

static void bind_protocols_do_not_collide(void)
{
    struct address at = loopback(AF_INET, 0);
    int udp = -1;

    /* Somebody else may hold that very UDP port: try a few. */
    for (int i = 0; i < 16 && udp < 0; i++) {
        tcp_listener(AF_INET, &at);
        int fd = new_udp(AF_INET);
        if (bind_to(fd, &at) == 0)
            udp = fd;
    }
    say_yes("both", udp >= 0);
}

static void bind_other_local_address(void)
{
    struct address at;
    struct address other;
    struct address wrong;
    int listener = new_tcp(AF_INET);

    /* All of 127/8 is ours. */
    other = v4_address(0x7f000002, 0);
    say_ok("bind", bind_to(listener, &other));
    must(sys_listen(listener, 1));
    must(local_of(listener, &at));
    say_yes("address", at.in.sin_addr.s_addr == other.in.sin_addr.s_addr);
    say_ok("connect", connect_to(new_tcp(AF_INET), &at));
    wrong = loopback(AF_INET, port_of(&at));
    hold(&wrong);
    say_ok("elsewhere", connect_to(new_tcp(AF_INET), &wrong));
}

static void bind_freed_by_close(void)
{
    struct address at;

    drop(tcp_listener(AF_INET, &at));
    say_ok("tcp", bind_to(new_tcp(AF_INET), &at));
    drop(udp_bound(AF_INET, &at));
    say_ok("udp", bind_to(new_udp(AF_INET), &at));
}

static void bind_twice(void)
{
    struct address at = loopback(AF_INET, 0);

    say_ok("tcp", bind_to(tcp_listener(AF_INET, NULL), &at));
    say_ok("udp", bind_to(udp_bound(AF_INET, NULL), &at));
    say_ok("connected", bind_to(tcp_pair().a, &at));
}

static void bind_not_ours(void)
{
    struct address at = v4_address(NOT_OURS, 0);
    struct address at6 = loopback(AF_INET6, 0);

    /* 2001:db8::/32 is IPv6's block for documentation. */
    at6.in6.sin6_addr = (struct in6_addr){ .s6_addr = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };
    say_ok("tcp", bind_to(new_tcp(AF_INET), &at));
    say_ok("udp", bind_to(new_udp(AF_INET), &at));
    say_ok("tcp6", bind_to(new_tcp(AF_INET6), &at6));
}

static void bind_short_address(void)
{
    struct address at = loopback(AF_INET, 0);
    struct address at6 = loopback(AF_INET6, 0);

    say_ok("tcp", sys_bind(new_tcp(AF_INET), &at.sa, sizeof at.in - 1));
    say_ok("udp", sys_bind(new_udp(AF_INET), &at.sa, sizeof at.in - 1));
    say_ok("nothing", sys_bind(new_udp(AF_INET), &at.sa, 0));
    say_ok("tcp6", sys_bind(new_tcp(AF_INET6), &at6.sa, sizeof at.in));
}

static void bind_wrong_family(void)
{
    struct address at = loopback(AF_INET, 0);
    struct address at6 = loopback(AF_INET6, 0);

    say_ok("v6-to-v4", bind_to(new_tcp(AF_INET), &at6));
    at.length = sizeof at.in6;
    say_ok("v4-to-v6", bind_to(new_tcp(AF_INET6), &at));
    at = loopback(AF_INET, 0);
    at.sa.sa_family = 250;
    say_ok("unknown", bind_to(new_udp(AF_INET), &at));
}

/* An IPv4 address is too short to be an IPv6 one; where its length says that it could be one, its family is wrong. */
static void v4_address_for_a_v6_socket(void)
{
    struct address at = loopback(AF_INET, 0);
    int types[] = { SOCK_STREAM, SOCK_DGRAM };

    for (int i = 0; i < 2; i++) {
        at.length = sizeof at.in;
        say_ok("bind", bind_to(own(must(sys_socket(AF_INET6, types[i], 0))), &at));
        at.in.sin_port = closed_tcp(AF_INET).in.sin_port;
        say_ok("connect", connect_to(own(must(sys_socket(AF_INET6, types[i], 0))), &at));
        at.length = sizeof at.in6;
        say_ok("long", connect_to(own(must(sys_socket(AF_INET6, types[i], 0))), &at));
        at.in.sin_port = 0;
    }
}

static void v6_bound_datagrams_to_v4(void)
{
    struct address to, mapped;
    int six = udp_bound(AF_INET6, NULL);

    udp_bound(AF_INET, &to);
    mapped = v4_mapped(INADDR_LOOPBACK, port_of(&to));
    say_ok("connect", connect_to(six, &to));
    say_ok("mapped", connect_to(six, &mapped));
    say_ok("send", send_to(six, "x", &to));
    say_ok("send-mapped", send_to(six, "x", &mapped));
}

/* Ends a connection without the wait for late packets: by a reset, which the client hears. */
static void end_by_reset(int client, int server)
{
    reset(server);
    settled(client, 0, POLLHUP);
}

/*
 * A port that the kernel chose, whether to bind to or to connect from, goes with the connection; the socket is
 * still called by it. One that the program chose stays. Whether others can have it is asked of those that were bound:
 * to connect from, one may be chosen that others connect from too.
 */
static void ports_after_a_connection(void)
{
    struct address to, at, again = loopback(AF_INET, 0);
    int listener = tcp_listener(AF_INET, &to);

    for (int how = 0; how < 3; how++) {
        int client = new_tcp(AF_INET);

        at = how < 2 ? loopback(AF_INET, 0) : free_tcp(AF_INET);
        if (how > 0)
            must(bind_to(client, &at));
        must(connect_to(client, &to));
        must(local_of(client, &at));
        end_by_reset(client, accept_one(listener));
        struct address after;

        must(local_of(client, &after));
        say_yes("called", same_address(&after, &at));
        if (how > 0)
            say_ok("other", bind_to(new_tcp(AF_INET), &at));
        say_ok("same", bind_to(client, &again));
        must(local_of(client, &after));
        say_yes("moved", port_of(&after) != port_of(&at));
        say_ok("connect", connect_to(client, &to));
        drop(client);
    }
}

static void ports_after_a_refusal(void)
{
    struct address to = closed_tcp(AF_INET), at, after;

    for (int bound = 0; bound < 2; bound++) {
        int client = new_tcp(AF_INET);

        at = loopback(AF_INET, 0);
        if (bound)
            must(bind_to(client, &at));
        say_ok("connect", connect_to(client, &to));
        must(local_of(client, &after));
        say_yes("port", port_of(&after) != 0);
        say_yes("loopback", after.in.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
        if (bound)
            say_ok("other", bind_to(new_tcp(AF_INET), &after));
        say_ok("same", bind_to(client, &at));
    }
}

static void port_of_a_listener_shut_down(void)
{
    struct address at;
    int listener = tcp_listener(AF_INET, &at);

    must(sys_shutdown(listener, SHUT_RD));
    say_ok("other", bind_to(new_tcp(AF_INET), &at));
}

static void ephemeral_ports(void)
{
    enum { COUNT = 20 };
    struct address at[COUNT];
    bool distinct = true;
    bool sane = true;

    for (int i = 0; i < COUNT; i++) {
        /* Kept open, so none may be given twice. */
        tcp_listener(AF_INET, &at[i]);
        sane = sane && port_of(&at[i]) >= 1024;
        for (int j = 0; j < i; j++)
            distinct = distinct && port_of(&at[i]) != port_of(&at[j]);
    }
    say_yes("distinct", distinct);
    say_yes("not-reserved", sane);
}

/* ---- names ---- */

static void name_of_unbound(void)
{
    struct address at;

    say_ok("tcp", local_of(new_tcp(AF_INET), &at));
    say_yes("nothing", at.in.sin_addr.s_addr == htonl(INADDR_ANY) && port_of(&at) == 0);
    say_yes("family", at.sa.sa_family == AF_INET);
    say_int("length", at.length);
    say_ok("udp6", local_of(new_udp(AF_INET6), &at));
    say_yes("nothing", IN6_IS_ADDR_UNSPECIFIED(&at.in6.sin6_addr) && port_of(&at) == 0);
    say_yes("family", at.sa.sa_family == AF_INET6);
    say_int("length", at.length);
}

static void names_of_connection(void)
{
    struct pair pair = tcp_pair();
    struct address a_local, a_peer, b_local, b_peer;

    must(local_of(pair.a, &a_local));
    must(peer_of(pair.a, &a_peer));
    must(local_of(pair.b, &b_local));
    must(peer_of(pair.b, &b_peer));
    say_yes("client", same_address(&a_local, &b_peer));
    say_yes("server", same_address(&a_peer, &b_local));
    say_yes("loopback", a_local.in.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
}

static void name_of_wildcard(void)
{
    struct address at = anywhere(AF_INET, 0);
    int listener = new_tcp(AF_INET);

    must(bind_to(listener, &at));
    must(sys_listen(listener, 1));
    must(local_of(listener, &at));
    say_yes("listener-any", at.in.sin_addr.s_addr == htonl(INADDR_ANY));
    at = loopback(AF_INET, port_of(&at));
    tcp_client(&at);
    must(local_of(accept_one(listener), &at));
    say_yes("accepted-loopback", at.in.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
}

static void name_chosen_by_udp_connect(void)
{
    struct address at;
    struct address mine;
    int fd = new_udp(AF_INET);

    udp_bound(AF_INET, &at);
    must(connect_to(fd, &at));
    must(local_of(fd, &mine));
    say_yes("loopback", mine.in.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    say_yes("port", port_of(&mine) != 0);
}

static void name_chosen_by_udp_send(void)
{
    struct address at;
    struct address mine;
    int fd = new_udp(AF_INET);

    udp_bound(AF_INET, &at);
    must(send_to(fd, "x", &at));
    must(local_of(fd, &mine));
    say_yes("any", mine.in.sin_addr.s_addr == htonl(INADDR_ANY));
    say_yes("port", port_of(&mine) != 0);
}

static void peer_of_unconnected(void)
{
    struct address at;

    say_ok("tcp", peer_of(new_tcp(AF_INET), &at));
    say_ok("udp", peer_of(udp_bound(AF_INET, NULL), &at));
}

/* The answer is cut to the buffer, and its length is what it would have been. */
static void name_into_short_buffer(void)
{
    struct pair pair = tcp_pair();
    struct address whole;
    unsigned char cut[16];
    socklen_t length = 6;

    must(local_of(pair.a, &whole));
    memset(cut, 0xee, sizeof cut);
    say_ok("getsockname", sys_getsockname(pair.a, (struct sockaddr *)cut, &length));
    say_int("length", length);
    say_yes("written", memcmp(cut, &whole, 6) == 0);
    say_yes("untouched", cut[6] == 0xee && cut[15] == 0xee);
    length = 2;
    memset(cut, 0xee, sizeof cut);
    say_ok("getpeername", sys_getpeername(pair.a, (struct sockaddr *)cut, &length));
    say_int("length", length);
    say_yes("untouched", cut[2] == 0xee);
    length = 0;
    say_ok("nothing", sys_getsockname(pair.a, (struct sockaddr *)cut, &length));
    say_int("length", length);
}

static void name_into_negative_buffer(void)
{
    struct address at;
    socklen_t length = (socklen_t)-1;

    say_ok("getsockname", sys_getsockname(tcp_pair().a, &at.sa, &length));
}

static void name_from_accept(void)
{
    struct address at;
    struct address mine;
    struct address peer;
    socklen_t length = 4;
    unsigned char cut[16];
    int listener = tcp_listener(AF_INET, &at);

    must(local_of(tcp_client(&at), &mine));
    peer.length = sizeof peer.in6;
    settled(listener, POLLIN, POLLIN);
    say_ok("accept", own(sys_accept(listener, &peer.sa, &peer.length)));
    say_int("length", peer.length);
    say_yes("same", same_address(&mine, &peer));
    tcp_client(&at);
    settled(listener, POLLIN, POLLIN);
    memset(cut, 0xee, sizeof cut);
    say_ok("short", own(sys_accept4(listener, (struct sockaddr *)cut, &length, 0)));
    say_int("length", length);
    say_yes("untouched", cut[4] == 0xee);
}

/* ---- IPv6 ---- */

static void ipv6_stream(void)
{
    struct address at;
    struct address mine;
    struct address peer;
    int listener = tcp_listener(AF_INET6, &at);
    int a = tcp_client(&at);
    int b = accept_one(listener);

    must(local_of(a, &mine));
    must(peer_of(b, &peer));
    say_int("length", peer.length);
    say_yes("same", same_address(&mine, &peer));
    say_yes("loopback", IN6_IS_ADDR_LOOPBACK(&peer.in6.sin6_addr));
    put(a, "ping");
    say_arrival("got", b, 4);
    put(b, "pong");
    say_arrival("got", a, 4);
    drop(a);
    say_end("end", b);
}

static void ipv6_refused(void)
{
    struct address nobody = closed_tcp(AF_INET6);

    say_ok("connect", connect_to(new_tcp(AF_INET6), &nobody));
}

static int wildcard6(int v6only, struct address *at)
{
    int listener = new_tcp(AF_INET6);

    *at = anywhere(AF_INET6, 0);
    set_option(listener, IPPROTO_IPV6, IPV6_V6ONLY, v6only);
    must(bind_to(listener, at));
    must(sys_listen(listener, 4));
    must(local_of(listener, at));
    return listener;
}

static void dual_stack_accepts_both(void)
{
    struct address at;
    struct address four;
    struct address six;
    struct address peer;
    struct address mine;
    struct address mapped;
    int listener = wildcard6(0, &at);

    four = loopback(AF_INET, port_of(&at));
    int client = tcp_client(&four);
    int server = accept_one(listener);
    must(peer_of(server, &peer));
    must(local_of(client, &mine));
    mapped = v4_mapped(INADDR_LOOPBACK, port_of(&mine));
    say_yes("v4-peer-mapped", same_address(&peer, &mapped));
    must(local_of(server, &mine));
    mapped = v4_mapped(INADDR_LOOPBACK, port_of(&at));
    say_yes("v4-local-mapped", same_address(&mine, &mapped));
    put(client, "four");
    say_arrival("got", server, 4);
    six = loopback(AF_INET6, port_of(&at));
    must(local_of(tcp_client(&six), &mine));
    must(peer_of(accept_one(listener), &peer));
    say_yes("v6-peer", same_address(&mine, &peer));
}

static void v6only_refuses_v4(void)
{
    struct address at;
    struct address four;

    wildcard6(1, &at);
    four = loopback(AF_INET, port_of(&at));
    hold(&four);
    say_ok("connect", connect_to(new_tcp(AF_INET), &four));
}

static void v6only_shares_the_port(void)
{
    struct address at;
    struct address four;
    bool shared = false;

    /* The port may be somebody else's in IPv4: try a few. */
    for (int i = 0; i < 16 && !shared; i++) {
        wildcard6(1, &at);
        four = anywhere(AF_INET, port_of(&at));
        shared = bind_to(new_tcp(AF_INET), &four) == 0;
    }
    say_yes("shared", shared);
    wildcard6(0, &at);
    four = anywhere(AF_INET, port_of(&at));
    say_ok("dual", bind_to(new_tcp(AF_INET), &four));
}

static void v6_socket_connects_to_v4(void)
{
    struct address at;
    struct address mapped;
    struct address mine;
    struct address peer;
    int listener = tcp_listener(AF_INET, &at);
    int client = new_tcp(AF_INET6);

    mapped = v4_mapped(INADDR_LOOPBACK, port_of(&at));
    say_ok("connect", connect_to(client, &mapped));
    must(local_of(client, &mine));
    must(peer_of(accept_one(listener), &peer));
    say_yes("plain", peer.sa.sa_family == AF_INET);
    say_yes("mapped", IN6_IS_ADDR_V4MAPPED(&mine.in6.sin6_addr));
    say_yes("port", port_of(&mine) == port_of(&peer));
}

static void v6_datagrams_to_v4(void)
{
    struct address at;
    struct address from;
    struct address mapped;
    char buffer[8];
    int four = udp_bound(AF_INET, &at);
    int six = new_udp(AF_INET6);

    mapped = v4_mapped(INADDR_LOOPBACK, port_of(&at));
    say_call("send", send_to(six, "ping", &mapped));
    from.length = sizeof from.in6;
    settled(four, POLLIN, POLLIN);
    say_bytes("got", buffer,
              sys_recvfrom(four, buffer, sizeof buffer, MSG_DONTWAIT, &from.sa, &from.length));
    say_call("answer", send_to(four, "pong", &from));
    from.length = sizeof from.in6;
    settled(six, POLLIN, POLLIN);
    say_bytes("got", buffer, sys_recvfrom(six, buffer, sizeof buffer, MSG_DONTWAIT, &from.sa, &from.length));
    say_yes("mapped", same_address(&from, &mapped));
}

static void name_left_by_udp_disconnect(void)
{
    struct address none = { .sa = { .sa_family = AF_UNSPEC }, .length = sizeof none.in };
    struct address to, at;
    int unbound = new_udp(AF_INET);
    int bound = new_udp(AF_INET);

    udp_bound(AF_INET, &to);
    must(connect_to(unbound, &to));
    must(connect_to(unbound, &none));
    must(local_of(unbound, &at));
    say_yes("port", port_of(&at) != 0);
    at = anywhere(AF_INET, 0);
    at.in.sin_port = closed_udp(AF_INET).in.sin_port;
    must(bind_to(bound, &at));
    must(connect_to(bound, &to));
    must(connect_to(bound, &none));
    must(local_of(bound, &to));
    say_yes("as-bound", same_address(&to, &at));
}

static void name_given_by_refused_send(void)
{
    struct address at;
    int fd = new_udp(AF_INET);

    say_ok("send", sys_send(fd, "x", 1, 0));
    must(local_of(fd, &at));
    say_yes("port", port_of(&at) != 0);
    at = loopback(AF_INET, 0);
    say_ok("bind", bind_to(fd, &at));
}

static void mapped_and_plain_do_not_meet(void)
{
    struct address mapped = v4_mapped(INADDR_LOOPBACK, 0);
    struct address plain = loopback(AF_INET6, 0);
    struct address to, to_mapped;
    int types[] = { SOCK_STREAM, SOCK_DGRAM };

    tcp_listener(AF_INET6, &to);
    to_mapped = v4_mapped(INADDR_LOOPBACK, port_of(&to));
    for (int i = 0; i < 2; i++) {
        int four = own(must(sys_socket(AF_INET6, types[i], 0)));
        int six = own(must(sys_socket(AF_INET6, types[i], 0)));

        must(bind_to(four, &mapped));
        must(bind_to(six, &plain));
        say_ok("four-to-six", connect_to(four, &to));
        say_ok("six-to-four", connect_to(six, &to_mapped));
    }
}

const struct test_case name_cases[] = {
    CASE(bind_used_address),
    CASE(bind_used_ipv6_address),
    CASE(bind_protocols_do_not_collide),
    CASE(bind_other_local_address),
    CASE(bind_freed_by_close),
    CASE(bind_twice),
    CASE(bind_not_ours),
    CASE(bind_short_address),
    CASE(bind_wrong_family),
    CASE(v4_address_for_a_v6_socket),
    CASE(v6_bound_datagrams_to_v4),
    CASE(ports_after_a_connection),
    CASE(ports_after_a_refusal),
    CASE(port_of_a_listener_shut_down),
    CASE(ephemeral_ports),
    CASE(name_of_unbound),
    CASE(names_of_connection),
    CASE(name_of_wildcard),
    CASE(name_chosen_by_udp_connect),
    CASE(name_chosen_by_udp_send),
    CASE(name_left_by_udp_disconnect),
    CASE(name_given_by_refused_send),
    CASE(peer_of_unconnected),
    CASE(name_into_short_buffer),
    CASE(name_into_negative_buffer),
    CASE(name_from_accept),
    CASE(ipv6_stream),
    CASE(ipv6_refused),
    CASE(dual_stack_accepts_both),
    CASE(v6only_refuses_v4),
    CASE(v6only_shares_the_port),
    CASE(v6_socket_connects_to_v4),
    CASE(v6_datagrams_to_v4),
    CASE(mapped_and_plain_do_not_meet),
    END_OF_CASES,
};
