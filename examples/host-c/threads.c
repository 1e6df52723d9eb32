/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host with POSIX threads, for a kernel of the platform host-c: waiting, waking, and what a thread has for
 * itself. The program's own threads enter kernels; what nobody waits for is in worker.c.
 */
#include "host.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* What a thread waits with. Those of threads that have ended serve new ones: a token stays good for ever. */
struct parker {
    struct parker *next;
    pthread_mutex_t lock;
    pthread_cond_t given;
    bool permit;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_condattr_t monotonic;
static pthread_key_t thread_end;
static _Thread_local struct parker *own_parker;
static _Thread_local size_t tls_word;

/* Guards what is unused. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct parker *unused;

/* A thread ends: its parker is free. */
static void retire(void *parker)
{
    own_parker = NULL;
    pthread_mutex_lock(&lock);
    ((struct parker *)parker)->next = unused;
    unused = parker;
    pthread_mutex_unlock(&lock);
}

static void start(void)
{
    if (pthread_condattr_init(&monotonic) != 0 || pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) != 0 ||
        pthread_key_create(&thread_end, retire) != 0)
        abort();
}

static struct parker *parker(void)
{
    if (own_parker != NULL)
        return own_parker;
    pthread_once(&once, start);
    pthread_mutex_lock(&lock);
    struct parker *parker = unused;
    if (parker != NULL)
        unused = parker->next;
    pthread_mutex_unlock(&lock);
    if (parker == NULL) {
        parker = calloc(1, sizeof *parker);
        if (parker == NULL)
            abort();
        pthread_mutex_init(&parker->lock, NULL);
        pthread_cond_init(&parker->given, &monotonic);
    }
    own_parker = parker;
    pthread_setspecific(thread_end, parker);
    return parker;
}

uint64_t rumpuser_threads_current(void)
{
    return (size_t)parker();
}

bool rumpuser_threads_park(uint64_t deadline)
{
    struct parker *me = parker();
    struct timespec until = { (time_t)(deadline / 1000000000), (long)(deadline % 1000000000) };
    int error = 0;

    pthread_mutex_lock(&me->lock);
    while (!me->permit && error == 0)
        if (deadline == NEVER)
            pthread_cond_wait(&me->given, &me->lock);
        else
            error = pthread_cond_timedwait(&me->given, &me->lock, &until);
    bool permit = me->permit;
    me->permit = false;
    pthread_mutex_unlock(&me->lock);
    return permit;
}

void rumpuser_threads_unpark(uint64_t token)
{
    struct parker *parker = (struct parker *)(size_t)token;

    pthread_mutex_lock(&parker->lock);
    parker->permit = true;
    pthread_mutex_unlock(&parker->lock);
    pthread_cond_signal(&parker->given);
}

uint32_t rumpuser_threads_cpu(void)
{
    static _Atomic long processors;

    if (processors == 0)
        processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors == 1 ? UINT32_MAX : (uint32_t)sched_getcpu();
}

void rumpuser_threads_relax(void)
{
    sched_yield();
}

static void *run_thread(void *argument)
{
    struct rump_upcall run = *(struct rump_upcall *)argument;

    free(argument);
    run.function(run.cookie);
    return NULL;
}

int64_t rumpuser_threads_spawn(struct rump_upcall run)
{
    struct rump_upcall *copy = malloc(sizeof *copy);
    pthread_t thread;

    if (copy == NULL)
        return -ENOMEM;
    *copy = run;
    int error = pthread_create(&thread, NULL, run_thread, copy);
    if (error == 0)
        pthread_detach(thread);
    else
        free(copy);
    return -error;
}

size_t rumpuser_tls_word(void)
{
    return tls_word;
}

void rumpuser_tls_set_word(size_t word)
{
    tls_word = word;
}

void rumpuser_tls_set_errno(int32_t number)
{
    errno = number;
}
