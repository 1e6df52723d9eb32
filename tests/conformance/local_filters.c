/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters: of datagrams and packets, what their data says; a stream has one to no effect. */
#include "local.h"

#include "filter.h"

#include <string.h>

static void filter_messages(void)
{
    static const int types[] = { SOCK_DGRAM, SOCK_SEQPACKET };

    for (int i = 0; i < 2; i++) {
        struct pair pair = local_pair(types[i]);
        int fd = new_local(types[i]);
        struct message got;

        /* Three bytes of what begins with an x. */
        say_ok("attach", attach(pair.b, PROGRAM(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
                                                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'x', 0, 1),
                                                BPF_STMT(BPF_RET | BPF_K, 3), BPF_STMT(BPF_RET | BPF_K, 0))));
        say_call("drop", sys_send(pair.a, "abcde", 5, MSG_NOSIGNAL));
        say_call("drop-files", send_files(pair.a, "abcde", &fd, 1));
        say_call("drop-empty", sys_send(pair.a, "", 0, MSG_NOSIGNAL));
        say_call("keep", send_files(pair.a, "xyzabc", &fd, 1));
        say_call("keep", sys_send(pair.a, "xy", 2, MSG_NOSIGNAL));
        got = receive(pair.b, 16, 64, 0);
        say_message("got", &got);
        say_recv("got", pair.b, 16, 0);
        say_ok("detach", detach(pair.b));
        put(pair.a, "abcde");
        say_recv("got", pair.b, 16, 0);
    }
}

static void filter_of_a_name(void)
{
    struct name at = abstract_name("filter");
    int to = local_bound(SOCK_DGRAM, &at);

    must(attach(to, KEEP(0)));
    say_call("drop", send_name(new_local(SOCK_DGRAM), "abc", &at));
    must(attach(to, KEEP(2)));
    say_call("cut", send_name(new_local(SOCK_DGRAM), "abc", &at));
    say_recv("got", to, 8, 0);
}

static void filter_without_network(void)
{
    struct pair pair = local_pair(SOCK_DGRAM);
    unsigned offsets[] = { SKF_AD_OFF + SKF_AD_IFINDEX, SKF_AD_OFF + SKF_AD_HATYPE };

    for (int i = 0; i < 2; i++) {
        must(attach(pair.b, PROGRAM(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsets[i]), BPF_STMT(BPF_RET | BPF_K, -1))));
        put(pair.a, "lost");
        must(detach(pair.b));
        put(pair.a, "got");
        say_recv("got", pair.b, 8, 0);
    }
}

static void filter_of_a_stream(void)
{
    struct pair pair = local_pair(SOCK_STREAM);

    say_ok("attach", attach(pair.b, KEEP(0)));
    put(pair.a, "hello");
    say_recv("got", pair.b, 8, 0);
    say_ok("lock", lock_filter(pair.b, 1));
    say_locked("locked", pair.b);
    say_ok("detach", detach(pair.b));
    say_locked("other", pair.a);
}

static void filter_is_not_inherited(void)
{
    struct name at = abstract_name("filter-listener");
    int listener = local_listener(SOCK_SEQPACKET, &at, 5);
    int client = new_local(SOCK_SEQPACKET);
    int server;

    must(attach(listener, KEEP(0)));
    must(attach(client, KEEP(1)));
    must(connect_name(client, &at));
    server = accept_one(listener);
    put(client, "hello");
    say_recv("got", server, 8, 0);
    put(server, "hello");
    say_recv("got", client, 8, 0);
    say_ok("detach", detach(server));
}

const struct test_case local_filter_cases[] = {
    CASE(filter_messages),
    CASE(filter_of_a_name),
    CASE(filter_without_network),
    CASE(filter_of_a_stream),
    CASE(filter_is_not_inherited),
    END_OF_CASES,
};
