/*
 * Names to addresses for C programs: getaddrinfo (RFC 3493, section 6.1) over the kernel's resolver.
 *
 * Structures, flags and errors are those of the host's <netdb.h>, and memory is of its malloc. Services are numbers:
 * the kernel has no table of their names. Of the flags there are AI_PASSIVE, AI_CANONNAME, AI_NUMERICHOST,
 * AI_NUMERICSERV, and AI_ADDRCONFIG, which has no effect, since addresses that cannot be reached come last.
 */
#ifndef RUMP_NETDB_H
#define RUMP_NETDB_H

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#ifndef EAI_NONAME
#error "the host's <netdb.h> has getaddrinfo only by POSIX: add -D_POSIX_C_SOURCE=200809L, or take -std=gnu11 for -std=c11"
#else

#include <rump/resolver.h>
#include <rump/rumpdefs.h>

/* What an error number of the resolver is as one of getaddrinfo's. */
static inline int rump_netdb_error(int error)
{
    switch (error) {
    case ENOENT:
    case EINVAL:
        return EAI_NONAME;
    case ENODATA:
#ifdef EAI_NODATA
        return EAI_NODATA;
#else
        return EAI_NONAME;
#endif
    case EDESTADDRREQ:
    case ETIMEDOUT:
    case EAGAIN:
        return EAI_AGAIN;
    case EPROTO:
    case ELOOP:
        return EAI_FAIL;
    case EAFNOSUPPORT:
        return EAI_FAMILY;
    case ENOMEM:
        return EAI_MEMORY;
    default:
        errno = error;
        return EAI_SYSTEM;
    }
}

/* The lines of rump_pub_resolver_lookup, to be freed. Returns an error of getaddrinfo's. */
static inline int rump_netdb_lines(const char *node, int family, char **lines)
{
    int asked = RUMP_AF_UNSPEC, error, needed = 4096, room = 0;
    *lines = NULL;
    if (family == AF_INET)
        asked = RUMP_AF_INET;
    else if (family == AF_INET6)
        asked = RUMP_AF_INET6;
    while (needed > room) {
        free(*lines);
        room = needed;
        *lines = (char *)malloc((size_t)room);
        if (*lines == NULL)
            return EAI_MEMORY;
        error = rump_pub_resolver_lookup(node, asked, *lines, (size_t)room, &needed);
        if (error != 0) {
            free(*lines);
            return rump_netdb_error(error);
        }
    }
    return 0;
}

/* Frees what rump_getaddrinfo made. */
static inline void rump_freeaddrinfo(struct addrinfo *list)
{
    while (list != NULL) {
        struct addrinfo *next = list->ai_next;
        free(list->ai_canonname);
        free(list);
        list = next;
    }
}

/*
 * Appends an address, an entry for each type of socket that hints allow, and returns where the next goes; null without
 * memory.
 */
static inline struct addrinfo **rump_netdb_append(struct addrinfo **end, const char *text,
    unsigned long port, const struct addrinfo *hints)
{
    static const int types[3][2] = {
        { SOCK_STREAM, IPPROTO_TCP }, { SOCK_DGRAM, IPPROTO_UDP }, { SOCK_RAW, 0 } };
    struct sockaddr_in sin;
    struct sockaddr_in6 sin6;
    char address[INET6_ADDRSTRLEN];
    const char *zone = strchr(text, '%');
    size_t len = zone == NULL ? strlen(text) : (size_t)(zone - text), type;
    int is_v4;

    if (len >= sizeof address)
        return end;
    memcpy(address, text, len);
    address[len] = '\0';
    memset(&sin, 0, sizeof sin);
    memset(&sin6, 0, sizeof sin6);
    sin.sin_family = AF_INET;
    sin.sin_port = htons((uint16_t)port);
    sin6.sin6_family = AF_INET6;
    sin6.sin6_port = htons((uint16_t)port);
    if (zone != NULL)
        sin6.sin6_scope_id = (uint32_t)strtoul(zone + 1, NULL, 10);
    is_v4 = inet_pton(AF_INET, address, &sin.sin_addr) == 1;
    if (!is_v4 && inet_pton(AF_INET6, address, &sin6.sin6_addr) != 1)
        return end;
    for (type = 0; type < 3; type++) {
        struct addrinfo *entry;
        int protocol = types[type][1];
        if (hints->ai_socktype != 0 && hints->ai_socktype != types[type][0])
            continue;
        if (hints->ai_protocol != 0 && protocol != 0 && hints->ai_protocol != protocol)
            continue;
        entry = (struct addrinfo *)calloc(1, sizeof *entry + sizeof sin6);
        if (entry == NULL)
            return NULL;
        entry->ai_family = is_v4 ? AF_INET : AF_INET6;
        entry->ai_socktype = types[type][0];
        entry->ai_protocol = protocol != 0 ? protocol : hints->ai_protocol;
        entry->ai_addrlen = is_v4 ? sizeof sin : sizeof sin6;
        entry->ai_addr = (struct sockaddr *)(entry + 1);
        memcpy(entry->ai_addr, is_v4 ? (const void *)&sin : (const void *)&sin6, entry->ai_addrlen);
        *end = entry;
        end = &entry->ai_next;
    }
    return end;
}

/* The addresses of a host with a service's port, to be freed by rump_freeaddrinfo. Returns zero or an EAI_ error. */
static inline int rump_getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **result)
{
    const int known = AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_NUMERICSERV | AI_ADDRCONFIG;
    struct addrinfo none, *list = NULL, **end = &list;
    unsigned long port = 0;
    char *lines = NULL, *line, *next;
    int error;

    memset(&none, 0, sizeof none);
    if (hints == NULL)
        hints = &none;
    if (hints->ai_flags & ~known)
        return EAI_BADFLAGS;
    if (node == NULL && (service == NULL || hints->ai_flags & (AI_CANONNAME | AI_NUMERICHOST)))
        return service == NULL ? EAI_NONAME : EAI_BADFLAGS;
    if (hints->ai_family != AF_UNSPEC && hints->ai_family != AF_INET && hints->ai_family != AF_INET6)
        return EAI_FAMILY;
    if (service != NULL) {
        if (*service == '\0' || strlen(service) > 5 || strspn(service, "0123456789") != strlen(service))
            return EAI_SERVICE;
        port = strtoul(service, NULL, 10);
        if (port > 65535)
            return EAI_SERVICE;
    }
    if (node == NULL) {
        const int passive = hints->ai_flags & AI_PASSIVE;
        const char *v4 = passive ? "0.0.0.0" : "127.0.0.1", *v6 = passive ? "::" : "::1";
        const char *first = passive ? v4 : v6, *second = passive ? v6 : v4;
        const int first_family = passive ? AF_INET : AF_INET6;
        if (hints->ai_family == AF_UNSPEC || hints->ai_family == first_family)
            end = rump_netdb_append(end, first, port, hints);
        if (end != NULL && (hints->ai_family == AF_UNSPEC || hints->ai_family != first_family))
            end = rump_netdb_append(end, second, port, hints);
    } else {
        if ((hints->ai_flags & AI_NUMERICHOST) && strchr(node, ':') == NULL &&
            strspn(node, "0123456789.") != strlen(node))
            return EAI_NONAME;
        error = rump_netdb_lines(node, hints->ai_family, &lines);
        if (error != 0)
            return error;
        /* The first line is the name; each ends in a newline. */
        for (line = strchr(lines, '\n') + 1; end != NULL && (next = strchr(line, '\n')) != NULL;
             line = next + 1) {
            *next = '\0';
            end = rump_netdb_append(end, line, port, hints);
        }
    }
    if (end != NULL && list != NULL && (hints->ai_flags & AI_CANONNAME)) {
        size_t len = (size_t)(strchr(lines, '\n') - lines);
        list->ai_canonname = (char *)calloc(1, len + 1);
        if (list->ai_canonname != NULL)
            memcpy(list->ai_canonname, lines, len);
        else
            end = NULL;
    }
    free(lines);
    if (end == NULL) {
        rump_freeaddrinfo(list);
        return EAI_MEMORY;
    }
    if (list == NULL)
        return EAI_SOCKTYPE;
    *result = list;
    return 0;
}

/* What an EAI_ error means. */
static inline const char *rump_gai_strerror(int error)
{
    return gai_strerror(error);
}

#endif

#endif
