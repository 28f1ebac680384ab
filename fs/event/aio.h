/*
 * Linux AIO: the calls are in aio.c, requests that wait for a file to become ready in aiopoll.c.
 */
#pragma once

#include "fs/event/event.h"
#include "kernel/uapi/aio.h"

struct aio_context;
struct aio_poll;

/* One request, from its submission until somebody has got its event. */
struct aio_request {
	struct list_head link;	     /* (context->lock) under way, or done */
	struct aio_context *context; /* referenced */
	struct file *file;	     /* referenced, until it is done */
	struct file *told;	     /* the same: an eventfd, or NULL */
	struct aio_poll *poll;	     /* while it waits for the file */
	struct io_event event;
};

/*
 * The request waits until one of these events of its file has come about; then, or when it is
 * cancelled, aio_done is called, by a thread. 0; -ENOMEM, -EINVAL: nothing has happened. Sleeps.
 */
int aio_poll_begin(struct aio_request *r, uint32_t events);
/* The file knows nothing of the request any more. No lock of the file held. */
void aio_poll_free(struct aio_poll *p);
/* It is to end without an event. context->lock held: so it is still under way. */
void aio_poll_cancel(struct aio_request *r);
/* It is under way. False: its context ends. */
bool aio_start(struct aio_request *r);
/* It has ended with this result; r is not the caller's any more. May sleep. */
void aio_done(struct aio_request *r, int64_t res);

/* /proc/sys/fs/aio-nr and aio-max-nr: events that all contexts were made for. */
extern uint64_t aio_nr, aio_nr_max;

/* In read_write.c: what refuses a transfer before the file is asked, 0 or -errno; the transfer. */
int file_transfer_check(struct file *f, struct uio *u, uint32_t rwf, uint64_t pos, bool write);
ssize64_t file_transfer(struct file *f, struct uio *u, uint64_t pos, bool write);
/* In eventfd.c: a referenced eventfd, or err_ptr(-EBADF, -EINVAL); one more event. */
struct file *eventfd_get(int fd);
void eventfd_signal(struct file *f);
