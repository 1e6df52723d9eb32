/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The least that boots the way of PVH: it writes a byte to the first serial port, and ends the machine.
 */
    .section .note.Xen, "a", @note
    .long 4, 4, 18          /* name's length, value's length, XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long _start

    .text
    .code32
    .globl _start
_start:
    mov $0x3f8, %dx
    mov $'\n', %al
    out %al, %dx
    mov $0xf4, %dx
    out %al, %dx
1:  hlt
    jmp 1b

    .section .note.GNU-stack, "", @progbits
