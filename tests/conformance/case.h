/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Running cases and saying what they saw.
 *
 * A case is a function that prints tokens; the runner prints its name before them and ends the line. A token
 * never carries a port, a descriptor, an address of memory or a time: two right kernels print the same.
 */
#ifndef CONFORMANCE_CASE_H
#define CONFORMANCE_CASE_H

#include <stdbool.h>
#include <stddef.h>

struct test_case {
    const char *name;
    void (*run)(void);
    /* What a build may be without; NULL: nothing. */
    const char *needs;
};

#define CASE(function) { #function, function, NULL }
/* Needs a second thread; skipped, and counted as skipped, in a build with NO_THREADS. */
#define THREADED(function) { #function, function, "threads" }
/* Attaches a filter; likewise with NO_FILTERS. */
#define FILTERED(function) { #function, function, "filters" }
/* Says what kind of file system it is on, or uses what only that has; skipped with HOST_FILES. */
#define OF_TMPFS(function) { #function, function, "tmpfs" }
#define END_OF_CASES { NULL, NULL, NULL }

/* The body of main: `prog` runs all, `prog NAME...` some, `prog -l` lists. */
int run_cases(int argc, char **argv, const struct test_case *const groups[]);

/*
 * Tokens. A failed call is shown by the name of its errno, so these must directly follow the call, as in
 * say_call("send", sys_send(...)).
 */
void say(const char *label, const char *value);
void say_int(const char *label, long value);
void say_yes(const char *label, bool condition);
void say_call(const char *label, long result); /* the result itself, as of a byte count */
void say_ok(const char *label, long result);   /* only that it worked, as of a descriptor */
void say_bytes(const char *label, const void *bytes, long result); /* the text that a receive brought */
void say_events(const char *label, unsigned events);               /* of poll or of epoll: same bits */
void say_kept(const char *label, long long started, int milliseconds); /* not early, not absurdly late */
const char *errno_name(int error);

/* A call that only prepares: when it fails the case ends there, and the line says at what and why. */
#define must(call) must_work((call), #call)
long must_work(long result, const char *what);

/* Descriptors that the runner closes after the case, however it ended. */
int own(int fd);
/* Closes one of them now. */
int drop(int fd);

/*
 * A second thread. It gets a static argument (the case's frame may be gone when a failed must() left it), and
 * neither prints, owns nor must()s. The runner joins what a case did not.
 */
void start_thread(void *(*body)(void *), void *argument);
void join_threads(void);

long long now_ms(void);
/* Sleeps in the kernel under test: where it has no threads of its own, that is what lets it work. */
void pause_ms(int milliseconds);

#endif
