/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A web server of one page, with calls that wait. It runs on either host: where there are no threads, the kernel
 * works while it waits.
 */
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "page.h"

int main(void)
{
    int listener = page_listen();

    for (;;) {
        struct page_visitor visitor = { rump_sys_accept(listener, NULL, NULL), 0, "" };
        if (visitor.socket < 0)
            return 1;
        while (page_serve(&visitor))
            ;
        rump_sys_close(visitor.socket);
    }
}
