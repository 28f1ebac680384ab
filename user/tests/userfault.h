/* What the tests of user-level paging share: userfaultfd(2), ioctl_userfaultfd(2). */
#ifndef USER_TESTS_USERFAULT_H
#define USER_TESTS_USERFAULT_H

#include "vmlib.h"

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

#define MISSING UFFDIO_REGISTER_MODE_MISSING
#define WP	UFFDIO_REGISTER_MODE_WP

int uffd_new(int flags);
int uffd_api(int fd, uint64_t features, struct uffdio_api *api);
/* A descriptor that is ready for use; the same where writes can be protected, or skip. */
int uffd_open(int flags, uint64_t features);
int uffd_open_wp(void);
int uffd_register(int fd, void *p, size_t size, uint64_t mode);
int uffd_range(int fd, unsigned long request, void *p, size_t size);
/* *done, unless NULL: what the call says that it did. */
int uffd_copy(int fd, void *p, const void *from, size_t size, uint64_t mode, long *done);
int uffd_zero(int fd, void *p, size_t size, uint64_t mode);
int uffd_protect(int fd, void *p, size_t size, uint64_t mode);
/* Wait for a fault; its page, and its flags unless NULL. */
char *uffd_fault(int fd, uint64_t *flags);
/* Four pages of one byte, good until the next. */
extern char uffd_page[4 * PAGE];
const void *uffd_page_of(char byte);

/* For thread_begin: read a byte, write a 'w'. */
void *uffd_read_byte(void *p);
void *uffd_write_byte(void *p);
long thread_result(pthread_t t);

#endif
