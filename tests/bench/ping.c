/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ping ADDRESS: asks for an echo each millisecond, whether it can be sent or not, and ends with the first answer.
 */
#include <arpa/inet.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct icmphdr request = { .type = ICMP_ECHO, .checksum = htons(0xf7ff) };
    unsigned char answer[128];
    int s = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

    if (argc != 2 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1 || s < 0) {
        perror("ping");
        return 1;
    }
    for (;;) {
        struct pollfd ready = { .fd = s, .events = POLLIN };

        (void)sendto(s, &request, sizeof request, 0, (struct sockaddr *)&address, sizeof address);
        if (poll(&ready, 1, 1) == 1) {
            ssize_t got = recv(s, answer, sizeof answer, MSG_DONTWAIT);

            /* Behind the IP header, which has no options. */
            if (got >= 28 && answer[20] == ICMP_ECHOREPLY) {
                puts("answered");
                return 0;
            }
        }
    }
}
