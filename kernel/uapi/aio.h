/*
 * Linux AIO (io_submit(2)): structures of the Linux ABI.
 */
#pragma once

#include <stdint.h>

enum {
	IOCB_CMD_PREAD, IOCB_CMD_PWRITE, IOCB_CMD_FSYNC, IOCB_CMD_FDSYNC,
	IOCB_CMD_POLL = 5, IOCB_CMD_NOOP, IOCB_CMD_PREADV, IOCB_CMD_PWRITEV,
};

#define IOCB_FLAG_RESFD 1 /* an eventfd is told, too */

struct iocb {
	uint64_t aio_data; /* goes into the event */
	uint32_t aio_key;  /* set by the kernel: 0 */
	uint32_t aio_rw_flags;
	uint16_t aio_lio_opcode;
	int16_t aio_reqprio;
	uint32_t aio_fildes;
	uint64_t aio_buf;
	uint64_t aio_nbytes;
	int64_t aio_offset;
	uint64_t aio_reserved2;
	uint32_t aio_flags;
	uint32_t aio_resfd;
};

struct io_event {
	uint64_t data;
	uint64_t obj; /* address of the iocb */
	int64_t res, res2;
};
