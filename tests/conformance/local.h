/* SPDX-License-Identifier: BSD-2-Clause */
/* Unix-domain sockets in the states that cases start from. */
#ifndef CONFORMANCE_LOCAL_H
#define CONFORMANCE_LOCAL_H

#include "pair.h"

#include <sys/un.h>

extern const struct test_case local_pair_cases[];
extern const struct test_case local_ending_cases[];
extern const struct test_case local_name_cases[];
extern const struct test_case local_server_cases[];
extern const struct test_case local_datagram_cases[];
extern const struct test_case local_file_cases[];
extern const struct test_case local_readiness_cases[];
extern const struct test_case local_option_cases[];
extern const struct test_case local_filter_cases[];

struct name {
    struct sockaddr_un un;
    socklen_t length;
};

/* Two connected sockets, as socketpair makes them. */
struct pair local_pair(int type);
int new_local(int type);
/* Names that no other run has. A path is removed from the host's file system with the case's other paths. */
struct name abstract_name(const char *name);
struct name path_name(const char *name);
void forget_paths(void);

int bind_name(int fd, const struct name *at);
int connect_name(int fd, const struct name *to);
long send_name(int fd, const char *text, const struct name *to);
/* A bound socket; one that listens; one that is connected to a name. */
int local_bound(int type, const struct name *at);
int local_listener(int type, const struct name *at, int backlog);
int local_client(int type, const struct name *to);
/* "unnamed", "path", "abstract", and whether it is that one. */
void say_name(const char *label, const struct name *found, const struct name *expected);
void say_local_name(const char *label, int fd, const struct name *expected);
void say_peer_name(const char *label, int fd, const struct name *expected);

/* What poll says when asked for reading, writing and the peer's end. */
void say_ready(const char *label, int fd);

/* Sends text with descriptors, of which there may be none. */
long send_files(int fd, const char *text, const int *files, int count);
/* What recvmsg gave. */
struct message {
    char text[64];
    long length;
    int flags;
    int files[16];
    int count;
    bool credentials;
    bool mine;
};
/* Receives at most `most` bytes, with `room` bytes for control data; owns the descriptors. */
struct message receive(int fd, size_t most, size_t room, int flags);
void say_message(const char *label, const struct message *message);

#endif
