/* Reading a file into a buffer and writing it back without ever losing it. */
#ifndef EDIT_FILE_H
#define EDIT_FILE_H

#include "buffer.h"

/* Read a file into an empty buffer. Returns 0 or a negative errno. */
int file_load(struct buffer *buffer, const char *path);

/*
 * Write the text to a file. A regular file is replaced as a whole by rename(2) after the
 * new text is on the disk, so that a crash leaves either the old or the new one; its mode
 * and owner are kept, and a symbolic link stays one. Where that cannot be (a device, a
 * file with several links, a directory that may not be written) it is written in place.
 * The last line gets a newline if it has none. Returns 0 or a negative errno.
 */
int file_save(const struct buffer *buffer, const char *path);

#endif
