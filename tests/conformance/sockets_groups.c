/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups: who is in them, what the options about them say, and who hears what is sent to them, over the loopback. Of IPv6
 * nothing is sent: Linux has no way for that over the loopback, unless an administrator makes one.
 */
#include "sockets.h"

#include <stdint.h>
#include <string.h>

/* The loopback is the first interface everywhere. */
#define LOOPBACK 1
#define NO_INTERFACE 9999
#define GROUP 0xefff4d01u /* 239.255.77.1 */
#define NO_ADDRESS 0xc633644du /* 198.51.100.77 */
#define GROUP_6 "ff02::7777:1"

/* ---- helpers ---- */

static struct ip_mreq by_address(unsigned group, unsigned address)
{
    return (struct ip_mreq){
        .imr_multiaddr.s_addr = htonl(group),
        .imr_interface.s_addr = htonl(address),
    };
}

static struct ip_mreqn by_number(unsigned group, unsigned address, int interface)
{
    return (struct ip_mreqn){
        .imr_multiaddr.s_addr = htonl(group),
        .imr_address.s_addr = htonl(address),
        .imr_ifindex = interface,
    };
}

static int join(int fd, unsigned group)
{
    struct ip_mreq mreq = by_address(group, INADDR_LOOPBACK);

    return sys_setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq, sizeof mreq);
}

static int leave(int fd, unsigned group)
{
    struct ip_mreq mreq = by_address(group, INADDR_LOOPBACK);

    return sys_setsockopt(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, &mreq, sizeof mreq);
}

static int change(int fd, int option, unsigned group, unsigned address, int interface)
{
    struct ip_mreqn mreq = by_number(group, address, interface);

    return sys_setsockopt(fd, IPPROTO_IP, option, &mreq, sizeof mreq);
}

static int change_6(int fd, int option, const char *group, unsigned interface)
{
    struct ipv6_mreq mreq = { .ipv6mr_interface = interface };

    must(inet_pton(AF_INET6, group, &mreq.ipv6mr_multiaddr));
    return sys_setsockopt(fd, IPPROTO_IPV6, option, &mreq, sizeof mreq);
}

static int set(int fd, int level, int option, int value)
{
    return sys_setsockopt(fd, level, option, &value, sizeof value);
}

static void say_option(const char *label, int fd, int level, int option)
{
    int value = -77;
    socklen_t length = sizeof value;
    int result = sys_getsockopt(fd, level, option, &value, &length);

    say_call(label, result);
    if (result == 0)
        say_int("is", value);
}

static void say_interface(const char *label, int fd)
{
    struct in_addr address = { .s_addr = htonl(NO_ADDRESS) };
    socklen_t length = sizeof address;
    char text[INET_ADDRSTRLEN];

    say_call(label, sys_getsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &address, &length));
    say("is", inet_ntop(AF_INET, &address, text, sizeof text));
    say_int("length", length);
}

static struct address group_address(unsigned group, int port)
{
    return v4_address(group, port);
}

/* A socket for datagrams to all addresses. */
static int hearer(int family, int port, struct address *at)
{
    int fd = new_udp(family);
    struct address any = anywhere(family, port);

    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    must(bind_to(fd, &any));
    if (at)
        must(local_of(fd, at));
    return fd;
}

/* One that sends to groups over the loopback. */
static int speaker(void)
{
    int fd = new_udp(AF_INET);
    struct in_addr address = { .s_addr = htonl(INADDR_LOOPBACK) };

    must(sys_setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof address));
    return fd;
}

static void say_next(const char *label, int fd)
{
    settled(fd, POLLIN, POLLIN);
    say_recv(label, fd, 64, MSG_DONTWAIT);
}

static void say_none(const char *label, int fd)
{
    pause_ms(QUIET);
    say_recv(label, fd, 64, MSG_DONTWAIT);
}

/* ---- membership ---- */

static void group_joined_and_left(void)
{
    int fd = new_udp(AF_INET), other = new_udp(AF_INET);

    say_call("join", join(fd, GROUP));
    say_call("again", join(fd, GROUP));
    say_call("another-group", join(fd, GROUP + 1));
    say_call("another-socket", join(other, GROUP));
    say_call("leave", leave(fd, GROUP));
    say_call("again", leave(fd, GROUP));
    say_call("never", leave(fd, GROUP + 2));
    say_call("rejoin", join(fd, GROUP));
}

static void group_of_an_interface_by_number(void)
{
    int fd = new_udp(AF_INET);

    say_call("join", change(fd, IP_ADD_MEMBERSHIP, GROUP, 0, LOOPBACK));
    say_call("by-address", join(fd, GROUP));
    say_call("both", change(fd, IP_ADD_MEMBERSHIP, GROUP, NO_ADDRESS, LOOPBACK));
    say_call("leave-by-address", leave(fd, GROUP));
    say_call("number-first", change(fd, IP_ADD_MEMBERSHIP, GROUP, NO_ADDRESS, LOOPBACK));
    say_call("leave", change(fd, IP_DROP_MEMBERSHIP, GROUP, 0, LOOPBACK));
    say_call("address-of-net", change(fd, IP_ADD_MEMBERSHIP, GROUP, INADDR_LOOPBACK + 7, 0));
}

static void group_that_cannot_be_joined(void)
{
    int fd = new_udp(AF_INET);
    struct ip_mreqn mreq = by_number(GROUP, INADDR_LOOPBACK, 0);

    say_call("not-a-group", join(fd, INADDR_LOOPBACK));
    say_call("nothing", join(fd, 0));
    say_call("no-address", change(fd, IP_ADD_MEMBERSHIP, GROUP, NO_ADDRESS, 0));
    say_call("no-interface", change(fd, IP_ADD_MEMBERSHIP, GROUP, 0, NO_INTERFACE));
    say_call("short", sys_setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq, 7));
    say_call("empty", sys_setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq, 0));
    mreq.imr_ifindex = NO_INTERFACE;
    say_call("without-number", sys_setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq, 11));
    say_option("read", fd, IPPROTO_IP, IP_ADD_MEMBERSHIP);
}

static void group_that_cannot_be_left(void)
{
    int fd = new_udp(AF_INET);
    struct ip_mreqn mreq = by_number(GROUP, INADDR_LOOPBACK, 0);

    must(join(fd, GROUP));
    say_call("not-a-group", leave(fd, INADDR_LOOPBACK));
    say_call("no-address", change(fd, IP_DROP_MEMBERSHIP, GROUP, NO_ADDRESS, 0));
    say_call("no-interface", change(fd, IP_DROP_MEMBERSHIP, GROUP, 0, NO_INTERFACE));
    say_call("short", sys_setsockopt(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, &mreq, 7));
    say_call("leave", leave(fd, GROUP));
}

static void group_too_many(void)
{
    int fd = new_udp(AF_INET), joined = 0;

    while (joined < 100 && join(fd, GROUP + (unsigned)joined) == 0)
        joined++;
    say("error", errno_name(errno));
    say_int("joined", joined);
    say_call("leave", leave(fd, GROUP));
    say_call("join", join(fd, GROUP + 200));
    say_call("more", join(fd, GROUP + 201));
}

static void group_joined_and_left_ipv6(void)
{
    int fd = new_udp(AF_INET6);

    say_call("join", change_6(fd, IPV6_JOIN_GROUP, GROUP_6, LOOPBACK));
    say_call("again", change_6(fd, IPV6_JOIN_GROUP, GROUP_6, LOOPBACK));
    say_call("anywhere", change_6(fd, IPV6_JOIN_GROUP, GROUP_6, 0));
    say_call("leave", change_6(fd, IPV6_LEAVE_GROUP, GROUP_6, LOOPBACK));
    say_call("again", change_6(fd, IPV6_LEAVE_GROUP, GROUP_6, LOOPBACK));
    say_call("join", change_6(fd, IPV6_JOIN_GROUP, GROUP_6, LOOPBACK));
    say_call("leave-anywhere", change_6(fd, IPV6_LEAVE_GROUP, GROUP_6, 0));
    say_call("all-nodes", change_6(fd, IPV6_JOIN_GROUP, "ff02::1", LOOPBACK));
    say_call("of-the-interface", change_6(fd, IPV6_JOIN_GROUP, "ff01::7", LOOPBACK));
}

static void group_that_cannot_be_joined_ipv6(void)
{
    int fd = new_udp(AF_INET6);
    struct ipv6_mreq mreq = { .ipv6mr_interface = LOOPBACK };

    say_call("not-a-group", change_6(fd, IPV6_JOIN_GROUP, "::1", LOOPBACK));
    say_call("mapped", change_6(fd, IPV6_JOIN_GROUP, "::ffff:239.255.77.1", LOOPBACK));
    say_call("no-interface", change_6(fd, IPV6_JOIN_GROUP, GROUP_6, NO_INTERFACE));
    say_call("short", sys_setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &mreq, sizeof mreq - 1));
    say_call("leave-no-group", change_6(fd, IPV6_LEAVE_GROUP, "::1", LOOPBACK));
    say_call("leave-none", change_6(fd, IPV6_LEAVE_GROUP, GROUP_6, LOOPBACK));
    say_call("leave-nowhere", change_6(fd, IPV6_LEAVE_GROUP, GROUP_6, NO_INTERFACE));
}

static void group_of_the_other_family(void)
{
    int four = new_udp(AF_INET), six = new_udp(AF_INET6);

    say_call("six-of-four", change_6(four, IPV6_JOIN_GROUP, GROUP_6, LOOPBACK));
    say_call("four-of-six", join(six, GROUP));
    say_call("again", join(six, GROUP));
    say_call("leave", leave(six, GROUP));
    say_option("ttl", six, IPPROTO_IP, IP_MULTICAST_TTL);
    say_option("hops", four, IPPROTO_IPV6, IPV6_MULTICAST_HOPS);
    say_call("set-hops", set(four, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 3));
    say_call("set-if", set(four, IPPROTO_IPV6, IPV6_MULTICAST_IF, LOOPBACK));
}

static void groups_and_connections(void)
{
    int four = new_tcp(AF_INET), six = new_tcp(AF_INET6);
    struct in_addr address = { .s_addr = htonl(INADDR_LOOPBACK) };

    say_call("join", join(four, GROUP));
    say_call("leave", leave(four, GROUP));
    say_call("join-6", change_6(six, IPV6_JOIN_GROUP, GROUP_6, LOOPBACK));
    say_call("leave-6", change_6(six, IPV6_LEAVE_GROUP, GROUP_6, LOOPBACK));
    say_call("ttl", set(four, IPPROTO_IP, IP_MULTICAST_TTL, 3));
    say_call("loop", set(four, IPPROTO_IP, IP_MULTICAST_LOOP, 0));
    say_call("all", set(four, IPPROTO_IP, IP_MULTICAST_ALL, 0));
    say_call("if", sys_setsockopt(four, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof address));
    say_call("hops", set(six, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 3));
    say_call("loop-6", set(six, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0));
    say_call("if-6", set(six, IPPROTO_IPV6, IPV6_MULTICAST_IF, LOOPBACK));
    say_option("ttl", four, IPPROTO_IP, IP_MULTICAST_TTL);
    say_option("loop", four, IPPROTO_IP, IP_MULTICAST_LOOP);
    say_option("hops", six, IPPROTO_IPV6, IPV6_MULTICAST_HOPS);
}

/* ---- options ---- */

static void say_values(int fd, int level, int option)
{
    static const int values[] = { 0, 1, 2, 255, 256, -1, -2, 1000000 };

    say_option("usual", fd, level, option);
    for (size_t at = 0; at < sizeof values / sizeof *values; at++) {
        say_int("set", values[at]);
        say_call("gives", set(fd, level, option, values[at]));
        say_option("get", fd, level, option);
    }
}

static void say_short_values(int fd, int level, int option)
{
    unsigned char bytes[4] = { 1, 0, 0, 0 };

    for (socklen_t length = 0; length < sizeof bytes; length++) {
        say_int("of", length);
        say_call("gives", sys_setsockopt(fd, level, option, bytes, length));
    }
    say_option("get", fd, level, option);
}

static void group_options(void)
{
    int fd = new_udp(AF_INET);
    static const int options[] = { IP_MULTICAST_TTL, IP_MULTICAST_LOOP, IP_MULTICAST_ALL };

    for (size_t at = 0; at < sizeof options / sizeof *options; at++) {
        say_int("option", options[at]);
        say_values(fd, IPPROTO_IP, options[at]);
        say_short_values(fd, IPPROTO_IP, options[at]);
    }
}

static void group_options_ipv6(void)
{
    int fd = new_udp(AF_INET6);
    static const int options[] = { IPV6_MULTICAST_HOPS, IPV6_MULTICAST_LOOP, IPV6_MULTICAST_ALL };

    for (size_t at = 0; at < sizeof options / sizeof *options; at++) {
        say_int("option", options[at]);
        say_values(fd, IPPROTO_IPV6, options[at]);
        say_short_values(fd, IPPROTO_IPV6, options[at]);
    }
}

static void group_interface(void)
{
    int fd = new_udp(AF_INET);
    struct in_addr address = { .s_addr = htonl(INADDR_LOOPBACK) };
    struct ip_mreqn mreq = by_number(0, 0, LOOPBACK);

    say_interface("usual", fd);
    say_call("address", sys_setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof address));
    say_interface("get", fd);
    say_call("number", sys_setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &mreq, sizeof mreq));
    say_interface("get", fd);
    say_call("both", change(fd, IP_MULTICAST_IF, 0, INADDR_LOOPBACK, LOOPBACK));
    say_interface("get", fd);
    address.s_addr = htonl(NO_ADDRESS);
    say_call("no-address", sys_setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof address));
    say_call("no-number", change(fd, IP_MULTICAST_IF, 0, INADDR_LOOPBACK, NO_INTERFACE));
    say_call("short", sys_setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &address, 3));
    say_interface("get", fd);
    address.s_addr = 0;
    say_call("none", sys_setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof address));
    say_interface("get", fd);
}

static void group_interface_ipv6(void)
{
    int fd = new_udp(AF_INET6);
    int number = LOOPBACK;

    say_option("usual", fd, IPPROTO_IPV6, IPV6_MULTICAST_IF);
    say_call("number", set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, LOOPBACK));
    say_option("get", fd, IPPROTO_IPV6, IPV6_MULTICAST_IF);
    say_call("no-number", set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, NO_INTERFACE));
    say_call("negative", set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, -1));
    say_call("short", sys_setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &number, 3));
    say_option("get", fd, IPPROTO_IPV6, IPV6_MULTICAST_IF);
    say_call("none", set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, 0));
    say_option("get", fd, IPPROTO_IPV6, IPV6_MULTICAST_IF);
}

/* ---- datagrams ---- */

static void group_heard_by_members(void)
{
    struct address at, to;
    int fd = hearer(AF_INET, 0, &at), from = speaker();

    to = group_address(GROUP, port_of(&at));
    say_call("nobody", send_to(from, "a", &to));
    say_none("nobody", fd);
    must(join(fd, GROUP));
    say_call("send", send_to(from, "b", &to));
    say_next("got", fd);
    to = group_address(GROUP + 1, port_of(&at));
    say_call("another", send_to(from, "c", &to));
    say_none("another", fd);
    must(leave(fd, GROUP));
    to = group_address(GROUP, port_of(&at));
    say_call("left", send_to(from, "d", &to));
    say_none("left", fd);
}

static void group_sender_and_hops(void)
{
    struct address at, to, sender, from_at;
    int fd = hearer(AF_INET, 0, &at), from = speaker();
    char data[8], control[64];

    must(join(fd, GROUP));
    set_option(fd, IPPROTO_IP, IP_RECVTTL, 1);
    to = group_address(GROUP, port_of(&at));
    for (int hops = -1; hops <= 7; hops += 4) {
        struct iovec part = { data, sizeof data };
        struct msghdr message = {
            .msg_name = &sender.in,
            .msg_namelen = sizeof sender.in,
            .msg_iov = &part,
            .msg_iovlen = 1,
            .msg_control = control,
            .msg_controllen = sizeof control,
        };

        must(set(from, IPPROTO_IP, IP_MULTICAST_TTL, hops));
        say_call("send", send_to(from, "a", &to));
        settled(fd, POLLIN, POLLIN);
        say_call("got", sys_recvmsg(fd, &message, MSG_DONTWAIT));
        for (struct cmsghdr *one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(&message, one)) {
            int ttl;

            memcpy(&ttl, CMSG_DATA(one), sizeof ttl);
            say_int("ttl", ttl);
        }
        must(local_of(from, &from_at));
        say_yes("port", sender.in.sin_port == from_at.in.sin_port);
        say_yes("loopback", sender.in.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    }
}

static void group_heard_by_all_who_are_bound(void)
{
    struct address at, to, other_at;
    int member = hearer(AF_INET, 0, &at), guest = hearer(AF_INET, port_of(&at), NULL);
    int strict = hearer(AF_INET, port_of(&at), NULL), bound = new_udp(AF_INET);
    int elsewhere = new_udp(AF_INET), from = speaker();

    to = group_address(GROUP, port_of(&at));
    set_option(bound, SOL_SOCKET, SO_REUSEADDR, 1);
    say_call("bind-to-group", bind_to(bound, &to));
    other_at = group_address(GROUP + 1, port_of(&at));
    set_option(elsewhere, SOL_SOCKET, SO_REUSEADDR, 1);
    say_call("bind-to-another", bind_to(elsewhere, &other_at));
    must(join(member, GROUP));
    must(set(strict, IPPROTO_IP, IP_MULTICAST_ALL, 0));
    say_call("send", send_to(from, "a", &to));
    say_next("member", member);
    say_next("guest", guest);
    say_next("bound", bound);
    say_none("strict", strict);
    say_none("elsewhere", elsewhere);
    must(join(strict, GROUP));
    say_call("send", send_to(from, "b", &to));
    say_next("strict", strict);
    say_next("guest", guest);
    must(local_of(bound, &at));
    say_yes("name", same_address(&at, &to));
}

static void group_left_by_closing(void)
{
    struct address at, to;
    int guest = hearer(AF_INET, 0, &at), member = new_udp(AF_INET), from = speaker();

    must(join(member, GROUP));
    to = group_address(GROUP, port_of(&at));
    say_call("send", send_to(from, "a", &to));
    say_next("guest", guest);
    drop(member);
    say_call("send", send_to(from, "b", &to));
    say_none("guest", guest);
}

static void group_sent_to_by_who_is_bound_to_it(void)
{
    struct address to, sender, at;
    int fd = new_udp(AF_INET), answered = new_udp(AF_INET);
    struct in_addr address = { .s_addr = htonl(INADDR_LOOPBACK) };
    char data[8];

    at = group_address(GROUP, 0);
    must(bind_to(fd, &at));
    must(local_of(fd, &at));
    must(join(fd, GROUP));
    must(sys_setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof address));
    say_call("to-itself", send_to(fd, "a", &at));
    say_next("got", fd);
    to = loopback(AF_INET, 0);
    must(bind_to(answered, &to));
    must(local_of(answered, &to));
    say_call("to-one", send_to(fd, "b", &to));
    settled(answered, POLLIN, POLLIN);
    sender.length = sizeof sender.in;
    say_call("got", sys_recvfrom(answered, data, sizeof data, MSG_DONTWAIT, &sender.sa, &sender.length));
    say_yes("loopback", sender.in.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    say_yes("port", sender.in.sin_port == at.in.sin_port);
}

static void group_sent_to_from_an_address(void)
{
    struct address at, to, own = loopback(AF_INET, 0);
    int fd = hearer(AF_INET, 0, &at), from = new_udp(AF_INET);

    must(join(fd, GROUP));
    must(bind_to(from, &own));
    to = group_address(GROUP, port_of(&at));
    say_call("send", send_to(from, "a", &to));
    say_next("got", fd);
}

static void group_connected_to(void)
{
    struct address at, to, local;
    int fd = hearer(AF_INET, 0, &at), from = speaker();

    must(join(fd, GROUP));
    to = group_address(GROUP, port_of(&at));
    say_call("connect", connect_to(from, &to));
    must(local_of(from, &local));
    say_yes("loopback", local.in.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    must(peer_of(from, &local));
    say_yes("peer", same_address(&local, &to));
    say_call("send", sys_send(from, "a", 1, 0));
    say_next("got", fd);
    /* The loopback brings it back by itself. */
    must(set(from, IPPROTO_IP, IP_MULTICAST_LOOP, 0));
    say_call("send", sys_send(from, "b", 1, 0));
    say_next("got", fd);
}

static void group_heard_by_ipv6_socket(void)
{
    struct address at, to;
    int fd = hearer(AF_INET6, 0, &at), from = speaker();

    must(join(fd, GROUP));
    to = group_address(GROUP, port_of(&at));
    say_call("send", send_to(from, "a", &to));
    say_next("got", fd);
    must(leave(fd, GROUP));
    say_call("send", send_to(from, "b", &to));
    say_none("left", fd);
}

static void group_and_long_datagram(void)
{
    static char data[60000], got[60000];
    struct address at, to;
    int fd = hearer(AF_INET, 0, &at), from = speaker();
    long result;

    must(join(fd, GROUP));
    to = group_address(GROUP, port_of(&at));
    for (size_t place = 0; place < sizeof data; place++)
        data[place] = (char)pattern(place, 7);
    say_call("send", sys_sendto(from, data, sizeof data, 0, &to.sa, to.length));
    settled(fd, POLLIN, POLLIN);
    result = sys_recv(fd, got, sizeof got, MSG_DONTWAIT);
    say_call("got", result);
    say_yes("same", result == sizeof data && memcmp(data, got, sizeof data) == 0);
}

const struct test_case group_cases[] = {
    CASE(group_joined_and_left),
    CASE(group_of_an_interface_by_number),
    CASE(group_that_cannot_be_joined),
    CASE(group_that_cannot_be_left),
    CASE(group_too_many),
    CASE(group_joined_and_left_ipv6),
    CASE(group_that_cannot_be_joined_ipv6),
    CASE(group_of_the_other_family),
    CASE(groups_and_connections),
    CASE(group_options),
    CASE(group_options_ipv6),
    CASE(group_interface),
    CASE(group_interface_ipv6),
    CASE(group_heard_by_members),
    CASE(group_sender_and_hops),
    CASE(group_heard_by_all_who_are_bound),
    CASE(group_left_by_closing),
    CASE(group_sent_to_by_who_is_bound_to_it),
    CASE(group_sent_to_from_an_address),
    CASE(group_connected_to),
    CASE(group_heard_by_ipv6_socket),
    CASE(group_and_long_datagram),
    END_OF_CASES,
};
