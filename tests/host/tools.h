/*
 * mke2fs, e2fsck, debugfs and the shell over files in a folder of the test's own, and the disk of
 * shim/disk.h from and to such files.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Make the folder; remove it, with all that is in it. 0, or cmocka is told that it failed. */
int tools_begin(void);
int tools_end(void);

/* The path of `name` in the folder; one of two buffers, in turn. */
const char *tool_path(const char *name);

/* Run a line of the shell in the folder, its output in the file "log"; the status. */
int run(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, and the number that its output begins with, in C's notation. */
unsigned long number_of(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Show the log and fail, unless status is 0. */
void must(int status);

/* The disk's contents from a file of exactly its size; size bytes of data into a file. */
void disk_load(const char *name);
void image_store(const uint8_t *data, size_t size, const char *name);
