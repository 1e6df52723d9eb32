/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fetch ADDRESS PORT PATH [INTERFACE]: fetches http://ADDRESS:PORT/PATH through the kernel's own stack and writes
 * the body to standard output. An interface that is named gets its address by DHCP first.
 */
#include "../conformance/sys.h"

#include <rump/netconfig.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "fetch: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

int main(int argc, char **argv)
{
    static char buffer[1 << 16];
    struct sockaddr_in peer = { .sin_family = AF_INET };
    char *body = NULL;
    size_t held = 0;
    ssize_t got;
    int s;

    check(argc >= 4 && sys_boot() == 0, "boot");
    if (argc > 4) {
        int error = rump_pub_netconfig_dhcp_ipv4_oneshot(argv[4]);

        if (error != 0) {
            fprintf(stderr, "fetch: %s: dhcp: %s\n", argv[4], strerror(error));
            return 1;
        }
    }
    peer.sin_port = htons((unsigned short)atoi(argv[2]));
    check(inet_pton(AF_INET, argv[1], &peer.sin_addr) == 1, "address");
    s = sys_socket(AF_INET, SOCK_STREAM, 0);
    check(s >= 0, "socket");
    check(sys_connect(s, (struct sockaddr *)&peer, sizeof peer) == 0, "connect");
    int length = snprintf(buffer, sizeof buffer, "GET %s HTTP/1.0\r\nHost: host\r\n\r\n", argv[3]);
    check(sys_write(s, buffer, (size_t)length) == length, "write");
    /* The head of the answer ends at an empty line; all after it is the body. */
    while (body == NULL && (got = sys_read(s, buffer + held, sizeof buffer - 1 - held)) > 0) {
        held += (size_t)got;
        buffer[held] = '\0';
        body = strstr(buffer, "\r\n\r\n");
    }
    check(body != NULL && strncmp(buffer + 8, " 200 ", 5) == 0, "answer");
    body += 4;
    fwrite(body, 1, held - (size_t)(body - buffer), stdout);
    while ((got = sys_read(s, buffer, sizeof buffer)) > 0)
        fwrite(buffer, 1, (size_t)got, stdout);
    check(got == 0, "read");
    check(sys_close(s) == 0, "close");
    return 0;
}
