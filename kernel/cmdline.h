#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The kernel command line: /chosen/bootargs of the device tree, found by machine_init(), before
 * which it is empty.  Read-only, so no locks; any context.
 *
 * Words on it are separated by blanks.  When a key stands there more than once, the last counts.
 */

/* Whether the word stands there, alone ("quiet") or with a value ("root=..."). */
bool cmdline_has(const char *word);

/*
 * Copies the value of `key=value` to buf, NUL-terminated.  Returns its length, -ENOENT if the key
 * has no value there, or -ENAMETOOLONG (buf then is empty) if it does not fit.
 */
int cmdline_get(const char *key, char *buf, size_t size);

/*
 * The number in `key=number`: decimal, or hexadecimal after 0x, then perhaps K, M or G (powers of
 * 1024).  False, *value unchanged, if it is absent, malformed or over 64 bits.
 */
bool cmdline_number(const char *key, uint64_t *value);
