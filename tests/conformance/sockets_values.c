/* SPDX-License-Identifier: BSD-2-Clause */
/* Every option of every kind of socket: what it is at first, which values it takes, and of which lengths. */
#include "sockets.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Its header does not go together with the C library's. */
#define UDP_CORK_OPTION 1

struct option {
    const char *name;
    int level, number;
};

static const struct {
    const char *name;
    int domain, type;
} kinds[] = {
    { "tcp", AF_INET, SOCK_STREAM },
    { "udp", AF_INET, SOCK_DGRAM },
    { "tcp6", AF_INET6, SOCK_STREAM },
    { "udp6", AF_INET6, SOCK_DGRAM },
};

static void say_value(const char *label, int fd, const struct option *option)
{
    int value = -12345;
    socklen_t length = sizeof value;

    if (sys_getsockopt(fd, option->level, option->number, &value, &length) < 0)
        say(label, errno_name(errno));
    else if (length != sizeof value)
        say_int("length", length);
    else
        say_int(label, value);
}

static void say_values(const struct option *options, int count, const int *values, int value_count)
{
    for (int i = 0; i < count; i++) {
        for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
            const struct option *option = &options[i];
            int fd = own(must(sys_socket(kinds[kind].domain, kinds[kind].type, 0)));
            int one = 1;
            char label[40];

            say("option", option->name);
            say_value(kinds[kind].name, fd, option);
            for (int v = 0; v < value_count; v++) {
                snprintf(label, sizeof label, "set(%d)", values[v]);
                if (sys_setsockopt(fd, option->level, option->number, &values[v], sizeof(int)) < 0)
                    say(label, errno_name(errno));
                else
                    say_value(label, fd, option);
            }
            for (int length = 0; length < (int)sizeof(int); length++) {
                snprintf(label, sizeof label, "length(%d)", length);
                if (sys_setsockopt(fd, option->level, option->number, &one, length) < 0)
                    say(label, errno_name(errno));
                else
                    say_value(label, fd, option);
            }
            drop(fd);
        }
    }
}

#define SAY_VALUES(options, ...) \
    say_values(options, sizeof(options) / sizeof *(options), (int[]){ __VA_ARGS__ }, \
               sizeof((int[]){ __VA_ARGS__ }) / sizeof(int))

static void values_of_sockets(void)
{
    static const struct option options[] = {
        { "reuseaddr", SOL_SOCKET, SO_REUSEADDR },   { "reuseport", SOL_SOCKET, SO_REUSEPORT },
        { "broadcast", SOL_SOCKET, SO_BROADCAST },   { "dontroute", SOL_SOCKET, SO_DONTROUTE },
        { "keepalive", SOL_SOCKET, SO_KEEPALIVE },   { "oobinline", SOL_SOCKET, SO_OOBINLINE },
        { "timestamp", SOL_SOCKET, SO_TIMESTAMP },   { "timestampns", SOL_SOCKET, SO_TIMESTAMPNS },
        { "sndlowat", SOL_SOCKET, SO_SNDLOWAT },     { "acceptconn", SOL_SOCKET, SO_ACCEPTCONN },
    };

    SAY_VALUES(options, 1, 0, -1, 5, INT_MAX, INT_MIN);
}

static void values_of_low_water(void)
{
    static const struct option options[] = { { "rcvlowat", SOL_SOCKET, SO_RCVLOWAT } };

    SAY_VALUES(options, 0, 1, 2, 100, 65535);
}

static void values_of_ip(void)
{
    static const struct option options[] = {
        { "tos", IPPROTO_IP, IP_TOS },
        { "ttl", IPPROTO_IP, IP_TTL },
        { "hdrincl", IPPROTO_IP, IP_HDRINCL },
        { "pktinfo", IPPROTO_IP, IP_PKTINFO },
        { "mtu-discover", IPPROTO_IP, IP_MTU_DISCOVER },
        { "recvttl", IPPROTO_IP, IP_RECVTTL },
        { "mtu", IPPROTO_IP, IP_MTU },
    };

    SAY_VALUES(options, -2, -1, 0, 1, 2, 3, 4, 5, 6, 88, 184, 185, 255, 256, 32768, INT_MAX);
}

static void values_of_ipv6(void)
{
    static const struct option options[] = {
        { "hops", IPPROTO_IPV6, IPV6_UNICAST_HOPS },
        { "mtu-discover", IPPROTO_IPV6, IPV6_MTU_DISCOVER },
        { "v6only", IPPROTO_IPV6, IPV6_V6ONLY },
        { "recvpktinfo", IPPROTO_IPV6, IPV6_RECVPKTINFO },
        { "recvhoplimit", IPPROTO_IPV6, IPV6_RECVHOPLIMIT },
        { "tclass", IPPROTO_IPV6, IPV6_TCLASS },
    };

    SAY_VALUES(options, -2, -1, 0, 1, 2, 3, 4, 5, 6, 88, 184, 185, 255, 256, 32768, INT_MAX);
}

static void values_of_tcp(void)
{
    static const struct option options[] = {
        { "nodelay", IPPROTO_TCP, TCP_NODELAY },   { "maxseg", IPPROTO_TCP, TCP_MAXSEG },
        { "cork", IPPROTO_TCP, TCP_CORK },         { "keepidle", IPPROTO_TCP, TCP_KEEPIDLE },
        { "keepintvl", IPPROTO_TCP, TCP_KEEPINTVL }, { "keepcnt", IPPROTO_TCP, TCP_KEEPCNT },
        { "syncnt", IPPROTO_TCP, TCP_SYNCNT },     { "quickack", IPPROTO_TCP, TCP_QUICKACK },
        { "user-timeout", IPPROTO_TCP, TCP_USER_TIMEOUT }, { "fastopen", IPPROTO_TCP, TCP_FASTOPEN },
        { "fastopen-connect", IPPROTO_TCP, TCP_FASTOPEN_CONNECT },
    };

    SAY_VALUES(options, -2, -1, 0, 1, 2, 5, 87, 88, 127, 128, 536, 32767, 32768, INT_MAX);
}

static void values_of_udp(void)
{
    static const struct option options[] = { { "cork", IPPROTO_UDP, UDP_CORK_OPTION } };

    SAY_VALUES(options, -1, 0, 1, 2);
}

/* An accepted connection has what its listener had; the one that called is as it was set. */
static void values_are_inherited(void)
{
    static const struct {
        struct option option;
        int value;
    } all[] = {
        { { "keepalive", SOL_SOCKET, SO_KEEPALIVE }, 1 },
        { { "keepidle", IPPROTO_TCP, TCP_KEEPIDLE }, 77 },
        { { "nodelay", IPPROTO_TCP, TCP_NODELAY }, 1 },
        { { "user-timeout", IPPROTO_TCP, TCP_USER_TIMEOUT }, 12345 },
        { { "tos", IPPROTO_IP, IP_TOS }, 0x20 },
        { { "ttl", IPPROTO_IP, IP_TTL }, 44 },
        { { "mtu-discover", IPPROTO_IP, IP_MTU_DISCOVER }, IP_PMTUDISC_DONT },
        { { "rcvlowat", SOL_SOCKET, SO_RCVLOWAT }, 3 },
    };
    struct address at = loopback(AF_INET, 0);
    int listener = new_tcp(AF_INET);

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        set_option(listener, all[i].option.level, all[i].option.number, all[i].value);
    must(bind_to(listener, &at));
    must(sys_listen(listener, 1));
    must(local_of(listener, &at));
    int client = tcp_client(&at);
    int server = accept_one(listener);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        say_value(all[i].option.name, server, &all[i].option);
        say_value("client", client, &all[i].option);
    }
}

static void linger_of_datagrams(void)
{
    struct linger linger = { 1, 5 };
    socklen_t length = sizeof linger;
    int fd = new_udp(AF_INET);

    say_ok("set", sys_setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    linger = (struct linger){ -1, -1 };
    must(sys_getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length));
    say_int("on", linger.l_onoff);
    say_int("seconds", linger.l_linger);
}

/* Known only of a socket that has a peer; how much it is differs from kernel to kernel. */
static void path_mtu_of_connections(void)
{
    static const struct option four = { "mtu", IPPROTO_IP, IP_MTU };
    static const struct option six = { "mtu6", IPPROTO_IPV6, IPV6_MTU };
    struct address at, at6;
    int fds[] = { tcp_pair().a, new_udp(AF_INET), new_udp(AF_INET6) };

    udp_bound(AF_INET, &at);
    udp_bound(AF_INET6, &at6);
    must(connect_to(fds[1], &at));
    must(connect_to(fds[2], &at6));
    for (int i = 0; i < 3; i++) {
        const struct option *option = i < 2 ? &four : &six;
        int value = 0;
        socklen_t length = sizeof value;

        say_ok(option->name, sys_getsockopt(fds[i], option->level, option->number, &value, &length));
        say_yes("sane", value >= 1280 && value <= 65536);
    }
    say_value("unconnected", new_udp(AF_INET), &four);
    say_value("unconnected", new_tcp(AF_INET6), &six);
}

/* ---- what datagrams do that are longer than a packet ---- */

static void datagrams_that_may_not_be_cut(void)
{
    static char data[65507];
    int values[] = { IP_PMTUDISC_DONT, IP_PMTUDISC_WANT, IP_PMTUDISC_DO, IP_PMTUDISC_PROBE };
    struct address at, at6;
    int fd = udp_bound(AF_INET, &at), fd6 = udp_bound(AF_INET6, &at6);

    /* They fit into a packet of the loopback link, or not at all. */
    for (int i = 0; i < 4; i++) {
        int from = new_udp(AF_INET), from6 = new_udp(AF_INET6);

        set_option(from, IPPROTO_IP, IP_MTU_DISCOVER, values[i]);
        set_option(from6, IPPROTO_IPV6, IPV6_MTU_DISCOVER, values[i]);
        say_call("small", send_to(from, "x", &at));
        say_call("small6", send_to(from6, "x", &at6));
        say_call("large", sys_sendto(from, data, 60000, 0, &at.sa, at.length));
        say_call("large6", sys_sendto(from6, data, 60000, 0, &at6.sa, at6.length));
        drain(fd, 1);
        drain(fd6, 1);
        drop(from);
        drop(from6);
    }
}

const struct test_case value_cases[] = {
    CASE(values_of_sockets),
    CASE(values_of_low_water),
    CASE(values_of_ip),
    CASE(values_of_ipv6),
    CASE(values_of_tcp),
    CASE(values_of_udp),
    CASE(values_are_inherited),
    CASE(linger_of_datagrams),
    CASE(path_mtu_of_connections),
    CASE(datagrams_that_may_not_be_cut),
    END_OF_CASES,
};
