/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boots a kernel, has TCP and UDP run over its loopback, and ends it, again and again: `cycles WARM-UP TOTAL`.
 * Writes after both numbers how many threads and descriptors the process has, and how many bytes of memory.
 */
#include "../conformance/sys.h"

#include <dirent.h>
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

enum { BYTES = 50000 };

static char out[BYTES], in[BYTES];

static int bound(int type, struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    int s = sys_socket(AF_INET, type, 0);

    *address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    CHECK(s >= 0 && sys_bind(s, (struct sockaddr *)address, sizeof *address) == 0);
    CHECK(sys_getsockname(s, (struct sockaddr *)address, &length) == 0);
    return s;
}

static void transfer(int from, int to)
{
    ssize_t got;

    CHECK(sys_write(from, out, BYTES) == BYTES);
    for (size_t held = 0; held < BYTES; held += (size_t)got)
        CHECK((got = sys_read(to, in + held, BYTES - held)) > 0);
    CHECK(memcmp(in, out, BYTES) == 0);
}

static void cycle(long number)
{
    struct sockaddr_in address;
    struct rump_kernel *kernel = rump_boot(NULL);

    CHECK(kernel != NULL && rump_enter(kernel) == 0);
    memset(out, (int)number, sizeof out);

    int listener = bound(SOCK_STREAM, &address);
    CHECK(sys_listen(listener, 1) == 0);
    int client = sys_socket(AF_INET, SOCK_STREAM, 0);
    CHECK(client >= 0 && sys_connect(client, (struct sockaddr *)&address, sizeof address) == 0);
    int server = sys_accept(listener, NULL, NULL);
    CHECK(server >= 0);
    transfer(client, server);
    transfer(server, client);

    int receiver = bound(SOCK_DGRAM, &address);
    int sender = sys_socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(sys_sendto(sender, out, 1000, 0, (struct sockaddr *)&address, sizeof address) == 1000);
    CHECK(sys_recv(receiver, in, sizeof in, 0) == 1000 && memcmp(in, out, 1000) == 0);

    /* A program that ends a kernel may have closed all, something, or nothing. */
    if (number % 3 != 0)
        CHECK(sys_close(client) == 0 && sys_close(sender) == 0);
    if (number % 3 == 2)
        CHECK(sys_close(server) == 0 && sys_close(listener) == 0 && sys_close(receiver) == 0);
    rump_leave();
    rump_shutdown(kernel);
}

static int entries(const char *folder)
{
    DIR *dir = opendir(folder);
    int count = 0;

    CHECK(dir != NULL);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static void report(long cycles)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long pages = 0;

    CHECK(file != NULL && fscanf(file, "%*d %ld", &pages) == 1);
    fclose(file);
    /* Of both folders, less "." and "..", and less the descriptor of the folder itself. */
    printf("%ld %d %d %ld\n", cycles, entries("/proc/self/task") - 2, entries("/proc/self/fd") - 3,
        pages * sysconf(_SC_PAGESIZE));
}

int main(int argc, char **argv)
{
    long warm_up = argc == 3 ? atol(argv[1]) : 0;
    long total = argc == 3 ? atol(argv[2]) : 0;

    for (long number = 1; number <= total; number++) {
        cycle(number);
        if (number == warm_up || number == total)
            report(number);
    }
    return 0;
}
