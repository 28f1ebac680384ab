/*
 * Lock order: a thread takes locks in ascending rank only (DESIGN.md section 6). Debug kernels
 * check every acquisition and panic, naming both locks, on an inversion. Two locks of one rank
 * may nest only where the rank says so (RANK_NEST below) and the caller orders them by address.
 *
 * Sleeping locks come first: a spin lock is never held while waiting for one.
 */
#pragma once

enum lock_rank {
	RANK_NONE = 0, /* not checked: only for the console and the panic path */

	/* sleeping locks */
	RANK_IPC,      /* a System V object while it is made */
	RANK_FILE,     /* file position: held over read, write and getdents */
	RANK_TEXT,     /* text of an open file of procfs, while it is made */
	RANK_KEYS,     /* keys and keyrings */
	RANK_MOUNT,    /* the mount table */
	RANK_LOOP,     /* a loop device's file: it goes with the last mount */
	RANK_PARTITIONS, /* a disk's partitions, while its table is read */
	RANK_RENAME,   /* one rename at a time per file system */
	RANK_DIR,      /* directory inode; parent before child (nests) */
	RANK_INODE,    /* inode (nests: by address) */
	RANK_AIO,      /* contexts of a process; which requests wait for files */
	RANK_EVENT_TREE, /* which epoll instance watches which */
	RANK_EVENT,    /* an epoll instance (nests: the one that watches first), a timerfd */
	RANK_NTP,      /* by what the clock is corrected */
	RANK_CLOCK,    /* timers that go by CLOCK_REALTIME */
	RANK_SOCKET_READ, /* who receives from a socket */
	RANK_PIPE,     /* pipe contents */
	RANK_TTY,      /* terminal state and its reader */
	RANK_ASPACE,   /* address space, readers/writer */
	/* Metadata is read through the block device's object while these three are held. */
	RANK_JOURNAL,  /* journal handle */
	RANK_XATTR,    /* blocks of extended attributes, which files share */
	RANK_BLOCKMAP, /* a file's map from its blocks to the device's */
	RANK_SUPER,    /* file system's allocation state: group descriptors, bitmaps */
	RANK_OBJECT,   /* memory object (a sleeping lock: held over radix inserts) */
	RANK_BUSY,     /* BUSY frames, ascending index (nests) */
	RANK_BUF,      /* contents of a metadata block (nests: parent block before child) */
	RANK_SLEEP_LAST,

	/* spin locks */
	RANK_L1,       /* attach, detach, clone of leaf tables */
	RANK_RING,     /* ring of copies of one leaf table */
	RANK_LEAF,     /* leaf table (two: by address) */
	RANK_TREE,     /* an object's tree of frames */
	RANK_QUEUE,    /* reclaim queues */
	RANK_FRAME,    /* frame word, swap slot */
	RANK_DCACHE,   /* name cache, mount tree, roots and working directories */
	RANK_NOTIFY,   /* watches on files, and what they heard */
	RANK_USERFAULT, /* faults that wait for user space */
	RANK_ICACHE,   /* table of inodes, lists of dirty ones */
	RANK_JOURNALS, /* which journals are written */
	RANK_JLIST,    /* a journal's lists */
	RANK_IPC_TABLE, /* System V objects of one kind, and their table */
	RANK_LOCKED,   /* which files have had locks */
	RANK_FILES,    /* descriptor table, fs context, locks of a file */
	RANK_SOCKET,   /* what sockets have to do with one another */
	RANK_ACL,      /* access lists of inodes, asked and replaced */
	RANK_LOCKERS,  /* who waits for whose file lock; whom open files signal */
	RANK_PROC,     /* process tree, pid table */
	RANK_ITIMER,   /* a process's interval timer, while it is set */
	RANK_SIGNAL,   /* signal state of a process */
	RANK_SIGHAND,  /* signal actions */
	RANK_BACKING,  /* which loop device has which file */
	RANK_BLOCK,    /* block queue */
	RANK_DRIVER,   /* device registers */
	RANK_FUTEX,    /* futex bucket (nests: by address) */
	RANK_PI,       /* futexes that lend priority */
	RANK_WAITQ,    /* wait queue (nests: an epoll's below those of the files it watches) */
	RANK_WATCHES,  /* who watches an open file */
	RANK_READY,    /* an epoll instance's list of what is ready */
	RANK_PRESSURE, /* sums and averages of stalls */
	RANK_STALLS,   /* a hart's stalls */
	RANK_TIMER,    /* per-hart timers */
	RANK_RUNQ,     /* run queue (nests: by hart number) */
	RANK_SLAB,     /* slab cache */
	RANK_VMALLOC,  /* vmalloc area list */
	RANK_KMAP,     /* the kernel's own page table */
	RANK_BUDDY,    /* free frames */
	RANK_TLB,      /* address-space identifiers, shootdown */
	RANK_RANDOM,   /* entropy pool */
	RANK_CONSOLE,  /* printk ring */
	RANK_LAST,
};

/* Ranks of which a thread may hold two at once. */
#define RANK_NEST                                                                                  \
	((1UL << RANK_DIR) | (1UL << RANK_INODE) | (1UL << RANK_BUSY) | (1UL << RANK_BUF) |        \
	 (1UL << RANK_LEAF) | (1UL << RANK_FUTEX) | (1UL << RANK_RUNQ) |                   \
	 (1UL << RANK_EVENT) | (1UL << RANK_WAITQ))
