/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Has an image of ext4, its second MiB, and a directory of the host in a rump kernel, as programs for NetBSD's do:
 * `etfs IMAGE DIRECTORY`.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <rump/etfs.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpdefs.h>

#define IMAGE "/images/ext4"

static int failed(const char *what, int error)
{
    printf("%s: %s\n", what, strerrorname_np(error));
    return 1;
}

static long get(const char *path, char *text, size_t room)
{
    int fd = rump_sys_open(path, O_RDONLY, 0);
    long got;

    if (fd < 0)
        return -1;
    got = rump_sys_read(fd, text, room - 1);
    text[got < 0 ? 0 : got] = 0;
    rump_sys_close(fd);
    return got;
}

static int put(const char *path, const char *text)
{
    int fd = rump_sys_open(path, O_WRONLY | O_CREAT, 0644);
    long put = fd < 0 ? -1 : rump_sys_write(fd, text, strlen(text));

    rump_sys_close(fd);
    return put < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    static char text[4096];
    struct stat st;
    int error;

    if (argc != 3 || rump_init() != 0)
        return failed("rump_init", errno);
    if ((error = rump_pub_etfs_register(IMAGE, argv[1], RUMP_ETFS_BLK)) != 0)
        return failed("register", error);
    if (rump_sys_stat(IMAGE, &st) != 0 || !S_ISBLK(st.st_mode))
        return failed("stat", errno);
    /* The superblock's magic, through the node. */
    if (get(IMAGE, text, 2048) != 2047 || memcmp(text + 1024 + 56, "\x53\xef", 2) != 0)
        return failed("superblock", errno);
    if (rump_sys_mkdir("/mnt", 0755) != 0 || rump_sys_mount(IMAGE, "/mnt", "ext4", 0, NULL) != 0)
        return failed("mount", errno);
    if (get("/mnt/greeting", text, sizeof text) < 0)
        return failed("read", errno);
    printf("ext4 says %s\n", text);
    if (put("/mnt/answer", "from the kernel") != 0 || rump_sys_umount2("/mnt", 0) != 0)
        return failed("write", errno);
    if ((error = rump_pub_etfs_remove(IMAGE)) != 0)
        return failed("remove", error);

    error = rump_pub_etfs_register_withsize(IMAGE, argv[1], RUMP_ETFS_REG, 1024, 1024);
    if (error != 0 || get(IMAGE, text, sizeof text) != 1024 || memcmp(text + 56, "\x53\xef", 2) != 0)
        return failed("part", error);
    printf("again %s\n", strerrorname_np(rump_pub_etfs_register(IMAGE, argv[1], RUMP_ETFS_BLK)));
    printf("absent %s\n", strerrorname_np(rump_pub_etfs_register("/key", "/nowhere/at/all", RUMP_ETFS_BLK)));

    if ((error = rump_pub_etfs_register("/host", argv[2], RUMP_ETFS_DIR_SUBDIRS)) != 0)
        return failed("directory", error);
    if (get("/host/sub/file", text, sizeof text) < 0 || put("/host/new", "new") != 0)
        return failed("its files", errno);
    printf("the directory says %s\n", text);
    if ((error = rump_pub_etfs_remove("/host")) != 0)
        return failed("remove directory", error);
    printf("then %s\n", get("/host/sub/file", text, sizeof text) < 0 ? strerrorname_np(errno) : text);
    return 0;
}
