/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Of the host with POSIX threads: what nobody waits for, timers and received frames, is done by one thread, the
 * worker, which all kernels share.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* A kernel, and when it wants to be called. */
struct kernel {
    struct kernel *next;
    uint64_t handle;
    uint64_t due;
    struct rump_upcall run;
};

/* Guards all of this. No upcall is made with it held. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t upcall_ended = PTHREAD_COND_INITIALIZER;
static struct kernel *kernels;
static uint64_t kernel_count;
static struct link links[LINKS];
static bool has_worker;
/* The kernel or the link, by its handle, whose upcall the worker makes; 0 for none. */
static uint64_t running;
static uint64_t telling;
/* Until when the worker sleeps; 0 while it does not. A byte in the pipe ends its sleep. */
static uint64_t sleeps_until;
static int pipe_of_worker[2];

/* Ends the worker's sleep. Called with the lock held. */
static void wake_worker(void)
{
    if (sleeps_until != 0) {
        sleeps_until = 0;
        /* Fails only if the pipe is full of such bytes. */
        (void)!write(pipe_of_worker[1], "", 1);
    }
}

/* The kernel that wants to be called first. Called with the lock held. */
static struct kernel *first_due(void)
{
    struct kernel *first = NULL;

    for (struct kernel *kernel = kernels; kernel != NULL; kernel = kernel->next)
        if (first == NULL || kernel->due < first->due)
            first = kernel;
    return first;
}

/* Makes an upcall for `subject`, which `marker` shows meanwhile. Called with the lock held, which it lets go. */
static void upcall(uint64_t *marker, uint64_t subject, struct rump_upcall upcall)
{
    *marker = subject;
    pthread_mutex_unlock(&lock);
    upcall.function(upcall.cookie);
    pthread_mutex_lock(&lock);
    *marker = 0;
    pthread_cond_broadcast(&upcall_ended);
}

/* Sleeps until then or until there is news, and passes on that of links. Called with the lock held. */
static void sleep_until(uint64_t deadline)
{
    struct pollfd fds[LINKS + 1];
    char bytes[64];

    for (int i = 0; i < LINKS; i++)
        fds[i] = (struct pollfd){ links[i].watched ? links[i].fd : -1, POLLIN, 0 };
    fds[LINKS] = (struct pollfd){ pipe_of_worker[0], POLLIN, 0 };
    sleeps_until = deadline;
    pthread_mutex_unlock(&lock);
    poll(fds, LINKS + 1, host_milliseconds(deadline));
    while (read(pipe_of_worker[0], bytes, sizeof bytes) == sizeof bytes)
        ;
    pthread_mutex_lock(&lock);
    sleeps_until = 0;
    for (int i = 0; i < LINKS; i++)
        /* Meanwhile it may have been closed. */
        if (fds[i].revents != 0 && links[i].watched && links[i].fd == fds[i].fd) {
            links[i].watched = false;
            upcall(&telling, (uint64_t)i + 1, links[i].arrived);
        }
}

static void *work(void *unused_argument)
{
    pthread_mutex_lock(&lock);
    for (;;) {
        struct kernel *first = first_due();
        uint64_t due = first == NULL ? NEVER : first->due;
        if (due <= rumpuser_clock_monotonic()) {
            first->due = NEVER;
            upcall(&running, first->handle, first->run);
        } else {
            sleep_until(due);
        }
    }
    return unused_argument;
}

/* Starts the worker, if that was not done. Signals are for the program's own threads. Called with the lock held. */
static void need_worker(void)
{
    sigset_t all, before;
    pthread_t worker;

    if (has_worker)
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pipe2(pipe_of_worker, O_NONBLOCK | O_CLOEXEC) != 0 || pthread_create(&worker, NULL, work, NULL) != 0)
        abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    has_worker = true;
}

uint64_t rumpuser_work_attach(struct rump_upcall run)
{
    struct kernel *kernel = malloc(sizeof *kernel);

    if (kernel == NULL)
        abort();
    pthread_mutex_lock(&lock);
    need_worker();
    uint64_t handle = ++kernel_count;
    *kernel = (struct kernel){ kernels, handle, NEVER, run };
    kernels = kernel;
    pthread_mutex_unlock(&lock);
    return handle;
}

void rumpuser_work_request(uint64_t handle, uint64_t deadline)
{
    pthread_mutex_lock(&lock);
    for (struct kernel *kernel = kernels; kernel != NULL; kernel = kernel->next)
        if (kernel->handle == handle && deadline < kernel->due) {
            kernel->due = deadline;
            if (deadline < sleeps_until)
                wake_worker();
        }
    pthread_mutex_unlock(&lock);
}

void rumpuser_work_detach(uint64_t handle)
{
    pthread_mutex_lock(&lock);
    for (struct kernel **at = &kernels; *at != NULL; at = &(*at)->next) {
        struct kernel *kernel = *at;
        if (kernel->handle == handle) {
            *at = kernel->next;
            free(kernel);
            break;
        }
    }
    while (running == handle)
        pthread_cond_wait(&upcall_ended, &lock);
    pthread_mutex_unlock(&lock);
}

/* Where there are threads, waiting is rumpuser_threads_park. */
void rumpuser_work_wait(uint64_t deadline)
{
    (void)deadline;
    abort();
}

/* The handle of a link is its number in the table, from one. */
int64_t rumpuser_frames_open(struct rump_bytes url, struct rump_link_info *info, struct rump_upcall arrived)
{
    int i = 0, fd;
    int error = tap_open(url, info, &fd);

    if (error != 0)
        return error;
    pthread_mutex_lock(&lock);
    while (i < LINKS && links[i].open)
        i++;
    if (i < LINKS) {
        links[i] = (struct link){ .open = true, .watched = true, .fd = fd, .arrived = arrived };
        wake_worker();
    }
    pthread_mutex_unlock(&lock);
    if (i < LINKS)
        return i + 1;
    close(fd);
    return -EMFILE;
}

size_t rumpuser_frames_receive(uint64_t handle, struct rump_segments_mut buffers)
{
    struct link *link = &links[handle - 1];
    bool drained;
    size_t filled = tap_receive(link->fd, buffers, &drained);

    if (drained) {
        pthread_mutex_lock(&lock);
        link->watched = true;
        wake_worker();
        pthread_mutex_unlock(&lock);
    }
    return filled;
}

size_t rumpuser_frames_transmit(uint64_t handle, struct rump_segments frames)
{
    return tap_transmit(links[handle - 1].fd, frames);
}

/* The kernel asks when frames have come, and hears of a change no earlier. */
bool rumpuser_frames_carrier(uint64_t handle)
{
    return tap_carrier(links[handle - 1].fd);
}

void rumpuser_frames_close(uint64_t handle)
{
    struct link *link = &links[handle - 1];

    pthread_mutex_lock(&lock);
    int fd = link->fd;
    link->watched = false;
    while (telling == handle)
        pthread_cond_wait(&upcall_ended, &lock);
    *link = (struct link){ .open = false };
    pthread_mutex_unlock(&lock);
    close(fd);
}
