/* SPDX-License-Identifier: BSD-2-Clause */
/* Options, and what a socket is. */
#include "local.h"

static void say_option(const char *label, int fd, int level, int option)
{
    int value = -1;
    socklen_t length = sizeof value;

    if (sys_getsockopt(fd, level, option, &value, &length) < 0)
        say(label, errno_name(errno));
    else
        say_int(label, value);
}

static void option_what_it_is(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

    for (int i = 0; i < 3; i++) {
        int fd = new_local(types[i]);

        say_option("domain", fd, SOL_SOCKET, SO_DOMAIN);
        say_option("type", fd, SOL_SOCKET, SO_TYPE);
        say_option("protocol", fd, SOL_SOCKET, SO_PROTOCOL);
        say_option("listens", fd, SOL_SOCKET, SO_ACCEPTCONN);
        say_option("error", fd, SOL_SOCKET, SO_ERROR);
    }
}

static void option_listens(void)
{
    struct name at = abstract_name("option");
    int server = local_listener(SOCK_STREAM, &at, 5);

    say_option("server", server, SOL_SOCKET, SO_ACCEPTCONN);
    say_option("client", local_client(SOCK_STREAM, &at), SOL_SOCKET, SO_ACCEPTCONN);
}

static void option_buffers(void)
{
    static const int sizes[] = { 1, 8192, 100000 };
    int fd = new_local(SOCK_STREAM);

    for (int i = 0; i < 3; i++) {
        set_option(fd, SOL_SOCKET, SO_SNDBUF, sizes[i]);
        set_option(fd, SOL_SOCKET, SO_RCVBUF, sizes[i]);
        say_option("send", fd, SOL_SOCKET, SO_SNDBUF);
        say_option("receive", fd, SOL_SOCKET, SO_RCVBUF);
    }
}

static void option_flags(void)
{
    static const int options[] = { SO_REUSEADDR, SO_BROADCAST, SO_KEEPALIVE, SO_DONTROUTE, SO_PASSCRED };
    int fd = new_local(SOCK_STREAM);

    for (int i = 0; i < 5; i++) {
        say_option("before", fd, SOL_SOCKET, options[i]);
        set_option(fd, SOL_SOCKET, options[i], 7);
        say_option("after", fd, SOL_SOCKET, options[i]);
        set_option(fd, SOL_SOCKET, options[i], 0);
        say_option("off", fd, SOL_SOCKET, options[i]);
    }
}

static void option_of_another_level(void)
{
    int fd = new_local(SOCK_STREAM), on = 1;

    say_option("tcp", fd, IPPROTO_TCP, TCP_NODELAY);
    say_option("ip", fd, IPPROTO_IP, IP_TTL);
    say_call("tcp", sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    say_call("unknown", sys_setsockopt(fd, SOL_SOCKET, 999, &on, sizeof on));
    say_option("unknown", fd, SOL_SOCKET, 999);
    say_call("short", sys_setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &on, 3));
}

static void option_peer_is_read_only(void)
{
    struct pair pair = local_pair(SOCK_STREAM);
    struct ucred who = { 0, 0, 0 };
    socklen_t length = 4;

    say_call("set", sys_setsockopt(pair.a, SOL_SOCKET, SO_PEERCRED, &who, sizeof who));
    say_call("short", sys_getsockopt(pair.a, SOL_SOCKET, SO_PEERCRED, &who, &length));
    say_int("length", length);
}

static void option_timeouts(void)
{
    struct pair pair = local_pair(SOCK_STREAM);
    struct timeval limit = { 0, 50000 };
    long long started;

    must(sys_setsockopt(pair.a, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
    must(sys_setsockopt(pair.a, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit));
    started = now_ms();
    say_recv("recv", pair.a, 1, 0);
    say_kept("limit", started, 50);
    flood(pair.a, MSG_DONTWAIT);
    started = now_ms();
    flood(pair.a, 0);
    say("send", errno_name(errno));
    say_kept("limit", started, 50);
}

static void option_passcred_is_inherited(void)
{
    struct name at = abstract_name("inherit");
    int server = local_listener(SOCK_STREAM, &at, 5);

    set_option(server, SOL_SOCKET, SO_PASSCRED, 1);
    int client = local_client(SOCK_STREAM, &at);
    int accepted = own(must(sys_accept(server, NULL, NULL)));
    say_option("accepted", accepted, SOL_SOCKET, SO_PASSCRED);
    say_option("client", client, SOL_SOCKET, SO_PASSCRED);
    put(client, "x");
    struct message got = receive(accepted, 64, 256, 0);
    say_message("got", &got);
}

const struct test_case local_option_cases[] = {
    CASE(option_what_it_is),
    CASE(option_listens),
    CASE(option_buffers),
    CASE(option_flags),
    CASE(option_of_another_level),
    CASE(option_peer_is_read_only),
    CASE(option_timeouts),
    CASE(option_passcred_is_inherited),
    END_OF_CASES,
};
