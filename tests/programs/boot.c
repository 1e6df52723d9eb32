/* SPDX-License-Identifier: BSD-2-Clause */
/* How long the first boot of a process takes, and a later one: two numbers, in nanoseconds. */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <rump/rump.h>

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

int main(void)
{
    int64_t begin = now();

    if (rump_init() != 0)
        return 1;
    int64_t first = now();
    struct rump_kernel *kernel = rump_boot(NULL);
    int64_t second = now();

    if (kernel == NULL)
        return 1;
    rump_shutdown(kernel);
    rump_shutdown(NULL);
    printf("%lld %lld\n", (long long)(first - begin), (long long)(second - first));
    return 0;
}
