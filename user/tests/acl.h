/*
 * Access lists as text: entries with blanks between them, "u::6 u:1000:7 g::4 g:50:2 m::6 o::0", in
 * this order, permissions as one octal digit.
 */
#ifndef USER_TESTS_ACL_H
#define USER_TESTS_ACL_H

#include "ut.h"

#define ACL_ACCESS  "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"
#define ACL_BYTES   4096

/* The value of the attribute; its size. */
size_t acl_value(char value[ACL_BYTES], const char *text);
/* The text of a value. */
void acl_text(char *text, size_t room, const char *value, size_t size);
/* setxattr(2): 0, or -1 with errno. */
int acl_set(const char *path, const char *name, const char *text);
/* Its list is that; "": it has none, and shows none. */
void acl_expect(const char *path, const char *name, const char *text);

#endif
