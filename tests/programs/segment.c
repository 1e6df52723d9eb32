/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * segment COUNT LINK: boots COUNT kernels with an interface each on LINK, has each ask its neighbour for an echo, and
 * waits for all answers. Says after how many milliseconds they are there.
 */
#include "../conformance/sys.h"

#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "segment: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static unsigned address(int number)
{
    return 0x0a400001u + (unsigned)number;
}

int main(int argc, char **argv)
{
    check(argc == 3, "arguments");
    int count = atoi(argv[1]);
    struct rump_kernel **kernels = calloc((size_t)count, sizeof *kernels);
    int *sockets = calloc((size_t)count, sizeof *sockets);
    long long begin = sys_now_ms();

    check(kernels != NULL && sockets != NULL, "memory");
    for (int n = 0; n < count; n++) {
        char params[256];
        unsigned own = address(n);

        snprintf(params, sizeof params, "virtif=%s ip=%u.%u.%u.%u/16", argv[2], own >> 24, own >> 16 & 255,
                 own >> 8 & 255, own & 255);
        kernels[n] = rump_boot(params);
        check(kernels[n] != NULL, "boot");
    }
    for (int n = 0; n < count; n++) {
        struct icmphdr request = { .type = ICMP_ECHO, .checksum = htons(0xf7ff) };
        struct sockaddr_in neighbour = { .sin_family = AF_INET };
        struct timeval limit = { .tv_sec = 60 };

        neighbour.sin_addr.s_addr = htonl(address((n + 1) % count));
        check(rump_enter(kernels[n]) == 0, "enter");
        sockets[n] = sys_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
        check(sockets[n] >= 0, "socket");
        check(sys_setsockopt(sockets[n], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0, "limit");
        check(sys_sendto(sockets[n], &request, sizeof request, 0, (struct sockaddr *)&neighbour, sizeof neighbour) ==
                  sizeof request,
              "ask");
    }
    for (int n = 0; n < count; n++) {
        unsigned char answer[128] = { 0 };

        check(rump_enter(kernels[n]) == 0, "enter");
        /* Others' requests come to this socket, too. */
        while (answer[20] != ICMP_ECHOREPLY)
            check(sys_recv(sockets[n], answer, sizeof answer, 0) >= 28, "answer");
    }
    printf("%lld\n", sys_now_ms() - begin);
    for (int n = 0; n < count; n++)
        rump_shutdown(kernels[n]);
    return 0;
}
