/* SPDX-License-Identifier: BSD-2-Clause */
/* What poll and epoll say, level and edge. */
#include "local.h"

static int watching(int fd, unsigned events)
{
    int epoll = own(must(sys_epoll_create1(0)));
    struct epoll_event event = { .events = events };

    must(sys_epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
    return epoll;
}

static void say_news(const char *label, int epoll)
{
    struct epoll_event event = { 0 };

    say_events(label, must(sys_epoll_wait(epoll, &event, 1, 0)) ? event.events : 0);
}

#define EDGES (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)

static void ready_states(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

    for (int i = 0; i < 3; i++) {
        struct pair pair = local_pair(types[i]);

        say_ready("fresh", new_local(types[i]));
        say_ready("pair", pair.a);
        put(pair.b, "xy");
        say_ready("data", pair.a);
        say_recv("some", pair.a, 1, 0);
        say_ready("left", pair.a);
        say_recv("more", pair.a, 1, MSG_DONTWAIT);
        say_ready("none", pair.a);
    }
}

static void ready_when_full(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
    static char chunk[4096];

    for (int i = 0; i < 2; i++) {
        struct pair pair = local_pair(types[i]);

        flood(pair.a, MSG_DONTWAIT);
        say("why", errno_name(errno));
        say_ready("full", pair.a);
        say_ready("reader", pair.b);
        must(sys_recv(pair.b, chunk, sizeof chunk, 0));
        say_ready("a-little-less", pair.a);
        while (sys_recv(pair.b, chunk, sizeof chunk, MSG_DONTWAIT) > 0)
            ;
        say_ready("empty", pair.a);
        flood(pair.a, MSG_DONTWAIT);
        must(drop(pair.b));
        say_ready("closed", pair.a);
    }
}

static void edge_of_arrivals(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

    for (int i = 0; i < 3; i++) {
        struct pair pair = local_pair(types[i]);
        int epoll = watching(pair.b, EPOLLIN | EPOLLET);

        say_news("idle", epoll);
        put(pair.a, "a");
        say_news("first", epoll);
        say_news("unread", epoll);
        put(pair.a, "b");
        say_news("second", epoll);
        say_recv("got", pair.b, 1, 0);
        say_news("read", epoll);
    }
}

static void edge_of_room(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
    char byte;

    for (int i = 0; i < 3; i++) {
        struct pair pair = local_pair(types[i]);
        int epoll = watching(pair.a, EPOLLOUT | EPOLLET);

        say_news("at-first", epoll);
        say_news("again", epoll);
        put(pair.a, "x");
        say_news("sent", epoll);
        must(sys_recv(pair.b, &byte, 1, 0));
        say_news("received", epoll);
        say_news("again", epoll);
    }
}

static void edge_of_room_when_full(void)
{
    struct pair pair = local_pair(SOCK_STREAM);
    int epoll = watching(pair.a, EPOLLOUT | EPOLLET);
    static char chunk[4096];

    say_news("at-first", epoll);
    flood(pair.a, MSG_DONTWAIT);
    say_news("full", epoll);
    must(sys_recv(pair.b, chunk, 16, 0));
    say_news("a-little-less", epoll);
    while (sys_recv(pair.b, chunk, sizeof chunk, MSG_DONTWAIT) > 0)
        ;
    say_news("empty", epoll);
    say_news("again", epoll);
}

static void edge_of_endings(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };

    for (int i = 0; i < 2; i++) {
        struct pair pair = local_pair(types[i]);
        int epoll = watching(pair.a, EDGES);

        say_news("at-first", epoll);
        must(sys_shutdown(pair.b, SHUT_WR));
        say_news("shut", epoll);
        say_news("again", epoll);
        must(drop(pair.b));
        say_news("closed", epoll);
        say_news("again", epoll);
    }
}

static void edge_of_own_shutdown(void)
{
    struct pair pair = local_pair(SOCK_STREAM);
    int epoll = watching(pair.a, EDGES);

    say_news("at-first", epoll);
    must(sys_shutdown(pair.a, SHUT_WR));
    say_news("writing", epoll);
    must(sys_shutdown(pair.a, SHUT_RD));
    say_news("reading", epoll);
    say_news("again", epoll);
}

static void edge_of_a_reset(void)
{
    struct pair pair = local_pair(SOCK_STREAM);
    int epoll = watching(pair.a, EDGES);

    put(pair.a, "unread");
    say_news("at-first", epoll);
    must(drop(pair.b));
    say_news("reset", epoll);
    say_so_error("error", pair.a);
    say_ready("after", pair.a);
    say_news("again", epoll);
}

static void edge_of_a_server(void)
{
    struct name at = abstract_name("edge");
    int server = local_listener(SOCK_STREAM, &at, 5);
    int epoll = watching(server, EPOLLIN | EPOLLET);

    say_news("idle", epoll);
    local_client(SOCK_STREAM, &at);
    say_news("first", epoll);
    say_news("again", epoll);
    local_client(SOCK_STREAM, &at);
    say_news("second", epoll);
    own(must(sys_accept(server, NULL, NULL)));
    say_news("accepted", epoll);
}

static void edge_of_a_client(void)
{
    struct name at = abstract_name("client-edge");
    int server = local_listener(SOCK_STREAM, &at, 5);
    int client = new_local(SOCK_STREAM);
    int epoll = watching(client, EDGES);

    say_news("fresh", epoll);
    must(connect_name(client, &at));
    say_news("connected", epoll);
    int accepted = own(must(sys_accept(server, NULL, NULL)));
    say_news("accepted", epoll);
    put(accepted, "x");
    say_news("data", epoll);
}

static void edge_of_a_datagram_peer(void)
{
    struct name at = abstract_name("peer-edge");
    int to = local_bound(SOCK_DGRAM, &at);
    int from = new_local(SOCK_DGRAM);
    char byte;

    set_option(from, SOL_SOCKET, SO_SNDBUF, 4 << 20);
    must(connect_name(from, &at));
    while (sys_send(from, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
        ;
    int epoll = watching(from, EPOLLOUT | EPOLLET);
    say_news("full", epoll);
    must(sys_recv(to, &byte, 1, 0));
    say_news("room", epoll);
}

static void *send_later(void *argument)
{
    pause_ms(30);
    sys_send(*(int *)argument, "late", 4, MSG_NOSIGNAL);
    return NULL;
}

static void ready_after_waiting(void)
{
    static int sender;
    struct pair pair = local_pair(SOCK_STREAM);
    struct pollfd one = { .fd = pair.b, .events = POLLIN };
    int epoll = watching(pair.b, EPOLLIN);
    struct epoll_event event;

    sender = pair.a;
    start_thread(send_later, &sender);
    say_call("poll", sys_poll(&one, 1, PATIENCE));
    say_events("events", (unsigned short)one.revents);
    say_recv("got", pair.b, 64, 0);
    start_thread(send_later, &sender);
    say_call("epoll", sys_epoll_wait(epoll, &event, 1, PATIENCE));
    say_recv("got", pair.b, 64, 0);
}

const struct test_case local_readiness_cases[] = {
    CASE(ready_states),
    CASE(ready_when_full),
    CASE(edge_of_arrivals),
    CASE(edge_of_room),
    CASE(edge_of_room_when_full),
    CASE(edge_of_endings),
    CASE(edge_of_own_shutdown),
    CASE(edge_of_a_reset),
    CASE(edge_of_a_server),
    CASE(edge_of_a_client),
    CASE(edge_of_a_datagram_peer),
    THREADED(ready_after_waiting),
    END_OF_CASES,
};
