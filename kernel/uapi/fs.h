/*
 * ioctl numbers of block devices in the Linux riscv64 ABI (ioctl_list(2)).
 */
#pragma once

#define BLKROGET     0x125eU	 /* int: read-only? */
#define BLKGETSIZE   0x1260U	 /* unsigned long: sectors of 512 bytes */
#define BLKFLSBUF    0x1261U	 /* write back what is cached */
#define BLKSSZGET    0x1268U	 /* int: logical block size */
#define BLKDISCARD   0x1277U	 /* uint64_t[2]: start and length in bytes */
#define BLKPBSZGET   0x127bU	 /* unsigned: physical block size */
#define BLKBSZGET    0x80081270U /* int: block size of the cache */
#define BLKGETSIZE64 0x80081272U /* uint64_t: bytes */
