#include "lib/bitmap.h"

#include "lib/bits.h"

/* The bits of word w that belong to [first, end), which reaches into that word. */
static inline uint64_t range_mask(size_t w, size_t first, size_t end)
{
	uint64_t mask = ~UINT64_C(0);

	if (w == first / 64)
		mask <<= first % 64;
	if (w == end / 64)
		mask &= ~(~UINT64_C(0) << (end % 64));
	return mask;
}

void bitmap_set_range(uint64_t *map, size_t first, size_t end)
{
	if (first >= end)
		return;
	for (size_t w = first / 64; w <= (end - 1) / 64; w++)
		map[w] |= range_mask(w, first, end);
}

void bitmap_clear_range(uint64_t *map, size_t first, size_t end)
{
	if (first >= end)
		return;
	for (size_t w = first / 64; w <= (end - 1) / 64; w++)
		map[w] &= ~range_mask(w, first, end);
}

/* The lowest bit of [first, end) that is set after inverting the map with flip. */
static size_t find(const uint64_t *map, size_t first, size_t end, uint64_t flip)
{
	size_t w = first / 64, at;
	uint64_t found;

	if (first >= end)
		return end;
	found = (map[w] ^ flip) & ~UINT64_C(0) << first % 64;
	while (!found && ++w <= (end - 1) / 64)
		found = map[w] ^ flip;
	if (!found)
		return end;
	/* The last word may go on behind the end. */
	at = w * 64 + ctz64(found);
	return at < end ? at : end;
}

size_t bitmap_find_zero(const uint64_t *map, size_t first, size_t end)
{
	return find(map, first, end, ~UINT64_C(0));
}

size_t bitmap_find_set(const uint64_t *map, size_t first, size_t end)
{
	return find(map, first, end, 0);
}

size_t bitmap_find_zero_run(const uint64_t *map, size_t first, size_t end, size_t count)
{
	if (!count)
		return first;
	while (first < end && end - first >= count) {
		size_t start = bitmap_find_zero(map, first, end);

		if (end - start < count)
			break;
		first = bitmap_find_set(map, start, start + count);
		if (first == start + count)
			return start;
	}
	return end;
}

size_t bitmap_count(const uint64_t *map, size_t first, size_t end)
{
	size_t count = 0;

	if (first >= end)
		return 0;
	for (size_t w = first / 64; w <= (end - 1) / 64; w++)
		count += popcount64(map[w] & range_mask(w, first, end));
	return count;
}
