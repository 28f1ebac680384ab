/*
 * Shared subtrees: what tests of them share.
 */
#ifndef USER_TESTS_SUBTREE_H
#define USER_TESTS_SUBTREE_H

#include "user/tests/mountfd.h"
#include "user/tests/ut.h"

/* The optional fields of mountinfo; 0: it is not there. */
struct kind {
	unsigned int shared, master, from;
	bool unbindable;
};

/* Of the last mount on that directory. */
struct kind kind_of(const char *dir);
/* Is it nothing but a mount of that kind (MS_PRIVATE ...; MS_SHARED | MS_SLAVE: both)? */
void kind_check(const char *dir, unsigned long kind);
void kind_set(const char *dir, unsigned long kind);
/* A tmpfs on dir, which is made if need be, with a directory d in it. */
void volume_at(const char *dir);
void volume_shared_at(const char *dir);
/* What is at from, with what stands on it, also at dir, which is made if need be. */
void bind_to(const char *from, const char *dir);
/* A tmpfs on dir with a file of that name; is it there, are such there? */
void put_at(const char *dir, const char *file);
bool is_at(const char *dir, const char *file);
/* How many mounts there are. */
int mounts_now(void);

#endif
