/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture FILE [PROGRAM]: two kernels on a segment that leaves checksums open and segments long talk TCP, UDP and ICMP,
 * of both families; what one of them sends and receives, or what of that a program of `tcpdump -ddd` wants, goes into
 * FILE as a pcap stream.
 */
#include "../conformance/sys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "capture: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static struct sockaddr_in6 at(const char *address)
{
    struct sockaddr_in6 name = { .sin6_family = AF_INET6, .sin6_port = htons(7) };

    check(inet_pton(AF_INET6, address, &name.sin6_addr) == 1, address);
    return name;
}

static int new_socket(struct rump_kernel *kernel, int kind)
{
    struct sockaddr_in6 any = at("::");
    struct timeval limit = { .tv_sec = 30 };
    int off = 0, on = 1;

    check(rump_enter(kernel) == 0, "enter");
    int s = sys_socket(AF_INET6, kind, 0);
    check(s >= 0, "socket");
    check(sys_setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0, "both families");
    check(sys_setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0, "limit");
    check(sys_setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0, "reuse");
    check(sys_bind(s, (struct sockaddr *)&any, sizeof any) == 0, "bind");
    return s;
}

static void talk(struct rump_kernel *from, struct rump_kernel *to, const char *address)
{
    static char data[100000];
    struct sockaddr_in6 there = at(address);
    int listener = new_socket(to, SOCK_STREAM), datagrams = new_socket(to, SOCK_DGRAM);

    check(sys_listen(listener, 1) == 0, "listen");
    check(rump_enter(from) == 0, "enter");
    int s = sys_socket(AF_INET6, SOCK_STREAM, 0), d = sys_socket(AF_INET6, SOCK_DGRAM, 0);
    check(sys_connect(s, (struct sockaddr *)&there, sizeof there) == 0, address);
    check(sys_send(s, data, sizeof data, 0) == sizeof data, "send");
    check(sys_sendto(d, data, 5000, 0, (struct sockaddr *)&there, sizeof there) == 5000, "send");
    /* Nobody is at this port. */
    there.sin6_port = htons(9);
    check(sys_sendto(d, data, 10, 0, (struct sockaddr *)&there, sizeof there) == 10, "send");
    check(rump_enter(to) == 0, "enter");
    int c = sys_accept(listener, NULL, NULL);
    check(c >= 0, "accept");
    check(sys_recv(c, data, sizeof data, MSG_WAITALL) == sizeof data, "receive");
    check(sys_recv(datagrams, data, sizeof data, 0) == 5000, "receive");
    check(sys_close(c) == 0 && sys_close(listener) == 0 && sys_close(datagrams) == 0, "close");
    check(rump_enter(from) == 0 && sys_close(s) == 0 && sys_close(d) == 0, "close");
}

int main(int argc, char **argv)
{
    static char buffer[65536];
    struct rump_kernel *one = rump_boot("virtif=bus:capture ip=10.0.0.1/24,fd00::1/64");
    struct rump_kernel *other = rump_boot("virtif=bus:capture ip=10.0.0.2/24,fd00::2/64");
    FILE *file = argc == 2 || argc == 3 ? fopen(argv[1], "w") : NULL;
    ssize_t got;

    check(one != NULL && other != NULL, "boot");
    check(file != NULL, "file");
    check(rump_enter(one) == 0, "enter");
    int capture = argc == 3 ? rump_sys_ifcapture_filtered("virt0", argv[2]) : rump_sys_ifcapture("virt0");
    check(capture >= 0, "capture");
    talk(one, other, "::ffff:10.0.0.2");
    talk(other, one, "::ffff:10.0.0.1");
    talk(one, other, "fd00::2");
    talk(other, one, "fd00::1");
    check(rump_enter(one) == 0, "enter");
    check(sys_fcntl(capture, F_SETFL, O_NONBLOCK) == 0, "flags");
    while ((got = sys_read(capture, buffer, sizeof buffer)) > 0)
        check(fwrite(buffer, 1, (size_t)got, file) == (size_t)got, "write");
    check(errno == EAGAIN, "read");
    check(fclose(file) == 0, "close");
    return 0;
}
