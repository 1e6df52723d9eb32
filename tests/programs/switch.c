/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Three kernels: one with a bridge between the segments A and B, with an address; one on A and one on B, which also meet in a
 * VLAN. Each of the two talks to the other and to the bridge.
 */
#include "../conformance/sys.h"

#include <rump/netconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "switch: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static struct rump_kernel *boot(const char *params)
{
    struct rump_kernel *kernel = rump_boot(params);

    check(kernel != NULL, params);
    check(rump_enter(kernel) == 0, "enter");
    return kernel;
}

static struct sockaddr_in at(const char *address)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(7) };

    check(inet_pton(AF_INET, address, &name.sin_addr) == 1, address);
    return name;
}

static int listener(void)
{
    struct sockaddr_in here = at("0.0.0.0");
    int s = sys_socket(AF_INET, SOCK_STREAM, 0);

    check(s >= 0 && sys_bind(s, (struct sockaddr *)&here, sizeof here) == 0 && sys_listen(s, 8) == 0, "listen");
    return s;
}

/* Has one kernel send another so much that a link that leaves segments whole is of use. */
static void talk(struct rump_kernel *from, struct rump_kernel *to, int listener, const char *address)
{
    static char sent[200000], got[sizeof sent];
    struct sockaddr_in there = at(address);
    struct timeval limit = { .tv_sec = 30 };

    check(rump_enter(from) == 0, "enter");
    int s = sys_socket(AF_INET, SOCK_STREAM, 0);
    check(sys_setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0, "limit");
    check(sys_connect(s, (struct sockaddr *)&there, sizeof there) == 0, address);
    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (char)(i ^ i >> 8);
    check(sys_send(s, sent, sizeof sent, 0) == sizeof sent, "send");
    check(rump_enter(to) == 0, "enter");
    int c = sys_accept(listener, NULL, NULL);
    check(c >= 0, "accept");
    check(sys_setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0, "limit");
    check(sys_recv(c, got, sizeof got, MSG_WAITALL) == sizeof got, "receive");
    check(memcmp(sent, got, sizeof sent) == 0, "what came");
    check(sys_close(c) == 0, "close");
    check(rump_enter(from) == 0 && sys_close(s) == 0, "close");
    printf("%s\n", address);
}

int main(void)
{
    struct rump_kernel *bridge = boot("virtif=bus:switch-a,bus:switch-b");
    check(rump_pub_netconfig_ifcreate("bridge0") == 0, "bridge");
    check(rump_pub_netconfig_bradd("bridge0", "virt0") == 0, "member");
    check(rump_pub_netconfig_bradd("bridge0", "virt1") == 0, "member");
    check(rump_pub_netconfig_bradd("bridge0", "virt1") == EBUSY, "a member twice");
    check(rump_pub_netconfig_ipv4_ifaddr_cidr("bridge0", "10.0.0.1", 24) == 0, "address");
    int at_bridge = listener();

    struct rump_kernel *a = boot("virtif=bus:switch-a ip=10.0.0.2/24");
    check(rump_pub_netconfig_vlan_create("virt0", 7) == 0, "vlan");
    check(rump_pub_netconfig_ipv4_ifaddr_cidr("virt0.7", "10.7.0.2", 24) == 0, "address");
    int at_a = listener();

    struct rump_kernel *b = boot("virtif=bus:switch-b ip=10.0.0.3/24");
    check(rump_pub_netconfig_vlan_create("virt0", 7) == 0, "vlan");
    check(rump_pub_netconfig_ipv4_ifaddr_cidr("virt0.7", "10.7.0.3", 24) == 0, "address");
    int at_b = listener();

    talk(a, b, at_b, "10.0.0.3");
    talk(b, a, at_a, "10.0.0.2");
    talk(a, bridge, at_bridge, "10.0.0.1");
    talk(bridge, b, at_b, "10.0.0.3");
    talk(a, b, at_b, "10.7.0.3");
    talk(b, a, at_a, "10.7.0.2");
    return 0;
}
