/*
 * Opening for the kernel's own ends: what open(2) has no flags for.
 */
#pragma once

struct file;
struct path;

#define OPEN_EXEC   0x20      /* to be run */
#define OPEN_SILENT 0x4000000 /* nobody hears of the file's use, nor is asked for it */

/* What is at p, which stays the caller's, whoever may open it. A file or err_ptr. May sleep. */
struct file *file_open_silent(const struct path *p, int flags);
