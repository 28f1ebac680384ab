/*
 * procfs: the kernel's state as files, in Linux's formats. procfs.c is the tree, text.c what is
 * read and written; entries come from system.c (the machine), process.c and maps.c (a process).
 */
#pragma once

#include "fs/locks.h"
#include "kernel/line.h"

struct process;
struct aspace;
struct ns_type;
struct ipc_namespace;
struct blockdev;

/* A text that grows as it is printed. */
struct proc_text {
	struct mutex lock; /* RANK_TEXT: readers of one open file */
	char *buf;	/* kmalloc'ed */
	size_t len, cap;
	bool failed;	/* no memory: the read is ENOMEM */
	pid_t tid;	/* the thread it is about; 0: the process */
	int64_t fd;	/* the descriptor it is about; -1: none */
	uint32_t execs; /* of the process when the file was opened: it is about that program */
	struct ipc_namespace *ipc; /* of an entry with `ipc`: its opener's, referenced */
	/* Of what is made in pieces: where this one begins, and what the next one begins with. */
	uint64_t start;
	struct lock_cursor locks;
	uint32_t number;
};
void proc_printf(struct proc_text *t, const char *fmt, ...) __printf(2, 3);
void proc_append(struct proc_text *t, const char *s, size_t n);

/*
 * A number that can be read and, by who may write to the file, set. All three values have a sign
 * if max does not need the bit.
 */
struct proc_number {
	uint64_t *value; /* of an entry with `ipc`, in ipc_first: stands for that of the opener's */
	uint64_t min, max;
	void (*changed)(void); /* called after it was set; may be NULL */
};

#define PROC_LINE_MAX 128

/* A line of text that can be read and, by who may write to the file, set. */
struct proc_string {
	const struct line *line;	/* of at most PROC_LINE_MAX bytes; NULL: */
	struct line (*own)(void);	/* the running thread's */
	bool (*allowed)(const char *s); /* else EINVAL; NULL: anything */
};

/* A decimal number, maybe with white space around it. False: it is none. */
bool proc_number_parse(const char *s, uint64_t *value);
/*
 * n numbers in a line; as many as there are in text replace the first of values. False: one is
 * none, or above INT32_MAX, and nothing is replaced.
 */
#define PROC_NUMBERS_MAX 4
void proc_numbers_print(struct proc_text *t, const uint64_t *values, int n);
bool proc_numbers_parse(char *text, uint64_t *values, int n);

struct proc_entry {
	const char *name;
	mode_t mode; /* with type bits; 0 ends a list */
	const struct proc_entry *children; /* of a directory */
	/* Print the file. p is the process it belongs to, or NULL. 0 or -errno. May sleep. */
	int (*show)(struct proc_text *t, struct process *p);
	/* Or the next piece of it, as t says: nothing when there is no more. */
	int (*more)(struct proc_text *t);
	/* Or: it is a number, or a line, */
	const struct proc_number *number;
	const struct proc_string *string;
	/* or bytes at a position, which read(2) moves on: bytes moved or -errno. May sleep. */
	ssize64_t (*read)(struct proc_text *t, struct process *p, struct uio *u, uint64_t pos);
	ssize64_t (*write)(struct proc_text *t, struct process *p, struct uio *u, uint64_t pos);
	long (*ioctl)(struct proc_text *t, struct process *p, uint32_t cmd, uaddr_t arg);
	/* Take what was written, NUL-terminated. 0 or -errno. */
	int (*store)(struct process *p, char *text, size_t len);
	/* The same, of an entry with `ipc`. */
	int (*store_ipc)(struct ipc_namespace *ns, char *text);
	/* The same, of a thread, or with tid 0 of p's first. */
	int (*store_name)(struct process *p, pid_t tid, const char *name);
	/* A symbolic link: its text and, where it is more than text, the place. */
	ssize64_t (*readlink)(struct process *p, char *buf, size_t size);
	int (*follow)(struct process *p, struct path *out);
	const struct ns_type *ns;	/* Or a link to the process's namespace of this kind, */
	bool for_children;		/* or to what its children will have. */
	bool of_memory;			/* who opens it must be allowed to look into p, then */
	bool of_thread;			/* it stands in the directories of threads alone */
	bool sized;			/* it, or all below it, has a size that seeks know */
	bool unmoved;			/* seeks do nothing, whatever they ask for */
	bool admin;			/* only who has CAP_SYS_ADMIN sets it */
	bool ipc;			/* it is about the IPC namespace of who opened it */
	bool tasks;			/* a directory of threads, */
	const struct proc_entry *fds;	/* or of descriptors, each of which is this */
	/* A directory with one for each disk, or what such a one shows (sysfs); or with links. */
	enum { PROC_DISKS_NONE, PROC_DISKS_WHOLE, PROC_DISKS_ALL, PROC_DISKS_LINKS } disks;
	int (*show_disk)(struct proc_text *t, const struct blockdev *d);
	const char *link_disk; /* a link to what has the disk's name behind this */
	bool harts; /* a directory with one more for each hart, or what such a one shows (sysfs) */
	int (*show_hart)(struct proc_text *t, uint32_t hart);
};

struct proc_inode {
	struct inode vfs;
	const struct proc_entry *entry;
	struct process *process; /* referenced; NULL: not one's own */
	int64_t fd;		 /* of an entry of /proc/PID/fd or fdinfo, else -1 */
	pid_t tid;		 /* of an entry of /proc/PID/task, else 0 */
	struct blockdev *disk;	 /* whose directory it is or stands in, or NULL; or the hart: */
	uint32_t hart;		 /* its number + 1, or 0 */
};

static inline struct proc_inode *proc_i(struct inode *inode)
{
	return container_of(inode, struct proc_inode, vfs);
}

extern const struct file_ops proc_text_fops;	      /* text.c */
extern const struct proc_entry proc_root_entries[];   /* system.c */
extern const struct proc_entry proc_process_entries[]; /* process.c */
#define proc_task_entries (&proc_process_entries[1])  /* all but "task", the first */
extern const struct proc_entry proc_sys_entries[];     /* sysctl.c */
extern const struct proc_entry proc_pressure_entries[]; /* pressure.c */
extern const struct proc_entry proc_net_entries[], proc_sys_net_entries[]; /* net.c */
/* sysfs.c: the root of its own tree, the directories of a disk and of a partition, a link to one */
extern const struct proc_entry sysfs_root_entries[], proc_disk_dir, proc_partition_dir;
extern const struct proc_entry proc_disk_link, proc_loop_dir;
/* cpus.c: /sys/devices/system/cpu, the directory of a hart in it */
extern const struct proc_entry proc_cpu_entries[], proc_hart_dir, proc_node_entries[];
#if DEBUG
extern const struct proc_entry proc_debug_entries[]; /* tests/kernel/door.c */
#endif

void procfs_register(void);
/* How often, how much and for how long a disk was read and written: a line, without its name. */
void proc_show_disk_stats(struct proc_text *t, const struct blockdev *b);

/* What processes share with /proc, referenced; NULL when it is gone (a zombie). */
struct fdtable *proc_files(struct process *p);
/* The open file fd of p, referenced, or NULL. */
struct file *proc_fd_file(struct process *p, uint32_t fd);
/* The first thread of p whose tid is >= tid; 0: there is none. */
pid_t proc_task_next(struct process *p, pid_t tid);
/*
 * The memory of p, referenced, for an open file that is of_memory: NULL once p runs another program
 * than when it was opened, which may have more powers than who opened it; or none.
 */
struct aspace *proc_aspace(const struct proc_text *t, struct process *p);
/* PROCMAP_QUERY, on /proc/PID/maps. May sleep. */
long proc_maps_ioctl(struct proc_text *t, struct process *p, uint32_t cmd, uaddr_t user);
ssize64_t proc_read_mem(struct proc_text *t, struct process *p, struct uio *u, uint64_t pos);
ssize64_t proc_write_mem(struct proc_text *t, struct process *p, struct uio *u, uint64_t pos);
/* The name of the open file fd of p as /proc/PID/fd shows it, and the place itself. */
ssize64_t proc_fd_name(struct process *p, uint32_t fd, char *buf, size_t size);
int proc_fd_follow(struct process *p, uint32_t fd, struct path *out);
/*
 * The root, or else the working directory, of the thread tid of p (0: its first), referenced. 0,
 * -ENOENT: it has ended.
 */
int proc_place(struct process *p, pid_t tid, bool root, struct path *out);
int proc_show_mounts(struct proc_text *t, struct process *p);
int proc_show_mountinfo(struct proc_text *t, struct process *p);
int proc_show_shm(struct proc_text *t, struct process *p); /* sysvipc/shm */
int proc_show_msg(struct proc_text *t, struct process *p); /* sysvipc/msg */
int proc_show_sem(struct proc_text *t, struct process *p); /* sysvipc/sem */
int proc_show_sem_limits(struct proc_text *t, struct process *p); /* sys/kernel/sem */
int proc_store_sem_limits(struct ipc_namespace *ns, char *text);
/* memory.c */
int proc_show_meminfo(struct proc_text *t, struct process *p);
int proc_show_vmstat(struct proc_text *t, struct process *p);
int proc_show_buddyinfo(struct proc_text *t, struct process *p);
int proc_show_slabinfo(struct proc_text *t, struct process *p);
ssize64_t proc_read_kpagecount(struct proc_text *t, struct process *p, struct uio *u, uint64_t pos);
ssize64_t proc_read_kpageflags(struct proc_text *t, struct process *p, struct uio *u, uint64_t pos);
ssize64_t proc_read_pagemap(struct proc_text *t, struct process *p, struct uio *u, uint64_t pos);
/* fdinfo.c: what is in /proc/PID/fd, and in fdinfo */
extern const struct proc_entry proc_fd_link, proc_fd_info;
/* namespaces.c: what is in /proc/PID/ns; the text of such a link, and the place. 0 or -errno. */
extern const struct proc_entry proc_ns_entries[];
ssize64_t proc_ns_name(const struct proc_inode *pi, char *buf, size_t size);
int proc_ns_follow(const struct proc_inode *pi, struct path *out);
/* locks.c: /proc/locks; what p has locked by f, as lines of fdinfo */
void proc_show_file_locks(struct proc_text *t, const struct process *p, struct file *f);
int proc_more_locks(struct proc_text *t);
/* maps.c */
int proc_show_maps(struct proc_text *t, struct process *p);
int proc_show_smaps(struct proc_text *t, struct process *p);
int proc_show_smaps_rollup(struct proc_text *t, struct process *p);
/* devices.c */
int proc_show_devices(struct proc_text *t, struct process *p);
int proc_show_zoneinfo(struct proc_text *t, struct process *p);
/* oom.c */
int proc_show_oom_score(struct proc_text *t, struct process *p);
int proc_show_oom_score_adj(struct proc_text *t, struct process *p);
int proc_store_oom_score_adj(struct process *p, char *text, size_t len);
int proc_show_oom_adj(struct proc_text *t, struct process *p);
int proc_store_oom_adj(struct process *p, char *text, size_t len);
/* procfs.c: the process, referenced, whose /proc/PID the file is, or NULL: it is something else. */
struct process *proc_dir_process(const struct file *f);
/* May the running thread look at the insides of p: its memory, its files? */
bool proc_may_inspect(struct process *p);

/* keys.c */
int proc_show_keys(struct proc_text *t, struct process *p);
int proc_show_key_users(struct proc_text *t, struct process *p);
extern const struct proc_entry proc_sys_keys_entries[];
