/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of files: modes, owners, times, extended attributes. */
#include "files.h"

static void modes(void)
{
    fresh();
    sys_umask(027);
    put_file("f", "");
    must(sys_mkdir("d", 0777));
    say_int("umask", sys_umask(022));
    say_stat("f", "f");
    say_stat("d", "d");
    say_call("chmod", sys_chmod("f", 07755));
    say_stat("f", "f");
    int fd = opened("f", O_RDWR);
    say_call("fchmod", sys_fchmod(fd, 0600));
    say_stat("f", "f");
    say_call("absent", sys_chmod("x", 0600));
    must(sys_symlink("f", "l"));
    say_call("link", sys_chmod("l", 0644));
    say_stat("f", "f");
    say_call("sticky", sys_chmod("d", 03777));
    must(sys_mkdir("d/sub", 0755));
    say_stat("sub", "d/sub");
    say_call("mkdir-bits", sys_mkdir("e", 07777));
    say_stat("e", "e");
}

static void owners(void)
{
    struct stat st;

    fresh();
    put_file("f", "");
    must(sys_chmod("f", 06755));
    say_call("chown", sys_chown("f", 12, 34));
    must(sys_stat("f", &st));
    say_int("user", st.st_uid);
    say_int("group", st.st_gid);
    say_stat("mode", "f");
    say_call("same", sys_chown("f", (uid_t)-1, 56));
    must(sys_stat("f", &st));
    say_int("user", st.st_uid);
    say_int("group", st.st_gid);
    must(sys_symlink("f", "l"));
    say_call("lchown", sys_lchown("l", 7, 8));
    must(sys_stat("f", &st));
    say_int("user", st.st_uid);
    must(sys_lstat("l", &st));
    say_int("link-user", st.st_uid);
    say_call("absent", sys_chown("x", 1, 1));
    say_call("flags", sys_fchownat(AT_FDCWD, "f", 1, 1, 0x8000));
    must(sys_mkdir("d", 0755));
    must(sys_chown("d", 0, 99));
    must(sys_chmod("d", 02755));
    put_file("d/f", "");
    must(sys_stat("d/f", &st));
    say_int("inherited", st.st_gid);
}

static void times(void)
{
    struct timespec times[2] = { { 1000000000, 123456789 }, { -5, 1 } };
    struct stat st, before;

    fresh();
    put_file("f", "");
    say_call("set", sys_utimensat(AT_FDCWD, "f", times, 0));
    must(sys_stat("f", &st));
    say_int("a", st.st_atim.tv_sec);
    say_int("ns", st.st_atim.tv_nsec);
    say_int("m", st.st_mtim.tv_sec);
    times[0].tv_nsec = UTIME_OMIT;
    times[1] = (struct timespec){ 5, 5 };
    say_call("omit", sys_utimensat(AT_FDCWD, "f", times, 0));
    must(sys_stat("f", &st));
    say_int("a", st.st_atim.tv_sec);
    say_int("m", st.st_mtim.tv_sec);
    times[1].tv_nsec = 1000000000;
    say_call("nonsense", sys_utimensat(AT_FDCWD, "f", times, 0));
    times[1].tv_nsec = UTIME_NOW;
    say_call("now", sys_utimensat(AT_FDCWD, "f", times, 0));
    must(sys_stat("f", &st));
    say_yes("recent", st.st_mtim.tv_sec > 900000000);
    say_call("null", sys_utimensat(AT_FDCWD, "f", NULL, 0));
    say_call("absent", sys_utimensat(AT_FDCWD, "x", NULL, 0));
    must(sys_symlink("x", "l"));
    say_call("link", sys_utimensat(AT_FDCWD, "l", NULL, AT_SYMLINK_NOFOLLOW));
    say_call("flags", sys_utimensat(AT_FDCWD, "f", NULL, 0x8000));

    must(sys_mkdir("d", 0755));
    times[0] = times[1] = (struct timespec){ 5, 5 };
    must(sys_utimensat(AT_FDCWD, "d", times, 0));
    put_file("d/new", "");
    must(sys_stat("d", &st));
    say_yes("create-changes-dir", st.st_mtim.tv_sec > 5);
    must(sys_utimensat(AT_FDCWD, "f", times, 0));
    must(sys_stat("f", &before));
    put_file("f", "x");
    must(sys_stat("f", &st));
    say_yes("write-changes", st.st_mtim.tv_sec > 5);
    must(sys_utimensat(AT_FDCWD, "f", times, 0));
    must(sys_chmod("f", 0600));
    must(sys_stat("f", &st));
    say_yes("chmod-keeps-m", st.st_mtim.tv_sec == 5);
    say_yes("chmod-changes-c", st.st_ctim.tv_sec > 5);
}

static void more_than_stat(void)
{
    struct stat st;
    struct statx more;

    fresh();
    put_file("f", "12345");
    must(sys_chmod("f", 04640));
    must(sys_link("f", "g"));
    must(sys_stat("f", &st));
    say_call("statx", sys_statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &more));
    say_int("basic", more.stx_mask & STATX_BASIC_STATS);
    say_int("mode", more.stx_mode);
    say_int("links", more.stx_nlink);
    say_int("size", (long)more.stx_size);
    say_yes("blocks", (blkcnt_t)more.stx_blocks == st.st_blocks);
    say_yes("inode", more.stx_ino == st.st_ino);
    say_yes("device", makedev(more.stx_dev_major, more.stx_dev_minor) == st.st_dev);
    say_yes("modified", more.stx_mtime.tv_sec == st.st_mtim.tv_sec && more.stx_mtime.tv_nsec == st.st_mtim.tv_nsec);
    say_yes("changed", more.stx_ctime.tv_sec == st.st_ctim.tv_sec && more.stx_ctime.tv_nsec == st.st_ctim.tv_nsec);
    say_call("birth", sys_statx(AT_FDCWD, "f", 0, STATX_BTIME, &more));
    say_yes("born", more.stx_mask & STATX_BTIME && more.stx_btime.tv_sec > 900000000);
    must(sys_symlink("f", "l"));
    say_call("link", sys_statx(AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &more));
    say_yes("is-link", S_ISLNK(more.stx_mode));
    say_call("absent", sys_statx(AT_FDCWD, "x", 0, STATX_ALL, &more));
}

static void units_by_statx(void)
{
    struct statx more;

    fresh();
    must(sys_mknod("n", S_IFCHR | 0600, makedev(0x345, 0x12345)));
    must(sys_statx(AT_FDCWD, "n", 0, STATX_ALL, &more));
    say_int("major", more.stx_rdev_major);
    say_int("minor", more.stx_rdev_minor);
}

static void access_as_root(void)
{
    fresh();
    put_file("f", "");
    must(sys_chmod("f", 0));
    say_call("read", sys_access("f", R_OK));
    say_call("write", sys_access("f", W_OK));
    say_call("run", sys_access("f", X_OK));
    must(sys_chmod("f", 0100));
    say_call("run", sys_access("f", X_OK));
    must(sys_mkdir("d", 0));
    say_call("dir", sys_access("d", X_OK));
    say_call("absent", sys_access("x", F_OK));
    say_call("nonsense", sys_access("f", 8));
}

static void groups(void)
{
    static gid_t list[65537];
    gid_t found[4] = { 0 };
    /* Hidden from the compiler, which knows better. */
    volatile int less = -1;

    say_call("set", sys_setgroups(3, (gid_t[]){ 30, 10, 20 }));
    say_int("count", sys_getgroups(0, NULL));
    say_int("get", sys_getgroups(4, found));
    say_yes("in-order", found[0] == 10 && found[1] == 20 && found[2] == 30 && found[3] == 0);
    say_call("short", sys_getgroups(2, found));
    say_call("negative", sys_getgroups(less, found));
    say_call("too-many", sys_setgroups(65537, list));
    say_call("most", sys_setgroups(65536, list));
    say_int("all", sys_getgroups(0, NULL));
    say_call("none", sys_setgroups(0, NULL));
    say_int("left", sys_getgroups(4, found));
}

static void extended_attributes(void)
{
    char value[16];

    fresh();
    put_file("f", "");
    say_call("absent", sys_getxattr("f", "trusted.a", value, sizeof value));
    say_call("replace", sys_setxattr("f", "trusted.a", "value", 5, XATTR_REPLACE));
    say_call("set", sys_setxattr("f", "trusted.a", "value", 5, 0));
    say_call("create", sys_setxattr("f", "trusted.a", "value", 5, XATTR_CREATE));
    say_call("length", sys_getxattr("f", "trusted.a", NULL, 0));
    say_call("short", sys_getxattr("f", "trusted.a", value, 3));
    say_bytes("get", value, sys_getxattr("f", "trusted.a", value, sizeof value));
    say_call("empty", sys_setxattr("f", "trusted.b", "", 0, 0));
    say_call("get-empty", sys_getxattr("f", "trusted.b", value, sizeof value));
    say_call("no-name", sys_setxattr("f", "", "x", 1, 0));
    say_call("no-space", sys_setxattr("f", "nothing", "x", 1, 0));
    say_call("flags", sys_setxattr("f", "trusted.a", "x", 1, 8));
    say_call("list", sys_listxattr("f", NULL, 0));
    say_call("list-short", sys_listxattr("f", value, 3));
    say_call("remove", sys_removexattr("f", "trusted.a"));
    say_call("remove-again", sys_removexattr("f", "trusted.a"));
    say_call("left", sys_listxattr("f", NULL, 0));
    must(sys_symlink("f", "l"));
    say_call("on-link", sys_lsetxattr("l", "user.a", "x", 1, 0));
    say_call("of-link", sys_lgetxattr("l", "trusted.b", value, sizeof value));
}

static void file_systems(void)
{
    struct statfs st;

    fresh();
    say_call("statfs", sys_statfs(".", &st));
    say_yes("tmpfs", st.f_type == 0x01021994);
    say_int("name", st.f_namelen);
    say_int("block", st.f_bsize);
    int fd = opened(".", O_RDONLY);
    say_call("fstatfs", sys_fstatfs(fd, &st));
    say_call("absent", sys_statfs("x", &st));
    say_call("syncfs", sys_syncfs(fd));
}

const struct test_case attribute_cases[] = {
    CASE(modes), CASE(owners), CASE(times), CASE(more_than_stat), OF_TMPFS(units_by_statx), CASE(access_as_root), CASE(groups), OF_TMPFS(extended_attributes),
    OF_TMPFS(file_systems),
    END_OF_CASES,
};
