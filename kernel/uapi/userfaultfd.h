/*
 * userfaultfd(2), ioctl_userfaultfd(2): numbers and structures of the Linux ABI.
 */
#pragma once

#include <stdint.h>

#define UFFD_API	    0xaa
#define UFFD_USER_MODE_ONLY 1

#define USERFAULTFD_IOC_NEW 0xaa00 /* of /dev/userfaultfd */
#define UFFDIO_API	    0xc018aa3f
#define UFFDIO_REGISTER	    0xc020aa00
#define UFFDIO_UNREGISTER   0x8010aa01
#define UFFDIO_WAKE	    0x8010aa02
#define UFFDIO_COPY	    0xc028aa03
#define UFFDIO_ZEROPAGE	    0xc020aa04
#define UFFDIO_MOVE	    0xc028aa05
#define UFFDIO_WRITEPROTECT 0xc018aa06
#define UFFDIO_CONTINUE	    0xc020aa07

#define UFFD_FEATURE_PAGEFAULT_FLAG_WP (1 << 0)
#define UFFD_FEATURE_SIGBUS	       (1 << 7)
#define UFFD_FEATURE_THREAD_ID	       (1 << 8)
#define UFFD_FEATURE_MOVE	       (1 << 16)

struct uffdio_api {
	uint64_t api;
	uint64_t features; /* wanted; then, all there are */
	uint64_t ioctls;   /* out: a bit for each, as below */
};

struct uffdio_range {
	uint64_t start, len;
};

#define UFFDIO_REGISTER_MODE_MISSING (1 << 0)
#define UFFDIO_REGISTER_MODE_WP	     (1 << 1)

struct uffdio_register {
	struct uffdio_range range;
	uint64_t mode;
	uint64_t ioctls; /* out */
};

#define UFFDIO_COPY_MODE_DONTWAKE (1 << 0)
#define UFFDIO_COPY_MODE_WP	  (1 << 1)

struct uffdio_copy {
	uint64_t dst, src, len, mode;
	int64_t copy; /* out: bytes, or -errno */
};

#define UFFDIO_MOVE_MODE_DONTWAKE	 (1 << 0)
#define UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES (1 << 1)

struct uffdio_move {
	uint64_t dst, src, len, mode;
	int64_t move; /* out: bytes, or -errno */
};

#define UFFDIO_ZEROPAGE_MODE_DONTWAKE (1 << 0)

struct uffdio_zeropage {
	struct uffdio_range range;
	uint64_t mode;
	int64_t zeropage; /* out: bytes, or -errno */
};

#define UFFDIO_WRITEPROTECT_MODE_WP	  (1 << 0)
#define UFFDIO_WRITEPROTECT_MODE_DONTWAKE (1 << 1)

struct uffdio_writeprotect {
	struct uffdio_range range;
	uint64_t mode;
};

#define UFFDIO_CONTINUE_MODE_DONTWAKE (1 << 0)

struct uffdio_continue {
	struct uffdio_range range;
	uint64_t mode;
	int64_t mapped; /* out: bytes, or -errno */
};

#define UFFD_EVENT_PAGEFAULT	  0x12
#define UFFD_PAGEFAULT_FLAG_WRITE (1 << 0)
#define UFFD_PAGEFAULT_FLAG_WP	  (1 << 1)

/* What read(2) gives. */
struct uffd_msg {
	uint8_t event; /* UFFD_EVENT_PAGEFAULT */
	uint8_t reserved1;
	uint16_t reserved2;
	uint32_t reserved3;
	struct {
		uint64_t flags, address;
		uint32_t ptid; /* with UFFD_FEATURE_THREAD_ID */
		uint32_t unused;
	} pagefault;
};
