/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One end of a TCP stream, through the same calls on the host's kernel and on a rump kernel.
 *
 *   sink ADDRESS PORT           says "listening", reads one connection to its end
 *   source ADDRESS PORT MIB     writes that much in pieces of 64 KiB, waits until the sink has it, and prints
 *                               MB/s
 */
#include "../conformance/sys.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char buffer[65536];

static void check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "stream: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void sink(int s, const struct sockaddr_in *address)
{
    /* The kernel ends with the program: closing waits until the source has heard of it. */
    struct linger linger = { .l_onoff = 1, .l_linger = 10 };
    int on = 1;
    ssize_t got;

    check(sys_setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0, "reuse");
    check(sys_bind(s, (const struct sockaddr *)address, sizeof *address) == 0, "bind");
    check(sys_listen(s, 1) == 0, "listen");
    puts("listening");
    fflush(stdout);
    int c = sys_accept(s, NULL, NULL);
    check(c >= 0, "accept");
    while ((got = sys_read(c, buffer, sizeof buffer)) > 0)
        ;
    check(got == 0, "read");
    check(sys_setsockopt(c, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0, "linger");
    check(sys_close(c) == 0, "close");
}

static void source(int s, const struct sockaddr_in *address, uint64_t total)
{
    check(sys_connect(s, (const struct sockaddr *)address, sizeof *address) == 0, "connect");
    double begin = now();
    for (uint64_t left = total; left > 0;) {
        size_t len = left < sizeof buffer ? (size_t)left : sizeof buffer;
        ssize_t put = sys_write(s, buffer, len);

        check(put > 0, "write");
        left -= (uint64_t)put;
    }
    check(sys_shutdown(s, SHUT_WR) == 0, "shutdown");
    check(sys_read(s, buffer, 1) == 0, "the sink's end");
    printf("%f\n", (double)total / 1e6 / (now() - begin));
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = { .sin_family = AF_INET };

    check(argc >= 4 && sys_boot() == 0, "boot");
    check(inet_pton(AF_INET, argv[2], &address.sin_addr) == 1, "address");
    address.sin_port = htons((uint16_t)atoi(argv[3]));
    int s = sys_socket(AF_INET, SOCK_STREAM, 0);
    check(s >= 0, "socket");
    if (strcmp(argv[1], "sink") == 0)
        sink(s, &address);
    else
        source(s, &address, (uint64_t)(argc > 4 ? atoi(argv[4]) : 1) << 20);
    check(sys_close(s) == 0, "close");
    return 0;
}
