/*
 * Loop devices, loop(4): ioctl numbers and structures of the Linux riscv64 ABI.
 */
#pragma once

#include <stdint.h>

#define LOOP_SET_FD	    0x4c00
#define LOOP_CLR_FD	    0x4c01
#define LOOP_SET_STATUS	    0x4c02
#define LOOP_GET_STATUS	    0x4c03
#define LOOP_SET_STATUS64   0x4c04
#define LOOP_GET_STATUS64   0x4c05
#define LOOP_CHANGE_FD	    0x4c06
#define LOOP_SET_CAPACITY   0x4c07
#define LOOP_SET_DIRECT_IO  0x4c08
#define LOOP_SET_BLOCK_SIZE 0x4c09
#define LOOP_CONFIGURE	    0x4c0a
#define LOOP_CTL_ADD	    0x4c80
#define LOOP_CTL_GET_FREE   0x4c82

#define LO_FLAGS_READ_ONLY 1
#define LO_FLAGS_AUTOCLEAR 4
#define LO_FLAGS_PARTSCAN  8
#define LO_FLAGS_DIRECT_IO 16

/* Of LOOP_SET_STATUS and LOOP_GET_STATUS; fields as below. */
struct loop_info {
	int32_t lo_number;
	uint32_t lo_device;
	uint64_t lo_inode;
	uint32_t lo_rdevice;
	int32_t lo_offset;
	int32_t lo_encrypt_type;
	int32_t lo_encrypt_key_size;
	int32_t lo_flags;
	char lo_name[64];
	uint8_t lo_encrypt_key[32];
	uint64_t lo_init[2];
	char reserved[4];
};

struct loop_info64 {
	uint64_t lo_device;
	uint64_t lo_inode;
	uint64_t lo_rdevice;
	uint64_t lo_offset;    /* bytes */
	uint64_t lo_sizelimit; /* bytes; 0: all of the file */
	uint32_t lo_number;
	uint32_t lo_encrypt_type;
	uint32_t lo_encrypt_key_size;
	uint32_t lo_flags; /* LO_FLAGS_* */
	uint8_t lo_file_name[64];
	uint8_t lo_crypt_name[64];
	uint8_t lo_encrypt_key[32];
	uint64_t lo_init[2];
};

struct loop_config {
	uint32_t fd;
	uint32_t block_size; /* 0: 512 */
	struct loop_info64 info;
	uint64_t reserved[8];
};
