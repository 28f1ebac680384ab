/*
 * Loop devices, loop(4), for losetup and mount.
 */
#ifndef USER_LIB_LOOP_H
#define USER_LIB_LOOP_H

#include <linux/loop.h>
#include <stdbool.h>
#include <stddef.h>

/* The name of a device that is free, made if need be, in buf. -1 with errno set on failure. */
int loop_free(char *buf, size_t size);
/*
 * Attach the file to the device; flags LO_FLAGS_*. The open device, which holds it if it is to
 * be cleared by itself; -1 with errno set on failure.
 */
int loop_attach(const char *device, const char *file, unsigned flags, unsigned long long offset,
		unsigned long long limit);

#endif
