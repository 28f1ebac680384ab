/*
 * The strings that a program is started with: arguments and environment, gathered in kernel memory
 * before the old program is gone, then laid on the new stack. execargs.c, for exec.c.
 */
#pragma once

#include "kernel/types.h"

#define ARG_CHUNK PAGE_SIZE
#define ARG_CHUNKS_MAX 512 /* 2 MiB: a quarter of the default stack limit, as Linux */

struct exec_args {
	char *chunks[ARG_CHUNKS_MAX]; /* the first nr_chunks of them */
	uint32_t nr_chunks;
	uint64_t used;	   /* bytes of strings, NULs included */
	uint64_t limit;	   /* bytes of strings and pointers allowed */
	uint32_t argc, envc;
};

void exec_args_init(struct exec_args *a, uint64_t limit);
void exec_args_free(struct exec_args *a);
/* Add one string. -E2BIG, -EFAULT, -ENOMEM. */
int exec_args_add(struct exec_args *a, const char *s);
int exec_args_add_user(struct exec_args *a, uaddr_t s);
/* All strings of a NULL-terminated user array; their number in *count. NULL array: none. */
int exec_args_add_user_array(struct exec_args *a, uaddr_t array, uint32_t *count);
int exec_args_add_array(struct exec_args *a, const char *const array[], uint32_t *count);
/* Drop the first string (argv[0]) and put the n given ones in its place: for scripts. */
int exec_args_replace_first(struct exec_args *a, const char *const with[], uint32_t n);
/* Write all strings to user memory at at: 0 or -EFAULT. */
int exec_args_write(const struct exec_args *a, uaddr_t at);
/* Position behind the string that begins at pos (both bytes into the strings). */
uint64_t exec_args_next(const struct exec_args *a, uint64_t pos);
