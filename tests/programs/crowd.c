/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crowd PAIRS: so many connections over loopback, both ends in one kernel, with the smallest buffers there are. Says by
 * how many kB the process grew.
 */
#include "../conformance/sys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
        exit(1);
    }
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

static int small_stream(void)
{
    int s = sys_socket(AF_INET, SOCK_STREAM, 0), least = 1;

    check(s >= 0, "socket");
    check(sys_setsockopt(s, SOL_SOCKET, SO_RCVBUF, &least, sizeof least) == 0, "buffer");
    check(sys_setsockopt(s, SOL_SOCKET, SO_SNDBUF, &least, sizeof least) == 0, "buffer");
    return s;
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;

    check(argc == 2 && sys_boot() == 0, "boot");
    int pairs = atoi(argv[1]), listener = -1, first = -1, last = -1;
    long before = memory();
    for (int n = 0; n < pairs; n++) {
        /* A port of its own for as many as there are ports to call from. */
        if (n % 20000 == 0) {
            listener = small_stream();
            at.sin_port = 0;
            check(sys_bind(listener, (struct sockaddr *)&at, sizeof at) == 0, "bind");
            check(sys_getsockname(listener, (struct sockaddr *)&at, &len) == 0, "name");
            check(sys_listen(listener, 16) == 0, "listen");
        }
        int s = small_stream();
        check(sys_connect(s, (struct sockaddr *)&at, sizeof at) == 0, "connect");
        last = sys_accept(listener, NULL, NULL);
        check(last >= 0, "accept");
        if (first < 0)
            first = s;
    }
    long grown = memory() - before;
    char word[8];

    /* They are alive. */
    check(sys_send(last, "word", 4, 0) == 4, "send");
    check(sys_recv(last - 1, word, sizeof word, 0) == 4, "receive");
    check(sys_send(first, "word", 4, 0) == 4, "send");
    printf("%ld\n", grown);
    return 0;
}
