/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes the first N bytes of the stream that httpd serves under /bytes/: SplitMix64, little-endian. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    uint64_t left = argc == 2 ? strtoull(argv[1], NULL, 10) : 0;
    uint64_t state = 0x72756d70;

    while (left > 0) {
        unsigned char bytes[8];
        uint64_t z = state += 0x9e3779b97f4a7c15;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        z ^= z >> 31;
        for (int i = 0; i < 8; i++)
            bytes[i] = (unsigned char)(z >> (8 * i));
        size_t count = left < 8 ? (size_t)left : 8;
        if (fwrite(bytes, 1, count, stdout) != count)
            return 1;
        left -= count;
    }
    return 0;
}
