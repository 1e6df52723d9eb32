/* SPDX-License-Identifier: BSD-2-Clause */
/* What a host has with or without threads: time, memory, messages, parameters, randomness, an end. */
#include "host.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static uint64_t nanoseconds(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t rumpuser_clock_monotonic(void)
{
    return nanoseconds(CLOCK_MONOTONIC);
}

uint64_t rumpuser_clock_wall(void)
{
    return nanoseconds(CLOCK_REALTIME);
}

int host_milliseconds(uint64_t deadline)
{
    uint64_t now = rumpuser_clock_monotonic();

    if (deadline == NEVER)
        return -1;
    if (deadline <= now)
        return 0;
    uint64_t span = (deadline - now - 1) / 1000000 + 1;
    return span > INT_MAX ? INT_MAX : (int)span;
}

void rumpuser_console_write(struct rump_bytes text)
{
    fwrite(text.start, 1, text.len, stderr);
}

/* What malloc aligns to anyway. */
static bool is_usual(size_t align)
{
    return align <= _Alignof(max_align_t);
}

size_t rumpuser_memory_allocate(size_t size, size_t align)
{
    void *memory;

    if (is_usual(align))
        return (size_t)malloc(size);
    return posix_memalign(&memory, align, size) == 0 ? (size_t)memory : 0;
}

size_t rumpuser_memory_allocate_zeroed(size_t size, size_t align)
{
    if (is_usual(align))
        return (size_t)calloc(1, size);
    size_t memory = rumpuser_memory_allocate(size, align);
    if (memory != 0)
        memset((void *)memory, 0, size);
    return memory;
}

void rumpuser_memory_release(size_t address, size_t size, size_t align)
{
    (void)size;
    (void)align;
    free((void *)address);
}

size_t rumpuser_memory_total(void)
{
    return SIZE_MAX;
}

/* The parameter tcp-buffer is the environment's RUMP_TCP_BUFFER. */
int64_t rumpuser_params_get(struct rump_bytes name, struct rump_bytes_mut value)
{
    char variable[64] = "RUMP_";
    size_t at = strlen(variable);

    if (name.len >= sizeof variable - at)
        return -1;
    for (size_t i = 0; i < name.len; i++) {
        int letter = name.start[i];
        variable[at++] = letter == '-' || letter == '.' ? '_' : (char)toupper(letter);
    }
    const char *found = getenv(variable);
    if (found == NULL)
        return -1;
    size_t len = strlen(found);
    memcpy(value.start, found, len < value.len ? len : value.len);
    return (int64_t)len;
}

void rumpuser_random_fill(struct rump_bytes_mut buffer)
{
    while (buffer.len > 0) {
        ssize_t got = getrandom(buffer.start, buffer.len, 0);
        if (got > 0) {
            buffer.start += got;
            buffer.len -= (size_t)got;
        }
    }
}

/* The system has better sources than the kernel's devices. */
void rumpuser_random_stir(struct rump_bytes seed)
{
    (void)seed;
}

void rumpuser_power_halt(int32_t code)
{
    exit(code);
}
