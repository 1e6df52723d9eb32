/* SPDX-License-Identifier: BSD-2-Clause */
/* Sends one datagram to port 9 of each of COUNT addresses from PREFIX.100 on: new neighbours, all at once. */
#include "../conformance/sys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    int s, n;

    if (argc != 3 || sys_boot() != 0 || (s = sys_socket(AF_INET, SOCK_DGRAM, 0)) < 0)
        return 1;
    for (n = 0; n < atoi(argv[2]); n++) {
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
        char address[32];

        snprintf(address, sizeof address, "%s.%d", argv[1], 100 + n);
        if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
            return 1;
        if (sys_sendto(s, address, strlen(address), 0, (struct sockaddr *)&to, sizeof to) < 0) {
            perror(address);
            return 1;
        }
    }
    /* The datagrams wait for their neighbours' answers; the kernel goes with the process. */
    sys_poll(NULL, 0, 2000);
    return 0;
}
