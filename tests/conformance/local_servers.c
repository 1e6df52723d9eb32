/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets that listen, and who connects to them. */
#include "local.h"

static void server_and_client(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };

    for (int i = 0; i < 2; i++) {
        struct name at = abstract_name(i ? "packets" : "stream");
        int server = local_listener(types[i], &at, 5);
        int client = new_local(types[i]);
        struct name from = { .length = sizeof from.un };

        say_call("connect", connect_name(client, &at));
        say_peer_name("peer", client, &at);
        /* It need not be accepted to send. */
        put(client, "hello");
        int accepted = own(must(sys_accept(server, (struct sockaddr *)&from.un, &from.length)));
        say_name("from", &from, NULL);
        say_local_name("own", accepted, &at);
        say_peer_name("peer", accepted, NULL);
        say_recv("got", accepted, 64, 0);
        put(accepted, "back");
        say_recv("back", client, 64, 0);
    }
}

static void server_over_a_path(void)
{
    struct name at = path_name("server"), other = path_name("client");
    int server = local_listener(SOCK_STREAM, &at, 5);
    int client = local_bound(SOCK_STREAM, &other);
    struct name from = { .length = sizeof from.un };

    must(connect_name(client, &at));
    own(must(sys_accept(server, (struct sockaddr *)&from.un, &from.length)));
    say_name("from", &from, &other);
    say_peer_name("peer", client, &at);
}

static void server_that_cannot_be(void)
{
    struct name at = abstract_name("no-server");
    struct pair pair = local_pair(SOCK_STREAM);

    say_call("unnamed", sys_listen(new_local(SOCK_STREAM), 1));
    say_call("dgram", sys_listen(local_bound(SOCK_DGRAM, &at), 1));
    say_call("connected", sys_listen(pair.a, 1));
    say_call("accept", sys_accept(new_local(SOCK_STREAM), NULL, NULL));
    say_call("accept", sys_accept(pair.a, NULL, NULL));
    say_call("accept-dgram", sys_accept(new_local(SOCK_DGRAM), NULL, NULL));
}

static void server_that_is_connected_to(void)
{
    struct name at = abstract_name("busy");
    int server = local_listener(SOCK_STREAM, &at, 5);
    int client = local_client(SOCK_STREAM, &at);

    say_call("client", connect_name(client, &at));
    say_call("server", connect_name(server, &at));
    say_call("send", sys_send(server, "x", 1, MSG_NOSIGNAL));
    say_recv("recv", server, 1, MSG_DONTWAIT);
    say_call("listen", sys_listen(server, 7));
}

static void server_nobody_came(void)
{
    struct name at = abstract_name("lonely");
    int server = local_listener(SOCK_STREAM, &at, 5);

    set_nonblocking(server, true);
    say_ready("before", server);
    say_call("accept", sys_accept(server, NULL, NULL));
    own(local_client(SOCK_STREAM, &at));
    say_ready("after", server);
    say_ok("accept", own(sys_accept4(server, NULL, NULL, SOCK_NONBLOCK)));
    say_ready("again", server);
}

static void server_flags_of_accepted(void)
{
    struct name at = abstract_name("flags");
    int server = local_listener(SOCK_STREAM, &at, 5);

    local_client(SOCK_STREAM, &at);
    local_client(SOCK_STREAM, &at);
    int plain = own(must(sys_accept(server, NULL, NULL)));
    int flagged = own(must(sys_accept4(server, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)));
    say_yes("nonblock", must(sys_fcntl(plain, F_GETFL, 0)) & O_NONBLOCK);
    say_yes("nonblock", must(sys_fcntl(flagged, F_GETFL, 0)) & O_NONBLOCK);
    say_yes("cloexec", must(sys_fcntl(flagged, F_GETFD, 0)) & FD_CLOEXEC);
}

static void server_backlog(void)
{
    struct name at = abstract_name("backlog");
    int server = local_listener(SOCK_STREAM, &at, 1);
    int clients[4];

    for (int i = 0; i < 4; i++) {
        clients[i] = new_local(SOCK_STREAM | SOCK_NONBLOCK);
        say_call("connect", connect_name(clients[i], &at));
    }
    say_ready("refused", clients[3]);
    say_call("again", connect_name(clients[3], &at));
    own(must(sys_accept(server, NULL, NULL)));
    say_call("then", connect_name(clients[3], &at));
    must(sys_listen(server, 5));
    say_call("longer", connect_name(clients[2], &at));
}

static void server_backlog_timeout(void)
{
    struct name at = abstract_name("patience");
    struct timeval limit = { 0, 50000 };
    int server = local_listener(SOCK_STREAM, &at, 0);
    int client = new_local(SOCK_STREAM);

    local_client(SOCK_STREAM, &at);
    must(sys_setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit));
    long long started = now_ms();
    say_call("connect", connect_name(client, &at));
    say_kept("limit", started, 50);
    (void)server;
}

static void server_closed_with_clients_waiting(void)
{
    struct name at = abstract_name("gone");
    int server = local_listener(SOCK_STREAM, &at, 5);
    int client = local_client(SOCK_STREAM, &at);

    must(drop(server));
    say_ready("client", client);
    say_recv("recv", client, 1, 0);
    say_recv("recv", client, 1, 0);
    say_call("send", sys_send(client, "x", 1, MSG_NOSIGNAL));
    say_call("another", connect_name(new_local(SOCK_STREAM), &at));
}

static void server_client_left_before(void)
{
    struct name at = abstract_name("left");
    int server = local_listener(SOCK_STREAM, &at, 5);
    int client = local_client(SOCK_STREAM, &at);

    put(client, "bye");
    must(drop(client));
    int accepted = own(must(sys_accept(server, NULL, NULL)));
    say_ready("accepted", accepted);
    say_recv("got", accepted, 64, 0);
    say_recv("end", accepted, 64, 0);
}

static void server_shut_down(void)
{
    struct name at = abstract_name("shut");
    int server = local_listener(SOCK_STREAM, &at, 5);

    local_client(SOCK_STREAM, &at);
    say_call("shutdown", sys_shutdown(server, SHUT_RD));
    say_ready("server", server);
    say_call("connect", connect_name(new_local(SOCK_STREAM), &at));
    say_ok("waiting", own(sys_accept(server, NULL, NULL)));
    say_call("none", sys_accept(server, NULL, NULL));
}

static void server_knows_who(void)
{
    static const char *const labels[] = { "client", "accepted", "server", "fresh", "pair" };
    struct name at = abstract_name("who");
    int server = local_listener(SOCK_STREAM, &at, 5);
    int client = local_client(SOCK_STREAM, &at);
    int accepted = own(must(sys_accept(server, NULL, NULL)));
    int fds[] = { client, accepted, server, new_local(SOCK_STREAM), local_pair(SOCK_DGRAM).b };

    for (int i = 0; i < 5; i++) {
        struct ucred who = { 0, 0, 0 };
        socklen_t length = sizeof who;

        say_call(labels[i], sys_getsockopt(fds[i], SOL_SOCKET, SO_PEERCRED, &who, &length));
        say("pid", who.pid == sys_getpid() ? "this" : who.pid ? "another" : "none");
        say_yes("user", who.uid != (uid_t)-1);
        say_int("length", length);
    }
}

static void *accept_later(void *argument)
{
    pause_ms(30);
    return (void *)(long)sys_accept(*(int *)argument, NULL, NULL);
}

static void server_makes_room_for_who_waits(void)
{
    static int server;
    struct name at = abstract_name("room");

    server = local_listener(SOCK_STREAM, &at, 0);
    local_client(SOCK_STREAM, &at);
    start_thread(accept_later, &server);
    say_call("connect", connect_name(new_local(SOCK_STREAM), &at));
}

static void *connect_later(void *argument)
{
    const struct name *at = argument;
    int fd = sys_socket(AF_UNIX, SOCK_STREAM, 0);

    pause_ms(30);
    connect_name(fd, at);
    sys_send(fd, "late", 4, MSG_NOSIGNAL);
    sys_close(fd);
    return NULL;
}

static void server_waits(void)
{
    static struct name at;

    at = abstract_name("waits");
    int server = local_listener(SOCK_STREAM, &at, 5);
    start_thread(connect_later, &at);
    int accepted = own(must(sys_accept(server, NULL, NULL)));
    say_recv("got", accepted, 4, MSG_WAITALL);
    say_end("end", accepted);
}

const struct test_case local_server_cases[] = {
    CASE(server_and_client),
    CASE(server_over_a_path),
    CASE(server_that_cannot_be),
    CASE(server_that_is_connected_to),
    CASE(server_nobody_came),
    CASE(server_flags_of_accepted),
    CASE(server_backlog),
    CASE(server_backlog_timeout),
    CASE(server_closed_with_clients_waiting),
    CASE(server_client_left_before),
    CASE(server_shut_down),
    CASE(server_knows_who),
    THREADED(server_makes_room_for_who_waits),
    THREADED(server_waits),
    END_OF_CASES,
};
