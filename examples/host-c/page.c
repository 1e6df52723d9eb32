/* SPDX-License-Identifier: BSD-2-Clause */
/* The page, and how visitors get it. */
#include "page.h"

#include <errno.h>
#include <netinet/in.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY "<!doctype html><title>rump</title><p>Hello from a kernel on a host in C.\n"

static void check(bool good, const char *what)
{
    if (!good) {
        perror(what);
        exit(1);
    }
}

int page_listen(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(80) };

    errno = rump_init();
    check(errno == 0, "boot");
    int s = rump_sys_socket(AF_INET, SOCK_STREAM, 0);
    check(s >= 0, "socket");
    check(rump_sys_bind(s, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    check(rump_sys_listen(s, 16) == 0, "listen");
    fprintf(stderr, "listening on port 80\n");
    return s;
}

bool page_serve(struct page_visitor *visitor)
{
    static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n" BODY;
    size_t room = sizeof visitor->request - 1 - visitor->held;
    ssize_t got = rump_sys_read(visitor->socket, visitor->request + visitor->held, room);

    if (got < 0 && errno == EAGAIN)
        return true;
    /* The visitor left, or says more than this server listens to. */
    if (got <= 0)
        return false;
    visitor->held += (size_t)got;
    visitor->request[visitor->held] = '\0';
    if (strstr(visitor->request, "\r\n\r\n") == NULL)
        return true;
    /* The send buffer of a new connection has room for all of it. */
    rump_sys_write(visitor->socket, answer, sizeof answer - 1);
    return false;
}
