#include "tests/host/shim/around_mm.h"

#include "fs/file.h"
#include "kernel/hart.h"
#include "kernel/random.h"
#include "kernel/sbi.h"
#include "kernel/uio.h"
#include "mm/pagecache.h"
#include "mm/usercopy.h"

struct file host_file;
struct process *init_process;

struct file *file_get(struct file *f)
{
	f->refs++;
	return f;
}

void file_put(struct file *f)
{
	assert_true(f->refs-- > 0);
}

struct object *file_object(struct file *f)
{
	return f->object;
}

uint32_t file_map_mode(struct file *f)
{
	(void)f;
	return FILE_MAP_READ | FILE_MAP_WRITE;
}

int file_sync_range(struct file *f, uint64_t start, uint64_t end)
{
	return pagecache_sync(f->object, start >> PAGE_SHIFT, (end - 1) >> PAGE_SHIFT);
}

struct file *fd_get(int fd)
{
	return fd == HOST_FD && host_file.object ? file_get(&host_file) : NULL;
}

uint64_t rlimit_get(int which)
{
	(void)which;
	return UINT64_MAX;
}

bool cred_privileged(void)
{
	return true;
}

uint64_t random_below(uint64_t limit)
{
	(void)limit;
	return 0;
}

void hart_call(hartmask_t mask, void (*func)(void *), void *arg)
{
	(void)mask;
	(void)func;
	(void)arg;
	fail_msg("there is no other hart");
}

void sbi_remote_sfence(uint64_t harts_mask, uint64_t va, uint64_t len)
{
	(void)va;
	(void)len;
	assert_int_equal(harts_mask, 0);
}

void sbi_remote_sfence_asid(uint64_t harts_mask, uint64_t va, uint64_t len, uint64_t asid)
{
	(void)va;
	(void)len;
	(void)asid;
	assert_int_equal(harts_mask, 0);
}

void sbi_remote_fence_i(uint64_t harts_mask)
{
	assert_int_equal(harts_mask, 0);
}

struct thread *kthread_create(const char *name, void (*func)(void *), void *arg)
{
	(void)name;
	(void)func;
	(void)arg;
	return NULL;
}

void thread_start(struct thread *t)
{
	(void)t;
}

struct process *process_next(pid_t pid)
{
	(void)pid;
	return NULL;
}

void process_put(struct process *p)
{
	(void)p;
}

int signal_process(struct process *p, int sig, const struct siginfo *info)
{
	(void)p;
	(void)sig;
	(void)info;
	return -ESRCH;
}

/* The programs of these tests have no buffers. */
int copy_to_user(uaddr_t to, const void *from, size_t n)
{
	(void)to;
	(void)from;
	return n ? -EFAULT : 0;
}

size_t uio_copy_to(struct uio *u, const void *buf, size_t n)
{
	(void)u;
	(void)buf;
	(void)n;
	return 0;
}

size_t uio_copy_from(struct uio *u, void *buf, size_t n)
{
	(void)u;
	(void)buf;
	(void)n;
	return 0;
}

int uio_fault_in(struct uio *u, size_t n, bool write)
{
	(void)u;
	(void)n;
	(void)write;
	return -EFAULT;
}

void uio_revert(struct uio *u, size_t n)
{
	(void)u;
	(void)n;
}
