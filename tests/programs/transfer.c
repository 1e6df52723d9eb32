/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes there, and others back, over one connection, each held against what they have to be.
 *
 *   transfer serve PORT KIB            takes KIB, then sends as much, on connection after connection
 *   transfer call ADDRESS PORT KIB     sends KIB, then takes as much, and writes the seconds either took
 */
#include "../conformance/sys.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What either sends, so that neither takes its own for the other's. */
enum { CALLER = 0x63616c6c, SERVER = 0x73657276 };

static void check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "transfer: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The next bytes of a stream (SplitMix64). */
static void fill(uint64_t *state, unsigned char *bytes, size_t len)
{
    for (size_t at = 0; at < len; at += 8) {
        uint64_t z = *state += 0x9e3779b97f4a7c15;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        z ^= z >> 31;
        memcpy(bytes + at, &z, 8);
    }
}

static unsigned char ours[16384], theirs[16384];

static void give(int s, uint64_t state, uint64_t left)
{
    for (; left > 0; left -= sizeof ours) {
        fill(&state, ours, sizeof ours);
        for (size_t done = 0; done < sizeof ours;) {
            ssize_t put = sys_write(s, ours + done, sizeof ours - done);

            check(put > 0, "write");
            done += (size_t)put;
        }
    }
    check(sys_shutdown(s, SHUT_WR) == 0, "shutdown");
}

/* Takes all there is, and says when the first of it came. */
static double take(int s, uint64_t state, uint64_t left)
{
    double first = 0;

    for (; left > 0; left -= sizeof ours) {
        fill(&state, ours, sizeof ours);
        for (size_t done = 0; done < sizeof theirs;) {
            ssize_t got = sys_read(s, theirs + done, sizeof theirs - done);

            check(got > 0, "read");
            if (first == 0)
                first = now();
            done += (size_t)got;
        }
        check(memcmp(ours, theirs, sizeof ours) == 0, "other bytes than were sent");
    }
    check(sys_read(s, theirs, 1) == 0, "more bytes than were sent");
    return first;
}

static struct sockaddr_in place(const char *address, const char *port)
{
    struct sockaddr_in place = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };

    check(inet_pton(AF_INET, address, &place.sin_addr) == 1, "address");
    return place;
}

static void serve(int s, const char *port, uint64_t bytes)
{
    struct sockaddr_in here = place("0.0.0.0", port);

    check(sys_bind(s, (struct sockaddr *)&here, sizeof here) == 0 && sys_listen(s, 4) == 0, "listen");
    for (;;) {
        int c = sys_accept(s, NULL, NULL);

        check(c >= 0, "accept");
        take(c, CALLER, bytes);
        give(c, SERVER, bytes);
        /* The caller has it all when it closes. */
        check(sys_read(c, theirs, 1) == 0 && sys_close(c) == 0, "the end");
    }
}

static void call(int s, const struct sockaddr_in *there, uint64_t bytes)
{
    check(sys_connect(s, (const struct sockaddr *)there, sizeof *there) == 0, "connect");
    double begin = now();
    give(s, CALLER, bytes);
    double first = take(s, SERVER, bytes), end = now();
    check(sys_close(s) == 0, "close");
    printf("%.3f %.3f\n", first - begin, end - first);
}

int main(int argc, char **argv)
{
    check(argc >= 4 && sys_boot() == 0, "boot");
    int s = sys_socket(AF_INET, SOCK_STREAM, 0);
    check(s >= 0, "socket");
    uint64_t bytes = strtoull(argv[argc - 1], NULL, 10) << 10;
    if (strcmp(argv[1], "serve") == 0) {
        serve(s, argv[2], bytes);
    } else {
        struct sockaddr_in there = place(argv[2], argv[3]);

        call(s, &there, bytes);
    }
    return 0;
}
