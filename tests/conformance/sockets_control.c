/* SPDX-License-Identifier: BSD-2-Clause */
/* Control data of datagrams, many messages in a call, and ports that sockets share. */
#include "sockets.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 256 };

/* Control data as it was received. */
struct control {
    _Alignas(struct cmsghdr) char bytes[ROOM];
    struct msghdr header;
    struct iovec data;
    char text[64];
    long len;
};

static void receive(int fd, struct control *got, size_t room)
{
    memset(got, 0, sizeof *got);
    got->data = (struct iovec){ got->text, sizeof got->text };
    got->header = (struct msghdr){ .msg_iov = &got->data, .msg_iovlen = 1 };
    if (room > 0) {
        got->header.msg_control = got->bytes;
        got->header.msg_controllen = room;
    }
    settled(fd, POLLIN, POLLIN);
    got->len = sys_recvmsg(fd, &got->header, MSG_DONTWAIT);
}

/* Says of each piece of control data what it is and how long. */
static void say_control(const struct control *got)
{
    struct msghdr *header = (struct msghdr *)&got->header;

    say_int("len", got->len);
    say_yes("cut", header->msg_flags & MSG_CTRUNC);
    for (struct cmsghdr *one = CMSG_FIRSTHDR(header); one != NULL; one = CMSG_NXTHDR(header, one)) {
        say_int("level", one->cmsg_level);
        say_int("type", one->cmsg_type);
        say_int("data", (long)(one->cmsg_len - CMSG_LEN(0)));
    }
}

static const void *find(const struct control *got, int level, int type)
{
    struct msghdr *header = (struct msghdr *)&got->header;

    for (struct cmsghdr *one = CMSG_FIRSTHDR(header); one != NULL; one = CMSG_NXTHDR(header, one))
        if (one->cmsg_level == level && one->cmsg_type == type)
            return CMSG_DATA(one);
    return NULL;
}

static void control_options(void)
{
    static const struct {
        int level, name;
    } options[] = {
        { SOL_SOCKET, SO_TIMESTAMP },  { SOL_SOCKET, SO_TIMESTAMPNS },      { IPPROTO_IP, IP_PKTINFO },
        { IPPROTO_IP, IP_RECVTTL },    { IPPROTO_IPV6, IPV6_RECVPKTINFO }, { IPPROTO_IPV6, IPV6_RECVHOPLIMIT },
    };

    for (int family = 0; family < 2; family++) {
        int fd = new_udp(family ? AF_INET6 : AF_INET);

        for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
            int value = 7, after = -1;
            socklen_t len = sizeof after;

            say_ok("set", sys_setsockopt(fd, options[i].level, options[i].name, &value, sizeof value));
            say_ok("get", sys_getsockopt(fd, options[i].level, options[i].name, &after, &len));
            say_int("value", after);
            say_ok("short", sys_setsockopt(fd, options[i].level, options[i].name, &value, 0));
        }
    }
}

static void time_of_arrival(void)
{
    struct address at;
    struct control got;
    int from = new_udp(AF_INET), fd = udp_bound(AF_INET, &at);

    set_option(fd, SOL_SOCKET, SO_TIMESTAMP, 1);
    must(send_to(from, "x", &at));
    receive(fd, &got, ROOM);
    say_control(&got);
    const struct timeval *time = find(&got, SOL_SOCKET, SO_TIMESTAMP);
    say_yes("sane", time != NULL && time->tv_sec > 1000 && time->tv_usec >= 0 && time->tv_usec < 1000000);
    /* The one takes the place of the other. */
    set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    must(send_to(from, "x", &at));
    receive(fd, &got, ROOM);
    say_control(&got);
    set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 0);
    must(send_to(from, "x", &at));
    receive(fd, &got, ROOM);
    say_control(&got);
    /* Of one that was here before. */
    must(send_to(from, "x", &at));
    settled(fd, POLLIN, POLLIN);
    set_option(fd, SOL_SOCKET, SO_TIMESTAMP, 1);
    receive(fd, &got, ROOM);
    say_control(&got);
}

static void where_it_was_sent_to(void)
{
    struct address at = anywhere(AF_INET, 0);
    struct control got;
    int from = new_udp(AF_INET), fd = new_udp(AF_INET);

    must(bind_to(fd, &at));
    must(local_of(fd, &at));
    set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
    set_option(fd, IPPROTO_IP, IP_RECVTTL, 1);
    set_option(from, IPPROTO_IP, IP_TTL, 33);
    for (unsigned host = 1; host < 4; host++) {
        struct address to = v4_address(0x7f000000 + host, port_of(&at));

        must(send_to(from, "x", &to));
        receive(fd, &got, ROOM);
        say_control(&got);
        const struct in_pktinfo *info = find(&got, IPPROTO_IP, IP_PKTINFO);
        const int *ttl = find(&got, IPPROTO_IP, IP_TTL);
        say_yes("addr", info != NULL && info->ipi_addr.s_addr == to.in.sin_addr.s_addr);
        say_yes("interface", info != NULL && info->ipi_ifindex > 0);
        say_int("ttl", ttl != NULL ? *ttl : -1);
    }
}

static void where_it_was_sent_to_ipv6(void)
{
    struct address at = anywhere(AF_INET6, 0);
    struct control got;
    int fd = new_udp(AF_INET6);

    set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    must(bind_to(fd, &at));
    must(local_of(fd, &at));
    set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    set_option(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    for (int family = 0; family < 2; family++) {
        struct address to = loopback(family ? AF_INET6 : AF_INET, port_of(&at));
        int from = new_udp(family ? AF_INET6 : AF_INET);

        must(send_to(from, "x", &to));
        receive(fd, &got, ROOM);
        const struct in6_pktinfo *info = find(&got, IPPROTO_IPV6, IPV6_PKTINFO);
        say_yes("info", info != NULL && info->ipi6_ifindex > 0);
        say_yes("mapped", info != NULL && IN6_IS_ADDR_V4MAPPED(&info->ipi6_addr));
        say_yes("loopback", info != NULL && IN6_IS_ADDR_LOOPBACK(&info->ipi6_addr));
        say_yes("hops", find(&got, IPPROTO_IPV6, IPV6_HOPLIMIT) != NULL);
    }
}

static void control_without_room(void)
{
    struct address at;
    struct control got;
    int from = new_udp(AF_INET), fd = udp_bound(AF_INET, &at);

    set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
    for (size_t room = 0; room <= CMSG_SPACE(sizeof(struct in_pktinfo)); room += 4) {
        must(send_to(from, "x", &at));
        receive(fd, &got, room);
        say_int("room", (long)got.header.msg_controllen);
        say_yes("cut", got.header.msg_flags & MSG_CTRUNC);
    }
}

/* Sends with control data of this level, type and length. */
static long send_with(int fd, const struct address *to, int level, int type, const void *data, size_t len)
{
    struct control out = { .text = "x" };
    struct cmsghdr *one = (struct cmsghdr *)out.bytes;

    out.data = (struct iovec){ out.text, 1 };
    out.header = (struct msghdr){ .msg_iov = &out.data, .msg_iovlen = 1 };
    out.header.msg_name = (void *)&to->sa;
    out.header.msg_namelen = to->length;
    out.header.msg_control = out.bytes;
    out.header.msg_controllen = CMSG_SPACE(len);
    one->cmsg_level = level;
    one->cmsg_type = type;
    one->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(one), data, len);
    return sys_sendmsg(fd, &out.header, MSG_NOSIGNAL);
}

static void from_where_is_chosen(void)
{
    struct address at, sender;
    char buffer[8];
    int from = new_udp(AF_INET), fd = udp_bound(AF_INET, &at);
    struct in_pktinfo info = { .ipi_spec_dst.s_addr = htonl(0x7f000005) };

    say_call("send", send_with(from, &at, IPPROTO_IP, IP_PKTINFO, &info, sizeof info));
    settled(fd, POLLIN, POLLIN);
    sender.length = sizeof sender.in6;
    say_call("got", sys_recvfrom(fd, buffer, sizeof buffer, MSG_DONTWAIT, &sender.sa, &sender.length));
    say_yes("chosen", sender.in.sin_addr.s_addr == htonl(0x7f000005));
    info.ipi_spec_dst.s_addr = 0;
    say_call("none", send_with(from, &at, IPPROTO_IP, IP_PKTINFO, &info, sizeof info));
    info.ipi_ifindex = 12345;
    say_call("no-interface", send_with(from, &at, IPPROTO_IP, IP_PKTINFO, &info, sizeof info));
    say_call("short", send_with(from, &at, IPPROTO_IP, IP_PKTINFO, &info, 4));
    say_call("unknown", send_with(from, &at, IPPROTO_IP, 77, &info, sizeof info));
}

static void many_messages(void)
{
    enum { COUNT = 5 };
    struct address at;
    struct mmsghdr messages[COUNT];
    struct iovec data[COUNT];
    char text[COUNT][8];
    int from = new_udp(AF_INET), fd = udp_bound(AF_INET, &at);

    memset(messages, 0, sizeof messages);
    for (int i = 0; i < COUNT; i++) {
        memset(text[i], 'a' + i, sizeof text[i]);
        data[i] = (struct iovec){ text[i], (size_t)i + 1 };
        messages[i].msg_hdr = (struct msghdr){ .msg_iov = &data[i], .msg_iovlen = 1 };
        messages[i].msg_hdr.msg_name = &at.sa;
        messages[i].msg_hdr.msg_namelen = at.length;
    }
    say_call("send", sys_sendmmsg(from, messages, COUNT, 0));
    for (int i = 0; i < COUNT; i++) {
        say_int("len", messages[i].msg_len);
        memset(text[i], 0, sizeof text[i]);
        data[i].iov_len = sizeof text[i];
        messages[i].msg_hdr.msg_name = NULL;
    }
    settled(fd, POLLIN, POLLIN);
    say_call("some", sys_recvmmsg(fd, messages, 2, 0, NULL));
    say_call("rest", sys_recvmmsg(fd, messages + 2, 3, MSG_DONTWAIT, NULL));
    for (int i = 0; i < COUNT; i++)
        say_bytes("got", text[i], (long)messages[i].msg_len);
    say_call("nothing", sys_recvmmsg(fd, messages, COUNT, MSG_DONTWAIT, NULL));
    must(send_to(from, "x", &at));
    say_call("one", sys_recvmmsg(fd, messages, COUNT, MSG_WAITFORONE, NULL));
    say_call("zero", sys_recvmmsg(fd, messages, 0, 0, NULL));
    struct timespec wrong = { .tv_nsec = 1000000000 };
    say_call("limit", sys_recvmmsg(fd, messages, COUNT, 0, &wrong));
    messages[1].msg_hdr.msg_iovlen = 5000;
    messages[0].msg_hdr.msg_name = &at.sa;
    say_call("second-bad", sys_sendmmsg(from, messages, 2, 0));
    say_call("first-bad", sys_sendmmsg(from, messages + 1, 1, 0));
}

/* Sockets that share a port: each sender is always heard by the same one, and each of them hears some. */
static void shared_port_of_datagrams(void)
{
    enum { SHARES = 4, SENDERS = 64 };
    struct address at = loopback(AF_INET, 0);
    int fds[SHARES], heard[SHARES] = { 0 };
    bool faithful = true;

    for (int i = 0; i < SHARES; i++) {
        fds[i] = new_udp(AF_INET);
        set_option(fds[i], SOL_SOCKET, SO_REUSEPORT, 1);
        must(bind_to(fds[i], &at));
        must(local_of(fds[i], &at));
    }
    for (int n = 0; n < SENDERS; n++) {
        int from = new_udp(AF_INET), at_first = -1;

        for (int round = 0; round < 2; round++) {
            struct pollfd ready[SHARES];

            must(send_to(from, "x", &at));
            for (int i = 0; i < SHARES; i++)
                ready[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
            must(sys_poll(ready, SHARES, PATIENCE));
            for (int i = 0; i < SHARES; i++) {
                if (!(ready[i].revents & POLLIN))
                    continue;
                drain(fds[i], 1);
                heard[i]++;
                faithful = faithful && (at_first < 0 || at_first == i);
                at_first = i;
            }
        }
        drop(from);
    }
    int all = 0;
    bool each = true;
    for (int i = 0; i < SHARES; i++) {
        all += heard[i];
        each = each && heard[i] > 0;
    }
    say_int("all", all);
    say_yes("each", each);
    say_yes("faithful", faithful);
}

static void shared_port_of_listeners(void)
{
    enum { SHARES = 4, CALLERS = 64 };
    struct address at = loopback(AF_INET, 0);
    int fds[SHARES], heard[SHARES] = { 0 };

    for (int i = 0; i < SHARES; i++) {
        fds[i] = new_tcp(AF_INET);
        set_option(fds[i], SOL_SOCKET, SO_REUSEPORT, 1);
        must(bind_to(fds[i], &at));
        must(local_of(fds[i], &at));
        must(sys_listen(fds[i], CALLERS));
    }
    for (int n = 0; n < CALLERS; n++) {
        struct pollfd ready[SHARES];
        int from = tcp_client(&at);

        for (int i = 0; i < SHARES; i++)
            ready[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
        must(sys_poll(ready, SHARES, PATIENCE));
        for (int i = 0; i < SHARES; i++) {
            if (!(ready[i].revents & POLLIN))
                continue;
            drop(accept_one(fds[i]));
            heard[i]++;
        }
        drop(from);
    }
    int all = 0;
    bool each = true;
    for (int i = 0; i < SHARES; i++) {
        all += heard[i];
        each = each && heard[i] > 0;
    }
    say_int("all", all);
    say_yes("each", each);
}

const struct test_case control_cases[] = {
    CASE(control_options),
    CASE(time_of_arrival),
    CASE(where_it_was_sent_to),
    CASE(where_it_was_sent_to_ipv6),
    CASE(control_without_room),
    CASE(from_where_is_chosen),
    CASE(many_messages),
    CASE(shared_port_of_datagrams),
    CASE(shared_port_of_listeners),
    END_OF_CASES,
};
