/* SPDX-License-Identifier: BSD-2-Clause */
/* Files in memory: what mappings show, and what comes back from them. */
#include "files.h"

#include <sys/mman.h>

#ifdef RUMP
#define sys_mmap rump_sys_mmap
#define sys_msync rump_sys_msync
#define sys_munmap rump_sys_munmap
#else
#define sys_mmap mmap
#define sys_msync msync
#define sys_munmap munmap
#endif

static void say_map(const char *label, void *address)
{
    say_ok(label, address == MAP_FAILED ? -1 : 0);
}

static void private_maps_are_copies(void)
{
    fresh();
    put_file("f", "contents");
    int fd = opened("f", O_RDONLY);
    char *map = sys_mmap(NULL, 100, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    say_map("map", map);
    say_bytes("text", map, 8);
    say_yes("zeros", map[8] == 0 && map[4095] == 0);
    say_yes("aligned", (unsigned long)map % 4096 == 0);
    memcpy(map, "changed!", 8);
    say_call("msync", sys_msync(map, 100, MS_SYNC));
    say_file("file", "f");
    say_call("unmap", sys_munmap(map, 100));
}

static void shared_maps_go_back(void)
{
    fresh();
    put_file("f", "contents");
    int fd = opened("f", O_RDWR);
    char *map = sys_mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    say_map("map", map);
    memcpy(map, "CON", 3);
    map[100] = 'x';
    say_call("msync", sys_msync(map, 4096, MS_SYNC));
    say_file("synced", "f");
    memcpy(map + 3, "TENTS", 5);
    drop(fd);
    say_call("unmap", sys_munmap(map, 4096));
    say_file("unmapped", "f");
}

static void parts_of_files(void)
{
    static char block[4096];

    fresh();
    int fd = opened("f", O_CREAT | O_RDWR);
    for (char c = 'a'; c < 'd'; c++) {
        memset(block, c, sizeof block);
        must(sys_write(fd, block, sizeof block));
    }
    char *map = sys_mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
    say_map("map", map);
    say_yes("where", map[0] == 'b' && map[4096] == 'c');
    map[4096] = 'X';
    say_call("unmap", sys_munmap(map, 8192));
    must(sys_pread(fd, block, 1, 8192));
    say_yes("there", block[0] == 'X');
}

static void maps_that_cannot_be(void)
{
    fresh();
    put_file("f", "x");
    int reader = opened("f", O_RDONLY), writer = opened("f", O_WRONLY), dir = opened(".", O_RDONLY);
    say_map("none", sys_mmap(NULL, 0, PROT_READ, MAP_PRIVATE, reader, 0));
    say_map("odd", sys_mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, reader, 1));
    say_map("neither", sys_mmap(NULL, 4096, PROT_READ, 0, reader, 0));
    say_map("writer", sys_mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, writer, 0));
    say_map("shared-reader", sys_mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0));
    say_map("dir", sys_mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, dir, 0));
    say_map("closed", sys_mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 999, 0));
    int ends[2];
    must(sys_pipe(ends));
    own(ends[0]);
    own(ends[1]);
    say_map("pipe", sys_mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, ends[0], 0));
    say_call("msync-nowhere", sys_msync((void *)4096, 4096, MS_SYNC));
    say_call("msync-odd", sys_msync((void *)1, 4096, MS_SYNC));
    say_call("msync-flags", sys_msync((void *)4096, 4096, MS_SYNC | MS_ASYNC));
}

static void memory_of_no_file(void)
{
    char *map = sys_mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    say_map("map", map);
    say_yes("zeros", map[0] == 0 && map[9999] == 0);
    map[9999] = 1;
    say_call("unmap", sys_munmap(map, 10000));
}

const struct test_case map_cases[] = {
    CASE(private_maps_are_copies), CASE(shared_maps_go_back), CASE(parts_of_files), CASE(maps_that_cannot_be),
    CASE(memory_of_no_file), END_OF_CASES,
};
