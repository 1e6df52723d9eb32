/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes over a connection: the calls and flags that move them. */
#include "sockets.h"

#include <string.h>

static void stream_both_ways(void)
{
    struct pair pair = tcp_pair();

    put(pair.a, "ping");
    say_arrival("b", pair.b, 4);
    put(pair.b, "pong");
    say_arrival("a", pair.a, 4);
}

static void stream_has_no_boundaries(void)
{
    struct pair pair = tcp_pair();

    put(pair.a, "ab");
    put(pair.a, "cd");
    put(pair.a, "ef");
    await_bytes(pair.b, 6);
    say_recv("first", pair.b, 3, 0);
    say_recv("second", pair.b, 64, 0);
}

static void stream_read_and_write(void)
{
    struct pair pair = tcp_pair();
    char buffer[16];

    say_call("write", sys_write(pair.a, "hello", 5));
    await_bytes(pair.b, 5);
    say_bytes("read", buffer, sys_read(pair.b, buffer, sizeof buffer));
}

static void stream_nothing_to_receive(void)
{
    struct pair pair = tcp_pair();
    char byte;
    struct iovec vector = { &byte, 1 };
    struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };

    set_nonblocking(pair.b, true);
    say_recv("recv", pair.b, 1, 0);
    say_recv("peek", pair.b, 1, MSG_PEEK);
    say_recv("waitall", pair.b, 1, MSG_WAITALL);
    say_call("read", sys_read(pair.b, &byte, 1));
    say_call("readv", sys_readv(pair.b, &vector, 1));
    say_call("recvfrom", sys_recvfrom(pair.b, &byte, 1, 0, NULL, NULL));
    say_call("recvmsg", sys_recvmsg(pair.b, &message, 0));
}

static void stream_names_no_sender(void)
{
    struct pair pair = tcp_pair();
    struct address from = { .length = sizeof from.in6 };
    char byte;

    put(pair.a, "x");
    await_bytes(pair.b, 1);
    say_call("recvfrom", sys_recvfrom(pair.b, &byte, 1, 0, &from.sa, &from.length));
    say_int("length", from.length);
}

static void stream_dontwait(void)
{
    struct pair pair = tcp_pair();

    say_recv("empty", pair.b, 1, MSG_DONTWAIT);
    put(pair.a, "x");
    await_bytes(pair.b, 1);
    say_recv("there", pair.b, 8, MSG_DONTWAIT);
    /* It holds for one call only: the socket itself still blocks. */
    say_yes("nonblock", must(sys_fcntl(pair.b, F_GETFL, 0)) & O_NONBLOCK);
}

static void stream_peek(void)
{
    struct pair pair = tcp_pair();

    put(pair.a, "abcd");
    await_bytes(pair.b, 4);
    say_recv("peek", pair.b, 2, MSG_PEEK);
    say_recv("peek", pair.b, 8, MSG_PEEK);
    say_recv("recv", pair.b, 2, 0);
    say_recv("peek", pair.b, 8, MSG_PEEK);
    say_recv("recv", pair.b, 8, 0);
}

static void stream_waitall_is_there(void)
{
    struct pair pair = tcp_pair();

    put(pair.a, "abc");
    put(pair.a, "def");
    say_recv("recv", pair.b, 6, MSG_WAITALL);
}

static void stream_waitall_cut_by_end(void)
{
    struct pair pair = tcp_pair();

    put(pair.a, "abc");
    must(sys_shutdown(pair.a, SHUT_WR));
    say_recv("recv", pair.b, 6, MSG_WAITALL);
    say_recv("end", pair.b, 6, MSG_WAITALL);
}

static void stream_waitall_nonblocking(void)
{
    struct pair pair = tcp_pair();

    put(pair.a, "abc");
    await_bytes(pair.b, 3);
    say_recv("recv", pair.b, 6, MSG_WAITALL | MSG_DONTWAIT);
}

static void stream_empty_send(void)
{
    struct pair pair = tcp_pair();

    say_call("send", sys_send(pair.a, "", 0, MSG_NOSIGNAL));
    pause_ms(2);
    /* A stream has no empty messages. */
    say_recv("recv", pair.b, 8, MSG_DONTWAIT);
}

static void stream_vectors(void)
{
    struct pair pair = tcp_pair();
    char one[2], two[3], three[8];
    struct iovec out[] = { { "ab", 2 }, { "", 0 }, { "cdef", 4 }, { "g", 1 } };
    struct iovec in[] = { { one, 2 }, { two, 3 }, { three, 8 } };

    say_call("writev", sys_writev(pair.a, out, 4));
    await_bytes(pair.b, 7);
    say_call("readv", sys_readv(pair.b, in, 3));
    say_bytes("one", one, 2);
    say_bytes("two", two, 3);
    say_bytes("three", three, 2);
}

static void stream_vector_refusals(void)
{
    struct pair pair = tcp_pair();
    struct iovec vector[1] = { { "x", 1 } };
    volatile int negative = -1; /* the compiler knows better than to pass these */
    volatile int too_many = 1025;

    say_call("none", sys_writev(pair.a, vector, 0));
    say_call("writev-negative", sys_writev(pair.a, vector, negative));
    say_call("writev-too-many", sys_writev(pair.a, vector, too_many));
    say_call("readv-negative", sys_readv(pair.b, vector, negative));
    say_call("readv-too-many", sys_readv(pair.b, vector, too_many));
}

static void stream_messages(void)
{
    struct pair pair = tcp_pair();
    char one[3], two[8];
    struct address from;
    struct iovec out[] = { { "abc", 3 }, { "de", 2 } };
    struct iovec in[] = { { one, 3 }, { two, 8 } };
    struct msghdr sent = { .msg_iov = out, .msg_iovlen = 2 };
    struct msghdr got = { .msg_name = &from, .msg_namelen = sizeof from.in6, .msg_iov = in, .msg_iovlen = 2 };

    say_call("sendmsg", sys_sendmsg(pair.a, &sent, MSG_NOSIGNAL));
    await_bytes(pair.b, 5);
    say_call("recvmsg", sys_recvmsg(pair.b, &got, 0));
    say_bytes("one", one, 3);
    say_bytes("two", two, 2);
    say_int("flags", got.msg_flags & ~MSG_CMSG_CLOEXEC);
    /* Who sent is known of a connection; a stream does not say it again. */
    say_int("name", got.msg_namelen);
    say_int("control", got.msg_controllen);
}

static void message_too_many_vectors(void)
{
    struct pair pair = tcp_pair();
    struct iovec vector = { "x", 1 };
    struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1025 };

    say_call("sendmsg", sys_sendmsg(pair.a, &message, MSG_NOSIGNAL));
    say_call("recvmsg", sys_recvmsg(pair.b, &message, MSG_DONTWAIT));
}

static void stream_no_urgent_data(void)
{
    struct pair pair = tcp_pair();

    put(pair.a, "x");
    await_bytes(pair.b, 1);
    say_recv("urgent", pair.b, 1, MSG_OOB);
    say_recv("plain", pair.b, 1, 0);
}

static void stream_send_until_full(void)
{
    struct pair pair = tcp_pair();
    size_t taken = flood(pair.a, MSG_DONTWAIT);

    say("dontwait", errno_name(errno));
    set_nonblocking(pair.a, true);
    taken += flood(pair.a, 0);
    say("nonblock", errno_name(errno));
    say_yes("took-some", taken > 0);
    drain(pair.b, taken);
    say_recv("no-more", pair.b, 1, MSG_DONTWAIT);
    settled(pair.a, POLLOUT, POLLOUT);
    put(pair.a, "again");
    say_arrival("got", pair.b, 5);
}

/* ---- much data ---- */

#define MUCH (1024 * 1024)

struct flow {
    int from;
    int to;
    int seed;
    size_t chunk;
    size_t sent;
    size_t got;
    bool good;
};

static void push(struct flow *flow)
{
    static unsigned char out[64 * 1024];
    size_t count = MUCH - flow->sent < flow->chunk ? MUCH - flow->sent : flow->chunk;

    for (size_t i = 0; i < count; i++)
        out[i] = pattern(flow->sent + i, flow->seed);
    while (count > 0) {
        long sent = sys_send(flow->from, out, count, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent < 0 && errno == EAGAIN)
            return;
        must_work(sent, "push");
        flow->sent += sent;
        count -= sent;
        memmove(out, out + sent, count);
    }
}

static void pull(struct flow *flow)
{
    static unsigned char in[24 * 1000];
    long got = sys_recv(flow->to, in, sizeof in, MSG_DONTWAIT);

    if (got < 0 && errno == EAGAIN)
        return;
    must_work(got, "pull");
    for (long i = 0; i < got; i++)
        flow->good = flow->good && in[i] == pattern(flow->got + i, flow->seed);
    flow->got += got;
}

static void run_flows(struct flow *flows, int count)
{
    long long deadline = now_ms() + PATIENCE;
    bool done = false;

    while (!done && now_ms() < deadline) {
        struct pollfd fds[4];
        int waiting = 0;

        done = true;
        for (int i = 0; i < count; i++) {
            struct flow *flow = &flows[i];

            if (flow->sent < MUCH)
                push(flow);
            pull(flow);
            done = done && flow->got == MUCH;
            if (flow->sent < MUCH)
                fds[waiting++] = (struct pollfd){ .fd = flow->from, .events = POLLOUT };
            if (flow->got < MUCH)
                fds[waiting++] = (struct pollfd){ .fd = flow->to, .events = POLLIN };
        }
        if (!done)
            must(sys_poll(fds, waiting, PATIENCE));
    }
    for (int i = 0; i < count; i++)
        say("flow", flows[i].got == MUCH && flows[i].good ? "whole" : "broken");
}

static struct flow flow_between(int from, int to, size_t chunk, int seed)
{
    return (struct flow){ .from = from, .to = to, .chunk = chunk, .seed = seed, .good = true };
}

static void much_data(void)
{
    struct pair pair = tcp_pair();
    struct flow flow = flow_between(pair.a, pair.b, 64 * 1024, 1);

    run_flows(&flow, 1);
}

static void much_data_through_small_buffers(void)
{
    struct pair pair = small_tcp_pair();
    struct flow flow = flow_between(pair.a, pair.b, 10 * 1000, 2);

    run_flows(&flow, 1);
}

static void much_data_in_odd_pieces(void)
{
    struct pair pair = tcp_pair();
    struct flow flow = flow_between(pair.b, pair.a, 7777, 3);

    run_flows(&flow, 1);
}

static void much_data_both_ways(void)
{
    struct pair pair = tcp_pair();
    struct flow flows[] = {
        flow_between(pair.a, pair.b, 64 * 1024, 4),
        flow_between(pair.b, pair.a, 13 * 1000, 5),
    };

    run_flows(flows, 2);
}

static void much_data_over_ipv6(void)
{
    struct address at;
    int listener = tcp_listener(AF_INET6, &at);
    int client = tcp_client(&at);
    struct flow flow = flow_between(client, accept_one(listener), 32 * 1024, 6);

    run_flows(&flow, 1);
}

static void much_data_survives_close(void)
{
    struct pair pair = tcp_pair();
    struct flow flow = flow_between(pair.a, pair.b, 32 * 1024, 7);

    /* What was taken before the close arrives after it. */
    push(&flow);
    drop(pair.a);
    size_t sent = flow.sent;
    while (flow.got < sent && settled(pair.b, POLLIN, POLLIN) & POLLIN) {
        size_t before = flow.got;

        pull(&flow);
        if (flow.got == before)
            break;
    }
    say_yes("all", sent > 0 && flow.got == sent && flow.good);
    say_end("end", pair.b);
}

const struct test_case stream_cases[] = {
    CASE(stream_both_ways),
    CASE(stream_has_no_boundaries),
    CASE(stream_read_and_write),
    CASE(stream_nothing_to_receive),
    CASE(stream_names_no_sender),
    CASE(stream_dontwait),
    CASE(stream_peek),
    CASE(stream_waitall_is_there),
    CASE(stream_waitall_cut_by_end),
    CASE(stream_waitall_nonblocking),
    CASE(stream_empty_send),
    CASE(stream_vectors),
    CASE(stream_vector_refusals),
    CASE(stream_messages),
    CASE(message_too_many_vectors),
    CASE(stream_no_urgent_data),
    CASE(stream_send_until_full),
    CASE(much_data),
    CASE(much_data_through_small_buffers),
    CASE(much_data_in_odd_pieces),
    CASE(much_data_both_ways),
    CASE(much_data_over_ipv6),
    CASE(much_data_survives_close),
    END_OF_CASES,
};
