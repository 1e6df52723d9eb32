/* SPDX-License-Identifier: BSD-2-Clause */
/* Files: what calls on names, contents, attributes, directories and pipes do, and how they fail. */
#include "files.h"

void fresh(void)
{
    static int count;
    char name[16];

    snprintf(name, sizeof name, "c%d", count++);
    must(sys_chdir(".."));
    must(sys_mkdir(name, 0755));
    must(sys_chdir(name));
}

void put_file(const char *path, const char *text)
{
    int fd = (int)must(sys_open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644));

    must(sys_write(fd, text, strlen(text)));
    must(sys_close(fd));
}

void say_file(const char *label, const char *path)
{
    char text[256];
    int fd = sys_open(path, O_RDONLY, 0);
    long got = fd;

    if (fd >= 0) {
        got = sys_read(fd, text, sizeof text);
        say_bytes(label, text, got);
        sys_close(fd);
    } else
        say_ok(label, fd);
}

int opened(const char *path, int flags)
{
    return own((int)must(sys_open(path, flags, 0644)));
}

void say_stat(const char *label, const char *path)
{
    struct stat st;
    char text[64];

    if (sys_lstat(path, &st) < 0) {
        say_ok(label, -1);
        return;
    }
    snprintf(text, sizeof text, "%o/%lu/%ld", st.st_mode, (unsigned long)st.st_nlink,
        S_ISDIR(st.st_mode) ? 0L : (long)st.st_size);
    say(label, text);
}

int main(int argc, char **argv)
{
    static const struct test_case *const groups[] = {
        open_cases, content_cases, name_cases, rename_cases, path_cases, attribute_cases, directory_cases,
        pipe_cases, lock_cases, copy_cases, watch_cases, map_cases, NULL,
    };
    int failed;
#ifdef RUMP
    /* The runner boots it, too; that it is there already is no matter. */
    if (sys_boot() != 0 || sys_mkdir("/begin", 0755) != 0 || sys_chdir("/begin") != 0) {
        perror("boot");
        return 1;
    }
#else
    char base[] = "/dev/shm/files-XXXXXX", command[64];

    if (mkdtemp(base) == NULL || chdir(base) != 0 || mkdir("begin", 0755) != 0 || chdir("begin") != 0) {
        perror(base);
        return 1;
    }
#endif
    sys_umask(022);
    failed = run_cases(argc, argv, groups);
#ifndef RUMP
    snprintf(command, sizeof command, "rm -rf %s", base);
    if (system(command) != 0)
        return 1;
#endif
    return failed;
}
