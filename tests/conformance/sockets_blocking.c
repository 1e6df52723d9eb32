/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that wait, with a second thread that makes what they wait for happen. */
#include "sockets.h"

#include <string.h>

#define A_MOMENT 30
#define MUCH (1024 * 1024)

/* What the second thread works on. Static, as threads must not look into a case's frame. */
static struct {
    int fd;
    int how;
    struct address at;
    const char *text;
    size_t bytes;
    bool good;
} deed;

static void *sends(void *unused)
{
    (void)unused;
    pause_ms(A_MOMENT);
    sys_send(deed.fd, deed.text, strlen(deed.text), MSG_NOSIGNAL);
    return NULL;
}

static void *shuts(void *unused)
{
    (void)unused;
    pause_ms(A_MOMENT);
    sys_shutdown(deed.fd, deed.how);
    return NULL;
}

static void *closes(void *unused)
{
    (void)unused;
    pause_ms(A_MOMENT);
    sys_close(deed.fd);
    return NULL;
}

static void *resets(void *unused)
{
    struct linger now = { 1, 0 };

    (void)unused;
    pause_ms(A_MOMENT);
    sys_setsockopt(deed.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    sys_close(deed.fd);
    return NULL;
}

static void *connects(void *unused)
{
    (void)unused;
    pause_ms(A_MOMENT);
    deed.good = connect_to(deed.fd, &deed.at) == 0;
    return NULL;
}

static void *receives_much(void *unused)
{
    static unsigned char in[10 * 1000];

    (void)unused;
    deed.bytes = 0;
    deed.good = true;
    for (;;) {
        long got = sys_recv(deed.fd, in, sizeof in, 0);

        if (got <= 0)
            return NULL;
        for (long i = 0; i < got; i++)
            deed.good = deed.good && in[i] == pattern(deed.bytes + i, 1);
        deed.bytes += got;
    }
}

static void *echoes(void *unused)
{
    char buffer[16];
    long got;

    (void)unused;
    while ((got = sys_recv(deed.fd, buffer, sizeof buffer, 0)) > 0)
        sys_send(deed.fd, buffer, got, MSG_NOSIGNAL);
    return NULL;
}

/* A socket for the second thread to close: not the runner's any more. */
static int given_away(int fd)
{
    int copy = must(sys_dup(fd));

    drop(fd);
    return copy;
}

static void recv_woken_by_data(void)
{
    struct pair pair = tcp_pair();

    deed.fd = pair.a;
    deed.text = "x";
    start_thread(sends, NULL);
    say_recv("recv", pair.b, 8, 0);
}

static void recv_woken_by_datagram(void)
{
    struct pair pair = udp_pair();

    deed.fd = pair.a;
    deed.text = "hello";
    start_thread(sends, NULL);
    say_recv("recv", pair.b, 8, 0);
}

static void recv_waits_for_all(void)
{
    struct pair pair = tcp_pair();

    put(pair.a, "first ");
    deed.fd = pair.a;
    deed.text = "second";
    start_thread(sends, NULL);
    say_recv("recv", pair.b, 12, MSG_WAITALL);
}

static void recv_woken_by_peer_close(void)
{
    struct pair pair = tcp_pair();

    deed.fd = given_away(pair.a);
    start_thread(closes, NULL);
    say_recv("recv", pair.b, 8, 0);
}

static void recv_woken_by_reset(void)
{
    struct pair pair = tcp_pair();

    deed.fd = given_away(pair.a);
    start_thread(resets, NULL);
    say_recv("recv", pair.b, 8, 0);
}

static void recv_woken_by_own_shutdown(void)
{
    struct pair pair = tcp_pair();

    deed.fd = pair.b;
    deed.how = SHUT_RD;
    start_thread(shuts, NULL);
    say_recv("recv", pair.b, 8, 0);
}

static void accept_woken_by_connection(void)
{
    int listener = tcp_listener(AF_INET, &deed.at);

    deed.fd = new_tcp(AF_INET);
    start_thread(connects, NULL);
    say_ok("accept", own(sys_accept(listener, NULL, NULL)));
    join_threads();
    say_yes("connected", deed.good);
}

/* The usual way to stop a thread that accepts. */
static void accept_woken_by_shutdown(void)
{
    int listener = tcp_listener(AF_INET, NULL);

    deed.fd = listener;
    deed.how = SHUT_RDWR;
    start_thread(shuts, NULL);
    say_ok("accept", sys_accept(listener, NULL, NULL));
}

static void send_waits_for_room(void)
{
    static unsigned char out[MUCH];
    struct pair pair = small_tcp_pair();

    for (size_t i = 0; i < MUCH; i++)
        out[i] = pattern(i, 1);
    deed.fd = pair.b;
    start_thread(receives_much, NULL);
    /* A blocking send takes all, however small the buffer. */
    say_call("send", sys_send(pair.a, out, MUCH, MSG_NOSIGNAL));
    must(sys_shutdown(pair.a, SHUT_WR));
    join_threads();
    say_int("received", deed.bytes);
    say_yes("whole", deed.good);
}

static void send_woken_by_reset(void)
{
    struct pair pair = tcp_pair();

    fill(pair.a);
    deed.fd = given_away(pair.b);
    start_thread(resets, NULL);
    flood(pair.a, 0);
    say("send", errno_name(errno));
}

static void many_round_trips(void)
{
    enum { ROUNDS = 500 };
    struct pair pair = tcp_pair();
    int good = 0;

    deed.fd = pair.b;
    start_thread(echoes, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        int back = -1;

        must(sys_send(pair.a, &i, sizeof i, MSG_NOSIGNAL));
        good += sys_recv(pair.a, &back, sizeof back, MSG_WAITALL) == sizeof back && back == i;
    }
    must(sys_shutdown(pair.a, SHUT_WR));
    say_int("good", good);
}

static void many_datagram_round_trips(void)
{
    enum { ROUNDS = 500 };
    struct pair pair = udp_pair();
    int good = 0;

    deed.fd = pair.b;
    start_thread(echoes, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        int back = -1;

        must(sys_send(pair.a, &i, sizeof i, 0));
        good += sys_recv(pair.a, &back, sizeof back, 0) == sizeof back && back == i;
    }
    /* An empty datagram ends the other side's loop. */
    must(sys_send(pair.a, "", 0, 0));
    say_int("good", good);
}

const struct test_case blocking_cases[] = {
    THREADED(recv_woken_by_data),
    THREADED(recv_woken_by_datagram),
    THREADED(recv_waits_for_all),
    THREADED(recv_woken_by_peer_close),
    THREADED(recv_woken_by_reset),
    THREADED(recv_woken_by_own_shutdown),
    THREADED(accept_woken_by_connection),
    THREADED(accept_woken_by_shutdown),
    THREADED(send_waits_for_room),
    THREADED(send_woken_by_reset),
    THREADED(many_round_trips),
    THREADED(many_datagram_round_trips),
    END_OF_CASES,
};
