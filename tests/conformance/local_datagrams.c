/* SPDX-License-Identifier: BSD-2-Clause */
/* Datagrams: who may send to whom, and what is lost. */
#include "local.h"

#include <string.h>

static void say_from(const char *label, int fd, const struct name *expected)
{
    struct name from = { .length = sizeof from.un };
    char text[64];
    long got = sys_recvfrom(fd, text, sizeof text, MSG_DONTWAIT, (struct sockaddr *)&from.un, &from.length);

    say_bytes(label, text, got);
    if (got >= 0)
        say_name("from", &from, expected);
}

static void dgram_to_a_name(void)
{
    struct name at = abstract_name("to"), own_name = abstract_name("from");
    int to = local_bound(SOCK_DGRAM, &at);
    int from = new_local(SOCK_DGRAM);

    say_call("sendto", send_name(from, "one", &at));
    say_from("unnamed", to, NULL);
    must(bind_name(from, &own_name));
    say_call("sendto", send_name(from, "two", &at));
    say_from("named", to, &own_name);
    say_from("none", to, NULL);
}

static void dgram_named_after_it_was_sent(void)
{
    struct name at = abstract_name("late-to"), own_name = abstract_name("late-from");
    int to = local_bound(SOCK_DGRAM, &at);
    int from = new_local(SOCK_DGRAM);

    must(send_name(from, "early", &at));
    must(bind_name(from, &own_name));
    say_from("got", to, &own_name);
    must(send_name(from, "gone", &at));
    must(drop(from));
    say_from("got", to, &own_name);
}

static void dgram_connected(void)
{
    struct name a_name = abstract_name("a"), b_name = abstract_name("b"), c_name = abstract_name("c");
    int a = local_bound(SOCK_DGRAM, &a_name), b = local_bound(SOCK_DGRAM, &b_name);
    int c = local_bound(SOCK_DGRAM, &c_name);

    say_call("connect", connect_name(a, &b_name));
    say_peer_name("peer", a, &b_name);
    say_call("stranger", send_name(c, "x", &a_name));
    say_call("stranger", connect_name(c, &a_name));
    say_call("peer", send_name(b, "to-a", &a_name));
    say_from("got", a, &b_name);
    say_call("elsewhere", send_name(a, "to-c", &c_name));
    say_from("got", c, &a_name);
    say_call("back", connect_name(b, &a_name));
}

static void dgram_disconnected(void)
{
    struct sockaddr nobody = { .sa_family = AF_UNSPEC };
    struct pair pair = local_pair(SOCK_DGRAM);

    put(pair.b, "lost");
    say_call("disconnect", sys_connect(pair.a, &nobody, sizeof nobody));
    say_ready("own", pair.a);
    say_ready("peer", pair.b);
    say_recv("own", pair.a, 64, MSG_DONTWAIT);
    say_recv("peer", pair.b, 64, MSG_DONTWAIT);
    say_recv("peer", pair.b, 64, MSG_DONTWAIT);
    say_call("send", sys_send(pair.a, "x", 1, MSG_NOSIGNAL));
    say_peer_name("peer", pair.a, NULL);
    put(pair.b, "still");
    say_recv("got", pair.a, 64, MSG_DONTWAIT);
}

static void dgram_connected_anew(void)
{
    struct name a_name = abstract_name("one"), b_name = abstract_name("two");
    int a = local_bound(SOCK_DGRAM, &a_name), b = local_bound(SOCK_DGRAM, &b_name);
    int c = new_local(SOCK_DGRAM);

    must(connect_name(c, &a_name));
    put(c, "to-one");
    say_call("anew", connect_name(c, &b_name));
    put(c, "to-two");
    say_recv("one", a, 64, MSG_DONTWAIT);
    say_recv("two", b, 64, MSG_DONTWAIT);
    say_call("same", connect_name(c, &b_name));
}

static void dgram_peer_is_gone(void)
{
    struct pair pair = local_pair(SOCK_DGRAM);

    put(pair.b, "last");
    must(drop(pair.b));
    say_ready("closed", pair.a);
    say_recv("got", pair.a, 64, MSG_DONTWAIT);
    say_recv("none", pair.a, 64, MSG_DONTWAIT);
    say_call("send", sys_send(pair.a, "x", 1, MSG_NOSIGNAL));
    say_call("again", sys_send(pair.a, "x", 1, MSG_NOSIGNAL));
    say_peer_name("peer", pair.a, NULL);
}

static void dgram_shut(void)
{
    struct pair pair = local_pair(SOCK_DGRAM);

    put(pair.b, "before");
    say_call("shutdown", sys_shutdown(pair.a, SHUT_RD));
    say_ready("own", pair.a);
    say_ready("peer", pair.b);
    say_call("send", sys_send(pair.b, "x", 1, MSG_NOSIGNAL));
    say_recv("got", pair.a, 64, 0);
    say_recv("end", pair.a, 64, 0);
    say_recv("nowait", pair.a, 64, MSG_DONTWAIT);
    say_call("shutdown", sys_shutdown(pair.a, SHUT_WR));
    say_call("send", sys_send(pair.a, "x", 1, MSG_NOSIGNAL));
    say_ready("own", pair.a);
}

static void dgram_too_long(void)
{
    static char data[300000];
    struct pair pair = local_pair(SOCK_DGRAM);

    set_option(pair.a, SOL_SOCKET, SO_SNDBUF, 8192);
    say_call("too-long", sys_send(pair.a, data, 16384, MSG_NOSIGNAL));
    say_call("fits", sys_send(pair.a, data, 8000, MSG_NOSIGNAL));
    say_call("length", sys_recv(pair.b, NULL, 0, MSG_TRUNC));
    say_call("far-too-long", sys_send(pair.b, data, sizeof data, MSG_NOSIGNAL));
}

static void dgram_empty(void)
{
    struct pair pair = local_pair(SOCK_DGRAM);

    put(pair.a, "");
    put(pair.a, "x");
    say_ready("there", pair.b);
    say_recv("empty", pair.b, 64, MSG_DONTWAIT);
    say_recv("next", pair.b, 64, MSG_DONTWAIT);
}

static void dgram_to_itself(void)
{
    struct name at = abstract_name("self");
    int fd = local_bound(SOCK_DGRAM, &at);

    say_call("connect", connect_name(fd, &at));
    say_call("send", sys_send(fd, "echo", 4, MSG_NOSIGNAL));
    say_ready("ready", fd);
    say_from("got", fd, &at);
}

static void dgram_buffer_is_full(void)
{
    struct pair pair = local_pair(SOCK_DGRAM);

    flood(pair.a, MSG_DONTWAIT);
    say("why", errno_name(errno));
    say_ready("full", pair.a);
    while (sys_recv(pair.b, NULL, 0, MSG_DONTWAIT) >= 0)
        ;
    say_ready("empty", pair.a);
    say_call("send", sys_send(pair.a, "x", 1, MSG_NOSIGNAL));
}

static void dgram_receiver_is_full(void)
{
    struct name at = abstract_name("full");
    int to = local_bound(SOCK_DGRAM, &at);
    int from = new_local(SOCK_DGRAM), other = new_local(SOCK_DGRAM);
    char byte;

    set_option(from, SOL_SOCKET, SO_SNDBUF, 4 << 20);
    must(connect_name(from, &at));
    while (sys_send(from, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
        ;
    say("why", errno_name(errno));
    say_ready("full", from);
    say_call("other", send_name(other, "x", &at));
    say_ready("other", other);
    must(sys_recv(to, &byte, 1, MSG_DONTWAIT));
    say_ready("room", from);
    say_call("other", send_name(other, "x", &at));
}

static void *receive_later(void *argument)
{
    char byte;

    pause_ms(30);
    sys_recv(*(int *)argument, &byte, 1, 0);
    return NULL;
}

static void dgram_sender_waits_for_room(void)
{
    static int to;
    struct name at = abstract_name("waiting");
    int from = new_local(SOCK_DGRAM);

    to = local_bound(SOCK_DGRAM, &at);
    set_option(from, SOL_SOCKET, SO_SNDBUF, 4 << 20);
    must(connect_name(from, &at));
    while (sys_send(from, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
        ;
    start_thread(receive_later, &to);
    say_call("send", sys_send(from, "x", 1, MSG_NOSIGNAL));
}

const struct test_case local_datagram_cases[] = {
    CASE(dgram_to_a_name),
    CASE(dgram_named_after_it_was_sent),
    CASE(dgram_connected),
    CASE(dgram_disconnected),
    CASE(dgram_connected_anew),
    CASE(dgram_peer_is_gone),
    CASE(dgram_shut),
    CASE(dgram_too_long),
    CASE(dgram_empty),
    CASE(dgram_to_itself),
    CASE(dgram_buffer_is_full),
    CASE(dgram_receiver_is_full),
    THREADED(dgram_sender_waits_for_room),
    END_OF_CASES,
};
