/* SPDX-License-Identifier: BSD-2-Clause */
/* Boots a kernel on a link of the host, has it die, and boots another on the same link while the dead one is held. */
#include "../conformance/sys.h"

#include <stdio.h>
#include <string.h>

#include <rump/gremlin.h>

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    struct rump_kernel *first = rump_boot(argv[1]);

    if (first == NULL || rump_enter(first) != 0)
        return 1;
    /* As long as it lives, nobody else can have the link. */
    if (rump_boot(argv[1]) != NULL || errno != EBUSY)
        return 1;
    if (rump_pub_gremlin_hold(0) != EIO)
        return 1;
    rump_leave();
    struct rump_kernel *second = rump_boot(argv[1]);

    printf("%s\n", second != NULL ? "reopened" : strerror(errno));
    rump_shutdown(first);
    if (second != NULL)
        rump_shutdown(second);
    return 0;
}
