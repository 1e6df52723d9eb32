/* SPDX-License-Identifier: BSD-2-Clause */
/* Two processes of one kernel: one sends the other a socket, over a socket, and both talk through it. */
#include "../conformance/sys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, strerror(errno));                      \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr header;
};

static struct msghdr message(struct iovec *data, union control *control)
{
    return (struct msghdr){
        .msg_iov = data, .msg_iovlen = 1, .msg_control = control->bytes, .msg_controllen = sizeof control->bytes
    };
}

static void give(int over, int fd)
{
    struct iovec data = { "x", 1 };
    union control control = { .header = { CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS } };
    struct msghdr out = message(&data, &control);

    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    CHECK(sys_sendmsg(over, &out, 0) == 1);
    CHECK(sys_close(fd) == 0);
}

static int take(int over)
{
    char byte;
    int fd;
    struct iovec data = { &byte, 1 };
    union control control;
    struct msghdr in = message(&data, &control);

    CHECK(sys_recvmsg(over, &in, 0) == 1);
    CHECK(in.msg_controllen == CMSG_SPACE(sizeof fd) && control.header.cmsg_type == SCM_RIGHTS);
    memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
    return fd;
}

int main(void)
{
    struct sockaddr_un name = { AF_UNIX, "/run/server" };
    struct ucred who;
    socklen_t length = sizeof who;
    char text[16];
    int pair[2];

    CHECK(sys_boot() == 0);
    struct lwp *one = rump_pub_lwproc_curlwp();
    int server = sys_socket(AF_UNIX, SOCK_SEQPACKET, 0);
    CHECK(sys_bind(server, (struct sockaddr *)&name, sizeof name) == 0 && sys_listen(server, 1) == 0);

    CHECK(rump_pub_lwproc_rfork(RUMP_RFCFDG) == 0);
    struct lwp *other = rump_pub_lwproc_curlwp();
    int other_pid = sys_getpid();
    int client = sys_socket(AF_UNIX, SOCK_SEQPACKET, 0);
    CHECK(sys_connect(client, (struct sockaddr *)&name, sizeof name) == 0);
    CHECK(sys_socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    give(client, pair[1]);

    rump_pub_lwproc_switch(one);
    int accepted = sys_accept(server, NULL, NULL);
    CHECK(sys_getsockopt(accepted, SOL_SOCKET, SO_PEERCRED, &who, &length) == 0);
    CHECK(who.pid == other_pid && who.pid != sys_getpid());
    int got = take(accepted);
    CHECK(sys_write(got, "hello", 5) == 5);
    CHECK(sys_close(got) == 0);

    rump_pub_lwproc_switch(other);
    CHECK(sys_read(pair[0], text, sizeof text) == 5 && memcmp(text, "hello", 5) == 0);
    CHECK(sys_read(pair[0], text, sizeof text) == 0);
    puts("passed");
    return 0;
}
