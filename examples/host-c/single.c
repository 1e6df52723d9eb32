/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host without threads, for a kernel of the platform host-c-single. A call that has to wait comes down to
 * rumpuser_work_wait; a program that never waits calls rump_poll and host_idle in a loop of its own. On a
 * machine without poll(2), interrupts end host_idle.
 */
#include "host.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

/* A kernel, and when it wants to be called. */
struct kernel {
    struct kernel *next;
    uint64_t handle;
    uint64_t due;
    struct rump_upcall run;
};

static struct kernel *kernels;
static uint64_t kernel_count;
static struct link links[LINKS];
static size_t tls_word;

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

uint64_t rumpuser_work_attach(struct rump_upcall run)
{
    struct kernel *kernel = malloc(sizeof *kernel);

    if (kernel == NULL)
        abort();
    *kernel = (struct kernel){ kernels, ++kernel_count, NEVER, run };
    kernels = kernel;
    return kernel->handle;
}

void rumpuser_work_request(uint64_t handle, uint64_t deadline)
{
    for (struct kernel *kernel = kernels; kernel != NULL; kernel = kernel->next)
        if (kernel->handle == handle && deadline < kernel->due)
            kernel->due = deadline;
}

void rumpuser_work_detach(uint64_t handle)
{
    for (struct kernel **at = &kernels; *at != NULL; at = &(*at)->next) {
        struct kernel *kernel = *at;
        if (kernel->handle == handle) {
            *at = kernel->next;
            free(kernel);
            return;
        }
    }
}

void rumpuser_work_wait(uint64_t deadline)
{
    struct kernel *first = NULL;

    for (struct kernel *kernel = kernels; kernel != NULL; kernel = kernel->next)
        if (first == NULL || kernel->due < first->due)
            first = kernel;
    if (first != NULL && first->due <= rumpuser_clock_monotonic()) {
        first->due = NEVER;
        first->run.function(first->run.cookie);
        return;
    }
    host_idle(first != NULL && first->due < deadline ? first->due : deadline);
}

void host_idle(uint64_t deadline)
{
    struct pollfd fds[LINKS];

    for (int i = 0; i < LINKS; i++)
        fds[i] = (struct pollfd){ links[i].watched ? links[i].fd : -1, POLLIN, 0 };
    if (poll(fds, LINKS, host_milliseconds(deadline)) <= 0)
        return;
    for (int i = 0; i < LINKS; i++)
        if (fds[i].revents != 0) {
            links[i].watched = false;
            /* The kernel takes note, and asks for a call. */
            links[i].arrived.function(links[i].arrived.cookie);
        }
}

/* The handle of a link is its number in the table, from one. */
int64_t rumpuser_frames_open(struct rump_bytes url, struct rump_link_info *info, struct rump_upcall arrived)
{
    int i = 0, fd;

    while (i < LINKS && links[i].open)
        i++;
    if (i == LINKS)
        return -EMFILE;
    int error = tap_open(url, info, &fd);
    if (error != 0)
        return error;
    links[i] = (struct link){ .open = true, .watched = true, .fd = fd, .arrived = arrived };
    return i + 1;
}

size_t rumpuser_frames_receive(uint64_t handle, struct rump_segments_mut buffers)
{
    struct link *link = &links[handle - 1];

    return tap_receive(link->fd, buffers, &link->watched);
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

    close(link->fd);
    *link = (struct link){ .open = false };
}
