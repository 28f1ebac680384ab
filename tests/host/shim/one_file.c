/* A file system of one file, and programs without buffers, for tests of mm/. */
#include "tests/host/shim/one_file.h"

#include "fs/file.h"
#include "kernel/machine.h"
#include "kernel/uio.h"
#include "mm/aspace.h"
#include "mm/pagecache.h"
#include "mm/usercopy.h"

struct file host_file;
struct object host_object;
uint8_t host_store[HOST_FILE_MAX][PAGE_SIZE];

static int read_pages(struct object *o, uint64_t index, struct frame **frames, uint32_t n)
{
	assert_ptr_equal(o, &host_object);
	for (uint32_t i = 0; i < n; i++) {
		assert_true(frame_has(frames[i], FRAME_BUSY));
		if (index + i < HOST_FILE_MAX)
			memcpy(frame_data(frames[i]), host_store[index + i], PAGE_SIZE);
		else
			memset(frame_data(frames[i]), 0, PAGE_SIZE);
	}
	return 0;
}

static int write_pages(struct object *o, uint64_t index, struct frame **frames, uint32_t n)
{
	assert_ptr_equal(o, &host_object);
	for (uint32_t i = 0; i < n; i++) {
		assert_true(frame_has(frames[i], FRAME_WRITEBACK));
		assert_true(index + i < HOST_FILE_MAX);
		memcpy(host_store[index + i], frame_data(frames[i]), PAGE_SIZE);
	}
	return 0;
}

static const struct object_ops host_object_ops = {
	.name = "file", .read_pages = read_pages, .write_pages = write_pages};

void host_file_start(unsigned pages)
{
	memset(host_store, 0, sizeof(host_store));
	object_init(&host_object, &host_object_ops, NULL, pages * PAGE_SIZE);
	host_file = (struct file){.object = &host_object};
}

int host_file_truncate(unsigned pages)
{
	memset(host_store + pages, 0, (HOST_FILE_MAX - pages) * PAGE_SIZE);
	return pagecache_truncate(&host_object, pages * PAGE_SIZE);
}

void host_file_end(void)
{
	assert_int_equal(pagecache_sync(&host_object, 0, OBJECT_INDEX_MAX), 0);
	object_destroy(&host_object);
}

void host_expect_empty(void)
{
	for (unsigned i = 0; i < machine.ram_count; i++) {
		const struct frame *f = frame_of_pa(machine.ram[i].base);
		const struct frame *end = f + (machine.ram[i].size >> PAGE_SHIFT);

		for (; f < end; f++) {
			assert_int_not_equal(frame_type(f), FRAME_ANON);
			assert_int_not_equal(frame_type(f), FRAME_OBJECT);
			assert_int_not_equal(frame_type(f), FRAME_PAGETABLE);
		}
	}
	assert_true(list_empty(&aspaces));
	assert_int_equal(host_file.refs, 0);
	frame_audit();
	host_kernel_check();
}

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

bool cred_capable(int cap)
{
	(void)cap;
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
