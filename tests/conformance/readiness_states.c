/* SPDX-License-Identifier: BSD-2-Clause */
/* What is ready in each state that a listener, a connection or a datagram socket can be in. */
#include "readiness.h"

/* ---- listeners ---- */

static void listener_idle(void)
{
    say_events("revents", ready(tcp_listener(AF_INET, NULL), ALL));
}

static void listener_with_connection(void)
{
    struct address at;
    int listener = tcp_listener(AF_INET, &at);

    tcp_client(&at);
    say_events("pending", settled(listener, ALL, POLLIN));
    accept_one(listener);
    say_events("accepted", ready(listener, ALL));
}

static void listener_with_two_connections(void)
{
    struct address at;
    int listener = tcp_listener(AF_INET, &at);

    tcp_client(&at);
    tcp_client(&at);
    for (int accepted = 0; accepted < 2; accepted++) {
        say_events("before", settled(listener, ALL, POLLIN));
        accept_one(listener);
    }
    say_events("after", ready(listener, ALL));
}

static void listener_with_closed_connection(void)
{
    struct address at;
    int listener = tcp_listener(AF_INET, &at);
    int client = tcp_client(&at);

    put(client, "last words");
    drop(client);
    say_events("pending", settled(listener, ALL, POLLIN));
    int late = accept_one(listener);
    say_arrival("got", late, 10);
    say_end("then", late);
}

static void listener_full_then_accepting(void)
{
    enum { ENOUGH = 64 };
    struct address at;
    int listener = new_tcp(AF_INET);
    int waiting = -1;

    at = loopback(AF_INET, 0);
    must(bind_to(listener, &at));
    must(sys_listen(listener, 1));
    must(local_of(listener, &at));
    /* How many fit is the kernel's choice; that it ends, and that who waits is not refused, is not. */
    for (int i = 0; i < ENOUGH && waiting < 0; i++) {
        int client = new_tcp(AF_INET);
        struct pollfd connected = { .fd = client, .events = POLLOUT };

        set_nonblocking(client, true);
        connect_to(client, &at);
        if (must(sys_poll(&connected, 1, 50)) == 0)
            waiting = client;
    }
    say_yes("full", waiting >= 0);
    say_ok("again", connect_to(waiting, &at));
    accept_one(listener);
    accept_one(listener);
    say_events("later", settled(waiting, ALL, POLLOUT));
    say_so_error("error", waiting);
}

/* ---- connecting ---- */

static void connect_nonblocking(void)
{
    struct address at;
    int client = new_tcp(AF_INET);

    tcp_listener(AF_INET, &at);
    set_nonblocking(client, true);
    connect_to(client, &at);
    say_events("connected", settled(client, ALL, POLLOUT));
    say_so_error("error", client);
}

static void connect_refused(void)
{
    struct address at = closed_tcp(AF_INET);
    int client = new_tcp(AF_INET);

    set_nonblocking(client, true);
    connect_to(client, &at);
    say_events("refused", settled(client, ALL, POLLERR | POLLHUP));
    say_so_error("error", client);
    say_events("told", ready(client, ALL));
    say_so_error("again", client);
}

/* An event loop may well register a socket before it connects it. */
static void stream_never_connected(void)
{
    say_events("revents", ready(new_tcp(AF_INET), ALL));
}

/* ---- connections ---- */

static void connection_idle(void)
{
    struct pair pair = tcp_pair();

    say_events("client", ready(pair.a, ALL));
    say_events("server", ready(pair.b, ALL));
}

static void connection_with_data(void)
{
    struct pair pair = tcp_pair();

    put(pair.a, "ab");
    await_bytes(pair.b, 2);
    say_events("two", ready(pair.b, ALL));
    say_arrival("got", pair.b, 1);
    say_events("one", ready(pair.b, ALL));
    say_arrival("got", pair.b, 1);
    say_events("none", ready(pair.b, ALL));
}

static void connection_data_peeked_at(void)
{
    struct pair pair = tcp_pair();

    put(pair.a, "ab");
    await_bytes(pair.b, 2);
    say_recv("peek", pair.b, 2, MSG_PEEK);
    say_events("revents", ready(pair.b, ALL));
}

static void connection_full_and_drained(void)
{
    struct pair pair = tcp_pair();
    size_t taken = fill(pair.a);

    say_events("full", ready(pair.a, ALL));
    say_events("other-direction", ready(pair.b, ALL));
    drain(pair.b, taken);
    say_events("drained", settled(pair.a, ALL, POLLOUT));
    say_events("empty", ready(pair.b, ALL));
}

static void connection_full_and_peer_gone(void)
{
    struct pair pair = tcp_pair();

    fill(pair.a);
    reset(pair.b);
    say_events("revents", settled(pair.a, ALL, POLLERR | POLLHUP));
    say_so_error("error", pair.a);
}

static void peer_closed(void)
{
    struct pair pair = tcp_pair();

    drop(pair.a);
    say_events("revents", settled(pair.b, ALL, POLLRDHUP));
    say_end("recv", pair.b);
    say_events("still", ready(pair.b, ALL));
}

static void peer_closed_after_data(void)
{
    struct pair pair = tcp_pair();

    put(pair.a, "bye");
    drop(pair.a);
    say_events("revents", settled(pair.b, ALL, POLLRDHUP));
    say_arrival("got", pair.b, 3);
    say_events("drained", ready(pair.b, ALL));
    say_end("then", pair.b);
}

static void peer_shut_write(void)
{
    struct pair pair = tcp_pair();

    must(sys_shutdown(pair.a, SHUT_WR));
    say_events("reader", settled(pair.b, ALL, POLLRDHUP));
    /* A write after it fails at once, and poll promises only that a write does not wait. */
    say_events("writer", ready(pair.a, ALL));
}

static void own_read_shut(void)
{
    struct pair pair = tcp_pair();

    must(sys_shutdown(pair.a, SHUT_RD));
    say_events("own", ready(pair.a, ALL));
    say_events("peer", ready(pair.b, ALL));
}

static void own_both_shut(void)
{
    struct pair pair = tcp_pair();

    must(sys_shutdown(pair.a, SHUT_RDWR));
    say_events("own", settled(pair.a, ALL, POLLHUP));
    say_events("peer", settled(pair.b, ALL, POLLRDHUP));
}

static void both_directions_shut(void)
{
    struct pair pair = tcp_pair();

    must(sys_shutdown(pair.a, SHUT_WR));
    settled(pair.b, ALL, POLLRDHUP);
    must(sys_shutdown(pair.b, SHUT_WR));
    say_events("first", settled(pair.a, ALL, POLLHUP | POLLRDHUP));
    say_events("second", settled(pair.b, ALL, POLLHUP));
}

static void peer_reset(void)
{
    struct pair pair = tcp_pair();

    reset(pair.a);
    say_events("revents", settled(pair.b, ALL, POLLERR | POLLHUP));
    say_so_error("error", pair.b);
    say_events("told", ready(pair.b, ALL));
    say_end("recv", pair.b);
}

static void peer_closed_with_unread_data(void)
{
    struct pair pair = tcp_pair();

    put(pair.b, "never read");
    await_bytes(pair.a, 10);
    drop(pair.a);
    say_events("revents", settled(pair.b, ALL, POLLERR | POLLHUP));
    say_so_error("error", pair.b);
}

static void written_to_closed_peer(void)
{
    struct pair pair = tcp_pair();

    drop(pair.a);
    settled(pair.b, ALL, POLLRDHUP);
    put(pair.b, "anyone there?");
    say_events("revents", settled(pair.b, ALL, POLLERR | POLLHUP));
}

/* ---- datagrams ---- */

static void datagram_idle(void)
{
    say_events("unbound", ready(new_udp(AF_INET), ALL));
    say_events("connected", ready(udp_pair().a, ALL));
}

static void datagrams_waiting(void)
{
    struct pair pair = udp_pair();

    put(pair.a, "one");
    put(pair.a, "two");
    for (int received = 0; received < 2; received++) {
        say_events("before", settled(pair.b, ALL, POLLIN));
        say_recv("got", pair.b, 10, MSG_DONTWAIT);
    }
    say_events("after", ready(pair.b, ALL));
}

static void datagram_empty(void)
{
    struct pair pair = udp_pair();

    must(sys_send(pair.a, "", 0, 0));
    say_events("revents", settled(pair.b, ALL, POLLIN));
    say_recv("got", pair.b, 10, MSG_DONTWAIT);
    say_events("after", ready(pair.b, ALL));
}

static void datagram_refused(void)
{
    int fd = udp_to_nobody(AF_INET);

    put(fd, "anyone there?");
    say_events("revents", settled(fd, ALL, POLLERR));
    say_so_error("error", fd);
    say_events("told", ready(fd, ALL));
}

static void datagram_refused_told_by_recv(void)
{
    int fd = udp_to_nobody(AF_INET);

    put(fd, "anyone there?");
    settled(fd, ALL, POLLERR);
    say_recv("recv", fd, 10, MSG_DONTWAIT);
    say_recv("again", fd, 10, MSG_DONTWAIT);
    say_events("told", ready(fd, ALL));
}

/* A refusal of one datagram of many destinations says nothing about the socket. */
static void datagram_refused_unconnected(void)
{
    int fd = udp_bound(AF_INET, NULL);
    struct address nobody = closed_udp(AF_INET);

    must(send_to(fd, "anyone there?", &nobody));
    pause_ms(QUIET);
    say_events("revents", ready(fd, ALL));
    say_so_error("error", fd);
}

static void datagram_shut(void)
{
    struct pair pair = udp_pair();

    must(sys_shutdown(pair.a, SHUT_RD));
    say_events("read", ready(pair.a, ALL));
    must(sys_shutdown(pair.a, SHUT_WR));
    say_events("both", ready(pair.a, ALL));
    say_events("peer", ready(pair.b, ALL));
}

const struct test_case state_cases[] = {
    CASE(listener_idle),
    CASE(listener_with_connection),
    CASE(listener_with_two_connections),
    CASE(listener_with_closed_connection),
    CASE(listener_full_then_accepting),
    CASE(connect_nonblocking),
    CASE(connect_refused),
    CASE(stream_never_connected),
    CASE(connection_idle),
    CASE(connection_with_data),
    CASE(connection_data_peeked_at),
    CASE(connection_full_and_drained),
    CASE(connection_full_and_peer_gone),
    CASE(peer_closed),
    CASE(peer_closed_after_data),
    CASE(peer_shut_write),
    CASE(own_read_shut),
    CASE(own_both_shut),
    CASE(both_directions_shut),
    CASE(peer_reset),
    CASE(peer_closed_with_unread_data),
    CASE(written_to_closed_peer),
    CASE(datagram_idle),
    CASE(datagrams_waiting),
    CASE(datagram_empty),
    CASE(datagram_refused),
    CASE(datagram_refused_told_by_recv),
    CASE(datagram_refused_unconnected),
    CASE(datagram_shut),
    END_OF_CASES,
};
