/* SPDX-License-Identifier: BSD-2-Clause */
/* What the web servers beside this have in common. */
#ifndef PAGE_H
#define PAGE_H

#include <stdbool.h>
#include <stddef.h>

/* Somebody who asks for the page. */
struct page_visitor {
    int socket;
    /* How much of the request is there. */
    size_t held;
    char request[1024];
};

/* Boots the kernel, and returns a socket that listens on port 80. Ends the program if there is none. */
int page_listen(void);

/*
 * Reads more of the request, and answers it if it is complete. False when the visitor is done with, one way or
 * another.
 */
bool page_serve(struct page_visitor *visitor);

#endif
