/* SPDX-License-Identifier: BSD-2-Clause */
/* SO_ATTACH_FILTER and its like: which programs are refused, and what others make of what arrives. */
#include "sockets.h"

#include "filter.h"

#include <string.h>

#define LOAD(size, offset) BPF_STMT(BPF_LD | (size) | BPF_ABS, (unsigned)(offset))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)

static void say_attached(const char *label, struct sock_fprog program)
{
    say_ok(label, attach(new_udp(AF_INET), program));
}

static void filter_programs_refused(void)
{
    static struct sock_filter many[4097];

    for (size_t i = 0; i < 4097; i++)
        many[i] = (struct sock_filter)RETURN(0);
    say_attached("too-many", (struct sock_fprog){ 4097, many });
    say_attached("none", (struct sock_fprog){ 0, many });
    say_attached("null", (struct sock_fprog){ 1, NULL });
    say_attached("nowhere", (struct sock_fprog){ 1, (struct sock_filter *)8 });
    say_attached("no-return", PROGRAM(LOAD(BPF_W, 0)));
    say_attached("return-of-x", PROGRAM(BPF_STMT(BPF_RET | BPF_X, 0)));
    say_attached("unknown", PROGRAM(BPF_STMT(0x99, 0), RETURN(0)));
    say_attached("wide", PROGRAM(BPF_STMT(0x106, 0), RETURN(0)));
    say_attached("length-of-byte", PROGRAM(BPF_STMT(BPF_LD | BPF_B | BPF_LEN, 0), RETURN(0)));
    say_attached("division", PROGRAM(BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RETURN(0)));
    say_attached("modulo", PROGRAM(BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 0), RETURN(0)));
    say_attached("shift", PROGRAM(BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RETURN(0)));
    say_attached("shift-by-x", PROGRAM(BPF_STMT(BPF_ALU | BPF_LSH | BPF_X, 32), RETURN(0)));
    say_attached("jump", PROGRAM(BPF_STMT(BPF_JMP | BPF_JA, 1), RETURN(0)));
    say_attached("jump-back", PROGRAM(BPF_STMT(BPF_JMP | BPF_JA, -1), RETURN(0)));
    say_attached("branch", PROGRAM(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), RETURN(0)));
    say_attached("store", PROGRAM(BPF_STMT(BPF_ST, 16), RETURN(0)));
    say_attached("unwritten", PROGRAM(BPF_STMT(BPF_LD | BPF_MEM, 3), RETURN(0)));
    say_attached("written", PROGRAM(BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LD | BPF_MEM, 3), RETURN(0)));
    say_attached("one-way", PROGRAM(LOAD(BPF_B, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), BPF_STMT(BPF_STX, 2),
                                    BPF_STMT(BPF_LDX | BPF_MEM, 2), RETURN(0)));
    say_attached("no-fact", PROGRAM(LOAD(BPF_W, SKF_AD_OFF + 2), RETURN(0)));
    say_attached("beyond-facts", PROGRAM(LOAD(BPF_B, -1), RETURN(0)));
    say_attached("below-facts", PROGRAM(LOAD(BPF_B, SKF_AD_OFF - 1), RETURN(0)));
    say_attached("good", KEEP(0));
}

static void filter_values_refused(void)
{
    static const socklen_t lengths[] = { 0, 3, 4, 8, sizeof(struct sock_fprog) - 1, sizeof(struct sock_fprog) + 1 };
    struct sock_fprog program[2] = { KEEP(0), KEEP(0) };
    int fd = new_udp(AF_INET);

    for (int i = 0; i < 6; i++)
        say_ok("attach", sys_setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, program, lengths[i]));
    say_ok("null", sys_setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, NULL, sizeof *program));
    say_ok("null-short", sys_setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, NULL, 8));
    say_ok("detach-nothing", detach(fd));
    say_ok("detach-short", sys_setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, program, 0));
    say_ok("lock-short", sys_setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, program, 3));
    say_ok("lock-null", sys_setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, NULL, 4));
    say_locked("locked", fd);
}

static void filter_drops(void)
{
    struct pair pair = udp_pair();

    say_ok("attach", attach(pair.b, KEEP(0)));
    say_call("send", sys_send(pair.a, "one", 3, 0));
    say_ok("detach", detach(pair.b));
    put(pair.a, "two");
    say_recv("recv", pair.b, 8, 0);
    say_ok("detach", detach(pair.b));
}

static void filter_cuts(void)
{
    struct pair pair = udp_pair();
    struct sock_fprog programs[] = { KEEP(11), KEEP(8), KEEP(1), KEEP(13), KEEP(0xffffffff) };

    for (int i = 0; i < 5; i++) {
        must(attach(pair.b, programs[i]));
        put(pair.a, "hello");
        say_recv("recv", pair.b, 8, MSG_TRUNC);
    }
}

static void filter_sees_the_header(void)
{
    struct pair pair = udp_pair();
    struct address to;

    /* Of datagrams to this port, with so many bytes, those that begin with these. */
    must(local_of(pair.b, &to));
    must(attach(pair.b, PROGRAM(LOAD(BPF_H, 2), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port_of(&to), 0, 6), LOAD(BPF_H, 4),
                                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 12, 0, 4), LOAD(BPF_W, 8),
                                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x676f6f64, 0, 2), BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
                                BPF_STMT(BPF_RET | BPF_A, 0), RETURN(0))));
    put(pair.a, "bad!");
    put(pair.a, "goodbye");
    put(pair.a, "goo");
    put(pair.a, "good");
    say_recv("recv", pair.b, 16, 0);
    /* What is not there is not kept. */
    must(attach(pair.b, PROGRAM(LOAD(BPF_B, 12), RETURN(-1))));
    put(pair.a, "four");
    put(pair.a, "fives");
    say_recv("recv", pair.b, 16, 0);
}

static void filter_sees_the_network(void)
{
    int families[] = { AF_INET, AF_INET6 };

    for (int i = 0; i < 2; i++) {
        struct address at;
        int to = udp_bound(families[i], &at);
        int from = new_udp(families[i]);

        /* The first byte, the protocol's number and the length of the network's header, in a byte each. */
        must(attach(to, PROGRAM(LOAD(BPF_B, SKF_NET_OFF), BPF_STMT(BPF_ST, 0),
                                LOAD(BPF_B, SKF_NET_OFF + (families[i] == AF_INET ? 9 : 6)),
                                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 4), BPF_STMT(BPF_LD | BPF_MEM, 0),
                                BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4), BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 8),
                                BPF_STMT(BPF_RET | BPF_A, 0), RETURN(0))));
        must(send_to(from, "sixteen letters!", &at));
        say_recv("recv", to, 32, 0);
        must(attach(to, PROGRAM(BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, SKF_NET_OFF), BPF_STMT(BPF_MISC | BPF_TXA, 0),
                                BPF_STMT(BPF_RET | BPF_A, 0))));
        must(send_to(from, "sixteen letters!", &at));
        must(detach(to));
        must(send_to(from, "another", &at));
        say_recv("recv", to, 32, 0);
    }
}

/* Says how much is kept by a program that returns four bits of a fact, plus 8. */
static void say_fact(const char *label, struct pair pair, int fact, int shift)
{
    must(attach(pair.b, PROGRAM(LOAD(BPF_W, SKF_AD_OFF + fact), BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, shift),
                                BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf), BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 8),
                                BPF_STMT(BPF_RET | BPF_A, 0))));
    put(pair.a, "the number of bytes is what it is");
    must(detach(pair.b));
    put(pair.a, "");
    say_recv(label, pair.b, 40, 0);
    while (sys_recv(pair.b, (char[40]){ 0 }, 40, MSG_DONTWAIT) >= 0)
        ;
}

static void filter_facts(void)
{
    struct pair pair = udp_pair();

    say_fact("protocol", pair, SKF_AD_PROTOCOL, 8);
    say_fact("type", pair, SKF_AD_PKTTYPE, 0);
    say_fact("interface", pair, SKF_AD_IFINDEX, 0);
    say_fact("hardware", pair, SKF_AD_HATYPE, 0);
    say_fact("hardware", pair, SKF_AD_HATYPE, 8);
    say_fact("mark", pair, SKF_AD_MARK, 0);
    say_fact("tagged", pair, SKF_AD_VLAN_TAG_PRESENT, 0);
}

static void filter_arithmetic(void)
{
    struct pair pair = udp_pair();

    /* (((7 * 3 - 1) / 4 ^ 1) % 3 << 1 | 8) ^ 3 */
    must(attach(pair.b, PROGRAM(BPF_STMT(BPF_LDX | BPF_IMM, 3), BPF_STMT(BPF_LD | BPF_IMM, 7),
                                BPF_STMT(BPF_ALU | BPF_MUL | BPF_X, 0), BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 1),
                                BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 4), BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 1),
                                BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 1),
                                BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 8), LOAD(BPF_W, SKF_AD_OFF + SKF_AD_ALU_XOR_X),
                                BPF_STMT(BPF_RET | BPF_A, 0))));
    put(pair.a, "12345678");
    say_recv("kept", pair.b, 16, 0);
    /* Divided by zero: dropped. Shifted by 33: as by one. */
    must(attach(pair.b, PROGRAM(BPF_STMT(BPF_LD | BPF_IMM, 7), BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), RETURN(-1))));
    put(pair.a, "lost");
    must(attach(pair.b, PROGRAM(BPF_STMT(BPF_LDX | BPF_IMM, 33), BPF_STMT(BPF_LD | BPF_IMM, 5),
                                BPF_STMT(BPF_ALU | BPF_LSH | BPF_X, 0), BPF_STMT(BPF_RET | BPF_A, 0))));
    put(pair.a, "12345678");
    say_recv("kept", pair.b, 16, 0);
    /* A negative number is a large one, and far beyond any packet. */
    must(attach(pair.b, PROGRAM(BPF_STMT(BPF_LDX | BPF_LEN, 0), BPF_STMT(BPF_MISC | BPF_TXA, 0),
                                BPF_STMT(BPF_ALU | BPF_NEG, 0), BPF_STMT(BPF_MISC | BPF_TAX, 0),
                                BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0), RETURN(-1))));
    put(pair.a, "lost");
    must(detach(pair.b));
    put(pair.a, "last");
    say_recv("kept", pair.b, 16, 0);
}

static void filter_locked(void)
{
    struct pair pair = udp_pair();

    say_locked("before", pair.b);
    must(attach(pair.b, KEEP(9)));
    say_ok("unlock", lock_filter(pair.b, 0));
    say_ok("lock", lock_filter(pair.b, 5));
    say_locked("after", pair.b);
    say_ok("attach", attach(pair.b, KEEP(0)));
    say_ok("attach-bad", attach(pair.b, (struct sock_fprog){ 0, NULL }));
    say_ok("attach-short", sys_setsockopt(pair.b, SOL_SOCKET, SO_ATTACH_FILTER, &pair, 8));
    say_ok("detach", detach(pair.b));
    say_ok("unlock", lock_filter(pair.b, 0));
    say_ok("lock", lock_filter(pair.b, 1));
    put(pair.a, "hello");
    say_recv("recv", pair.b, 8, 0);
    must(lock_filter(pair.a, 1));
    say_ok("none-detached", detach(pair.a));
}

static void filter_drops_segments(void)
{
    struct pair pair = tcp_pair();

    say_ok("attach", attach(pair.b, KEEP(0)));
    put(pair.a, "x");
    pause_ms(QUIET);
    say_events("dropped", ready(pair.b, POLLIN));
    say_ok("detach", detach(pair.b));
    say_arrival("repeated", pair.b, 1);
}

static void filter_cuts_segments(void)
{
    struct pair pair = tcp_pair();

    /* Never the header; and what is cut off is sent again, to arrive bit by bit. */
    must(attach(pair.b, PROGRAM(LOAD(BPF_B, 12), BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
                                BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2), BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 2),
                                BPF_STMT(BPF_RET | BPF_A, 0))));
    put(pair.a, "abc");
    say_arrival("first", pair.b, 2);
    must(attach(pair.b, KEEP(1)));
    pause_ms(QUIET);
    say_events("none", ready(pair.b, POLLIN));
    must(detach(pair.b));
    say_arrival("rest", pair.b, 1);
}

static void filter_of_a_listener(void)
{
    struct address at;
    int listener = tcp_listener(AF_INET, &at);
    int client = new_tcp(AF_INET);

    must(attach(listener, KEEP(0)));
    set_nonblocking(client, true);
    say_ok("connect", connect_to(client, &at));
    pause_ms(QUIET);
    say_events("dropped", ready(client, POLLOUT));
    must(detach(listener));
    say_events("repeated", settled(client, POLLOUT, POLLOUT));
}

static void filter_is_inherited(void)
{
    struct address at;
    int listener = tcp_listener(AF_INET, &at);
    int client, server;

    must(attach(listener, KEEP(-1)));
    tcp_client(&at);
    server = accept_one(listener);
    say_locked("locked", server);
    say_ok("detach", detach(server));
    must(lock_filter(listener, 1));
    client = tcp_client(&at);
    server = accept_one(listener);
    say_locked("locked", server);
    say_ok("detach", detach(server));
    put(client, "x");
    say_arrival("got", server, 1);
}

const struct test_case filter_cases[] = {
    FILTERED(filter_programs_refused),
    FILTERED(filter_values_refused),
    FILTERED(filter_drops),
    FILTERED(filter_cuts),
    FILTERED(filter_sees_the_header),
    FILTERED(filter_sees_the_network),
    FILTERED(filter_facts),
    FILTERED(filter_arithmetic),
    FILTERED(filter_locked),
    FILTERED(filter_drops_segments),
    FILTERED(filter_cuts_segments),
    FILTERED(filter_of_a_listener),
    FILTERED(filter_is_inherited),
    END_OF_CASES,
};
