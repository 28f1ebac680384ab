/*
 * LZ4's block format: literals and copies of what came before, without a frame or a checksum around
 * them. For short inputs, such as pages. https://github.com/lz4/lz4, doc/lz4_Block_format.md
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define LZ4_INPUT_MAX 65535u
#define LZ4_DAMAGED   SIZE_MAX

/*
 * Where something was seen last, and what more there is of the hash of its first bytes; of any
 * contents before.
 */
struct lz4_table {
	uint32_t at[1024];
};

/*
 * n bytes (up to LZ4_INPUT_MAX) become at most max at dst. How many, or 0: that is too few, or
 * seemed to be: where nothing repeats it does not go on to the end. src, aligned to words, may
 * change meanwhile: a block of n bytes comes out all the same.
 */
size_t lz4_compress(const void *src, size_t n, void *dst, size_t max, struct lz4_table *table);
/* n bytes, whatever they are, become how many, at most max; LZ4_DAMAGED: not what they should. */
size_t lz4_decompress(const void *src, size_t n, void *dst, size_t max);
