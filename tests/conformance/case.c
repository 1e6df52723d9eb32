/* SPDX-License-Identifier: BSD-2-Clause */
#include "case.h"
#include "sys.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef NO_THREADS
#include <pthread.h>
#endif

#define MAX_OWNED 128
#define MAX_THREADS 4

static jmp_buf give_up;
static int owned[MAX_OWNED];
static int owned_count;

/* ---- tokens ---- */

const char *errno_name(int error)
{
#define NAME(e) { e, #e }
    static const struct {
        int error;
        const char *name;
    } names[] = {
        NAME(EPERM), NAME(ENOENT), NAME(EINTR), NAME(EIO), NAME(EBADF), NAME(EAGAIN), NAME(ENOMEM),
        NAME(EACCES), NAME(EFAULT), NAME(EBUSY), NAME(EEXIST), NAME(ENODEV), NAME(EINVAL), NAME(ENFILE),
        NAME(EMFILE), NAME(ENOTTY), NAME(ENOSPC), NAME(ESPIPE), NAME(EPIPE), NAME(EDOM), NAME(ERANGE),
        NAME(EDEADLK), NAME(ENOSYS), NAME(ELOOP), NAME(ENOTSOCK), NAME(EDESTADDRREQ), NAME(EMSGSIZE),
        NAME(EPROTO), NAME(EPROTOTYPE), NAME(ENOPROTOOPT), NAME(EPROTONOSUPPORT), NAME(ESOCKTNOSUPPORT), NAME(EOPNOTSUPP),
        NAME(EPFNOSUPPORT), NAME(EAFNOSUPPORT), NAME(EADDRINUSE), NAME(EADDRNOTAVAIL), NAME(ENETDOWN),
        NAME(ENETUNREACH), NAME(ENETRESET), NAME(ECONNABORTED), NAME(ECONNRESET), NAME(ENOBUFS),
        NAME(EISCONN), NAME(ENOTCONN), NAME(ESHUTDOWN), NAME(ETIMEDOUT), NAME(ECONNREFUSED),
        NAME(ENOTDIR), NAME(EISDIR), NAME(ENOTEMPTY), NAME(EXDEV), NAME(EROFS), NAME(EFBIG), NAME(ENXIO),
        NAME(ENAMETOOLONG), NAME(EMLINK), NAME(ENODATA), NAME(E2BIG), NAME(ESTALE), NAME(EUCLEAN), NAME(EHOSTDOWN), NAME(EHOSTUNREACH), NAME(EALREADY), NAME(EINPROGRESS), NAME(ECANCELED),
    };
#undef NAME
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].error == error)
            return names[i].name;
    return error == 0 ? "none" : "E-UNNAMED";
}

void say(const char *label, const char *value)
{
    printf(" %s=%s", label, value);
}

void say_int(const char *label, long value)
{
    printf(" %s=%ld", label, value);
}

void say_yes(const char *label, bool condition)
{
    say(label, condition ? "yes" : "no");
}

void say_call(const char *label, long result)
{
    if (result < 0)
        say(label, errno_name(errno));
    else
        say_int(label, result);
}

void say_ok(const char *label, long result)
{
    say(label, result < 0 ? errno_name(errno) : "ok");
}

void say_bytes(const char *label, const void *bytes, long result)
{
    if (result < 0)
        say(label, errno_name(errno));
    else
        printf(" %s=\"%.*s\"", label, (int)result, (const char *)bytes);
}

void say_events(const char *label, unsigned events)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {
        { POLLIN, "IN" },         { POLLPRI, "PRI" },       { POLLOUT, "OUT" },       { POLLERR, "ERR" },
        { POLLHUP, "HUP" },       { POLLNVAL, "NVAL" },     { POLLRDNORM, "RDNORM" }, { POLLRDBAND, "RDBAND" },
        { POLLWRNORM, "WRNORM" }, { POLLWRBAND, "WRBAND" }, { POLLRDHUP, "RDHUP" },
    };
    const char *separator = "";

    printf(" %s=", label);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (events & names[i].bit) {
            printf("%s%s", separator, names[i].name);
            separator = "|";
            events &= ~names[i].bit;
        }
    }
    if (events)
        printf("%s?0x%x", separator, events);
    else if (!*separator)
        printf("none");
}

long long now_ms(void)
{
    return sys_now_ms();
}

void say_kept(const char *label, long long started, int milliseconds)
{
    long long elapsed = now_ms() - started;

    /* A kernel may count time in ticks, and a busy machine may run us late. */
    say(label, elapsed * 10 >= milliseconds * 8LL && elapsed < milliseconds + 3000 ? "ok" : "bad");
}

void pause_ms(int milliseconds)
{
    sys_poll(NULL, 0, milliseconds);
}

/* ---- what a case holds ---- */

long must_work(long result, const char *what)
{
    if (result < 0) {
        printf(" SETUP-FAILED %s: %s", what, errno_name(errno));
        longjmp(give_up, 1);
    }
    return result;
}

int own(int fd)
{
    if (fd >= 0 && owned_count < MAX_OWNED)
        owned[owned_count++] = fd;
    return fd;
}

int drop(int fd)
{
    for (int i = 0; i < owned_count; i++) {
        if (owned[i] == fd) {
            owned[i] = owned[--owned_count];
            break;
        }
    }
    return sys_close(fd);
}

static void drop_all(void)
{
    int error = errno;

    while (owned_count > 0)
        sys_close(owned[--owned_count]);
    errno = error;
}

#ifdef NO_THREADS

void start_thread(void *(*body)(void *), void *argument)
{
    (void)body;
    (void)argument;
    printf(" SETUP-FAILED not marked THREADED");
    longjmp(give_up, 1);
}

void join_threads(void)
{
}

#else

static pthread_t threads[MAX_THREADS];
static int thread_count;

void start_thread(void *(*body)(void *), void *argument)
{
    int error = EAGAIN;

    if (thread_count < MAX_THREADS)
        error = pthread_create(&threads[thread_count], NULL, body, argument);
    errno = error;
    must_work(error ? -1 : 0, "pthread_create");
    thread_count++;
}

void join_threads(void)
{
    while (thread_count > 0)
        pthread_join(threads[--thread_count], NULL);
}

#endif

/* ---- the runner ---- */

/* What this build is without. */
#ifdef NO_THREADS
static const char *const lacking = "threads";
#elif defined NO_FILTERS
static const char *const lacking = "filters";
#elif defined HOST_FILES
static const char *const lacking = "tmpfs";
#else
static const char *const lacking = "nothing";
#endif

static bool runs_here(const struct test_case *test)
{
    return test->needs == NULL || strcmp(test->needs, lacking) != 0;
}

static void run_one(const struct test_case *test)
{
    /* The name goes out first: of a case that hangs or crashes, it is what is known. */
    printf("%s:", test->name);
    fflush(stdout);
    if (setjmp(give_up) == 0)
        test->run();
    join_threads();
    drop_all();
    putchar('\n');
    fflush(stdout);
}

static bool wanted(const struct test_case *test, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], test->name) == 0)
            return true;
    return argc < 2;
}

int run_cases(int argc, char **argv, const struct test_case *const groups[])
{
    bool list = argc == 2 && strcmp(argv[1], "-l") == 0;
    int ran = 0;
    int skipped = 0;

    /* The tests say MSG_NOSIGNAL where it matters; a mistake in either kernel shall not kill the run. */
    signal(SIGPIPE, SIG_IGN);
    if (!list && sys_boot() != 0) {
        fprintf(stderr, "the kernel does not boot\n");
        return 2;
    }
    for (; *groups; groups++) {
        for (const struct test_case *test = *groups; test->name; test++) {
            if (list) {
                printf("%s%s%s\n", test->name, test->needs ? ": needs " : "", test->needs ? test->needs : "");
            } else if (wanted(test, argc, argv)) {
                if (runs_here(test)) {
                    run_one(test);
                    ran++;
                } else {
                    skipped++;
                }
            }
        }
    }
    if (list)
        return 0;
    if (ran + skipped == 0) {
        fprintf(stderr, "no such case; -l lists them\n");
        return 2;
    }
    printf("cases %d\n", ran);
    if (skipped > 0)
        printf("skipped %d (no %s)\n", skipped, lacking);
    return 0;
}
