/*
 * Checksums of files.
 */
#ifndef LIB_HASH_H
#define LIB_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_BLOCK	64
#define HASH_MAX	32

/* One hash being computed: MD5 (RFC 1321) or SHA-256 (FIPS 180-4). */
struct hash {
	const struct hash_kind *kind;
	uint32_t state[8];
	uint64_t total;			/* bytes so far */
	unsigned char block[HASH_BLOCK];
};

extern const struct hash_kind hash_md5, hash_sha256;

void hash_start(struct hash *h, const struct hash_kind *kind);
void hash_add(struct hash *h, const void *data, size_t n);
/* Stores the result in out and returns its length in bytes. */
size_t hash_end(struct hash *h, unsigned char out[HASH_MAX]);

#endif
