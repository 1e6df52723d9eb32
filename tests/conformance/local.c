/* SPDX-License-Identifier: BSD-2-Clause */
/* Unix-domain sockets: what works, what fails and with which error, and what poll says of it. */
#include "local.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    static const struct test_case *const groups[] = {
        local_pair_cases,     local_ending_cases, local_name_cases,      local_server_cases,
        local_datagram_cases, local_file_cases,   local_readiness_cases, local_option_cases,
        local_filter_cases,
        NULL,
    };
    int status = run_cases(argc, argv, groups);

    forget_paths();
    return status;
}

struct pair local_pair(int type)
{
    int ends[2];

    must(sys_socketpair(AF_UNIX, type, 0, ends));
    return (struct pair){ own(ends[0]), own(ends[1]) };
}

int new_local(int type)
{
    return own(must(sys_socket(AF_UNIX, type, 0)));
}

/* ---- names ---- */

static char paths[32][108];
static int path_count;

void forget_paths(void)
{
    while (path_count > 0)
        unlink(paths[--path_count]);
}

struct name abstract_name(const char *text)
{
    struct name name = { .un.sun_family = AF_UNIX };
    char *path = name.un.sun_path;
    int length = snprintf(path + 1, sizeof name.un.sun_path - 1, "rump-%d-%s", (int)getpid(), text);

    name.length = offsetof(struct sockaddr_un, sun_path) + 1 + length;
    return name;
}

struct name path_name(const char *text)
{
    struct name name = { .un.sun_family = AF_UNIX };
    char *path = name.un.sun_path;
    int length = snprintf(path, sizeof name.un.sun_path, "/tmp/rump-%d-%s", (int)getpid(), text);

    if (path_count < 32)
        strcpy(paths[path_count++], path);
    name.length = offsetof(struct sockaddr_un, sun_path) + length + 1;
    return name;
}

int bind_name(int fd, const struct name *at)
{
    return sys_bind(fd, (const struct sockaddr *)&at->un, at->length);
}

int connect_name(int fd, const struct name *to)
{
    return sys_connect(fd, (const struct sockaddr *)&to->un, to->length);
}

long send_name(int fd, const char *text, const struct name *to)
{
    return sys_sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&to->un,
                      to->length);
}

int local_bound(int type, const struct name *at)
{
    int fd = new_local(type);

    must(bind_name(fd, at));
    return fd;
}

int local_listener(int type, const struct name *at, int backlog)
{
    int fd = local_bound(type, at);

    must(sys_listen(fd, backlog));
    return fd;
}

int local_client(int type, const struct name *to)
{
    int fd = new_local(type);

    must(connect_name(fd, to));
    return fd;
}

void say_name(const char *label, const struct name *found, const struct name *expected)
{
    size_t path = offsetof(struct sockaddr_un, sun_path);

    if (found->length == 0)
        say(label, "nothing");
    else if (found->length <= path)
        say(label, "unnamed");
    else if (!expected)
        say(label, found->un.sun_path[0] ? "path" : "abstract");
    else
        say_yes(label, found->length == expected->length &&
                           memcmp(found->un.sun_path, expected->un.sun_path, found->length - path) == 0);
    if (found->length > 0 && found->un.sun_family != AF_UNIX)
        say("family", "wrong");
}

void say_local_name(const char *label, int fd, const struct name *expected)
{
    struct name name = { .length = sizeof name.un };

    must(sys_getsockname(fd, (struct sockaddr *)&name.un, &name.length));
    say_name(label, &name, expected);
}

void say_peer_name(const char *label, int fd, const struct name *expected)
{
    struct name name = { .length = sizeof name.un };

    if (sys_getpeername(fd, (struct sockaddr *)&name.un, &name.length) < 0)
        say(label, errno_name(errno));
    else
        say_name(label, &name, expected);
}

/* ---- readiness ---- */

void say_ready(const char *label, int fd)
{
    say_events(label, ready(fd, POLLIN | POLLOUT | POLLRDHUP));
}

/* ---- messages ---- */

long send_files(int fd, const char *text, const int *files, int count)
{
    union {
        char bytes[CMSG_SPACE(16 * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec data = { (void *)text, strlen(text) };
    struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

    if (count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        memset(control.bytes, 0, sizeof control.bytes);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), files, count * sizeof(int));
    }
    return sys_sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

struct message receive(int fd, size_t most, size_t room, int flags)
{
    union {
        char bytes[256];
        struct cmsghdr align;
    } control;
    struct message got = { .length = -1 };
    struct iovec data = { got.text, most < sizeof got.text ? most : sizeof got.text };
    struct msghdr message = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = room < sizeof control.bytes ? room : sizeof control.bytes,
    };

    got.length = sys_recvmsg(fd, &message, flags | MSG_DONTWAIT);
    if (got.length < 0)
        return got;
    got.flags = message.msg_flags;
    for (struct cmsghdr *one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(&message, one)) {
        if (one->cmsg_type == SCM_RIGHTS) {
            got.count = (int)((one->cmsg_len - CMSG_LEN(0)) / sizeof(int));
            memcpy(got.files, CMSG_DATA(one), got.count * sizeof(int));
            for (int i = 0; i < got.count; i++)
                own(got.files[i]);
        } else if (one->cmsg_type == SCM_CREDENTIALS) {
            struct ucred who;

            memcpy(&who, CMSG_DATA(one), sizeof who);
            got.credentials = one->cmsg_len == CMSG_LEN(sizeof who);
            got.mine = who.pid == sys_getpid();
        }
    }
    return got;
}

void say_message(const char *label, const struct message *message)
{
    say_bytes(label, message->text, message->length);
    if (message->length < 0)
        return;
    if (message->count > 0)
        say_int("files", message->count);
    if (message->flags & MSG_CTRUNC)
        say("cut", "control");
    if (message->flags & MSG_TRUNC)
        say("cut", "data");
    if (message->credentials)
        say("sender", message->mine ? "this" : "another");
}
