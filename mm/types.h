/*
 * The three structures that all of mm/ turns on: an address space has areas, an area maps pages of
 * an object. What may be done with them is in aspace.h, vma.h and object.h; only those files' own
 * .c files change them, the others read.
 */
#pragma once

#include "kernel/hart.h"
#include "kernel/mutex.h"
#include "lib/interval.h"
#include "lib/list.h"
#include "lib/radix.h"
#include "lib/rbtree.h"
#include "mm/pte.h"

struct aspace;
struct file;
struct frame;
struct object;

/*
 * What a kind of object can do. "=> BUSY" says that the frame comes BUSY (contents invalid, waited
 * for) and stays so; no other lock is held by the caller. All may sleep and do I/O.
 */
struct object_ops {
	const char *name;
	/*
	 * Fill n frames of consecutive indices with contents (zeros beyond the end or in a hole).
	 * => BUSY. The caller unmarks them. 0 or -errno for the lot (the caller then tries the
	 * frames one by one). Block file systems issue this as few merged requests.
	 */
	int (*read_pages)(struct object *o, uint64_t index, struct frame **frames, uint32_t n);
	/* Find out where page index lives: it will be read soon. NULL: nothing to do. May sleep. */
	void (*map_ahead)(struct object *o, uint64_t index);
	/*
	 * Around what write(2) does with one page, make_writable included, the change of the size
	 * (to `end` at most) and the marking dirty: one change of the volume. No frame is BUSY at
	 * write_begin. 0 or -errno, then without write_end. NULL, both: nothing to do.
	 */
	int (*write_begin)(struct object *o, uint64_t end);
	void (*write_end)(struct object *o);
	/*
	 * Bytes [from, to) of the page are about to be written to, by write(2) or a shared mapping
	 * (then: all of it that lies within the size): reserve what writing it back will need, so
	 * that it cannot fail for lack of space later. Called with a valid frame in the cache, or
	 * BUSY and about to be overwritten whole: never before the old contents are read, since a
	 * block that was just allocated holds somebody's old data. The object's lock is not held.
	 * 0, -ENOSPC, -EIO... NULL: nothing to do.
	 */
	int (*make_writable)(struct object *o, uint64_t index, uint32_t from, uint32_t to);
	/*
	 * Write n frames of consecutive indices to where they live. They are WRITEBACK: contents
	 * are stable. Returns when the I/O is done. 0 or -errno. NULL: to swap only. The inode
	 * lock may be held by the caller or not (flusher), so it must not be taken.
	 */
	int (*write_pages)(struct object *o, uint64_t index, struct frame **frames, uint32_t n);
	/*
	 * An area that maps it came (1: mapped, forked, split off) or went (-1). The object's lock
	 * is held. NULL: of no interest.
	 */
	void (*areas)(struct object *o, int change);
	/* The last reference is gone (shared anonymous memory). NULL: the owner's own business. */
	void (*release)(struct object *o);
};

/*
 * The mutex guards the set of areas and is held over walks of page tables. The tree of frames has
 * a spin lock of its own, so that a page can be looked up under any sleeping lock of a file system.
 */
struct object {
	const struct object_ops *ops;
	void *owner;		    /* the inode, device ...: the kind's */
	_Atomic int refs;
	_Atomic bool ending;	    /* object_destroy waits for the references of others */
	struct mutex lock;	    /* RANK_OBJECT */
	struct spinlock tree_lock;  /* RANK_TREE */
	struct radix frames;	    /* (tree_lock) index -> struct frame; tags DIRTY, WRITEBACK */
	uint64_t nr_frames;	    /* (tree_lock) */
	_Atomic uint64_t size;	    /* bytes; changed under the inode lock (owner's) */
	struct radix slots;	    /* (tree_lock) what kernel/swap/object.c knows of its pages */
	uint64_t nr_out;	    /* (tree_lock) pages in slots and not in frames */
	struct interval_set areas;  /* (lock) the vmas that map it, by index */
	uint32_t nr_writable_shared; /* (lock) MAP_SHARED areas that may be written to */
	_Atomic uint32_t nr_mapping; /* calls under way that will map it MAP_SHARED */
	uint64_t promised;	    /* pages, when it was made; 0: each as it comes */
	_Atomic bool write_sealed;   /* no new MAP_SHARED area may be written to, ever */
	_Atomic bool pinned;	    /* no page of it goes to swap */
	_Atomic int error;	    /* of the last write-back that failed: -errno */
	_Atomic uint32_t error_seq; /* changes with each error; odd: somebody has been told of it */
	struct list_head dirty_link; /* (that list's lock) has dirty pages, or some that can swap */
	uint64_t dirtied_at;	    /* (dirty list's lock) ns: when it first became dirty */
};

enum {
	VMA_SHARED = 1,	     /* MAP_SHARED: writes go to the object */
	VMA_GROWSDOWN = 2,   /* a stack: grows on touch below it */
	VMA_NORESERVE = 4,
	VMA_LOCKED = 8,	     /* mlock */
	VMA_LOCKONFAULT = 16,
	VMA_DONTFORK = 32,
	VMA_WIPEONFORK = 64,
	VMA_UFFD_MISSING = 128, /* kernel/userfault.h: who asks for pages that are not there */
	VMA_UFFD_WP = 256,	/* and for writes to pages that are protected */
	VMA_UFFD = VMA_UFFD_MISSING | VMA_UFFD_WP,
	VMA_STACK = 512,     /* the main stack, for /proc */
	VMA_DONTDUMP = 1024,
	VMA_HUGEPAGE = 2048,
	VMA_NOHUGEPAGE = 4096,
	VMA_MAYWRITE = 8192, /* mprotect may add PROT_WRITE (a shared file opened for writing) */
	VMA_DIRTIED = 16384, /* private: has had pages of its own (ANON); set by faults */
	VMA_ACCOUNT = 32768, /* its pages are promised: commit.h */
	VMA_SEQUENTIAL = 65536, /* read-ahead hints */
	VMA_RANDOM = 131072,
	VMA_SEALED = 262144, /* mseal: stays where and as it is */
	VMA_POLICY_SHIFT = 19, /* kernel/mempolicy.c: what mbind said of it */
	VMA_POLICY = 0x3ff << VMA_POLICY_SHIFT,
	VMA_FORKED = 1 << 29, /* DIRTIED when fork copied it: nothing new is joined to it */
};

/* (a) aspace lock as writer to change, reader to read; (o) object's lock */
struct vma {
	struct rb_node node;	/* (a) in aspace->areas, by address */
	uaddr_t start, end;	/* (a) page aligned, not empty */
	struct vma *prev, *next; /* (a) neighbours by address; next also chains the removed */
	uint64_t sub_gap;	/* (a) largest hole above an area of the subtree */
	uint32_t prot;		/* (a) PROT_READ, WRITE, EXEC */
	uint32_t flags;		/* (a) VMA_* */
	struct aspace *as;
	struct object *object;	/* referenced; NULL: anonymous */
	struct file *file;	/* referenced; may be NULL */
	uint64_t index;		/* (a, o) page index in the object of start */
	union {
		struct interval in_object;   /* (o) in object->areas */
		struct userfault *userfault; /* (a) with VMA_UFFD: in no object */
	};
};

static inline uint64_t vma_pages(const struct vma *v)
{
	return (v->end - v->start) >> PAGE_SHIFT;
}
/* Page index in the object of the page at va. */
static inline uint64_t vma_index(const struct vma *v, uaddr_t va)
{
	return v->index + ((va - v->start) >> PAGE_SHIFT);
}
/* Do writes stay with the process? */
static inline bool vma_private(const struct vma *v)
{
	return !(v->flags & VMA_SHARED);
}

/* The set of areas: a list in order and, if they are many, a tree. */
struct vma_tree {
	struct rb_root root; /* empty: the list is all there is */
	struct vma *first, *last;
	uint32_t count;
	struct vma *hint; /* last one found: a guess, readers race on it */
	/* No hole of top_len bytes lies above `top` and below top_high; NULL: not known. */
	struct vma *top;
	uint64_t top_len, top_high;
};

/* exec lays out a new space with these; as is not yet anyone's. */
struct exec_layout {
	uaddr_t start_code, end_code, start_data, end_data;
	uaddr_t start_brk, start_stack; /* end of the data; sp handed to the program */
	uaddr_t arg_start, arg_end, env_start, env_end;
	uaddr_t vdso, phdrs, base, entry, random, name; /* and in the auxiliary vector: */
	uint32_t nr_phdrs, uid, euid, gid, egid, secure, tells_vdso;
};

/* (a) lock as writer to change, as reader to read; (1) l1_lock */
struct aspace {
	_Atomic int refs;
	struct rwlock lock;	    /* RANK_ASPACE */
	struct vma_tree areas;	    /* (a) */
	uint64_t pages;		    /* (a) pages in all areas: RLIMIT_AS */
	uint64_t data_pages;	    /* (a) of them private, writable, no stack: RLIMIT_DATA */
	uint64_t locked_pages;	    /* (a) of them locked: RLIMIT_MEMLOCK */
	uint32_t lock_future;	    /* (a) VMA_LOCKED, VMA_LOCKONFAULT for areas to come */
	uaddr_t brk;		    /* (a) end of the heap, in bytes */
	uaddr_t mmap_top;	    /* (a) areas are placed below this */
	struct exec_layout layout;  /* (a) */
	uint64_t peak_rss;	    /* pages, as far as anyone looked */

	uint64_t satp;		    /* without the ASID */
	pte_t *root;
	struct spinlock l1_lock;    /* RANK_L1: entries above leaf tables, first time */
	uint32_t nr_tables;	    /* (1) page-table frames, the root included */
	uint32_t nr_detached;	    /* (1) detached leaf tables it shares */
	uint32_t nr_mega;	    /* (1) megapages */
	uint32_t forks;		    /* (a) of it, so far */
	bool no_thp, mdwe, mdwe_inherited; /* (a) prctl(2): kernel/prctl.c */
	uint32_t membarrier;	    /* commands it registered for: kernel/membarrier.c */

	uint64_t asid;		    /* tlb.c: generation << 16 | ASID; read without its lock */
	_Atomic hartmask_t harts;   /* those with it in satp */
	_Atomic hartmask_t stale;   /* those that must drop its entries before they run it again */

	struct list_head link;	    /* (aspaces_lock) */
	uint64_t oom_killed;	    /* ns: when it was killed for its memory; 0: it was not */
};
