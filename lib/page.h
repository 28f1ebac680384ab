/*
 * Whole pages, by the shortest instruction sequence. Addresses are page aligned.
 */
#pragma once

void page_zero(void *page);
void page_copy(void *dst, const void *src);
