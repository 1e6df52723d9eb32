/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shmif PATH: two kernels on a segment of shared memory, by the calls of NetBSD's rump kernels. The second one's
 * interface is its second, too. Writes the names of the interfaces and what went from one to the other.
 */
#include "../conformance/sys.h"

#include <rump/netconfig.h>
#include <rump/shmif.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "shmif: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static void create(const char *path, const char *address, char *name, size_t size)
{
    int number;

    errno = rump_pub_shmif_create(path, &number);
    check(errno == 0, path);
    snprintf(name, size, "shmif%d", number);
    if (address != NULL) {
        errno = rump_pub_netconfig_ipv4_ifaddr(name, address, "255.255.255.0");
        check(errno == 0, name);
    }
}

int main(int argc, char **argv)
{
    char first[16], second[16], text[16] = "";
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(7000) };
    struct timeval limit = { .tv_sec = 30 };

    check(argc == 2 && rump_init() == 0, "boot");
    create(argv[1], "10.1.1.1", first, sizeof first);
    check(rump_pub_shmif_create("/nowhere/at/all", NULL) == ENOENT, "a folder that is not there");
    int s = sys_socket(AF_INET, SOCK_DGRAM, 0);
    check(sys_setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0, "limit");
    check(sys_bind(s, (struct sockaddr *)&here, sizeof here) == 0, "bind");

    struct rump_kernel *other = rump_boot(NULL);

    check(other != NULL && rump_enter(other) == 0, "another");
    create("alone", NULL, second, sizeof second);
    create(argv[1], "10.1.1.2", second, sizeof second);
    here.sin_addr.s_addr = htonl(0x0a010101);
    int t = sys_socket(AF_INET, SOCK_DGRAM, 0);
    check(sys_sendto(t, "hello", 5, 0, (struct sockaddr *)&here, sizeof here) == 5, "send");

    rump_leave();
    check(sys_recv(s, text, sizeof text - 1, 0) == 5, "receive");
    printf("%s %s: %s\n", first, second, text);
    rump_shutdown(other);
    rump_shutdown(NULL);
    return 0;
}
