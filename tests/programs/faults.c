/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One kernel of this process carries a gibibyte over its loopback. Meanwhile others are booted that panic, each at
 * another point, with threads that wait inside. Writes for each point how long it took until the last of
 * them had got EIO, in microseconds.
 */
#include "../conformance/sys.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/gremlin.h>

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, strerror(errno));                      \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000) + time.tv_nsec / 1000;
}

static int bound(int type, struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    int s = sys_socket(AF_INET, type, 0);

    *address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    CHECK(s >= 0 && sys_bind(s, (struct sockaddr *)address, sizeof *address) == 0);
    CHECK(sys_getsockname(s, (struct sockaddr *)address, &length) == 0);
    return s;
}

/* ---- the kernel that has nothing to do with it ---- */

enum { CHUNK = 1 << 17, CHUNKS = 1 << 13, POINTS = 6 };

static struct rump_kernel *good;
static struct sockaddr_in good_address;
static int good_listener;
static uint64_t sent, received;
/* How many faults there were: so many parts of the transfer, and one more, may be sent. */
static atomic_int faults;

struct stream {
    uint64_t state, sum;
};

/* The next chunk of a stream that both ends can make, and its checksum (FNV-1a, by words). */
static void next(struct stream *stream, uint64_t *words)
{
    for (size_t i = 0; i < CHUNK / sizeof *words; i++) {
        uint64_t z = stream->state += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        words[i] = z ^ (z >> 27);
    }
}

static void add(struct stream *stream, const uint64_t *words)
{
    for (size_t i = 0; i < CHUNK / sizeof *words; i++)
        stream->sum = (stream->sum ^ words[i]) * UINT64_C(0x100000001b3);
}

static void *send_all(void *unused)
{
    static uint64_t words[CHUNK / sizeof(uint64_t)];
    struct stream stream = { 1, 0 };

    CHECK(rump_enter(good) == 0);
    int s = sys_socket(AF_INET, SOCK_STREAM, 0);
    CHECK(s >= 0 && sys_connect(s, (struct sockaddr *)&good_address, sizeof good_address) == 0);
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
        while (chunk >= CHUNKS / (POINTS + 1) * (atomic_load(&faults) + 1) && atomic_load(&faults) < POINTS)
            usleep(100);
        next(&stream, words);
        add(&stream, words);
        CHECK(sys_write(s, words, CHUNK) == CHUNK);
    }
    CHECK(sys_close(s) == 0);
    rump_leave();
    sent = stream.sum;
    return unused;
}

static void *receive_all(void *unused)
{
    static uint64_t words[CHUNK / sizeof(uint64_t)];
    struct stream stream = { 1, 0 };

    CHECK(rump_enter(good) == 0);
    int s = sys_accept(good_listener, NULL, NULL);
    CHECK(s >= 0);
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
        ssize_t got;

        for (size_t held = 0; held < CHUNK; held += (size_t)got)
            CHECK((got = sys_read(s, (char *)words + held, CHUNK - held)) > 0);
        add(&stream, words);
    }
    CHECK(sys_read(s, words, 1) == 0 && sys_close(s) == 0);
    rump_leave();
    received = stream.sum;
    return unused;
}

/* ---- those that panic ---- */

enum { CALLERS = 5 };

static struct rump_kernel *faulty;
static atomic_int ready;

struct caller {
    pthread_t thread;
    int which;
    int error;
    int64_t at;
};

/* Waits inside the faulty kernel, each caller in another way, until it dies. */
static void *wait_inside(void *argument)
{
    struct caller *caller = argument;
    struct sockaddr_in address;
    struct epoll_event event = { .events = EPOLLIN };
    char buffer[16];
    int result = -1, s, set;

    CHECK(rump_enter(faulty) == 0);
    s = bound(caller->which == 1 ? SOCK_STREAM : SOCK_DGRAM, &address);
    switch (caller->which) {
    case 0:
        atomic_fetch_add(&ready, 1);
        result = (int)sys_recv(s, buffer, sizeof buffer, 0);
        break;
    case 1:
        CHECK(sys_listen(s, 1) == 0);
        atomic_fetch_add(&ready, 1);
        result = sys_accept(s, NULL, NULL);
        break;
    case 2:
        atomic_fetch_add(&ready, 1);
        result = sys_poll(&(struct pollfd){ .fd = s, .events = POLLIN }, 1, -1);
        break;
    case 3:
        set = sys_epoll_create1(0);
        CHECK(set >= 0 && sys_epoll_ctl(set, EPOLL_CTL_ADD, s, &event) == 0);
        atomic_fetch_add(&ready, 1);
        result = sys_epoll_wait(set, &event, 1, -1);
        break;
    case 4:
        /* Not waiting, but coming in again and again, and so for the lock while somebody has it. */
        atomic_fetch_add(&ready, 1);
        while ((result = rump_pub_gremlin_touch()) == 0)
            usleep(500);
        errno = result;
        result = -1;
        break;
    }
    caller->error = result == -1 ? errno : 0;
    caller->at = now();
    rump_leave();
    return NULL;
}

/* The points. Each returns when it was that the kernel was told. */

static int64_t in_call_with_lock(void)
{
    int64_t begin = now();

    CHECK(rump_pub_gremlin_hold(20) == EIO);
    return begin;
}

static int64_t in_callout(void)
{
    int64_t begin = now();

    CHECK(rump_pub_gremlin_later(20) == 0);
    return begin;
}

static int64_t on_receive(void)
{
    struct sockaddr_in address;
    int s = bound(SOCK_DGRAM, &address);

    /* To a port where nobody is it goes the whole way. */
    address.sin_port = htons(9);
    CHECK(rump_pub_gremlin_receive() == 0);
    int64_t begin = now();
    CHECK(sys_sendto(s, "x", 1, 0, (struct sockaddr *)&address, sizeof address) == -1 && errno == EIO);
    return begin;
}

static int64_t in_drop(void)
{
    int fd = rump_sys_gremlin();

    CHECK(fd >= 0);
    int64_t begin = now();
    CHECK(sys_close(fd) == -1 && errno == EIO);
    return begin;
}

static void panic_at(const char *name, int64_t (*point)(void))
{
    struct caller callers[CALLERS];
    int64_t last = 0;

    atomic_store(&ready, 0);
    faulty = rump_boot(NULL);
    CHECK(faulty != NULL);
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){ .which = i };
        CHECK(pthread_create(&callers[i].thread, NULL, wait_inside, &callers[i]) == 0);
    }
    while (atomic_load(&ready) < CALLERS)
        usleep(1000);
    usleep(20000);
    CHECK(rump_enter(faulty) == 0);
    int64_t begin = point();
    for (int i = 0; i < CALLERS; i++) {
        CHECK(pthread_join(callers[i].thread, NULL) == 0);
        if (callers[i].error != EIO)
            fprintf(stderr, "%s: caller %d got %s\n", name, i, strerror(callers[i].error));
        CHECK(callers[i].error == EIO);
        last = callers[i].at > last ? callers[i].at : last;
    }
    /* It is dead for good, and its end hurts nobody. */
    CHECK(sys_socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EIO);
    rump_leave();
    CHECK(rump_enter(faulty) == EIO);
    rump_shutdown(faulty);
    printf("%s %lld\n", name, (long long)(last - begin));
}

static void panic_at_start(void)
{
    int64_t begin = now();

    CHECK(rump_boot("gremlin=start") == NULL && errno == EIO);
    printf("start %lld\n", (long long)(now() - begin));
}

static void panic_at_end(void)
{
    struct rump_kernel *kernel = rump_boot("gremlin=end");
    struct sockaddr_in address;

    CHECK(kernel != NULL && rump_enter(kernel) == 0);
    CHECK(bound(SOCK_STREAM, &address) >= 0);
    rump_leave();
    int64_t begin = now();
    rump_shutdown(kernel);
    printf("end %lld\n", (long long)(now() - begin));
}

int main(void)
{
    pthread_t sender, receiver;

    good = rump_boot(NULL);
    CHECK(good != NULL && rump_enter(good) == 0);
    good_listener = bound(SOCK_STREAM, &good_address);
    CHECK(sys_listen(good_listener, 1) == 0);
    rump_leave();
    CHECK(pthread_create(&receiver, NULL, receive_all, NULL) == 0);
    CHECK(pthread_create(&sender, NULL, send_all, NULL) == 0);

    panic_at("lock", in_call_with_lock);
    atomic_fetch_add(&faults, 1);
    panic_at("callout", in_callout);
    atomic_fetch_add(&faults, 1);
    panic_at("receive", on_receive);
    atomic_fetch_add(&faults, 1);
    panic_at("drop", in_drop);
    atomic_fetch_add(&faults, 1);
    panic_at_start();
    atomic_fetch_add(&faults, 1);
    panic_at_end();
    atomic_fetch_add(&faults, 1);

    CHECK(pthread_join(sender, NULL) == 0 && pthread_join(receiver, NULL) == 0);
    CHECK(sent == received);
    rump_shutdown(good);

    /* The process goes on. */
    CHECK(rump_init() == 0);
    struct sockaddr_in address;
    CHECK(bound(SOCK_STREAM, &address) >= 0);
    printf("transfer %d\n", CHUNK * CHUNKS);
    return 0;
}
