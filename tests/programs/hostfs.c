/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does what lines of its input say with files of a rump kernel, and answers each with a line: what there is to say, or
 * the name of the error. `race DIRECTORY ROUNDS` goes into a directory that others exchange meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

static void say(long result, const char *text)
{
    puts(result < 0 ? strerrorname_np(errno) : text);
    fflush(stdout);
}

static long get(const char *path, char *text, size_t room)
{
    int fd = rump_sys_open(path, O_RDONLY, 0);
    long got;

    if (fd < 0)
        return fd;
    got = rump_sys_read(fd, text, room - 1);
    text[got < 0 ? 0 : got] = 0;
    rump_sys_close(fd);
    return got;
}

static long put(const char *path, const char *text, int flags)
{
    int fd = rump_sys_open(path, O_WRONLY | O_CREAT | flags, 0644);
    long put;

    if (fd < 0)
        return fd;
    put = rump_sys_write(fd, text, strlen(text));
    rump_sys_close(fd);
    return put;
}

/* The names in a directory, in the order they come. */
static long list(const char *path, char *text, size_t room)
{
    char entries[4096];
    int fd = rump_sys_open(path, O_RDONLY | O_DIRECTORY, 0);
    long got, at;
    size_t used = 0;

    if (fd < 0)
        return fd;
    text[0] = 0;
    while ((got = rump_sys_getdents64(fd, entries, sizeof entries)) > 0)
        for (at = 0; at < got; at += *(unsigned short *)(entries + at + 16)) {
            const char *name = entries + at + 19;

            if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && used + strlen(name) + 2 < room)
                used += (size_t)sprintf(text + used, "%s ", name);
        }
    rump_sys_close(fd);
    return got;
}

/* Keeps so many files open at once, writes all, and reads all back. */
static long many(const char *directory, int count)
{
    int *fds = calloc((size_t)count, sizeof *fds), at, back;
    char path[256];

    for (at = 0; at < count; at++) {
        snprintf(path, sizeof path, "%s/many%d", directory, at);
        if ((fds[at] = rump_sys_open(path, O_RDWR | O_CREAT, 0600)) < 0)
            return -1;
    }
    for (at = 0; at < count; at++)
        if (rump_sys_pwrite(fds[at], &at, sizeof at, 4) != sizeof at)
            return -1;
    for (at = 0; at < count; at++) {
        if (rump_sys_pread(fds[at], &back, sizeof back, 4) != sizeof back)
            return -1;
        if (back != at) {
            errno = EILSEQ;
            return -1;
        }
        rump_sys_close(fds[at]);
    }
    free(fds);
    return count;
}

static int race(const char *directory, int rounds)
{
    char secret[256], moved[256], made[256], text[64], names[1024];
    int entered = 0, kept_out = 0;
    struct stat st;

    snprintf(secret, sizeof secret, "%s/secret", directory);
    snprintf(moved, sizeof moved, "%s/moved", directory);
    snprintf(made, sizeof made, "%s/made", directory);
    while (rounds-- > 0) {
        if (get(secret, text, sizeof text) >= 0) {
            entered++;
            if (strcmp(text, "public") != 0)
                return printf("read: %s\n", text), 1;
        } else
            kept_out++;
        put(made, "made", O_TRUNC);
        rump_sys_chmod(made, 0604);
        rump_sys_truncate(made, 2);
        rump_sys_unlink(made);
        if (rump_sys_stat(directory, &st) == 0 && !S_ISDIR(st.st_mode))
            return printf("no directory: %o\n", st.st_mode), 1;
        if (list(directory, names, sizeof names) >= 0 && strstr(names, "hidden") != NULL)
            return printf("listed: %s\n", names), 1;
        rump_sys_rename(secret, moved);
        rump_sys_rename(moved, secret);
    }
    printf("entered %s, kept out %s\n", entered > 0 ? "yes" : "no", kept_out > 0 ? "yes" : "no");
    return 0;
}

static void obey(char *line)
{
    static char text[65536];
    char *verb = strtok(line, " \n"), *a = strtok(NULL, " \n"), *b = strtok(NULL, " \n");
    struct stat st;
    long done;

    text[0] = 0;
    if (verb == NULL || a == NULL)
        done = (errno = EINVAL, -1);
    else if (strcmp(verb, "get") == 0)
        done = get(a, text, sizeof text);
    else if (strcmp(verb, "put") == 0)
        done = put(a, b, O_TRUNC);
    else if (strcmp(verb, "append") == 0)
        done = put(a, b, O_APPEND);
    else if (strcmp(verb, "list") == 0)
        done = list(a, text, sizeof text);
    else if (strcmp(verb, "mkdir") == 0)
        done = rump_sys_mkdir(a, 0755);
    else if (strcmp(verb, "mkfifo") == 0)
        done = rump_sys_mknodat(AT_FDCWD, a, S_IFIFO | 0600, 0);
    else if (strcmp(verb, "rmdir") == 0)
        done = rump_sys_rmdir(a);
    else if (strcmp(verb, "unlink") == 0)
        done = rump_sys_unlink(a);
    else if (strcmp(verb, "rename") == 0)
        done = rump_sys_rename(a, b);
    else if (strcmp(verb, "link") == 0)
        done = rump_sys_link(a, b);
    else if (strcmp(verb, "symlink") == 0)
        done = rump_sys_symlink(a, b);
    else if (strcmp(verb, "chmod") == 0)
        done = rump_sys_chmod(a, (unsigned)strtoul(b, NULL, 8));
    else if (strcmp(verb, "truncate") == 0)
        done = rump_sys_truncate(a, atol(b));
    else if (strcmp(verb, "setxattr") == 0)
        done = rump_sys_setxattr(a, b, "value", 5, 0);
    else if (strcmp(verb, "many") == 0)
        done = many(a, atoi(b));
    else if (strcmp(verb, "readlink") == 0) {
        done = rump_sys_readlink(a, text, sizeof text - 1);
        text[done < 0 ? 0 : done] = 0;
    } else if (strcmp(verb, "stat") == 0) {
        if ((done = rump_sys_lstat(a, &st)) == 0)
            snprintf(text, sizeof text, "%o %ld %ld", st.st_mode, (long)st.st_nlink, (long)st.st_size);
    } else if (strcmp(verb, "cd") == 0) {
        if ((done = rump_sys_chdir(a)) == 0 && (done = rump_sys_getcwd(text, sizeof text)) < 0)
            text[0] = 0;
    } else
        done = (errno = ENOSYS, -1);
    say(done, text);
}

int main(int argc, char **argv)
{
    char line[1024];

    if (rump_init() != 0)
        return perror("rump_init"), 1;
    if (argc == 4 && strcmp(argv[1], "race") == 0)
        return race(argv[2], atoi(argv[3]));
    while (fgets(line, sizeof line, stdin) != NULL)
        obey(line);
    return 0;
}
