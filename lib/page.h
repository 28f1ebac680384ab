/*
 * Whole pages, by the shortest instruction sequence. Addresses are page aligned.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

void page_zero(void *page);
void page_copy(void *dst, const void *src);
static inline bool page_is_zero(const void *page)
{
	const uint64_t *p = page, *end = p + 512;

	while (p < end && !*p)
		p++;
	return p == end;
}
