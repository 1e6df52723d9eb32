/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of a host share with each other, and with a program that has a loop of its own. */
#ifndef HOST_H
#define HOST_H

#include <rump/rumpuser.h>

#define NEVER UINT64_MAX

/* A number of the kernel's clock as poll(2) wants it: milliseconds from now, -1 for ever, rounded up. */
int host_milliseconds(uint64_t deadline);

/* Links that can be open at a time. */
#define LINKS 8

/*
 * A link, or a place for one. The kernel is told of frames once, and again only after it had found none: in
 * between nobody looks whether there are any.
 */
struct link {
    bool open;
    bool watched;
    int fd;
    struct rump_upcall arrived;
};

/* Opens the link url. Returns 0 or a negated error number. */
int tap_open(struct rump_bytes url, struct rump_link_info *info, int *fd);
/* Whether the interface is up. */
bool tap_carrier(int fd);
/* Fills buffers with frames and returns how many; says whether it found no more, but there may be some later. */
size_t tap_receive(int fd, struct rump_segments_mut buffers, bool *drained);
/* Sends frames and returns how many were taken. */
size_t tap_transmit(int fd, struct rump_segments frames);

/*
 * Of the host without threads: waits until the deadline or until a link has frames, and tells the kernel of
 * those. What a program does between two calls of rump_poll.
 */
void host_idle(uint64_t deadline);

#endif
