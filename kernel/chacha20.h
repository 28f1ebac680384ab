/*
 * The ChaCha20 block function (RFC 8439, section 2.3).
 */
#pragma once

#include <stdint.h>

#define CHACHA20_KEY   32
#define CHACHA20_BLOCK 64

/* The 64-byte block for key (8 words), counter and nonce (3 words), as bytes in out. */
void chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3],
		    uint8_t out[CHACHA20_BLOCK]);
