/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One thread waits, another makes something happen. The other gives the first a moment to fall asleep; if it
 * was slower, the case says the same, it only proved less.
 */
#include "readiness.h"

#define A_MOMENT 30

/* What the second thread is to do. Static, as threads must not look into a case's frame. */
static struct {
    int epoll;
    int fd;
    int how;
    uint32_t events;
    struct address at;
} deed;

static void *sends(void *unused)
{
    (void)unused;
    pause_ms(A_MOMENT);
    sys_send(deed.fd, "x", 1, MSG_NOSIGNAL);
    return NULL;
}

static void *closes(void *unused)
{
    (void)unused;
    pause_ms(A_MOMENT);
    sys_close(deed.fd);
    return NULL;
}

static void *shuts(void *unused)
{
    (void)unused;
    pause_ms(A_MOMENT);
    sys_shutdown(deed.fd, deed.how);
    return NULL;
}

static void *connects(void *unused)
{
    (void)unused;
    pause_ms(A_MOMENT);
    connect_to(deed.fd, &deed.at);
    return NULL;
}

static void *controls(void *unused)
{
    (void)unused;
    pause_ms(A_MOMENT);
    control(deed.epoll, deed.how, deed.fd, deed.events, 9);
    return NULL;
}

static void *drains(void *unused)
{
    static char chunk[16 * 1024];

    (void)unused;
    pause_ms(A_MOMENT);
    for (int quiet = 0; quiet < 3;) {
        if (sys_recv(deed.fd, chunk, sizeof chunk, MSG_DONTWAIT) <= 0) {
            pause_ms(1);
            quiet++;
        }
    }
    return NULL;
}

static void say_poll(const char *label, int fd, short events, int milliseconds)
{
    struct pollfd one = { .fd = fd, .events = events };

    say_call(label, sys_poll(&one, 1, milliseconds));
    say_events("revents", one.revents);
}

static void poll_woken_by_data(void)
{
    struct pair pair = tcp_pair();

    deed.fd = pair.a;
    start_thread(sends, NULL);
    say_poll("poll", pair.b, POLLIN, PATIENCE);
}

static void poll_woken_by_datagram(void)
{
    struct pair pair = udp_pair();

    deed.fd = pair.a;
    start_thread(sends, NULL);
    say_poll("poll", pair.b, POLLIN, PATIENCE);
}

static void poll_woken_by_connection(void)
{
    int listener = tcp_listener(AF_INET, &deed.at);

    deed.fd = new_tcp(AF_INET);
    start_thread(connects, NULL);
    say_poll("poll", listener, POLLIN, PATIENCE);
}

static void poll_woken_by_room(void)
{
    struct pair pair = tcp_pair();

    fill(pair.a);
    deed.fd = pair.b;
    start_thread(drains, NULL);
    say_poll("poll", pair.a, POLLOUT, PATIENCE);
}

static void poll_woken_by_peer_shutdown(void)
{
    struct pair pair = tcp_pair();

    deed.fd = pair.a;
    deed.how = SHUT_WR;
    start_thread(shuts, NULL);
    say_poll("poll", pair.b, POLLIN | POLLRDHUP, PATIENCE);
}

static void poll_woken_by_own_shutdown(void)
{
    struct pair pair = tcp_pair();

    deed.fd = pair.b;
    deed.how = SHUT_RDWR;
    start_thread(shuts, NULL);
    say_poll("poll", pair.b, POLLIN | POLLRDHUP, PATIENCE);
}

static void poll_watches_several(void)
{
    struct pair pair = tcp_pair();
    struct pair other = udp_pair();
    struct pollfd fds[] = {
        { .fd = other.a, .events = POLLIN },
        { .fd = pair.b, .events = POLLIN },
        { .fd = tcp_listener(AF_INET, NULL), .events = POLLIN },
    };

    deed.fd = pair.a;
    start_thread(sends, NULL);
    say_call("poll", sys_poll(fds, 3, PATIENCE));
    for (int i = 0; i < 3; i++)
        say_events("revents", fds[i].revents);
}

/*
 * Only of a copy: what poll says of a watched descriptor that is itself closed meanwhile is specified nowhere
 * (Linux sleeps on, and then finds it invalid).
 */
static void poll_unmoved_by_closed_copy(void)
{
    struct pair pair = tcp_pair();

    deed.fd = must(sys_dup(pair.b));
    start_thread(closes, NULL);
    say_poll("poll", pair.b, POLLIN, 4 * A_MOMENT);
    join_threads();
    say_events("peer", ready(pair.a, ALL));
}

static void epoll_woken_by_data(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLET, 1);
    deed.fd = pair.a;
    start_thread(sends, NULL);
    say_event("wait", epoll);
}

static void epoll_woken_by_addition(void)
{
    int epoll = deed.epoll = new_epoll();

    deed.fd = tcp_pair().a;
    deed.how = EPOLL_CTL_ADD;
    deed.events = EPOLLOUT;
    start_thread(controls, NULL);
    say_event("wait", epoll);
}

static void epoll_woken_by_modification(void)
{
    int epoll = deed.epoll = new_epoll();

    deed.fd = tcp_pair().a;
    deed.how = EPOLL_CTL_MOD;
    deed.events = EPOLLOUT;
    watch(epoll, deed.fd, EPOLLIN, 1);
    start_thread(controls, NULL);
    say_event("wait", epoll);
}

static void epoll_of_fd_closed_meanwhile(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();
    int copy = must(sys_dup(pair.b));

    drop(pair.b);
    watch(epoll, copy, EPOLLIN, 1);
    deed.fd = copy;
    start_thread(closes, NULL);
    say_wait("wait", epoll, 4 * A_MOMENT);
    join_threads();
    say_end("peer", pair.a);
}

static void epoll_nested_woken_by_data(void)
{
    struct pair pair = tcp_pair();
    int inner = new_epoll();
    int outer = new_epoll();

    watch(inner, pair.b, EPOLLIN, 1);
    watch(outer, inner, EPOLLIN, 2);
    deed.fd = pair.a;
    start_thread(sends, NULL);
    say_event("outer", outer);
}

/* ---- several waiters ---- */

enum { WAITERS = 3 };

static struct waiter {
    int epoll;
    int patience;
    int got;
} waiters[WAITERS];

static void *waits(void *argument)
{
    struct waiter *waiter = argument;
    struct epoll_event event;

    waiter->got = sys_epoll_wait(waiter->epoll, &event, 1, waiter->patience);
    return NULL;
}

static void start_waiters(int epoll, int patience)
{
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = (struct waiter){ .epoll = epoll, .patience = patience };
        start_thread(waits, &waiters[i]);
    }
    pause_ms(A_MOMENT);
}

static int woken(void)
{
    int woken = 0;

    join_threads();
    for (int i = 0; i < WAITERS; i++)
        woken += waiters[i].got;
    return woken;
}

static void edge_goes_to_one_waiter(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLET, 1);
    start_waiters(epoll, 300);
    put(pair.a, "x");
    say_int("woken", woken());
}

static void oneshot_goes_to_one_waiter(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN | EPOLLONESHOT, 1);
    start_waiters(epoll, 300);
    put(pair.a, "x");
    say_int("woken", woken());
}

static void level_goes_to_all_waiters(void)
{
    struct pair pair = tcp_pair();
    int epoll = new_epoll();

    watch(epoll, pair.b, EPOLLIN, 1);
    start_waiters(epoll, PATIENCE);
    put(pair.a, "x");
    say_int("woken", woken());
}

static void separate_events_wake_separate_waiters(void)
{
    struct pair pairs[WAITERS];
    int epoll = new_epoll();

    for (int i = 0; i < WAITERS; i++) {
        pairs[i] = tcp_pair();
        watch(epoll, pairs[i].b, EPOLLIN | EPOLLET, i);
    }
    start_waiters(epoll, PATIENCE);
    for (int i = 0; i < WAITERS; i++)
        put(pairs[i].a, "x");
    say_int("woken", woken());
}

const struct test_case waiting_cases[] = {
    THREADED(poll_woken_by_data),
    THREADED(poll_woken_by_datagram),
    THREADED(poll_woken_by_connection),
    THREADED(poll_woken_by_room),
    THREADED(poll_woken_by_peer_shutdown),
    THREADED(poll_woken_by_own_shutdown),
    THREADED(poll_watches_several),
    THREADED(poll_unmoved_by_closed_copy),
    THREADED(epoll_woken_by_data),
    THREADED(epoll_woken_by_addition),
    THREADED(epoll_woken_by_modification),
    THREADED(epoll_of_fd_closed_meanwhile),
    THREADED(epoll_nested_woken_by_data),
    THREADED(edge_goes_to_one_waiter),
    THREADED(oneshot_goes_to_one_waiter),
    THREADED(level_goes_to_all_waiters),
    THREADED(separate_events_wake_separate_waiters),
    END_OF_CASES,
};
