/*
 * Open files, descriptor tables and a process's place in the tree: what the rest of the kernel
 * needs of fs/. System calls on files live in fs/ too.
 */
#pragma once

#include "kernel/poll.h"
#include "kernel/uio.h"

struct inode;
struct dentry;
struct mount;
struct file;
struct fdtable;
struct fscontext;
struct cred;
struct object;
struct proc_text;

/* A name in the tree: which directory entry on which mount. Both referenced. */
struct path {
	struct mount *mnt;
	struct dentry *dentry;
};

/* --- open files --- */
/* Open files there are, and may be but for CAP_SYS_ADMIN (ENFILE): file-nr, file-max of proc(5). */
uint64_t file_count(void);
extern uint64_t file_max;
void file_max_changed(void);
bool files_full(void); /* for the running thread: a file would be -ENFILE */
struct file *file_get(struct file *f);
void file_put(struct file *f); /* may sleep: the last one closes */
#define OBJECT_ERROR_TOLD 1u /* in an object's error_seq */
/* What a file that is opened now counts as seen: an error nobody was told of is for it, too. */
uint32_t file_error_seen(const struct object *o);
/* A write-back error of o, f's object, that f has not been told yet: -errno once, else 0. */
int file_check_error(struct file *f, struct object *o);
/*
 * Open path (kernel memory) as the running thread: flags O_*, mode for O_CREAT. A referenced
 * file, or err_ptr. May sleep.
 */
struct file *file_open(const char *path, int flags, mode_t mode);
/* Open for execve: regular file, execute permission, not on a noexec mount; counts as denied to
 * writers (ETXTBSY) until file_put. */
struct file *file_open_exec(int dirfd, const char *path, int at_flags);
/* Read n bytes at pos into kernel memory; bytes read (short only at the end) or -errno. */
ssize64_t file_read_at(struct file *f, void *buf, size_t n, uint64_t pos);
ssize64_t file_write_at(struct file *f, const void *buf, size_t n, uint64_t pos);
uint64_t file_size(struct file *f);
struct object *file_object(struct file *f); /* page cache of a regular file; NULL if none */
/*
 * What mmap may do with f: it was opened for reading, for writing, lies on a noexec mount. ZERO:
 * what it gives is anonymous memory, as of /dev/zero. SWAP: it is a swap area. GROW: it is only
 * added to, and opened for that: to be mapped privately alone.
 */
enum {
	FILE_MAP_READ = 1, FILE_MAP_WRITE = 2, FILE_MAP_NOEXEC = 4, FILE_MAP_ZERO = 8,
	FILE_MAP_SWAP = 16, FILE_MAP_GROW = 32,
};
uint32_t file_map_mode(struct file *f);
/* As fsync(2) for bytes [start, end): data and what is needed to find it. 0 or -errno. */
int file_sync_range(struct file *f, uint64_t start, uint64_t end);
/* Name as /proc/PID/maps and exe show it; returns a pointer into buf, or err_ptr. */
char *file_path(struct file *f, char *buf, size_t size);
/* set-id bits of the inode for exec: fills what would change; 0 or -errno. */
struct exec_creds {
	bool set_uid, set_gid;
	uid_t uid;
	gid_t gid;
};
void file_exec_creds(struct file *f, struct exec_creds *out);
/* May the caller not read the program it executes? */
bool file_exec_unreadable(struct file *f);

#define IOV_FAST 8
/*
 * The iovec array of readv(2), count elements at user, in fast (IOV_FAST of them) or in freshly
 * allocated memory (*out, else NULL; for kfree), as a transfer. 0 or -errno.
 */
int iov_get(struct uio *u, uaddr_t user, uint64_t count, struct iovec64 *fast,
	    struct iovec64 **out);

/* --- descriptor tables: one per process or shared by CLONE_FILES --- */
struct fdtable *fdtable_create(void);
struct fdtable *fdtable_get(struct fdtable *t);	 /* for one more thread that uses it */
struct fdtable *fdtable_fork(struct fdtable *t); /* a copy; NULL: no memory */
void fdtable_put(struct fdtable *t); /* by such a thread; the last one closes all */
void fdtable_abandon(struct fdtable *t); /* the same for a thread that never ran */
/* Who looks at another's table keeps it, but not its files open when its threads are gone. */
struct fdtable *fdtable_hold(struct fdtable *t);
void fdtable_release(struct fdtable *t); /* NULL is nothing */
/* exec: leave a shared table, close what is FD_CLOEXEC. 0 or -ENOMEM. */
int fdtable_unshare(struct fdtable **t);
void fdtable_close_on_exec(struct fdtable *t);
/* A referenced file or NULL. */
struct file *fd_get(int fd);
/*
 * The same for the length of a system call: without a reference where the running thread alone has
 * the table, and nobody can close it meanwhile. *owned is for fd_return.
 */
struct file *fd_borrow(int fd, bool *owned);
static inline void fd_return(struct file *f, bool owned)
{
	if (unlikely(owned))
		file_put(f);
}
/* Lowest free descriptor >= from (RLIMIT_NOFILE), installed with f, whose
 * reference it takes over. On failure (-EMFILE, -ENOMEM) f stays the caller's. */
int fd_install(struct file *f, int from, bool cloexec);
/* A descriptor for f, whose reference goes with it, or is dropped. The number or -errno. */
static inline int fd_install_or_put(struct file *f, bool cloexec)
{
	int fd = fd_install(f, 0, cloexec);

	if (fd < 0)
		file_put(f);
	return fd;
}
/*
 * For a call that must not fail at the descriptor once it has something for it: the lowest free
 * number (-EMFILE, -ENOMEM), and what becomes of it: f, whose reference goes with it, or NULL,
 * nothing. Until then nobody can use it.
 */
int fd_reserve(void);
void fd_settle(int fd, struct file *f, bool cloexec);
int fd_close(int fd);
/*
 * The first descriptor at or after fd that is open, its file referenced in *f; NULL there when no
 * more is. For /proc/PID/fd.
 */
uint32_t fdtable_next(struct fdtable *t, uint32_t fd, struct file **f);
/* The file fd of t, which may be another process's, referenced, or NULL; and its FD_CLOEXEC. */
struct file *fdtable_file_cloexec(struct fdtable *t, uint32_t fd, bool *cloexec);
struct file *fdtable_file(struct fdtable *t, uint32_t fd);
/* The same of a thread, whose table may go at any time; NULL: it has none. Takes proc_lock. */
struct file *thread_file(const struct thread *t, uint32_t fd);
/* FD_CLOEXEC of a descriptor of the running thread: 0, 1; -EBADF. */
int fd_cloexec_get(int fd);
int fd_cloexec_set(int fd, bool on);

/* The AIO contexts of the running process end: it has no other thread, and execs or exits. */
struct process;
void aio_drop(struct process *p);
void aio_poll_init(void);

/* --- descriptors of processes and threads: pidfd_open(2) --- */
/* Whom one stands for; both referenced. */
struct pidfd_target {
	struct process *process;
	struct thread *thread; /* not its first one when this was made; NULL: the process */
	uint32_t flags;	       /* of the open file: PIDFD_THREAD, O_NONBLOCK */
};
/*
 * A new one, close-on-exec, for p; flags of PIDFD_*. With PIDFD_THREAD it stands for a thread: t,
 * or with t NULL the first one of p, whichever that is. The descriptor or -errno.
 */
int pidfd_create(struct process *p, struct thread *t, uint32_t flags);
/* What fd stands for, to be given to pidfd_put. 0 or -EBADF; with dirs also of /proc/PID. */
int pidfd_get(int fd, bool dirs, struct pidfd_target *out);
void pidfd_put(struct pidfd_target *target);
/* The number of whom it stands for; -1: that one has been waited for, or has left its number. */
pid_t pidfd_pid(const struct pidfd_target *target);
/* The process that fd stands for, referenced, or err_ptr: -EBADF, -ESRCH for another thread. */
struct process *pidfd_process(int fd);

/* --- root and working directory, umask: per process or shared by CLONE_FS --- */
struct fscontext *fscontext_create(void); /* at the root of the tree */
struct fscontext *fscontext_get(struct fscontext *c);
struct fscontext *fscontext_fork(struct fscontext *c);
void fscontext_put(struct fscontext *c);
/* *at, a thread's, becomes c, which may be NULL; who has proc_lock sees it and its users agree. */
void fscontext_replace(struct fscontext **at, struct fscontext *c);
/* So many threads use it: another process can change it, if that is more than the caller has. */
uint32_t fscontext_users(struct fscontext *c);
/* Root and working directory become the root of the running thread's mounts. */
void fscontext_to_top(struct fscontext *c);
/* *c, the running thread's, becomes one that nobody else has. 0 or -ENOMEM. */
int fscontext_unshare(struct fscontext **c);
