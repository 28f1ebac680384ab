#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "user/lib/loop.h"

int loop_free(char *buf, size_t size)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), n;

	if (control < 0)
		return -1;
	n = ioctl(control, LOOP_CTL_GET_FREE);
	close(control);
	if (n >= 0)
		snprintf(buf, size, "/dev/loop%d", n);
	return n < 0 ? -1 : 0;
}

int loop_attach(const char *device, const char *file, unsigned flags, unsigned long long offset,
		unsigned long long limit)
{
	int mode = flags & LO_FLAGS_READ_ONLY ? O_RDONLY : O_RDWR, fd, loop, failed;
	struct loop_config config = {.info = {.lo_offset = offset, .lo_sizelimit = limit,
					      .lo_flags = flags}};

	fd = open(file, mode | O_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == EROFS))
		fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	loop = open(device, mode | O_CLOEXEC);
	config.fd = (unsigned)fd;
	strncpy((char *)config.info.lo_file_name, file, LO_NAME_SIZE - 1);
	failed = loop < 0 || ioctl(loop, LOOP_CONFIGURE, &config);
	close(fd);
	if (failed && loop >= 0)
		close(loop);
	return failed ? -1 : loop;
}
