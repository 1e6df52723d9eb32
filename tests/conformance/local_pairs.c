/* SPDX-License-Identifier: BSD-2-Clause */
/* Pairs of sockets: making them, and what goes between them. */
#include "local.h"

#include <string.h>

static void pair_of_each_type(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW };
    static const char *const labels[] = { "stream", "dgram", "seqpacket", "raw" };

    for (int i = 0; i < 4; i++) {
        struct pair pair = local_pair(types[i]);
        int type = 0;
        socklen_t length = sizeof type;

        put(pair.a, "there");
        say_recv(labels[i], pair.b, 64, MSG_DONTWAIT);
        put(pair.b, "back");
        say_recv("back", pair.a, 64, MSG_DONTWAIT);
        must(sys_getsockopt(pair.a, SOL_SOCKET, SO_TYPE, &type, &length));
        say_int("type", type);
    }
}

static void pair_that_cannot_be(void)
{
    int ends[2];

    say_call("rdm", sys_socketpair(AF_UNIX, SOCK_RDM, 0, ends));
    say_call("type", sys_socketpair(AF_UNIX, 99, 0, ends));
    say_call("protocol", sys_socketpair(AF_UNIX, SOCK_STREAM, 17, ends));
    say_call("own-protocol", sys_socketpair(AF_UNIX, SOCK_STREAM, AF_UNIX, ends));
    own(ends[0]), own(ends[1]);
    say_call("inet", sys_socketpair(AF_INET, SOCK_STREAM, 0, ends));
    say_call("flags", sys_socketpair(AF_UNIX, SOCK_STREAM | 0x100, 0, ends));
    say_call("place", sys_socketpair(AF_UNIX, SOCK_STREAM, 0, NULL));
}

static void pair_flags(void)
{
    struct pair pair = local_pair(SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC);

    for (int i = 0; i < 2; i++) {
        int fd = i ? pair.b : pair.a;

        say_yes("nonblock", must(sys_fcntl(fd, F_GETFL, 0)) & O_NONBLOCK);
        say_yes("cloexec", must(sys_fcntl(fd, F_GETFD, 0)) & FD_CLOEXEC);
        say_recv("recv", fd, 1, 0);
    }
}

static void pair_stream_has_no_borders(void)
{
    struct pair pair = local_pair(SOCK_STREAM);

    put(pair.a, "ab");
    put(pair.a, "cd");
    put(pair.a, "ef");
    say_recv("first", pair.b, 3, 0);
    say_recv("second", pair.b, 64, 0);
    say_recv("third", pair.b, 64, MSG_DONTWAIT);
}

static void pair_packets_have_borders(void)
{
    struct pair pair = local_pair(SOCK_SEQPACKET);

    put(pair.a, "first");
    put(pair.a, "second");
    say_recv("peek", pair.b, 3, MSG_PEEK);
    say_recv("short", pair.b, 3, 0);
    say_recv("next", pair.b, 64, 0);
    put(pair.a, "");
    say_recv("empty", pair.b, 64, 0);
    say_recv("none", pair.b, 64, MSG_DONTWAIT);
}

static void pair_truncation(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

    for (int i = 0; i < 3; i++) {
        struct pair pair = local_pair(types[i]);
        char buffer[4];
        struct message got;

        put(pair.a, "longer");
        say_call("trunc", sys_recv(pair.b, buffer, 4, MSG_PEEK | MSG_TRUNC));
        got = receive(pair.b, 4, 0, 0);
        say_message("got", &got);
    }
}

static void pair_peek_takes_nothing(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

    for (int i = 0; i < 3; i++) {
        struct pair pair = local_pair(types[i]);

        put(pair.a, "one");
        put(pair.a, "two");
        say_recv("peek", pair.b, 64, MSG_PEEK);
        say_recv("again", pair.b, 64, MSG_PEEK);
        say_recv("got", pair.b, 64, 0);
        say_recv("left", pair.b, 64, MSG_DONTWAIT);
    }
}

static void pair_nothing_to_send_or_receive(void)
{
    struct pair pair = local_pair(SOCK_STREAM);
    char byte;

    say_call("send", sys_send(pair.a, "", 0, 0));
    say_call("write", sys_write(pair.a, "", 0));
    say_recv("recv", pair.b, 1, MSG_DONTWAIT);
    say_call("no-room", sys_recv(pair.b, &byte, 0, MSG_DONTWAIT));
    put(pair.a, "x");
    say_call("no-room", sys_recv(pair.b, &byte, 0, MSG_DONTWAIT));
    say_recv("there", pair.b, 1, MSG_DONTWAIT);
}

static void pair_waitall(void)
{
    struct pair pair = local_pair(SOCK_STREAM);

    put(pair.a, "abc");
    put(pair.a, "def");
    say_recv("six", pair.b, 6, MSG_WAITALL);
    put(pair.a, "gh");
    must(sys_shutdown(pair.a, SHUT_WR));
    say_recv("end", pair.b, 6, MSG_WAITALL);
}

static void pair_scattered(void)
{
    struct pair pair = local_pair(SOCK_STREAM);
    char one[3] = "", other[8] = "";
    struct iovec out[] = { { "ab", 2 }, { "", 0 }, { "cdef", 4 } };
    struct iovec in[] = { { one, 2 }, { other, 8 } };

    say_call("writev", sys_writev(pair.a, out, 3));
    say_call("readv", sys_readv(pair.b, in, 2));
    say("one", one);
    say("other", other);
}

static void pair_fionread(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

    for (int i = 0; i < 3; i++) {
        struct pair pair = local_pair(types[i]);
        int there = -1;

        must(sys_ioctl(pair.b, FIONREAD, &there));
        say_int("none", there);
        put(pair.a, "four");
        put(pair.a, "fives");
        must(sys_ioctl(pair.b, FIONREAD, &there));
        say_int("there", there);
    }
}

static void pair_much_data(void)
{
    struct pair pair = local_pair(SOCK_STREAM);
    static unsigned char chunk[4096];
    size_t sent = 0, got = 0, wrong = 0;

    set_nonblocking(pair.a, true);
    set_nonblocking(pair.b, true);
    while (got < 1 << 20) {
        for (size_t i = 0; i < sizeof chunk; i++)
            chunk[i] = pattern(sent + i, 3);
        long put = sent < 1 << 20 ? sys_write(pair.a, chunk, sizeof chunk) : 0;
        if (put > 0)
            sent += put;
        long taken = sys_read(pair.b, chunk, 1000 + got % 3000);
        for (long i = 0; i < taken; i++)
            wrong += chunk[i] != pattern(got + i, 3);
        if (taken > 0)
            got += taken;
    }
    say_int("wrong", wrong);
    say_yes("all", sent == got);
}

static void pair_with_a_destination(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
    struct name nowhere = abstract_name("nowhere");

    for (int i = 0; i < 3; i++) {
        struct pair pair = local_pair(types[i]);

        say_call("sendto", send_name(pair.a, "x", &nowhere));
        say_call("connect", connect_name(pair.a, &nowhere));
    }
}

static void pair_names(void)
{
    static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

    for (int i = 0; i < 3; i++) {
        struct pair pair = local_pair(types[i]);
        struct name from = { .length = sizeof from.un };
        struct name mine = abstract_name("pair");
        char byte;

        say_local_name("own", pair.a, NULL);
        say_peer_name("peer", pair.a, NULL);
        put(pair.a, "x");
        must(sys_recvfrom(pair.b, &byte, 1, 0, (struct sockaddr *)&from.un, &from.length));
        say_name("from", &from, NULL);
        must(bind_name(pair.a, &mine));
        put(pair.a, "x");
        from.length = sizeof from.un;
        must(sys_recvfrom(pair.b, &byte, 1, 0, (struct sockaddr *)&from.un, &from.length));
        say_name("from", &from, &mine);
        say_peer_name("peer", pair.b, &mine);
    }
}

static void *echo(void *argument)
{
    int fd = *(int *)argument;
    char byte;

    while (sys_read(fd, &byte, 1) == 1)
        sys_write(fd, &byte, 1);
    return NULL;
}

static void pair_between_threads(void)
{
    static int other;
    struct pair pair = local_pair(SOCK_STREAM);
    char byte;
    int right = 0;

    other = pair.b;
    start_thread(echo, &other);
    for (int i = 0; i < 500; i++) {
        char sent = (char)i;

        must(sys_write(pair.a, &sent, 1));
        right += sys_read(pair.a, &byte, 1) == 1 && byte == sent;
    }
    say_int("right", right);
    must(sys_shutdown(pair.a, SHUT_WR));
}

static void *take_all(void *argument)
{
    int fd = *(int *)argument;
    static char chunk[10000];

    while (sys_read(fd, chunk, sizeof chunk) > 0)
        ;
    return NULL;
}

static void pair_a_blocking_write_is_whole(void)
{
    static int other;
    static char data[1 << 20];
    struct pair pair = local_pair(SOCK_STREAM);

    other = pair.b;
    start_thread(take_all, &other);
    say_call("write", sys_write(pair.a, data, sizeof data));
    must(sys_shutdown(pair.a, SHUT_WR));
}

const struct test_case local_pair_cases[] = {
    CASE(pair_of_each_type),
    CASE(pair_that_cannot_be),
    CASE(pair_flags),
    CASE(pair_stream_has_no_borders),
    CASE(pair_packets_have_borders),
    CASE(pair_truncation),
    CASE(pair_peek_takes_nothing),
    CASE(pair_nothing_to_send_or_receive),
    CASE(pair_waitall),
    CASE(pair_scattered),
    CASE(pair_fionread),
    CASE(pair_much_data),
    CASE(pair_with_a_destination),
    CASE(pair_names),
    THREADED(pair_between_threads),
    THREADED(pair_a_blocking_write_is_whole),
    END_OF_CASES,
};
