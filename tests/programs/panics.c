/* SPDX-License-Identifier: BSD-2-Clause */
/* A kernel that panics where nothing contains it: the program does not get to its end. */
#include <rump/gremlin.h>
#include <rump/rump.h>

int main(void)
{
    if (rump_init() != 0)
        return 1;
    rump_pub_gremlin_hold(1);
    return 0;
}
