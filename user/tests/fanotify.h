/*
 * What the tests of fanotify share: groups that do not wait, and their next event.
 */
#ifndef USER_TESTS_FANOTIFY_H
#define USER_TESTS_FANOTIFY_H

#include "ut.h"

#include <poll.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>

#define MARK(g, flags, mask, path) fanotify_mark(g, flags, mask, AT_FDCWD, path)

static inline int group(unsigned flags)
{
	return (int)CHECK_OK(fanotify_init(flags | FAN_NONBLOCK, O_RDONLY));
}

/* The next event: its mask; its file, unless fd is NULL; 0: there is none. */
static inline uint64_t next(int g, int *fd)
{
	struct fanotify_event_metadata m;
	ssize_t n = read(g, &m, sizeof(m));

	if (n < 0) {
		CHECK_EQ(errno, EAGAIN);
		return 0;
	}
	CHECK_EQ(n, sizeof(m));
	CHECK_EQ(m.event_len, sizeof(m));
	CHECK_EQ(m.metadata_len, sizeof(m));
	CHECK_EQ(m.vers, FANOTIFY_METADATA_VERSION);
	if (fd)
		*fd = m.fd;
	else if (m.fd >= 0)
		CHECK_OK(close(m.fd));
	return m.mask;
}

static inline uint64_t heard(int g)
{
	return next(g, NULL);
}

#endif
