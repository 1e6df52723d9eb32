/* SPDX-License-Identifier: BSD-2-Clause */
/* Making, listening, connecting, accepting: the calls that change what a socket is, and their refusals. */
#include "sockets.h"

/* An open descriptor that is no socket. */
static int no_socket(void)
{
    return own(must(sys_epoll_create1(0)));
}

/* ---- socket ---- */

static void socket_kinds(void)
{
    say_ok("tcp", own(sys_socket(AF_INET, SOCK_STREAM, 0)));
    say_ok("tcp-explicit", own(sys_socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)));
    say_ok("udp", own(sys_socket(AF_INET, SOCK_DGRAM, 0)));
    say_ok("udp-explicit", own(sys_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP)));
    say_ok("tcp6", own(sys_socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP)));
    say_ok("udp6", own(sys_socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP)));
}

static void socket_bad_domain(void)
{
    say_ok("unknown", own(sys_socket(250, SOCK_STREAM, 0)));
    say_ok("negative", own(sys_socket(-1, SOCK_STREAM, 0)));
}

static void socket_bad_type(void)
{
    say_ok("unsupported", own(sys_socket(AF_INET, SOCK_RDM, 0)));
    say_ok("unknown", own(sys_socket(AF_INET, 15, 0)));
    say_ok("unknown-flag", own(sys_socket(AF_INET, SOCK_STREAM | 0x100000, 0)));
}

static void socket_bad_protocol(void)
{
    say_ok("tcp-datagram", own(sys_socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP)));
    say_ok("udp-stream", own(sys_socket(AF_INET, SOCK_STREAM, IPPROTO_UDP)));
    say_ok("udp6-stream", own(sys_socket(AF_INET6, SOCK_STREAM, IPPROTO_UDP)));
}

static void socket_flags(void)
{
    int flags[] = { 0, SOCK_NONBLOCK, SOCK_CLOEXEC, SOCK_NONBLOCK | SOCK_CLOEXEC };

    for (int i = 0; i < 4; i++) {
        int fd = own(must(sys_socket(AF_INET, SOCK_STREAM | flags[i], 0)));

        say_yes("nonblock", must(sys_fcntl(fd, F_GETFL, 0)) & O_NONBLOCK);
        say_yes("cloexec", must(sys_fcntl(fd, F_GETFD, 0)) & FD_CLOEXEC);
    }
}

/* ---- what is not a socket, or nothing at all ---- */

static void calls_on_no_socket(void)
{
    struct address at = loopback(AF_INET, 0);
    struct msghdr message = { 0 };
    int value = 0;
    socklen_t length = sizeof value;
    int fd = no_socket();

    say_ok("bind", bind_to(fd, &at));
    say_ok("listen", sys_listen(fd, 1));
    say_ok("accept", sys_accept(fd, NULL, NULL));
    say_ok("accept4", sys_accept4(fd, NULL, NULL, 0));
    say_ok("connect", connect_to(fd, &at));
    say_ok("shutdown", sys_shutdown(fd, SHUT_RDWR));
    say_ok("send", sys_send(fd, "x", 1, MSG_NOSIGNAL));
    say_ok("sendto", send_to(fd, "x", &at));
    say_ok("sendmsg", sys_sendmsg(fd, &message, 0));
    say_recv("recv", fd, 1, 0);
    say_ok("recvmsg", sys_recvmsg(fd, &message, 0));
    say_ok("getsockopt", sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &length));
    say_ok("setsockopt", sys_setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, length));
    say_ok("getsockname", local_of(fd, &at));
    say_ok("getpeername", peer_of(fd, &at));
}

static void calls_on_closed_fd(void)
{
    struct address at = loopback(AF_INET, 0);
    struct msghdr message = { 0 };
    char byte = 'x';
    struct iovec vector = { &byte, 1 };
    int value = 0;
    socklen_t length = sizeof value;
    int fd = new_tcp(AF_INET);

    drop(fd);
    say_ok("bind", bind_to(fd, &at));
    say_ok("listen", sys_listen(fd, 1));
    say_ok("accept", sys_accept(fd, NULL, NULL));
    say_ok("connect", connect_to(fd, &at));
    say_ok("shutdown", sys_shutdown(fd, SHUT_RDWR));
    say_ok("send", sys_send(fd, "x", 1, MSG_NOSIGNAL));
    say_ok("sendmsg", sys_sendmsg(fd, &message, 0));
    say_recv("recv", fd, 1, 0);
    say_ok("recvmsg", sys_recvmsg(fd, &message, 0));
    say_ok("read", sys_read(fd, &byte, 1));
    say_ok("write", sys_write(fd, &byte, 1));
    say_ok("readv", sys_readv(fd, &vector, 1));
    say_ok("writev", sys_writev(fd, &vector, 1));
    say_ok("getsockopt", sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &length));
    say_ok("setsockopt", sys_setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, length));
    say_ok("getsockname", local_of(fd, &at));
    say_ok("fcntl", sys_fcntl(fd, F_GETFL, 0));
    say_ok("ioctl", sys_ioctl(fd, FIONREAD, &value));
    say_ok("dup", sys_dup(fd));
    say_ok("close", sys_close(fd));
}

static void calls_on_negative_fd(void)
{
    say_ok("listen", sys_listen(-1, 1));
    say_ok("send", sys_send(-1, "x", 1, MSG_NOSIGNAL));
    say_recv("recv", -1, 1, 0);
    say_ok("dup", sys_dup(-1));
    say_ok("close", sys_close(-1));
}

/* ---- listen ---- */

static void listen_on_wrong_kind(void)
{
    say_ok("datagram", sys_listen(new_udp(AF_INET), 1));
    say_ok("connected", sys_listen(tcp_pair().a, 1));
}

static void listen_unbound(void)
{
    struct address at;
    int listener = new_tcp(AF_INET);

    say_ok("listen", sys_listen(listener, 4));
    must(local_of(listener, &at));
    say_yes("any", at.in.sin_addr.s_addr == htonl(INADDR_ANY));
    say_yes("port", port_of(&at) != 0);
    at = loopback(AF_INET, port_of(&at));
    say_ok("connect", connect_to(new_tcp(AF_INET), &at));
}

static void listen_twice(void)
{
    struct address at;
    int listener = tcp_listener(AF_INET, &at);

    say_ok("again", sys_listen(listener, 8));
    tcp_client(&at);
    say_ok("accept", own(sys_accept(listener, NULL, NULL)));
}

static void listen_backlogs(void)
{
    int backlogs[] = { 0, -1, 1 << 20 };

    for (int i = 0; i < 3; i++) {
        struct address at = loopback(AF_INET, 0);
        int listener = new_tcp(AF_INET);

        must(bind_to(listener, &at));
        say_ok("listen", sys_listen(listener, backlogs[i]));
        must(local_of(listener, &at));
        say_ok("connect", connect_to(new_tcp(AF_INET), &at));
    }
}

static void listener_carries_no_data(void)
{
    struct address at;
    int listener = tcp_listener(AF_INET, NULL);

    say_recv("recv", listener, 1, MSG_DONTWAIT);
    say_ok("getpeername", peer_of(listener, &at));
}

/* ---- accept ---- */

static void accept_on_wrong_kind(void)
{
    say_ok("datagram", sys_accept(udp_bound(AF_INET, NULL), NULL, NULL));
    say_ok("unbound", sys_accept(new_tcp(AF_INET), NULL, NULL));
    say_ok("connected", sys_accept(tcp_pair().a, NULL, NULL));
}

static void accept_nothing_pending(void)
{
    int listener = tcp_listener(AF_INET, NULL);

    set_nonblocking(listener, true);
    say_ok("accept", sys_accept(listener, NULL, NULL));
    say_ok("accept4", sys_accept4(listener, NULL, NULL, 0));
}

static void accept4_flags(void)
{
    int flags[] = { 0, SOCK_NONBLOCK, SOCK_CLOEXEC, SOCK_NONBLOCK | SOCK_CLOEXEC };
    struct address at;
    int listener = tcp_listener(AF_INET, &at);

    for (int i = 0; i < 4; i++) {
        tcp_client(&at);
        int fd = own(must(sys_accept4(listener, NULL, NULL, flags[i])));
        say_yes("nonblock", must(sys_fcntl(fd, F_GETFL, 0)) & O_NONBLOCK);
        say_yes("cloexec", must(sys_fcntl(fd, F_GETFD, 0)) & FD_CLOEXEC);
    }
    say_ok("unknown", sys_accept4(listener, NULL, NULL, 0x100000));
}

/* Linux, unlike BSD, hands nothing of the listener's flags down. */
static void accept_inherits_no_flags(void)
{
    struct address at;
    int listener = tcp_listener(AF_INET, &at);

    set_nonblocking(listener, true);
    must(sys_fcntl(listener, F_SETFD, FD_CLOEXEC));
    tcp_client(&at);
    int fd = accept_one(listener);
    say_yes("nonblock", must(sys_fcntl(fd, F_GETFL, 0)) & O_NONBLOCK);
    say_yes("cloexec", must(sys_fcntl(fd, F_GETFD, 0)) & FD_CLOEXEC);
}

static void accept_inherits_options(void)
{
    struct address at;
    int on = 0;
    int nodelay = 0;
    socklen_t length = sizeof on;
    int listener = tcp_listener(AF_INET, &at);

    set_option(listener, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(listener, IPPROTO_TCP, TCP_NODELAY, 1);
    tcp_client(&at);
    int fd = accept_one(listener);
    must(sys_getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &length));
    must(sys_getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &length));
    say_int("keepalive", on);
    say_int("nodelay", nodelay);
}

static void accept_in_order(void)
{
    struct address at;
    struct address client;
    struct address peer;
    int clients[3];
    int listener = tcp_listener(AF_INET, &at);

    for (int i = 0; i < 3; i++) {
        clients[i] = tcp_client(&at);
        /* One after the other is only sure once the first has arrived. */
        settled(listener, POLLIN, POLLIN);
        pause_ms(2);
    }
    for (int i = 0; i < 3; i++) {
        must(local_of(clients[i], &client));
        must(peer_of(accept_one(listener), &peer));
        say_yes("same", same_address(&client, &peer));
    }
}

static void accept_many(void)
{
    enum { ROUNDS = 40 };
    struct address at;
    int good = 0;
    int listener = tcp_listener(AF_INET, &at);

    for (int i = 0; i < ROUNDS; i++) {
        int client = tcp_client(&at);
        int server = accept_one(listener);
        char byte = 0;

        must(sys_send(client, "x", 1, 0));
        settled(server, POLLIN, POLLIN);
        good += sys_recv(server, &byte, 1, MSG_DONTWAIT) == 1 && byte == 'x';
        drop(client);
        drop(server);
    }
    say_int("good", good);
}

static void listener_closed_connection_stays(void)
{
    struct address at;
    int listener = tcp_listener(AF_INET, &at);
    int a = tcp_client(&at);
    int b = accept_one(listener);
    int late = new_tcp(AF_INET);
    struct address mine = loopback(AF_INET, 0);

    /* Bound before, lest it be given the listener's port, and reach itself. */
    must(bind_to(late, &mine));
    drop(listener);
    put(a, "still here");
    say_arrival("got", b, 10);
    say_ok("connect", connect_to(late, &at));
}

static void listener_closed_pending_is_reset(void)
{
    struct address at;
    int listener = tcp_listener(AF_INET, &at);
    int client = tcp_client(&at);

    settled(listener, POLLIN, POLLIN);
    drop(listener);
    say_end("client", client);
}

/* ---- connect ---- */

static void connect_refused(void)
{
    struct address nobody = closed_tcp(AF_INET);
    int client = new_tcp(AF_INET);

    say_ok("connect", connect_to(client, &nobody));
    say_so_error("error", client);
}

static void connect_twice(void)
{
    struct address at;
    int client;

    tcp_listener(AF_INET, &at);
    client = tcp_client(&at);
    say_ok("again", connect_to(client, &at));
}

static void connect_bad_address(void)
{
    struct address at;
    struct address wrong;
    int client = new_tcp(AF_INET);

    tcp_listener(AF_INET, &at);
    say_ok("short", sys_connect(client, &at.sa, 7));
    wrong = at;
    wrong.sa.sa_family = 250;
    say_ok("family", connect_to(client, &wrong));
    /* The refusals leave the socket as it was. */
    say_ok("right", connect_to(client, &at));
}

static void connect_nonblocking_succeeds(void)
{
    struct address at;
    int listener = tcp_listener(AF_INET, &at);
    int client = new_tcp(AF_INET);

    set_nonblocking(client, true);
    /* Done at once or in progress: either is right. */
    int result = connect_to(client, &at);
    say_yes("started", result == 0 || errno == EINPROGRESS);
    say_events("events", settled(client, POLLOUT, POLLOUT));
    say_so_error("error", client);
    put(client, "x");
    say_arrival("got", accept_one(listener), 1);
}

static void connect_bound_socket(void)
{
    struct address at;
    struct address mine;
    struct address peer;
    int listener = tcp_listener(AF_INET, &at);
    int client = new_tcp(AF_INET);

    mine = loopback(AF_INET, 0);
    must(bind_to(client, &mine));
    must(local_of(client, &mine));
    must(connect_to(client, &at));
    must(peer_of(accept_one(listener), &peer));
    say_yes("kept", same_address(&mine, &peer));
}

/* ---- shutdown ---- */

static void shutdown_refusals(void)
{
    say_ok("unconnected", sys_shutdown(new_tcp(AF_INET), SHUT_RDWR));
    say_ok("bad-how", sys_shutdown(tcp_pair().a, 3));
    say_ok("negative", sys_shutdown(tcp_pair().a, -1));
    say_ok("datagram", sys_shutdown(new_udp(AF_INET), SHUT_WR));
}

static void stream_unconnected(void)
{
    int fd = new_tcp(AF_INET);
    struct address at;

    say_ok("send", sys_send(fd, "x", 1, MSG_NOSIGNAL));
    say_ok("write", sys_write(fd, "x", 1));
    say_recv("recv", fd, 1, 0);
    say_ok("getpeername", peer_of(fd, &at));
}

static void process_has_an_id(void)
{
    say_yes("positive", sys_getpid() > 0);
    say_yes("same", sys_getpid() == sys_getpid());
}

const struct test_case creation_cases[] = {
    CASE(socket_kinds),
    CASE(socket_bad_domain),
    CASE(socket_bad_type),
    CASE(socket_bad_protocol),
    CASE(socket_flags),
    CASE(calls_on_no_socket),
    CASE(calls_on_closed_fd),
    CASE(calls_on_negative_fd),
    CASE(listen_on_wrong_kind),
    CASE(listen_unbound),
    CASE(listen_twice),
    CASE(listen_backlogs),
    CASE(listener_carries_no_data),
    CASE(accept_on_wrong_kind),
    CASE(accept_nothing_pending),
    CASE(accept4_flags),
    CASE(accept_inherits_no_flags),
    CASE(accept_inherits_options),
    CASE(accept_in_order),
    CASE(accept_many),
    CASE(listener_closed_connection_stays),
    CASE(listener_closed_pending_is_reset),
    CASE(connect_refused),
    CASE(connect_twice),
    CASE(connect_bad_address),
    CASE(connect_nonblocking_succeeds),
    CASE(connect_bound_socket),
    CASE(shutdown_refusals),
    CASE(stream_unconnected),
    CASE(process_has_an_id),
    END_OF_CASES,
};
