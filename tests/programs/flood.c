/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flood SYNS: three kernels on a segment. One has a stream from another, which goes on while the third sends it so many SYNs from
 * addresses that are nobody's, to a port where it listens. Says what the stream carries alone and meanwhile, in MB/s,
 * how far memory grew at most, in kB, and whether a new connection gets through afterwards.
 */
#include "../conformance/sys.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rump_kernel *server, *client, *attacker;
static atomic_ullong carried;
static atomic_int done;

static void check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static struct sockaddr_in at(const char *address, int port)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };

    check(inet_pton(AF_INET, address, &name.sin_addr) == 1, address);
    return name;
}

static int new_stream(void)
{
    struct timeval limit = { .tv_sec = 30 };
    int s = sys_socket(AF_INET, SOCK_STREAM, 0);

    check(s >= 0, "socket");
    check(sys_setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0, "limit");
    check(sys_setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0, "limit");
    return s;
}

static int listener(int port)
{
    struct sockaddr_in here = at("0.0.0.0", port);
    int s = new_stream();

    check(sys_bind(s, (struct sockaddr *)&here, sizeof here) == 0 && sys_listen(s, 64) == 0, "listen");
    return s;
}

static int call(int port)
{
    struct sockaddr_in there = at("10.0.0.1", port);
    int s = new_stream();

    check(sys_connect(s, (struct sockaddr *)&there, sizeof there) == 0, "connect");
    return s;
}

static void *take(void *argument)
{
    static char buffer[65536];
    int s = *(int *)argument;
    ssize_t n;

    check(rump_enter(server) == 0, "enter");
    while ((n = sys_read(s, buffer, sizeof buffer)) > 0)
        atomic_fetch_add(&carried, (unsigned long long)n);
    check(n == 0, "the stream was cut");
    return NULL;
}

static void *give(void *argument)
{
    static const char buffer[65536];
    int s = *(int *)argument;

    check(rump_enter(client) == 0, "enter");
    while (!atomic_load(&done))
        check(sys_write(s, buffer, sizeof buffer) > 0, "the stream was cut");
    check(sys_shutdown(s, SHUT_WR) == 0, "end");
    return NULL;
}

static unsigned short checksum(const unsigned char *bytes, size_t len, unsigned sum)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        sum += (unsigned)bytes[i] << 8 | bytes[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (unsigned short)~sum;
}

/* An IPv4 packet with a SYN from somewhere. */
static void syn(unsigned char packet[40], unsigned number)
{
    static const unsigned char form[40] = { 0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 0, 10, 0, 0, 1,
                                            0,    0, 0, 80, 0, 0, 0,    0, 0,  0, 0, 0, 0x50, 2, 0xff, 0xff };
    unsigned random = number * 2654435761u;

    memcpy(packet, form, sizeof form);
    packet[14] = (unsigned char)(1 + random % 200);
    packet[15] = (unsigned char)(random >> 8);
    packet[20] = (unsigned char)(0x80 | random >> 16);
    packet[21] = (unsigned char)(random >> 24);
    memcpy(packet + 24, &random, 4);
    unsigned short sum = checksum(packet + 20, 20, checksum(packet + 12, 8, 6 + 20) ^ 0xffff);
    packet[36] = (unsigned char)(sum >> 8);
    packet[37] = (unsigned char)sum;
}

static long memory(void)
{
    char line[256];
    long kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "r");

    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmRSS: %ld", &kilobytes) == 1)
            break;
    fclose(status);
    return kilobytes;
}

static double rate(unsigned long long bytes, long long ms)
{
    return (double)bytes / 1e3 / (double)(ms > 0 ? ms : 1);
}

int main(int argc, char **argv)
{
    check(argc == 2, "arguments");
    unsigned count = (unsigned)atoi(argv[1]);
    server = rump_boot("virtif=bus:flood ip=10.0.0.1/8");
    client = rump_boot("virtif=bus:flood ip=10.0.0.2/8");
    attacker = rump_boot("virtif=bus:flood ip=10.0.0.3/8");
    check(server != NULL && client != NULL && attacker != NULL, "boot");

    check(rump_enter(server) == 0, "enter");
    int streams = listener(7), victim = listener(80);
    check(rump_enter(client) == 0, "enter");
    int from = call(7);
    check(rump_enter(server) == 0, "enter");
    int to = sys_accept(streams, NULL, NULL);
    check(to >= 0, "accept");
    pthread_t giver, taker;
    check(pthread_create(&taker, NULL, take, &to) == 0, "thread");
    check(pthread_create(&giver, NULL, give, &from) == 0, "thread");

    check(rump_enter(attacker) == 0, "enter");
    int raw = sys_socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    struct sockaddr_in there = at("10.0.0.1", 0);
    check(raw >= 0, "raw socket");
    usleep(500000);

    unsigned long long before = atomic_load(&carried);
    long long begin = sys_now_ms();
    usleep(1000000);
    double alone = rate(atomic_load(&carried) - before, sys_now_ms() - begin);

    long used = memory(), most = used;
    before = atomic_load(&carried);
    begin = sys_now_ms();
    for (unsigned n = 0; n < count; n++) {
        unsigned char packet[40];

        syn(packet, n);
        check(sys_sendto(raw, packet, sizeof packet, 0, (struct sockaddr *)&there, sizeof there) == 40, "send");
        if (n % 100 == 0) {
            /* At a hundred thousand a second, or as fast as it goes. */
            long long due = begin + n / 100;

            while (sys_now_ms() < due)
                usleep(200);
        }
        if (n % 5000 == 0 && memory() > most)
            most = memory();
    }
    long long took = sys_now_ms() - begin;
    double meanwhile = rate(atomic_load(&carried) - before, took);

    atomic_store(&done, 1);
    check(pthread_join(giver, NULL) == 0 && pthread_join(taker, NULL) == 0, "join");
    check(rump_enter(client) == 0, "enter");
    int anew = call(80);
    check(rump_enter(server) == 0, "enter");
    check(sys_accept(victim, NULL, NULL) >= 0, "accept");
    (void)anew;
    printf("%.0f %.0f %ld %lld\n", alone, meanwhile, most - used, took);
    return 0;
}
