/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls a component that comes from outside the tree. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include <rump/greeter.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

enum { GREETINGS = 100 };

int main(void)
{
    static const char *const phrases[] = { "good day, reader", "how do you do, reader" };
    int seen[2] = { 0, 0 };
    char text[64];
    int count = 0;
    struct rump_kernel *kernel = rump_boot("greeted=reader");

    if (kernel == NULL || rump_enter(kernel) != 0)
        return 1;
    for (int i = 0; i < GREETINGS; i++) {
        ssize_t length = rump_sys_greet(text, sizeof text);

        for (int p = 0; p < 2; p++)
            seen[p] += length == (ssize_t)strlen(phrases[p]) && memcmp(text, phrases[p], (size_t)length) == 0;
    }
    if (rump_pub_greeter_count(&count) != 0 || rump_sys_greet(NULL, 1) != -1 || errno != EFAULT)
        return 2;
    rump_leave();
    rump_shutdown(kernel);
    printf("%d greetings: %s\n", count,
        seen[0] + seen[1] != GREETINGS ? "wrong" : seen[0] > 0 && seen[1] > 0 ? "drawn" : "always the same");
    return 0;
}
