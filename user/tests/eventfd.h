/* The eight bytes that descriptors of events take and give. */
#ifndef USER_TESTS_EVENTFD_H
#define USER_TESTS_EVENTFD_H

#include "ut.h"

static inline void put(int fd, uint64_t value)
{
	CHECK_EQ(write(fd, &value, 8), 8);
}

static inline uint64_t get(int fd)
{
	uint64_t value = 0;

	CHECK_EQ(read(fd, &value, 8), 8);
	return value;
}

#endif
