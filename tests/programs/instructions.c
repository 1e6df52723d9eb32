/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * instructions OPERATION COUNT: does one thing so often, with all that it takes before done once. Whoever counts the
 * program's instructions with two counts knows what the operation takes.
 *
 *   getpid      the cheapest call
 *   pair        a byte written to one of a pair of Unix-domain sockets and read from the other
 *   udp         a datagram of 64 bytes sent and received over loopback
 *   tcp-rr      a byte there and a byte back over loopback
 *   tcp-bulk    64 KiB written and read over loopback, in pieces of 16 KiB
 *   epoll       epoll_wait where one descriptor of a thousand is ready
 *   ping        an echo asked for and answered, in one frame each, on a link
 *   boot        a kernel booted and ended
 */
#include "../conformance/sys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static void check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "instructions: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static int bound(int type, struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    int s = sys_socket(AF_INET, type, 0);

    *address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    check(s >= 0 && sys_bind(s, (struct sockaddr *)address, length) == 0, "bind");
    check(sys_getsockname(s, (struct sockaddr *)address, &length) == 0, "getsockname");
    return s;
}

/* Two ends of a connection. */
static void connected(int ends[2])
{
    struct sockaddr_in address;
    int listener = bound(SOCK_STREAM, &address), on = 1;

    check(sys_listen(listener, 1) == 0, "listen");
    ends[0] = sys_socket(AF_INET, SOCK_STREAM, 0);
    check(sys_connect(ends[0], (struct sockaddr *)&address, sizeof address) == 0, "connect");
    ends[1] = sys_accept(listener, NULL, NULL);
    check(ends[1] >= 0, "accept");
    for (int i = 0; i < 2; i++)
        check(sys_setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "nodelay");
}

/* So many bytes from one end to the other. */
static void move(int from, int to, size_t bytes)
{
    static char buffer[16384];

    check(sys_write(from, buffer, bytes) == (ssize_t)bytes, "write");
    for (size_t left = bytes; left > 0;) {
        ssize_t got = sys_read(to, buffer, left);

        check(got > 0, "read");
        left -= (size_t)got;
    }
}

static void getpid_calls(long count)
{
    for (long n = 0; n < count; n++)
        check(sys_getpid() > 0, "getpid");
}

static void pair(long count)
{
    int ends[2];

    check(sys_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    for (long n = 0; n < count; n++)
        move(ends[0], ends[1], 1);
}

static void udp(long count)
{
    struct sockaddr_in to;
    int receiver = bound(SOCK_DGRAM, &to), sender = sys_socket(AF_INET, SOCK_DGRAM, 0);

    check(sys_connect(sender, (struct sockaddr *)&to, sizeof to) == 0, "connect");
    for (long n = 0; n < count; n++)
        move(sender, receiver, 64);
}

static void tcp_rr(long count)
{
    int ends[2];

    connected(ends);
    for (long n = 0; n < count; n++) {
        move(ends[0], ends[1], 1);
        move(ends[1], ends[0], 1);
    }
}

static void tcp_bulk(long count)
{
    int ends[2];

    connected(ends);
    for (long n = 0; n < count * 4; n++)
        move(ends[0], ends[1], 16384);
}

static void epoll(long count)
{
    enum { ALL = 1000 };
    struct epoll_event event = { .events = EPOLLIN };
    int set = sys_epoll_create1(0), ends[2];

    for (int n = 0; n < ALL; n++) {
        check(sys_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
        event.data.fd = ends[1];
        check(sys_epoll_ctl(set, EPOLL_CTL_ADD, ends[1], &event) == 0, "epoll_ctl");
    }
    check(sys_write(ends[0], "x", 1) == 1, "write");
    for (long n = 0; n < count; n++)
        check(sys_epoll_wait(set, &event, 1, -1) == 1 && event.data.fd == ends[1], "epoll_wait");
}

static void read_all(int s, void *place, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t got = read(s, (char *)place + done, bytes - done);

        check(got > 0, "the kernel's end of the link");
        done += (size_t)got;
    }
}

/* The next frame on the link of this length; others are not for us. */
static void frame_of(int s, unsigned char *frame, size_t wanted)
{
    uint32_t length;

    do {
        read_all(s, &length, sizeof length);
        length = ntohl(length);
        check(length <= 2048, "a frame's length");
        read_all(s, frame, length);
    } while (length != wanted);
}

static void put_frame(int s, const unsigned char *frame, size_t bytes)
{
    unsigned char all[128] = { 0, 0, 0, (unsigned char)bytes };

    memcpy(all + 4, frame, bytes);
    check(write(s, all, 4 + bytes) == (ssize_t)(4 + bytes), "a frame");
}

/* The kernel's neighbour on a link that is a Unix socket, `ping.link` in the working directory. */
static void ping(long count)
{
    static unsigned char ask[42] = { 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 2, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1,
        2, 0, 0, 0, 0, 2, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1 };
    static unsigned char echo[98] = { 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 84, 0, 0, 0, 0, 64, 1,
        0x66, 0xa7, 10, 0, 0, 2, 10, 0, 0, 1, 8, 0, 0xf7, 0xff };
    struct sockaddr_un path = { .sun_family = AF_UNIX, .sun_path = "ping.link" };
    unsigned char frame[2048];
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    check(listener >= 0 && bind(listener, (struct sockaddr *)&path, sizeof path) == 0, path.sun_path);
    check(listen(listener, 1) == 0, "listen");
    setenv("RUMP_VIRTIF", "unix:ping.link", 1);
    setenv("RUMP_IP", "10.0.0.1/24", 1);
    check(sys_boot() == 0, "boot");
    int s = accept(listener, NULL, NULL);
    check(s >= 0, "accept");
    put_frame(s, ask, sizeof ask);
    do
        frame_of(s, frame, sizeof ask);
    while (frame[21] != 2);
    memcpy(echo, frame + 6, 6);
    for (long n = 0; n < count; n++) {
        put_frame(s, echo, sizeof echo);
        frame_of(s, frame, sizeof echo);
        check(frame[34] == 0, "an answer");
    }
}

static void boot(long count)
{
    for (long n = 0; n < count; n++) {
        struct rump_kernel *kernel = rump_boot(NULL);

        check(kernel != NULL, "boot");
        rump_shutdown(kernel);
    }
}

static const struct {
    const char *name;
    void (*act)(long count);
    /* Whether it boots by itself. */
    int boots;
} operations[] = {
    { "getpid", getpid_calls, 0 }, { "pair", pair, 0 }, { "udp", udp, 0 }, { "tcp-rr", tcp_rr, 0 },
    { "tcp-bulk", tcp_bulk, 0 }, { "epoll", epoll, 0 }, { "ping", ping, 1 }, { "boot", boot, 1 },
};

int main(int argc, char **argv)
{
    for (size_t n = 0; argc == 3 && n < sizeof operations / sizeof *operations; n++)
        if (strcmp(argv[1], operations[n].name) == 0) {
            check(operations[n].boots || sys_boot() == 0, "boot");
            operations[n].act(atol(argv[2]));
            return 0;
        }
    return 2;
}
