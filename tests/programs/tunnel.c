/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tunnel PRIVATE PORT PUBLIC PSK ENDPOINT BYTES: a kernel with one interface and a WireGuard tunnel over it to the peer
 * PUBLIC, as 10.99.0.2 and fd99::2 in it; if it is told where that is, it speaks first. Says "ready" and serves two streams of so many bytes, SplitMix64's, at port 7:
 * who connects gets the first, and is to send the second, the same, and close; then the peers are written.
 */
#include "../conformance/sys.h"

#include <rump/netconfig.h>
#include <rump/wg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 65536 };

static void check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "tunnel: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static void make(unsigned char *piece, uint64_t *state)
{
    for (size_t at = 0; at < PIECE; at += 8) {
        uint64_t z = *state += 0x9e3779b97f4a7c15;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        z ^= z >> 31;
        for (int i = 0; i < 8; i++)
            piece[at + i] = (unsigned char)(z >> (8 * i));
    }
}

static void serve(int s, long bytes)
{
    static unsigned char piece[PIECE], got[PIECE];
    uint64_t state = 0x72756d70;

    for (long left = bytes; left > 0; left -= PIECE) {
        make(piece, &state);
        for (size_t done = 0; done < PIECE;) {
            ssize_t n = sys_send(s, piece + done, PIECE - done, 0);

            check(n > 0, "send");
            done += (size_t)n;
        }
    }
    check(sys_shutdown(s, SHUT_WR) == 0, "shutdown");
    state = 0x72756d70;
    for (long left = bytes; left > 0; left -= PIECE) {
        make(piece, &state);
        for (size_t done = 0; done < PIECE;) {
            ssize_t n = sys_recv(s, got + done, PIECE - done, 0);

            check(n > 0, "receive");
            done += (size_t)n;
        }
        if (memcmp(piece, got, PIECE) != 0) {
            fprintf(stderr, "tunnel: wrong bytes, %ld before the end\n", left);
            exit(1);
        }
    }
    check(sys_recv(s, got, 1, 0) == 0, "end");
    sys_close(s);
}

int main(int argc, char **argv)
{
    static char peers[4096];
    struct sockaddr_in6 here = { .sin6_family = AF_INET6, .sin6_port = htons(7) };
    int number, len;

    check(argc == 7 && rump_init() == 0, "boot");
    errno = rump_pub_wg_create("not a key", 0, &number);
    check(errno == EINVAL, "a key that is none is refused");
    errno = rump_pub_wg_create(argv[1], atoi(argv[2]), &number);
    check(errno == 0 && number == 0, "tunnel");
    errno = rump_pub_wg_create(argv[1], atoi(argv[2]), &number);
    check(errno == EADDRINUSE, "the port is taken");
    const char *psk = argv[4][0] == '\0' ? NULL : argv[4], *endpoint = argv[5][0] == '\0' ? NULL : argv[5];
    errno = rump_pub_wg_peer(0, argv[3], psk, endpoint, "10.99.0.0/24, fd99::/64",
                             endpoint == NULL ? 0 : 25);
    check(errno == 0, "peer");
    errno = rump_pub_wg_peer(1, argv[3], psk, endpoint, "", 0);
    check(errno == ENXIO, "no such tunnel");
    errno = rump_pub_netconfig_ipv4_ifaddr_cidr("wg0", "10.99.0.2", 24);
    check(errno == 0, "address");
    errno = rump_pub_netconfig_ipv6_ifaddr("wg0", "fd99::2", 64);
    check(errno == 0, "address");

    int listener = sys_socket(AF_INET6, SOCK_STREAM, 0);

    check(sys_bind(listener, (struct sockaddr *)&here, sizeof here) == 0, "bind");
    check(sys_listen(listener, 4) == 0, "listen");
    puts("ready");
    fflush(stdout);
    for (;;) {
        int s = sys_accept(listener, NULL, NULL);

        check(s >= 0, "accept");
        serve(s, atol(argv[6]));
        errno = rump_pub_wg_peers(0, peers, sizeof peers, &len);
        check(errno == 0 && (size_t)len == strlen(peers) + 1, "peers");
        printf("served, %s", peers);
        if (rump_pub_netconfig_ifstats("wg0", peers, sizeof peers) == 0)
            printf("%s", peers);
        fflush(stdout);
    }
}
