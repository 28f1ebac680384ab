/*
 * Pipes and FIFOs: a ring of pages, allocated as they fill. Bytes [tail, head) are in it; both
 * count up for ever and are taken modulo the ring's size. A packet (O_DIRECT) has a page of its
 * own, behind whose bytes head skips to the next. For pipe.c, pipesize.c, pipeuser.c, splice.c
 * and fcntl.c.
 */
#pragma once

#include "fs/vfs.h"
#include "kernel/async.h"

struct pipe {
	struct mutex lock;	/* RANK_PIPE: all but the counts of users */
	char **pages;		/* npages of them; NULL where nothing is */
	uint32_t npages;	/* a power of two */
	struct pipe_user *user;	/* who made it: his, all together, are limited */
	uint32_t *marks;	/* of pages that are not full: bytes, PIPE_PACKET; NULL: of none */
	uint64_t head, tail;
	uint32_t readers, writers; /* open files */
	uint32_t reader_opens, writer_opens; /* ever: a FIFO's open waits for a new one */
	bool held;		/* splice(2) reads, and has not said how much: others wait */
	uint64_t promised;	/* bytes of room for what splice(2) is reading: not for others */
	struct waitqueue read_wait, write_wait;
	struct async_list async;
	uint32_t users;		/* open files of either kind; a FIFO's inode lock */
};

#define PIPE_PACKET (1u << 31) /* whoever reads of it reads no further, and all of it is gone */

static inline uint64_t pipe_room(const struct pipe *p)
{
	return (uint64_t)p->npages * PAGE_SIZE - (p->head - p->tail) - p->promised;
}

/* So large anyone may make one (F_SETPIPE_SZ), in bytes; pages, a power of two. (pipe-max-size) */
extern uint64_t pipe_max_size;

/*
 * pipeuser.c: so many pages the pipes of one user may have before new ones are small, and before
 * there are none, without CAP_SYS_RESOURCE or CAP_SYS_ADMIN; 0: any number. (pipe-user-pages-*)
 */
extern uint64_t pipe_pages_soft, pipe_pages_hard;
/* For a pipe that the running thread's user makes; NULL: no memory. It goes with its pages. */
struct pipe_user *pipe_user_get(void);
void pipe_user_put(struct pipe_user *u, uint32_t pages);
/* So many pages it has at first, counted from now on; 0: it may not be made. */
uint32_t pipe_user_first(struct pipe_user *u);
/* It has n of them now; false: they would be more, and too many. */
bool pipe_user_resize(struct pipe_user *u, uint32_t was, uint32_t n);

/* The page that byte at lies in. */
static inline char **page_of(struct pipe *p, uint64_t at)
{
	return &p->pages[(at >> PAGE_SHIFT) & (p->npages - 1)];
}

/* The pipe that f is an end of, or NULL. */
struct pipe *file_pipe(struct file *f);
/*
 * Wait for bytes to read: 1; 0 at the end, when nobody will write any more; -EAGAIN or
 * -ERESTARTSYS. The lock is held, and let go of meanwhile.
 */
int pipe_await(struct pipe *p, bool nowait);
/* There is more to read, or more room: those who wait, and files with O_ASYNC, hear of it. */
void pipe_readable(struct pipe *p);
void pipe_drained(struct pipe *p);
/* The mark of the page that byte at lies in. */
static inline uint32_t *mark_of(struct pipe *p, uint64_t at)
{
	return p->marks ? &p->marks[(at >> PAGE_SHIFT) & (p->npages - 1)] : NULL;
}

/* Bytes to read from byte at on, in its page; 0: there are none. *packet: it is one. Lock held. */
size_t pipe_piece(struct pipe *p, uint64_t at, bool *packet);
/* The oldest n bytes, which lie in one page, go; whole: the rest of their packet too. Lock held. */
void pipe_consume(struct pipe *p, size_t n, bool whole);
/* Bytes moved out of the ring; lock held. *fault: user memory was bad. */
size_t pipe_take(struct pipe *p, struct uio *u, bool *fault);
/* Bytes moved into the ring; lock held. *err: why it stopped early, if not for room. */
size_t pipe_fill(struct pipe *p, struct uio *u, int *err);
/* Is there a whole page for one packet more? Lock held. */
bool pipe_packet_room(const struct pipe *p);
/* As pipe_fill, a page at a time as packets. */
size_t pipe_fill_packets(struct pipe *p, struct uio *u, int *err);

long pipe_size_get(struct file *f); /* bytes; -EBADF if f is no pipe */
/*
 * Room for size bytes, but no less than a page: what it has then; -EBADF: it is no pipe, -EINVAL:
 * nothing has so much, -EPERM: more than pipe_max_size, or than its user may have, -EBUSY: it holds
 * more now, -ENOMEM. Takes its lock.
 */
long pipe_size_set(struct file *f, uint64_t size);
