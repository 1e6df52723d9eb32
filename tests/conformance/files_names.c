/* SPDX-License-Identifier: BSD-2-Clause */
/* Names: made, linked, taken away, changed. */
#include "files.h"

static void making_and_removing(void)
{
    fresh();
    say_call("mkdir", sys_mkdir("d", 0755));
    say_call("again", sys_mkdir("d", 0755));
    say_call("slash", sys_mkdir("e/", 0755));
    say_call("absent", sys_mkdir("x/y", 0755));
    put_file("f", "");
    say_call("in-file", sys_mkdir("f/y", 0755));
    say_call("over-file", sys_mkdir("f", 0755));
    say_call("dot", sys_mkdir(".", 0755));
    say_call("dotdot", sys_mkdir("..", 0755));
    say_call("root", sys_mkdir("/", 0755));
    say_call("unlink-dir", sys_unlink("d"));
    say_call("rmdir-file", sys_rmdir("f"));
    put_file("d/x", "");
    say_call("not-empty", sys_rmdir("d"));
    say_call("unlink", sys_unlink("d/x"));
    say_call("unlink-again", sys_unlink("d/x"));
    say_call("rmdir", sys_rmdir("d"));
    say_call("rmdir-slash", sys_rmdir("e/"));
    say_call("unlink-slash", sys_unlink("f/"));
    say_call("rmdir-dot", sys_rmdir("."));
    say_call("rmdir-dotdot", sys_rmdir(".."));
    say_call("rmdir-root", sys_rmdir("/"));
    say_call("unlink-dot", sys_unlink("."));
    say_call("unlinkat-flags", sys_unlinkat(AT_FDCWD, "f", 0x4000));
    say_call("unlinkat", sys_unlinkat(AT_FDCWD, "f", 0));
}

static void where_a_removed_directory_is_no_more(void)
{
    fresh();
    must(sys_mkdir("d", 0755));
    int fd = opened("d", O_RDONLY);
    must(sys_rmdir("d"));
    say_ok("create", sys_openat(fd, "x", O_CREAT | O_WRONLY, 0644));
    say_call("mkdir", sys_mkdirat(fd, "x", 0755));
    say_ok("dot", own(sys_openat(fd, ".", O_RDONLY, 0)));
    say_ok("up", own(sys_openat(fd, "..", O_RDONLY, 0)));
    struct stat st;
    must(sys_fstat(fd, &st));
    say_int("links", (long)st.st_nlink);
    must(sys_fchdir(fd));
    char path[64];
    say_call("getcwd", SYS_GETCWD(path, sizeof path));
    must(sys_chdir(".."));
}

static void hard_links(void)
{
    fresh();
    put_file("a", "text");
    must(sys_mkdir("d", 0755));
    must(sys_symlink("a", "s"));
    say_call("link", sys_link("a", "b"));
    say_call("exists", sys_link("a", "b"));
    say_call("dir", sys_link("d", "e"));
    say_call("absent", sys_link("x", "y"));
    say_call("symlink", sys_link("s", "t"));
    say_call("follow", sys_linkat(AT_FDCWD, "s", AT_FDCWD, "u", AT_SYMLINK_FOLLOW));
    say_call("flags", sys_linkat(AT_FDCWD, "s", AT_FDCWD, "v", 0x4000));
    say_call("slash", sys_link("a", "w/"));
    say_stat("a", "a");
    say_stat("t", "t");
    say_stat("u", "u");
    int fd = opened("a", O_RDWR);
    must(sys_pwrite(fd, "T", 1, 0));
    say_file("b", "b");
    must(sys_unlink("a"));
    say_file("u", "u");
    say_stat("b", "b");
}

static void symbolic_links(void)
{
    char text[16];

    fresh();
    say_call("make", sys_symlink("nowhere", "l"));
    say_call("again", sys_symlink("nowhere", "l"));
    say_call("empty", sys_symlink("", "m"));
    say_call("empty-name", sys_symlink("x", ""));
    say_call("slash", sys_symlink("x", "n/"));
    say_bytes("read", text, sys_readlink("l", text, sizeof text));
    say_bytes("short", text, sys_readlink("l", text, 3));
    say_call("no-room", sys_readlink("l", text, 0));
    put_file("f", "");
    say_call("file", sys_readlink("f", text, sizeof text));
    say_call("absent", sys_readlink("x", text, sizeof text));
    say_stat("l", "l");
    say_file("through", "l");
    must(sys_symlink("loop", "loop"));
    say_file("loop", "loop");
    must(sys_symlink("p2", "p1"));
    must(sys_symlink("p1", "p2"));
    say_file("pair", "p1");
    say_call("unlink", sys_unlink("l"));
}

static void nodes(void)
{
    fresh();
    say_call("fifo", sys_mknod("fifo", S_IFIFO | 0640, 0));
    say_call("file", sys_mknod("file", S_IFREG | 0600, 0));
    say_call("zero", sys_mknod("zero", 0600, 0));
    say_call("socket", sys_mknod("socket", S_IFSOCK | 0600, 0));
    say_call("dir", sys_mknod("dir", S_IFDIR | 0700, 0));
    say_call("link", sys_mknod("link", S_IFLNK | 0700, 0));
    say_call("again", sys_mknod("file", S_IFREG | 0600, 0));
    say_stat("fifo", "fifo");
    say_stat("file", "file");
    say_stat("zero", "zero");
    say_stat("socket", "socket");
    say_ok("open-socket", sys_open("socket", O_RDONLY, 0));
}

const struct test_case name_cases[] = {
    CASE(making_and_removing), CASE(where_a_removed_directory_is_no_more), CASE(hard_links), CASE(symbolic_links),
    CASE(nodes), END_OF_CASES,
};

/* ---- renaming ---- */

static void renaming_files(void)
{
    fresh();
    put_file("a", "a");
    put_file("b", "b");
    must(sys_mkdir("d", 0755));
    say_call("over", sys_rename("a", "b"));
    say_file("b", "b");
    say_file("a", "a");
    say_call("absent", sys_rename("a", "c"));
    say_call("self", sys_rename("b", "b"));
    must(sys_link("b", "c"));
    say_call("same-inode", sys_rename("b", "c"));
    say_stat("still", "b");
    say_call("over-dir", sys_rename("b", "d"));
    say_call("into", sys_rename("b", "d/b"));
    say_call("slash", sys_rename("c", "e/"));
    say_call("from-slash", sys_rename("c/", "e"));
    say_call("to-empty", sys_rename("c", ""));
    say_call("dot", sys_rename(".", "x"));
    say_call("dotdot", sys_rename("c", ".."));
    say_call("in-file", sys_rename("c", "d/b/x"));
    say_call("noreplace", sys_renameat2(AT_FDCWD, "c", AT_FDCWD, "d/b", RENAME_NOREPLACE));
    say_call("noreplace-new", sys_renameat2(AT_FDCWD, "c", AT_FDCWD, "n", RENAME_NOREPLACE));
    say_call("both-flags",
        sys_renameat2(AT_FDCWD, "n", AT_FDCWD, "m", RENAME_NOREPLACE | RENAME_EXCHANGE));
}

static void renaming_directories(void)
{
    fresh();
    must(sys_mkdir("a", 0755));
    must(sys_mkdir("a/in", 0755));
    must(sys_mkdir("b", 0755));
    must(sys_mkdir("full", 0755));
    put_file("full/x", "");
    put_file("file", "");
    say_call("into-itself", sys_rename("a", "a/in/x"));
    say_call("over-above", sys_rename("a/in", "a"));
    say_call("over-file", sys_rename("a", "file"));
    say_call("over-full", sys_rename("a", "full"));
    say_call("over-empty", sys_rename("a", "b"));
    say_stat("b", "b");
    say_stat("in", "b/in");
    say_call("slashes", sys_rename("b/", "c/"));
    say_call("move", sys_rename("c/in", "full/in"));
    say_stat("c", "c");
    say_stat("full", "full");
    say_call("back", sys_rename("full/in/../in", "in"));
    say_stat("full", "full");
}

static void exchanging(void)
{
    fresh();
    put_file("f", "f");
    must(sys_mkdir("d", 0755));
    must(sys_mkdir("d/sub", 0755));
    must(sys_mkdir("e", 0755));
    say_call("swap", sys_renameat2(AT_FDCWD, "f", AT_FDCWD, "d", RENAME_EXCHANGE));
    say_file("d", "d");
    say_stat("f", "f");
    say_stat("sub", "f/sub");
    say_call("absent", sys_renameat2(AT_FDCWD, "f", AT_FDCWD, "x", RENAME_EXCHANGE));
    say_call("deep", sys_renameat2(AT_FDCWD, "d", AT_FDCWD, "f/sub", RENAME_EXCHANGE));
    say_stat("f", "f");
    say_stat("d", "d");
    say_call("itself", sys_renameat2(AT_FDCWD, "f", AT_FDCWD, "f/sub", RENAME_EXCHANGE));
}

const struct test_case rename_cases[] = {
    CASE(renaming_files), CASE(renaming_directories), CASE(exchanging), END_OF_CASES,
};
