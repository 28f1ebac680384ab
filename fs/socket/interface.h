/*
 * The machine's network interfaces: lo, and no other.
 */
#pragma once

#include "kernel/types.h"

struct nlmsghdr;

#define LO_INDEX	 1
#define INTERFACE_ANSWER 256 /* bytes, at most */

/*
 * What rtnetlink(7) answers to number's request: its bytes go to out, as many as are returned; or
 * -errno. The request is whole, and longer than its header.
 */
int interface_answer(const struct nlmsghdr *request, uint32_t number, uint8_t *out);
/* netdevice(7): -ENOTTY for other commands. */
long interface_ioctl(uint32_t cmd, uaddr_t arg);
