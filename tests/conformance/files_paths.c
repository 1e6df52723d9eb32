/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths: what they lead to, and where they begin. */
#include "files.h"

static void ways(void)
{
    fresh();
    must(sys_mkdir("a", 0755));
    must(sys_mkdir("a/b", 0755));
    put_file("a/b/c", "c");
    must(sys_symlink("a/b", "l"));
    must(sys_symlink("../b/c", "a/b/r"));
    say_file("dots", "a/./b/../b//c");
    say_file("link", "l/c");
    say_file("relative", "l/r");
    say_file("through-link-up", "l/../b/c");
    say_file("file-slash", "a/b/c/");
    say_file("file-dot", "a/b/c/.");
    say_file("file-dotdot", "a/b/c/../c");
    say_file("absent", "a/x/../b/c");
    say_file("dir", "a/b");
    say_stat("link-slash", "l/");
    say_stat("link", "l");
}

static void lengths(void)
{
    static char path[8192], name[300];

    fresh();
    memset(name, 'n', 255);
    put_file(name, "longest");
    say_file("longest", name);
    name[255] = 'n';
    say_file("too-long", name);
    say_ok("create", sys_open(name, O_CREAT | O_WRONLY, 0644));
    say_call("mkdir", sys_mkdir(name, 0755));
    say_call("unlink", sys_unlink(name));
    for (int i = 0; i < 4094; i += 2)
        memcpy(path + i, "./", 2);
    path[4094] = '\0';
    say_stat("4094", path);
    path[4094] = '.';
    say_stat("4095", path);
    path[4095] = '/';
    say_stat("4096", path);
}

static void many_links(void)
{
    char from[16], to[16];

    fresh();
    put_file("l0", "end");
    for (int i = 1; i <= 41; i++) {
        snprintf(from, sizeof from, "l%d", i - 1);
        snprintf(to, sizeof to, "l%d", i);
        must(sys_symlink(from, to));
    }
    say_file("forty", "l40");
    say_file("more", "l41");
}

static void relative_to_descriptors(void)
{
    fresh();
    must(sys_mkdir("d", 0755));
    put_file("d/f", "in d");
    put_file("f", "outside");
    int d = opened("d", O_RDONLY), f = opened("f", O_RDONLY);
    char text[16];
    say_bytes("in", text, sys_read(own((int)must(sys_openat(d, "f", O_RDONLY, 0))), text, 16));
    say_bytes("up", text, sys_read(own((int)must(sys_openat(d, "../f", O_RDONLY, 0))), text, 16));
    say_ok("file", sys_openat(f, "f", O_RDONLY, 0));
    say_ok("closed", sys_openat(999, "f", O_RDONLY, 0));
    say_ok("closed-absolute", own(sys_openat(999, "/", O_RDONLY, 0)));
    struct stat st;
    say_call("empty", sys_fstatat(d, "", &st, 0));
    say_call("empty-path", sys_fstatat(f, "", &st, AT_EMPTY_PATH));
    say_yes("is-file", S_ISREG(st.st_mode));
    say_call("flags", sys_fstatat(d, "f", &st, 0x8000));
    struct statx more;
    say_call("statx-empty", sys_statx(d, "", 0, STATX_ALL, &more));
    say_call("statx-empty-path", sys_statx(f, "", AT_EMPTY_PATH, STATX_ALL, &more));
    say_yes("is-file", S_ISREG(more.stx_mode));
    say_call("statx-flags", sys_statx(d, "f", 0x8000, STATX_ALL, &more));
    say_call("statx-both", sys_statx(d, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_ALL, &more));
    say_call("statx-mask", sys_statx(d, "f", 0, 0x80000000, &more));
    say_call("mkdirat", sys_mkdirat(d, "x", 0700));
    say_call("unlinkat", sys_unlinkat(d, "x", AT_REMOVEDIR));
    say_call("symlinkat", sys_symlinkat("f", d, "s"));
    say_bytes("readlinkat", text, sys_readlinkat(d, "s", text, sizeof text));
    say_call("linkat", sys_linkat(d, "f", AT_FDCWD, "g", 0));
    say_file("g", "g");
    say_call("renameat", sys_renameat(d, "f", d, "h"));
    say_file("h", "d/h");
    say_call("faccessat", sys_faccessat(d, "h", R_OK, 0));
}

static void standing_somewhere(void)
{
    char path[256];

    fresh();
    must(sys_mkdir("d", 0755));
    must(sys_symlink("d", "l"));
    put_file("f", "");
    say_call("link", sys_chdir("l"));
    must(SYS_GETCWD(path, sizeof path));
    say("name", strrchr(path, '/'));
    say_call("up", sys_chdir(".."));
    say_call("file", sys_chdir("f"));
    say_call("absent", sys_chdir("x"));
    int d = opened("d", O_RDONLY), f = opened("f", O_RDONLY);
    say_call("fchdir", sys_fchdir(d));
    say_call("fchdir-file", sys_fchdir(f));
    say_call("back", sys_chdir(".."));
    must(sys_rename("d", "renamed"));
    must(sys_fchdir(d));
    must(SYS_GETCWD(path, sizeof path));
    say("renamed", strrchr(path, '/'));
    say_call("short", SYS_GETCWD(path, 2));
    must(sys_chdir(".."));
}

const struct test_case path_cases[] = {
    CASE(ways), CASE(lengths), CASE(many_links), CASE(relative_to_descriptors), CASE(standing_somewhere),
    END_OF_CASES,
};
