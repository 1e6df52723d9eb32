/* SPDX-License-Identifier: BSD-2-Clause */
/* What cases about files begin with: an empty directory that they are in, and short names for common steps. */
#ifndef CONFORMANCE_FILES_H
#define CONFORMANCE_FILES_H

#include "case.h"
#include "sys.h"

#include <grp.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The host's are variadic, or return a pointer. */
#ifdef RUMP
#define sys_open rump_sys_open
#define sys_openat rump_sys_openat
#define SYS_GETCWD(path, room) rump_sys_getcwd(path, room)
#else
#include <sys/syscall.h>
#define sys_open(path, flags, mode) open(path, flags, mode)
#define sys_openat(at, path, flags, mode) openat(at, path, flags, mode)
#define SYS_GETCWD(path, room) syscall(SYS_getcwd, path, room)
#endif

extern const struct test_case open_cases[], content_cases[], name_cases[], rename_cases[], path_cases[],
    attribute_cases[], directory_cases[], pipe_cases[], lock_cases[], copy_cases[], watch_cases[], map_cases[];

/* Goes to a directory that is new and empty. */
void fresh(void);

/* Makes a file of this text, or has it consist of it. */
void put_file(const char *path, const char *text);

/* The text of a file, or why there is none. */
void say_file(const char *label, const char *path);

/* Opens it; the runner closes it. */
int opened(const char *path, int flags);

/* What it is, its permissions and how many names it has, or why that is not known. */
void say_stat(const char *label, const char *path);

#endif
