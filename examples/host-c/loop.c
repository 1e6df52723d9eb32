/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same web server without threads and without a call that waits: a program with a loop of its own, of which
 * the kernel is a part. Anything else that it has to do goes into the loop as well.
 */
#include <poll.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "host.h"
#include "page.h"

#define VISITORS 32

/* In the place of a visitor there is none: poll passes over it. */
#define NOBODY (-1)

static struct page_visitor visitors[VISITORS];
/* A place each, and the listener. */
static struct pollfd ready[VISITORS + 1];

/* A place for a visitor; VISITORS if all are taken. */
static int free_place(void)
{
    int place = 0;

    while (place < VISITORS && ready[place].fd != NOBODY)
        place++;
    return place;
}

static void welcome(int listener)
{
    int place = free_place();
    int s = rump_sys_accept4(listener, NULL, NULL, SOCK_NONBLOCK);

    if (s >= 0) {
        visitors[place] = (struct page_visitor){ s, 0, "" };
        ready[place].fd = s;
    }
}

/* Does what can be done without waiting, and says whether that was anything. */
static bool serve(void)
{
    ready[VISITORS].events = free_place() < VISITORS ? POLLIN : 0;
    if (rump_sys_poll(ready, VISITORS + 1, 0) <= 0)
        return false;
    if (ready[VISITORS].revents != 0)
        welcome(ready[VISITORS].fd);
    for (int i = 0; i < VISITORS; i++)
        if (ready[i].revents != 0 && !page_serve(&visitors[i])) {
            rump_sys_close(ready[i].fd);
            ready[i] = (struct pollfd){ NOBODY, POLLIN, 0 };
        }
    return true;
}

int main(void)
{
    for (int i = 0; i < VISITORS; i++)
        ready[i] = (struct pollfd){ NOBODY, POLLIN, 0 };
    ready[VISITORS] = (struct pollfd){ page_listen(), POLLIN, 0 };
    for (;;) {
        uint64_t next;
        if (rump_poll(&next) != 0)
            return 1;
        /* Who was served may have given the kernel something to do. */
        if (!serve())
            host_idle(next);
    }
}
