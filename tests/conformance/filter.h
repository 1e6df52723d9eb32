/* SPDX-License-Identifier: BSD-2-Clause */
/* Classic packet filters on sockets. */
#ifndef CONFORMANCE_FILTER_H
#define CONFORMANCE_FILTER_H

#include "pair.h"

#include <linux/filter.h>

#define PROGRAM(...) \
    (struct sock_fprog){ sizeof((struct sock_filter[]){ __VA_ARGS__ }) / sizeof(struct sock_filter), \
                         (struct sock_filter[]){ __VA_ARGS__ } }

/* One that keeps so many bytes, or none. */
#define KEEP(bytes) PROGRAM(BPF_STMT(BPF_RET | BPF_K, bytes))

static inline int attach(int fd, struct sock_fprog program)
{
    return sys_setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static inline int detach(int fd)
{
    int value = 0;

    return sys_setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &value, sizeof value);
}

static inline int lock_filter(int fd, int value)
{
    return sys_setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &value, sizeof value);
}

static inline void say_locked(const char *label, int fd)
{
    int value = -1;
    socklen_t length = sizeof value;

    if (sys_getsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &value, &length) < 0)
        say(label, errno_name(errno));
    else
        say_int(label, value);
}

#endif
