/* A file system of one file, and programs without buffers, for tests of mm/. */
#include "tests/host/shim/one_file.h"

#include "fs/file.h"
#include "kernel/uio.h"
#include "mm/pagecache.h"
#include "mm/usercopy.h"

struct file host_file;

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

bool cred_privileged(void)
{
	return true;
}

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
