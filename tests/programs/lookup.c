/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lookup CONFIGURE [OPTIONS HOST SERVICE]...: has the interface virt0 configured by "dhcp" or by "auto", or by nobody, "-",
 * and prints what rump_getaddrinfo says of each host, a line each. Options are letters: 4 and 6 for a family, c for the canonical name,
 * n for numbers only, p for a passive socket, s for streams only, - for none of these. A host or a service "-" is not given.
 */
#include "../conformance/sys.h"

#include <rump/netconfig.h>
#include <rump/netdb.h>

#include <stdio.h>
#include <stdlib.h>

static const char *given(const char *text)
{
    return strcmp(text, "-") == 0 ? NULL : text;
}

static void lookup(const char *options, const char *host, const char *service)
{
    struct addrinfo hints = { 0 }, *list = NULL, *entry;
    char text[INET6_ADDRSTRLEN];
    int error;

    if (strchr(options, '4'))
        hints.ai_family = AF_INET;
    if (strchr(options, '6'))
        hints.ai_family = AF_INET6;
    if (strchr(options, 's'))
        hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = (strchr(options, 'c') ? AI_CANONNAME : 0) | (strchr(options, 'n') ? AI_NUMERICHOST : 0) |
        (strchr(options, 'p') ? AI_PASSIVE : 0) | AI_ADDRCONFIG;
    error = rump_getaddrinfo(given(host), given(service), &hints, &list);
    printf("%s %s:", host, service);
    if (error != 0) {
        printf(" %s\n", rump_gai_strerror(error));
        return;
    }
    if (list->ai_canonname != NULL)
        printf(" (%s)", list->ai_canonname);
    for (entry = list; entry != NULL; entry = entry->ai_next) {
        const struct sockaddr_in *sin = (const struct sockaddr_in *)entry->ai_addr;
        const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)entry->ai_addr;
        int is_v4 = entry->ai_family == AF_INET;
        const void *address = is_v4 ? (const void *)&sin->sin_addr : (const void *)&sin6->sin6_addr;

        inet_ntop(entry->ai_family, address, text, sizeof text);
        printf(" %s,%d,%d,%d", text, ntohs(is_v4 ? sin->sin_port : sin6->sin6_port), entry->ai_socktype,
            entry->ai_protocol);
    }
    printf("\n");
    rump_freeaddrinfo(list);
}

int main(int argc, char **argv)
{
    if (argc < 2 || sys_boot() != 0)
        return 1;
    if (given(argv[1]) != NULL) {
        int error = strcmp(argv[1], "dhcp") == 0 ? rump_pub_netconfig_dhcp_ipv4_oneshot("virt0")
                                                 : rump_pub_netconfig_auto_ipv6("virt0");

        if (error != 0) {
            fprintf(stderr, "lookup: %s: %s\n", argv[1], strerror(error));
            return 1;
        }
    }
    for (int at = 2; at + 2 < argc; at += 3)
        lookup(argv[at], argv[at + 1], argv[at + 2]);
    return 0;
}
