// The RP2040's second boot stage: the boot ROM copies these 256 bytes from the start of the flash
// into RAM and runs them if their CRC is right. They let the flash be read like memory, by the
// command that every flash chip knows (03h, one bit at a time), and start the application behind.
// Sections: RP2040 datasheet.
//
// SPDX-License-Identifier: Apache-2.0

    .syntax unified
    .section .boot2, "ax"
    .thumb

    .equ SSI_CTRLR0, 0x00 // 4.10.13
    .equ SSI_CTRLR1, 0x04
    .equ SSI_SSIENR, 0x08
    .equ SSI_BAUDR, 0x14
    .equ SSI_SPI_CTRLR0, 0xf4

    .equ CLOCK_DIVIDER, 4 // 31 MHz of 125; the command is good for 50 (W25Q16JV, 9.6)

boot2:
    ldr r3, ssi
    movs r0, #0
    str r0, [r3, #SSI_SSIENR] // settings are taken while it is off
    movs r1, #CLOCK_DIVIDER
    str r1, [r3, #SSI_BAUDR]
    ldr r1, frame
    str r1, [r3, #SSI_CTRLR0]
    str r0, [r3, #SSI_CTRLR1] // one frame a read
    ldr r1, command
    movs r2, #SSI_SPI_CTRLR0
    str r1, [r3, r2]
    movs r0, #1
    str r0, [r3, #SSI_SSIENR]

    ldr r0, vectors
    ldr r1, vtor
    str r0, [r1]
    ldr r1, [r0, #0]
    ldr r2, [r0, #4]
    msr msp, r1
    bx r2

    .balign 4
ssi:
    .word 0x18000000
frame: // 32 bits at a time, standard SPI, an instruction and an address go before what is read
    .word (31 << 16) | (3 << 8)
command: // 03h of 8 bits, then 24 bits of address, each counted in fours
    .word (0x03 << 24) | (2 << 8) | (6 << 2)
vectors:
    .word 0x10000100
vtor:
    .word 0xe000ed08

    .org 252, 0
    // 2.8.1.3.1: CRC-32 of the 252 bytes, 04c11db7, from ones, not reflected; a build checks it
    .word 0x0b204a36
