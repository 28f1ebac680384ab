/*
 * What others in the kernel have to say to a program through its socket of AF_NETLINK.
 */
#pragma once

#include "kernel/types.h"

struct packet;
struct socket;

/* A message that is written and not sent yet. */
struct netlink_letter {
	struct socket *to;     /* referenced; NULL: there is none */
	struct packet *packet;
};

/*
 * A letter of n bytes to the socket that fd is: 0, -EBADF, -ENOTSOCK, -EINVAL: of another family,
 * -ENOMEM. Sleeps.
 */
int netlink_letter_write(struct netlink_letter *l, int fd, const void *data, size_t n);
/* The letter, if there is one, is sent, its last byte changed; or thrown away. Neither fails. */
void netlink_letter_send(struct netlink_letter *l, uint8_t last);
void netlink_letter_drop(struct netlink_letter *l);
/*
 * n bytes for each who listens to NETLINK_KOBJECT_UEVENT; who has no room hears that something was
 * lost, and nobody hears anything when memory is out. Sleeps.
 */
void netlink_tell(const void *data, size_t n);
