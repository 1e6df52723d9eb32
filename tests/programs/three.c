/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client, a router with address translation, and a server, over two links:
 *
 *   three all A B                       three kernels in this process
 *   three router A B                    says "ready" and forwards until it is killed
 *   three server B                      says "ready"
 *   three client A
 *
 * The client (10.1.0.9, fd01::9, on A) talks to the server (192.0.2.9, 2001:db8::9, on B), which has no route to
 * 10.1.0.0/24 and sees the router's address; then the server calls the client at port 8080 of the router.
 */
#include "../conformance/sys.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <rump/filter.h>
#include <rump/netconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 65536, PIECES = 64 };

static void check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "three: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static struct rump_kernel *boot(const char *link, const char *rest)
{
    char params[256];

    snprintf(params, sizeof params, "virtif=%s %s", link, rest);
    struct rump_kernel *kernel = rump_boot(params);
    check(kernel != NULL, "boot");
    check(rump_enter(kernel) == 0, "enter");
    return kernel;
}

static struct sockaddr_in6 at(const char *address, int port)
{
    struct sockaddr_in6 name = { .sin6_family = AF_INET6, .sin6_port = htons((unsigned short)port) };

    check(inet_pton(AF_INET6, address, &name.sin6_addr) == 1, address);
    return name;
}

static int new_socket(int kind)
{
    struct timeval limit = { .tv_sec = 60 };
    int off = 0, s = sys_socket(AF_INET6, kind, 0);

    check(s >= 0, "socket");
    check(sys_setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0, "both families");
    check(sys_setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0, "limit");
    return s;
}

static int listener(int port)
{
    struct sockaddr_in6 here = at("::", port);
    int s = new_socket(SOCK_STREAM);

    check(sys_bind(s, (struct sockaddr *)&here, sizeof here) == 0, "bind");
    check(sys_listen(s, 4) == 0, "listen");
    return s;
}

static int call(const char *address, int port)
{
    struct sockaddr_in6 there = at(address, port);
    int s = new_socket(SOCK_STREAM);

    check(sys_connect(s, (struct sockaddr *)&there, sizeof there) == 0, address);
    return s;
}

static void put(int s, const void *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = sys_send(s, (const char *)data + done, len - done, 0);

        check(n > 0, "send");
        done += (size_t)n;
    }
}

static void get(int s, void *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = sys_recv(s, (char *)data + done, len - done, 0);

        check(n > 0, "receive");
        done += (size_t)n;
    }
}

/* ---- router ---- */

static struct rump_kernel *router(const char *a, const char *b)
{
    char links[200];

    snprintf(links, sizeof links, "%s,%s", a, b);
    struct rump_kernel *kernel = boot(links, "ip=10.1.0.1/24,fd01::1/64");
    check(rump_pub_netconfig_ipv4_ifaddr_cidr("virt1", "192.0.2.1", 24) == 0, "address");
    check(rump_pub_netconfig_ipv6_ifaddr("virt1", "2001:db8::1", 64) == 0, "address");
    check(rump_pub_filter_set("nat on virt1 inet from 10.1.0.0/24\n"
                              "rdr on virt1 proto tcp to port 8080 -> 10.1.0.9 port 80\n"
                              "pass in on virt1 proto tcp to 10.1.0.9 port 80\n"
                              "block in on virt1\n") == 0,
          "rules");
    check(rump_pub_filter_set("block in of virt1") != 0, "wrong rules are refused");
    return kernel;
}

/* ---- server ---- */

struct server {
    struct rump_kernel *kernel;
    int streams, datagrams;
};

static struct server server(const char *b)
{
    struct sockaddr_in6 here = at("::", 7);
    struct server it = { boot(b, "ip=192.0.2.9/24,2001:db8::9/64 gateway=2001:db8::1"), listener(7),
                         new_socket(SOCK_DGRAM) };

    check(sys_bind(it.datagrams, (struct sockaddr *)&here, sizeof here) == 0, "bind");
    return it;
}

/* Says of each peer who it seems to be; then gives back what comes. */
static void *serve(void *argument)
{
    struct server *it = argument;
    static char piece[PIECE];
    struct sockaddr_in6 peer;
    char name[64];

    check(rump_enter(it->kernel) == 0, "enter");
    for (int family = 0; family < 2; family++) {
        socklen_t len = sizeof peer;
        int s = sys_accept(it->streams, (struct sockaddr *)&peer, &len);

        check(s >= 0, "accept");
        memset(name, 0, sizeof name);
        inet_ntop(AF_INET6, &peer.sin6_addr, name, sizeof name);
        put(s, name, sizeof name);
        for (int n = 0; n < PIECES; n++) {
            get(s, piece, sizeof piece);
            put(s, piece, sizeof piece);
        }
        check(sys_recv(s, piece, 1, 0) == 0, "end");
        sys_close(s);

        len = sizeof peer;
        ssize_t n = sys_recvfrom(it->datagrams, piece, sizeof piece, 0, (struct sockaddr *)&peer, &len);
        check(n > 0, "datagram");
        check(sys_sendto(it->datagrams, piece, (size_t)n, 0, (struct sockaddr *)&peer, len) == n, "answer");
    }
    int s = call("::ffff:192.0.2.1", 8080);
    get(s, piece, 6);
    check(memcmp(piece, "inside", 6) == 0, "who answered");
    sys_close(s);
    return NULL;
}

/* ---- client ---- */

static void talk(const char *address, const char *seen)
{
    static unsigned char piece[PIECE], back[PIECE];
    char name[64];
    int s = call(address, 7);

    get(s, name, sizeof name);
    check(strcmp(name, seen) == 0, name);
    for (int n = 0; n < PIECES; n++) {
        for (int i = 0; i < PIECE; i++)
            piece[i] = (unsigned char)(i * 7 + n + (i >> 8));
        put(s, piece, sizeof piece);
        get(s, back, sizeof back);
        check(memcmp(piece, back, sizeof piece) == 0, "what came back");
    }
    sys_close(s);

    struct sockaddr_in6 there = at(address, 7);
    int d = new_socket(SOCK_DGRAM);

    /* In fragments. */
    check(sys_sendto(d, piece, 4000, 0, (struct sockaddr *)&there, sizeof there) == 4000, "datagram");
    check(sys_recv(d, back, sizeof back, 0) == 4000, "answer");
    check(memcmp(piece, back, 4000) == 0, "what came back");
    sys_close(d);
}

static void client(const char *a)
{
    struct rump_kernel *kernel = boot(a, "ip=10.1.0.9/24,fd01::9/64 gateway=10.1.0.1,fd01::1");
    int home = listener(80);

    talk("::ffff:192.0.2.9", "::ffff:192.0.2.1");
    talk("2001:db8::9", "fd01::9");
    int s = sys_accept(home, NULL, NULL);
    check(s >= 0, "accept");
    put(s, "inside", 6);
    check(sys_recv(s, &(char){ 0 }, 1, 0) == 0, "end");
    sys_close(s);
    rump_shutdown(kernel);
}

static void ready(void)
{
    puts("ready");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    check(argc > 2, "arguments");
    if (strcmp(argv[1], "all") == 0) {
        struct rump_kernel *middle = router(argv[2], argv[3]);
        struct server far = server(argv[3]);
        static char states[65536];
        int len = 0;
        pthread_t thread;

        check(pthread_create(&thread, NULL, serve, &far) == 0, "thread");
        client(argv[2]);
        check(pthread_join(thread, NULL) == 0, "join");
        check(rump_enter(middle) == 0, "enter");
        check(rump_pub_filter_states(states, sizeof states, &len) == 0 && len > 1, "states");
        fputs(states, stdout);
    } else if (strcmp(argv[1], "router") == 0) {
        router(argv[2], argv[3]);
        ready();
        for (;;)
            pause();
    } else if (strcmp(argv[1], "server") == 0) {
        struct server far = server(argv[2]);

        ready();
        serve(&far);
    } else {
        client(argv[2]);
    }
    return 0;
}
