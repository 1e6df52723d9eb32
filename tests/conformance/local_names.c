/* SPDX-License-Identifier: BSD-2-Clause */
/* Names: binding, finding, and what is none. */
#include "local.h"

#include <string.h>

static void name_abstract(void)
{
    struct name at = abstract_name("plain");
    int fd = new_local(SOCK_STREAM);

    say_local_name("before", fd, NULL);
    say_call("bind", bind_name(fd, &at));
    say_local_name("after", fd, &at);
    say_call("again", bind_name(fd, &at));
}

static void name_path(void)
{
    struct name at = path_name("plain");
    struct name more = at;
    int fd = new_local(SOCK_STREAM);

    /* What is behind the end of the path does not count. */
    more.length += 5;
    say_call("bind", bind_name(fd, &more));
    say_local_name("after", fd, &at);
    say_peer_name("peer", fd, NULL);
}

static void name_path_without_its_end(void)
{
    struct name at = path_name("endless");
    struct name cut = at;
    int fd = new_local(SOCK_DGRAM);

    cut.length -= 1;
    say_call("bind", bind_name(fd, &cut));
    say_local_name("after", fd, &at);
}

static void name_in_use(void)
{
    struct name names[] = { abstract_name("used"), path_name("used") };

    for (int i = 0; i < 2; i++) {
        int fd = local_bound(SOCK_STREAM, &names[i]);
        int other = new_local(SOCK_STREAM);

        say_call("second", bind_name(other, &names[i]));
        say_local_name("still", other, NULL);
        (void)fd;
    }
}

static void name_abstract_is_free_after_close(void)
{
    struct name at = abstract_name("again");

    must(drop(local_bound(SOCK_STREAM, &at)));
    say_call("bind", bind_name(new_local(SOCK_STREAM), &at));
}

static void name_abstract_is_one_for_each_type(void)
{
    struct name at = abstract_name("types");
    int stream = local_listener(SOCK_STREAM, &at, 1);

    say_call("connect", connect_name(new_local(SOCK_SEQPACKET), &at));
    say_call("dgram", bind_name(new_local(SOCK_DGRAM), &at));
    say_call("seqpacket", bind_name(new_local(SOCK_SEQPACKET), &at));
    say_call("connect", connect_name(new_local(SOCK_STREAM), &at));
    (void)stream;
}

static void name_path_is_one_for_all_types(void)
{
    struct name at = path_name("types");
    int stream = local_listener(SOCK_STREAM, &at, 1);

    say_call("bind", bind_name(new_local(SOCK_DGRAM), &at));
    say_call("dgram", connect_name(new_local(SOCK_DGRAM), &at));
    say_call("seqpacket", connect_name(new_local(SOCK_SEQPACKET), &at));
    say_call("sendto", send_name(new_local(SOCK_DGRAM), "x", &at));
    (void)stream;
}

static void name_of_nobody(void)
{
    struct name abstract = abstract_name("nobody");
    struct name path = path_name("nobody");

    say_call("abstract", connect_name(new_local(SOCK_STREAM), &abstract));
    say_call("path", connect_name(new_local(SOCK_STREAM), &path));
    say_call("datagram", send_name(new_local(SOCK_DGRAM), "x", &abstract));
    say_call("path", send_name(new_local(SOCK_DGRAM), "x", &path));
}

static void name_that_does_not_listen(void)
{
    struct name at = abstract_name("deaf");
    int fd = local_bound(SOCK_STREAM, &at);

    say_call("connect", connect_name(new_local(SOCK_STREAM), &at));
    (void)fd;
}

static void name_given_by_the_kernel(void)
{
    struct sockaddr_un none = { .sun_family = AF_UNIX };
    struct name one = { .length = sizeof one.un }, other = one;
    int a = new_local(SOCK_STREAM), b = new_local(SOCK_STREAM);

    say_call("bind", sys_bind(a, (struct sockaddr *)&none, sizeof none.sun_family));
    say_call("again", sys_bind(a, (struct sockaddr *)&none, sizeof none.sun_family));
    must(sys_bind(b, (struct sockaddr *)&none, sizeof none.sun_family));
    must(sys_getsockname(a, (struct sockaddr *)&one.un, &one.length));
    must(sys_getsockname(b, (struct sockaddr *)&other.un, &other.length));
    say_int("length", one.length);
    say_name("kind", &one, NULL);
    say_int("digits", strspn(one.un.sun_path + 1, "0123456789abcdef"));
    say_yes("same", memcmp(one.un.sun_path, other.un.sun_path, 6) == 0);
    say_call("then", bind_name(a, &one));
}

static void name_with_a_bad_length(void)
{
    struct name at = abstract_name("bad");
    char longer[200] = { AF_UNIX, 0, 'x' };
    int fd = new_local(SOCK_STREAM);

    say_call("no-path", sys_connect(fd, (struct sockaddr *)&at.un, 2));
    say_call("one", sys_bind(fd, (struct sockaddr *)&at.un, 1));
    say_call("none", sys_bind(fd, (struct sockaddr *)&at.un, 0));
    say_call("long", sys_bind(fd, (struct sockaddr *)longer, sizeof at.un + 1));
    say_call("longer", sys_bind(fd, (struct sockaddr *)longer, sizeof longer));
    say_call("connect", sys_connect(fd, (struct sockaddr *)longer, sizeof at.un + 1));
}

static void name_of_another_family(void)
{
    struct address inet = loopback(AF_INET, 80);
    struct sockaddr unspecified = { .sa_family = AF_UNSPEC };
    static const int types[] = { SOCK_STREAM, SOCK_DGRAM };

    for (int i = 0; i < 2; i++) {
        int fd = new_local(types[i]);

        say_call("bind", sys_bind(fd, &inet.sa, inet.length));
        say_call("connect", sys_connect(fd, &inet.sa, inet.length));
        say_call("unspecified", sys_bind(fd, &unspecified, sizeof unspecified));
        say_call("disconnect", sys_connect(fd, &unspecified, sizeof unspecified));
    }
}

static void name_with_zeroes_in_it(void)
{
    struct name at = abstract_name("zeroes");
    struct name longer = at;
    int fd = local_bound(SOCK_DGRAM, &at);

    longer.length += 3;
    say_call("bind", bind_name(new_local(SOCK_DGRAM), &longer));
    say_call("same", bind_name(new_local(SOCK_DGRAM), &longer));
    (void)fd;
}

static void name_in_little_room(void)
{
    struct name at = abstract_name("room");
    char room[6];
    socklen_t length = sizeof room;
    int fd = local_bound(SOCK_DGRAM, &at);

    say_call("getsockname", sys_getsockname(fd, (struct sockaddr *)room, &length));
    say_yes("whole-length", length == at.length);
    say_yes("part", memcmp(room, &at.un, sizeof room) == 0);
}

const struct test_case local_name_cases[] = {
    CASE(name_abstract),
    CASE(name_path),
    CASE(name_path_without_its_end),
    CASE(name_in_use),
    CASE(name_abstract_is_free_after_close),
    CASE(name_abstract_is_one_for_each_type),
    CASE(name_path_is_one_for_all_types),
    CASE(name_of_nobody),
    CASE(name_that_does_not_listen),
    CASE(name_given_by_the_kernel),
    CASE(name_with_a_bad_length),
    CASE(name_of_another_family),
    CASE(name_with_zeroes_in_it),
    CASE(name_in_little_room),
    END_OF_CASES,
};
