/* SPDX-License-Identifier: BSD-2-Clause */
/* When a descriptor is ready, and who is told: poll, ppoll and epoll. */
#include "readiness.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST_EVENTS 16

int new_epoll(void)
{
    return own(must(sys_epoll_create1(0)));
}

int control(int epoll, int operation, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = { .events = events, .data = { .u64 = data } };

    return sys_epoll_ctl(epoll, operation, fd, &event);
}

void watch(int epoll, int fd, uint32_t events, uint64_t data)
{
    must(control(epoll, EPOLL_CTL_ADD, fd, events, data));
}

void rearm(int epoll, int fd, uint32_t events, uint64_t data)
{
    must(control(epoll, EPOLL_CTL_MOD, fd, events, data));
}

static int by_data(const void *left, const void *right)
{
    uint64_t one = ((const struct epoll_event *)left)->data.u64;
    uint64_t other = ((const struct epoll_event *)right)->data.u64;

    return (one > other) - (one < other);
}

void say_wait(const char *label, int epoll, int milliseconds)
{
    struct epoll_event events[MOST_EVENTS];
    int count = sys_epoll_wait(epoll, events, MOST_EVENTS, milliseconds);

    if (count <= 0) {
        say(label, count < 0 ? errno_name(errno) : "nothing");
        return;
    }
    qsort(events, count, sizeof events[0], by_data);
    for (int i = 0; i < count; i++) {
        char numbered[64];

        snprintf(numbered, sizeof numbered, "%s[%llu]", label, (unsigned long long)events[i].data.u64);
        say_events(numbered, events[i].events);
    }
}

void say_event(const char *label, int epoll)
{
    say_wait(label, epoll, PATIENCE);
}

void say_quiet(const char *label, int epoll)
{
    say_wait(label, epoll, QUIET);
}

void discard_events(int epoll)
{
    struct epoll_event events[MOST_EVENTS];

    must(sys_epoll_wait(epoll, events, MOST_EVENTS, QUIET));
}

int main(int argc, char **argv)
{
    static const struct test_case *const groups[] = {
        poll_cases, state_cases, epoll_cases, level_cases, edge_cases, key_cases, waiting_cases, NULL,
    };

    return run_cases(argc, argv, groups);
}
