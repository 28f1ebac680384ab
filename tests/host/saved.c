#include "tests/host/shim/kernel.h"

#include "tests/host/saved.h"

#include "kernel/uapi/fcntl.h"
#include "tests/host/shim/syscalls.h"

#define BASE 2000 /* bytes of version 0 */
#define STEP 37

static uint8_t byte_of(unsigned version, size_t n)
{
	return (uint8_t)(version * 7 + n);
}

static long sync_and_close(long fd)
{
	long err = sys_fsync((uint64_t)fd);

	sys_close((uint64_t)fd);
	return err;
}

static long new_write(unsigned version)
{
	long fd = sys_openat(AT_FDCWD, (uint64_t)"/m/new", O_RDWR | O_CREAT | O_TRUNC, 0644);
	size_t len = BASE + version * STEP;
	long done;

	if (fd < 0)
		return fd;
	for (size_t n = 0; n < len; n++)
		BUFFER[n] = byte_of(version, n);
	done = sys_pwrite64((uint64_t)fd, (uint64_t)BUFFER, len, 0);
	if (done == (long)len)
		return sync_and_close(fd);
	sys_close((uint64_t)fd);
	return done < 0 ? done : -EIO;
}

long saved_write(unsigned version)
{
	long err = new_write(version), fd;

	if (!err)
		err = sys_renameat2(AT_FDCWD, (uint64_t)"/m/new", AT_FDCWD,
				    (uint64_t)"/m/saved", 0);
	if (err)
		return err;
	fd = sys_openat(AT_FDCWD, (uint64_t)"/m", O_RDONLY | O_DIRECTORY, 0);
	return fd < 0 ? fd : sync_and_close(fd);
}

void saved_check(unsigned promised)
{
	long fd = sys_openat(AT_FDCWD, (uint64_t)"/m/saved", O_RDONLY, 0), len;
	unsigned version;

	if (fd < 0) {
		assert_int_equal(promised, 0);
		return;
	}
	len = sys_pread64((uint64_t)fd, (uint64_t)BUFFER, BUFFER_SIZE, 0);
	sys_close((uint64_t)fd);
	assert_true(len > BASE && (len - BASE) % STEP == 0);
	version = (unsigned)(len - BASE) / STEP;
	assert_true(version >= promised);
	for (long n = 0; n < len; n++)
		assert_int_equal(BUFFER[n], byte_of(version, (size_t)n));
}
