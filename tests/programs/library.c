/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program that links the library relies on: boot, errno, threads of its own, two kernels apart. */
#include "../conformance/sys.h"

#include <pthread.h>
#include <rump/netconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, strerror(errno));                      \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static void *echo_once(void *argument)
{
    int listener = *(int *)argument;
    char buffer[64];
    int s = sys_accept(listener, NULL, NULL);

    CHECK(s >= 0);
    ssize_t got = sys_read(s, buffer, sizeof buffer);
    CHECK(got > 0 && sys_write(s, buffer, (size_t)got) == got);
    CHECK(sys_close(s) == 0);
    return NULL;
}

int main(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t length = sizeof address;
    pthread_t thread;
    char buffer[64];

    CHECK(rump_init() == 0);
    CHECK(rump_init() == 0);

    /* errno is C's own, and the host's descriptors are not the kernel's. */
    errno = 0;
    CHECK(sys_read(12345, buffer, 1) == -1 && errno == EBADF);
    CHECK(rump_pub_netconfig_ifup("nosuch0") == ENXIO || rump_pub_netconfig_ifup("nosuch0") == ENODEV);

    int listener = sys_socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(listener >= 0 && sys_bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(sys_listen(listener, 5) == 0);
    CHECK(sys_getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    CHECK(pthread_create(&thread, NULL, echo_once, &listener) == 0);
    int s = sys_socket(AF_INET, SOCK_STREAM, 0);
    CHECK(sys_connect(s, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(sys_write(s, "hello", 5) == 5);
    CHECK(sys_read(s, buffer, sizeof buffer) == 5 && memcmp(buffer, "hello", 5) == 0);
    CHECK(sys_read(s, buffer, sizeof buffer) == 0);
    CHECK(pthread_join(thread, NULL) == 0);

    /* A process of its own has descriptors of its own. */
    int pid = sys_getpid();
    CHECK(rump_pub_lwproc_rfork(RUMP_RFCFDG) == 0);
    CHECK(sys_getpid() != pid);
    CHECK(sys_write(s, "x", 1) == -1 && errno == EBADF);
    rump_pub_lwproc_releaselwp();
    CHECK(sys_getpid() == pid);

    /* A second kernel has a loopback of its own: nobody listens there. */
    struct rump_kernel *other = rump_boot("");
    CHECK(other != NULL);
    CHECK(rump_enter(other) == 0);
    int t = sys_socket(AF_INET, SOCK_STREAM, 0);
    CHECK(t >= 0);
    CHECK(sys_connect(t, (struct sockaddr *)&address, sizeof address) == -1 && errno == ECONNREFUSED);
    CHECK(sys_close(t) == 0);
    rump_leave();
    rump_shutdown(other);

    /* A wrong parameter is an error, not a default. */
    CHECK(rump_boot("no-such-parameter=1") == NULL);
    CHECK(sys_close(s) == 0 && sys_close(listener) == 0);
    puts("library: good");
    return 0;
}
