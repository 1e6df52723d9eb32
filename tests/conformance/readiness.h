/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CONFORMANCE_READINESS_H
#define CONFORMANCE_READINESS_H

#include "pair.h"

#include <stdint.h>

/* What most readiness cases ask poll for. */
#define ALL (POLLIN | POLLOUT | POLLRDHUP)

extern const struct test_case poll_cases[];
extern const struct test_case state_cases[];
extern const struct test_case epoll_cases[];
extern const struct test_case level_cases[];
extern const struct test_case edge_cases[];
extern const struct test_case key_cases[];
extern const struct test_case waiting_cases[];

int new_epoll(void);
/* The call itself. */
int control(int epoll, int operation, int fd, uint32_t events, uint64_t data);
/* An addition that must() work. */
void watch(int epoll, int fd, uint32_t events, uint64_t data);
void rearm(int epoll, int fd, uint32_t events, uint64_t data);
/* Waits, and says what came as [data:EVENTS ...] in order of data, whatever order it came in. */
void say_wait(const char *label, int epoll, int milliseconds);
/* Waits for what must come, or shortly for what must not. */
void say_event(const char *label, int epoll);
void say_quiet(const char *label, int epoll);
/* Forgets what is pending. */
void discard_events(int epoll);

#endif
