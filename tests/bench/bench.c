/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One measurement a run, through the same calls on the host's kernel and on a rump kernel. Prints a number:
 *
 *   getpid      nanoseconds a call
 *   tcp         MB/s over loopback, 64 KiB writes, a thread at each end, default buffers
 *   rr          microseconds for a byte there and a byte back over TCP, a thread at each end
 *   idle        what of tcp is left beside 10,000 connections that carry nothing, in percent
 *   two         what two threads get done on two TCP connections, in percent of what one does
 *   udp         nanoseconds for a 64-byte datagram sent and received, one thread
 *   pair        nanoseconds for a byte written to one of a pair of Unix-domain sockets and read from the other, one thread
 *   pair-rr     microseconds for a byte there and a byte back over such a pair, a thread at each end
 *   resident    kilobytes in memory after rump_init (for the host, of a process that does nothing)
 *   boot        microseconds for rump_init (zero for the host)
 */
#include "../conformance/sys.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define CHUNK 65536

static void check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static struct sockaddr_in loopback(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int bound(int type, struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    int s = sys_socket(AF_INET, type, 0);

    *address = loopback();
    check(s >= 0 && sys_bind(s, (struct sockaddr *)address, length) == 0, "bind");
    check(sys_getsockname(s, (struct sockaddr *)address, &length) == 0, "getsockname");
    return s;
}

static void connected(int ends[2])
{
    struct sockaddr_in address;
    int listener = bound(SOCK_STREAM, &address);
    int on = 1;

    check(sys_listen(listener, 1) == 0, "listen");
    ends[0] = sys_socket(AF_INET, SOCK_STREAM, 0);
    check(sys_connect(ends[0], (struct sockaddr *)&address, sizeof address) == 0, "connect");
    ends[1] = sys_accept(listener, NULL, NULL);
    check(ends[1] >= 0, "accept");
    for (int i = 0; i < 2; i++)
        check(sys_setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "nodelay");
}

static uint64_t total;

static void *sink(void *end)
{
    static char buffer[CHUNK];
    uint64_t left = total;

    while (left > 0) {
        ssize_t got = sys_read(*(int *)end, buffer, sizeof buffer);

        check(got > 0, "read");
        left -= (uint64_t)got;
    }
    return NULL;
}

static double tcp(void)
{
    static char buffer[CHUNK];
    pthread_t thread;
    int ends[2];

    total = 512u << 20;
    connected(ends);
    uint64_t begin = now();
    check(pthread_create(&thread, NULL, sink, &ends[1]) == 0, "thread");
    for (uint64_t left = total; left > 0; left -= CHUNK)
        for (size_t sent = 0; sent < CHUNK;) {
            ssize_t put = sys_write(ends[0], buffer + sent, CHUNK - sent);

            check(put > 0, "write");
            sent += (size_t)put;
        }
    check(pthread_join(thread, NULL) == 0, "join");
    return (double)total / 1e6 / ((double)(now() - begin) / 1e9);
}

/* How much of the throughput stays when so many connections are open that carry nothing, in percent. */
static double idle(void)
{
    enum { IDLE = 10000 };
    struct rlimit files;
    struct sockaddr_in address;
    int small = 4096;

    /* A host may allow a few less: both ends are here. */
    check(getrlimit(RLIMIT_NOFILE, &files) == 0, "limit");
    files.rlim_cur = files.rlim_max;
    check(setrlimit(RLIMIT_NOFILE, &files) == 0, "limit");
    double alone = tcp();
    int listener = bound(SOCK_STREAM, &address);
    check(sys_setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0, "buffer");
    check(sys_setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0, "buffer");
    check(sys_listen(listener, 16) == 0, "listen");
    for (int n = 0; n < IDLE; n++) {
        int s = sys_socket(AF_INET, SOCK_STREAM, 0);

        check(sys_setsockopt(s, SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0, "buffer");
        check(sys_setsockopt(s, SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0, "buffer");
        check(sys_connect(s, (struct sockaddr *)&address, sizeof address) == 0, "connect");
        check(sys_accept(listener, NULL, NULL) >= 0, "accept");
        if ((rlim_t)s + 100 > files.rlim_max)
            break;
    }
    return tcp() / alone * 100;
}

static void *echo(void *end)
{
    char byte;

    for (uint64_t left = total; left > 0; left--) {
        check(sys_read(*(int *)end, &byte, 1) == 1, "read");
        check(sys_write(*(int *)end, &byte, 1) == 1, "write");
    }
    return NULL;
}

static double round_trip(int ends[2])
{
    pthread_t thread;
    char byte = 'x';

    total = 20000;
    check(pthread_create(&thread, NULL, echo, &ends[1]) == 0, "thread");
    uint64_t begin = now();
    for (uint64_t left = total; left > 0; left--) {
        check(sys_write(ends[0], &byte, 1) == 1, "write");
        check(sys_read(ends[0], &byte, 1) == 1, "read");
    }
    double took = (double)(now() - begin) / 1e3 / (double)total;
    check(pthread_join(thread, NULL) == 0, "join");
    return took;
}

static double rr(void)
{
    int ends[2];

    connected(ends);
    return round_trip(ends);
}

/* Sends itself messages over a connection of its own. */
static void *monologue(void *ends)
{
    char message[1024] = { 0 };
    int *end = ends;

    for (uint64_t left = total; left > 0; left--) {
        check(sys_write(end[0], message, sizeof message) == sizeof message, "write");
        for (size_t got = 0; got < sizeof message;) {
            ssize_t part = sys_read(end[1], message, sizeof message - got);

            check(part > 0, "read");
            got += (size_t)part;
        }
    }
    return NULL;
}

/* How much two threads get done on two connections, in percent of what one does. */
static double two(void)
{
    int ends[2][2];
    pthread_t thread;

    total = 200000;
    connected(ends[0]);
    connected(ends[1]);
    monologue(ends[0]);
    uint64_t begin = now();
    monologue(ends[0]);
    uint64_t alone = now() - begin;
    begin = now();
    check(pthread_create(&thread, NULL, monologue, ends[1]) == 0, "thread");
    monologue(ends[0]);
    check(pthread_join(thread, NULL) == 0, "join");
    return 200.0 * (double)alone / (double)(now() - begin);
}

static double pair_rr(void)
{
    int ends[2];

    check(sys_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    return round_trip(ends);
}

static double pair(void)
{
    int ends[2], count = 500000;
    char byte = 'x';

    check(sys_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    uint64_t begin = now();
    for (int n = 0; n < count; n++) {
        check(sys_write(ends[0], &byte, 1) == 1, "write");
        check(sys_read(ends[1], &byte, 1) == 1, "read");
    }
    return (double)(now() - begin) / count;
}

static double udp(void)
{
    struct sockaddr_in to;
    int receiver = bound(SOCK_DGRAM, &to);
    int sender = sys_socket(AF_INET, SOCK_DGRAM, 0);
    char datagram[64] = { 0 };
    int count = 200000;

    check(sys_connect(sender, (struct sockaddr *)&to, sizeof to) == 0, "connect");
    uint64_t begin = now();
    for (int n = 0; n < count; n++) {
        check(sys_write(sender, datagram, sizeof datagram) == sizeof datagram, "write");
        check(sys_read(receiver, datagram, sizeof datagram) == sizeof datagram, "read");
    }
    return (double)(now() - begin) / count;
}

static double getpid_cost(void)
{
    int count = 2000000, sum = 0;
    uint64_t begin = now();

    for (int n = 0; n < count; n++)
        sum += sys_getpid() != 0;
    check(sum == count, "getpid");
    return (double)(now() - begin) / count;
}

/* Kilobytes of the process that are in memory. */
static double resident(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[128];
    double kilobytes = 0;

    check(status != NULL, "/proc/self/status");
    while (fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmRSS: %lf", &kilobytes) == 1)
            break;
    fclose(status);
    return kilobytes;
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    uint64_t begin = now();

    check(sys_boot() == 0, "boot");
    double boot = (double)(now() - begin) / 1e3;
    if (strcmp(what, "boot") == 0)
        printf("%f\n", boot);
    else if (strcmp(what, "resident") == 0)
        printf("%f\n", resident());
    else if (strcmp(what, "getpid") == 0)
        printf("%f\n", getpid_cost());
    else if (strcmp(what, "tcp") == 0)
        printf("%f\n", tcp());
    else if (strcmp(what, "idle") == 0)
        printf("%f\n", idle());
    else if (strcmp(what, "rr") == 0)
        printf("%f\n", rr());
    else if (strcmp(what, "two") == 0)
        printf("%f\n", two());
    else if (strcmp(what, "udp") == 0)
        printf("%f\n", udp());
    else if (strcmp(what, "pair") == 0)
        printf("%f\n", pair());
    else if (strcmp(what, "pair-rr") == 0)
        printf("%f\n", pair_rr());
    else
        return 2;
    return 0;
}
