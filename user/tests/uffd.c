/* User-level paging: what its tests share. */
#include "userfault.h"

int uffd_new(int flags)
{
	return (int)syscall(SYS_userfaultfd, flags);
}

int uffd_api(int fd, uint64_t features, struct uffdio_api *api)
{
	*api = (struct uffdio_api){ .api = UFFD_API, .features = features };
	return ioctl(fd, UFFDIO_API, api);
}

int uffd_open(int flags, uint64_t features)
{
	struct uffdio_api api;
	int fd = CHECK_OK(uffd_new(flags));

	CHECK_OK(uffd_api(fd, features, &api));
	return fd;
}

int uffd_register(int fd, void *p, size_t size, uint64_t mode)
{
	struct uffdio_register r = { .range = { (uintptr_t)p, size }, .mode = mode };

	return ioctl(fd, UFFDIO_REGISTER, &r);
}

int uffd_range(int fd, unsigned long request, void *p, size_t size)
{
	struct uffdio_range r = { (uintptr_t)p, size };

	return ioctl(fd, request, &r);
}

int uffd_copy(int fd, void *p, const void *from, size_t size, uint64_t mode, long *done)
{
	struct uffdio_copy c = { .dst = (uintptr_t)p, .src = (uintptr_t)from, .len = size,
				 .mode = mode };
	int err = ioctl(fd, UFFDIO_COPY, &c);

	if (done)
		*done = (long)c.copy;
	return err;
}

int uffd_zero(int fd, void *p, size_t size, uint64_t mode)
{
	struct uffdio_zeropage z = { .range = { (uintptr_t)p, size }, .mode = mode };

	return ioctl(fd, UFFDIO_ZEROPAGE, &z);
}

int uffd_protect(int fd, void *p, size_t size, uint64_t mode)
{
	struct uffdio_writeprotect w = { .range = { (uintptr_t)p, size }, .mode = mode };

	return ioctl(fd, UFFDIO_WRITEPROTECT, &w);
}

/* Wait for a fault; its uffd_page, and its flags. */
char *uffd_fault(int fd, uint64_t *flags)
{
	struct uffd_msg m;

	CHECK_EQ(read(fd, &m, sizeof(m)), sizeof(m));
	CHECK_EQ(m.event, UFFD_EVENT_PAGEFAULT);
	if (flags)
		*flags = m.arg.pagefault.flags;
	return (char *)(uintptr_t)m.arg.pagefault.address;
}

int uffd_open_wp(void)
{
	struct uffdio_api api;
	int fd = CHECK_OK(uffd_new(0));

	CHECK_OK(uffd_api(fd, 0, &api));
	if (!(api.features & UFFD_FEATURE_PAGEFAULT_FLAG_WP))
		SKIP("no write-protect mode here");
	return fd;
}

char uffd_page[4 * PAGE];

const void *uffd_page_of(char byte)
{
	memset(uffd_page, byte, sizeof(uffd_page));
	return uffd_page;
}

void *uffd_read_byte(void *p)
{
	return (void *)(uintptr_t)*(volatile unsigned char *)p;
}

void *uffd_write_byte(void *p)
{
	*(volatile char *)p = 'w';
	return NULL;
}

long thread_result(pthread_t t)
{
	void *result;

	CHECK_EQ(pthread_join(t, &result), 0);
	return (long)result;
}
