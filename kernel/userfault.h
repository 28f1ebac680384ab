/*
 * User-level paging (userfaultfd(2)): faults on areas that a program registered wait until the
 * program has brought the page, or has allowed the write. fs/event/userfaultfd.c has the calls,
 * userfault_range.c what they do to areas and pages, userfault.c those who wait.
 *
 * A fault is posted under the aspace lock as reader, and then looks at the entry once more before
 * it lets go and sleeps. Who resolves it changes the entry first and wakes then: one of the two
 * sees the other.
 */
#pragma once

#include "kernel/wait.h"
#include "mm/types.h"

/* What read(2) and ioctl(2) work on. Letter u: userfault_lock. */
struct userfault {
	struct list_head link;	  /* u; all of them */
	struct aspace *as;	  /* u; not referenced; NULL: the space is gone */
	struct list_head pending; /* u; faults that nobody has read yet, oldest first */
	struct list_head told;	  /* u; faults that were read and wait on */
	struct waitqueue readers;
	uint64_t features;	  /* u; UFFD_FEATURE_* that UFFDIO_API asked for */
	bool ready;		  /* u; UFFDIO_API was called */
	bool user_only;		  /* c; UFFD_USER_MODE_ONLY */
};

/* A fault that waits; on the stack of who does. */
struct userfault_wait {
	struct list_head link; /* u; empty: it need not wait any longer */
	struct waitqueue woken;
	uaddr_t va;
	uint32_t flags; /* UFFD_PAGEFAULT_FLAG_* */
	uint32_t tid;
	bool kernel;	/* not an access of the program itself */
};

extern uint64_t userfault_unprivileged; /* /proc/sys/vm/unprivileged_userfaultfd */

/* A new one for the running thread's space, without a call to UFFDIO_API. NULL: no memory. */
struct userfault *userfault_create(bool user_only);
/* Its areas are ordinary ones again, who waits is woken, and it is freed. May sleep. */
void userfault_destroy(struct userfault *u);
/* The space it is about, referenced; NULL: it is gone. */
struct aspace *userfault_space(struct userfault *u);
/* UFFDIO_API was called. 0; -EINVAL: not for the first time. */
int userfault_start(struct userfault *u, uint64_t features);
bool userfault_started(struct userfault *u);

/* Take the oldest fault that nobody has read: false if there is none. *tid is 0 if not wanted. */
bool userfault_take(struct userfault *u, uint64_t *flags, uaddr_t *va, uint32_t *tid);
bool userfault_any(struct userfault *u); /* is there one? */
/* Those that wait for pages of [start, end) try again. Does not sleep. */
void userfault_wake(struct userfault *u, uaddr_t start, uaddr_t end);

/*
 * mm/fault.c: w waits for the page at va, an access (enum vm_access) to which v's userfault was
 * asked to handle; wp: because the page is write-protected. False: it is a SIGBUS instead. The
 * aspace lock is held; then userfault_wait must be called without it.
 */
bool userfault_post(const struct vma *v, uaddr_t va, uint32_t access, bool wp,
		    struct userfault_wait *w);
void userfault_cancel(struct userfault_wait *w); /* it need not wait after all */
int userfault_wait(struct userfault_wait *w);	 /* 0; -ERESTARTNOINTR: a signal ended it */
/* mm/aspace.c: the space ends. */
void userfault_space_gone(const struct aspace *as);

/*
 * userfault_range.c: the ioctls on [start, end), page aligned, below USER_TOP. They take the
 * space's lock and may sleep; errors are those of ioctl_userfaultfd(2).
 */
/* Register it for flags (VMA_UFFD_*), or with 0 make it ordinary again. */
int userfault_register(struct userfault *u, struct aspace *as, uaddr_t start, uaddr_t end,
		       uint32_t flags);
/*
 * Bring pages that are missing: what the running thread has at *src, zeros if NULL. Bytes done, or
 * -errno if there are none.
 */
int64_t userfault_fill(struct aspace *as, uaddr_t start, uaddr_t end, const uaddr_t *src, bool wp);
/*
 * Pages at `from` become the missing ones of [start, end), in areas of the same kind; holes: where
 * there are none, there are none then. Bytes done, or -errno if there are none.
 */
int64_t userfault_move(const struct userfault *u, struct aspace *as, uaddr_t start, uaddr_t end,
		       uaddr_t from, bool holes);
/* Protect what is there, or allow writes again. */
int userfault_protect(struct aspace *as, uaddr_t start, uaddr_t end, bool wp);
/* Is all of it registered? */
bool userfault_covers(struct aspace *as, uaddr_t start, uaddr_t end);
