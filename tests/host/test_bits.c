/* lib/bits.h, endian.h, hash.h, bitmap.c, crc.c and sort.c. */
#include "tests/host/test.h"

#include <string.h>

#include "lib/bitmap.h"
#include "lib/bits.h"
#include "lib/crc.h"
#include "lib/endian.h"
#include "lib/hash.h"
#include "lib/sort.h"

static void test_counting(void **state)
{
	uint64_t seed = 11;

	(void)state;
	for (unsigned n = 0; n < 64; n++) {
		uint64_t noise = test_random(&seed);
		volatile uint64_t x = BIT(n);

		assert_int_equal(ctz64(x), n);
		assert_int_equal(ilog2(x), n);
		assert_int_equal(ctz64(x | (noise & ~MASK(n, 0))), n);
		assert_int_equal(ilog2(x | (noise & (BIT(n) - 1))), n);
		assert_int_equal(ffs64(x), n + 1);
		assert_int_equal(fls64(x), n + 1);
		assert_int_equal(popcount64(noise), __builtin_popcountll(noise));
	}
	assert_int_equal(ffs64(0), 0);
	assert_int_equal(fls64(0), 0);
	assert_int_equal(popcount64(~UINT64_C(0)), 64);
	assert_int_equal(ctz64(8), 3);
	assert_int_equal(ilog2(9), 3);
}

static void test_rounding(void **state)
{
	(void)state;
	assert_int_equal(roundup_pow2(0), 1);
	assert_int_equal(roundup_pow2(1), 1);
	assert_int_equal(roundup_pow2(3), 4);
	assert_int_equal(roundup_pow2(4), 4);
	assert_int_equal(roundup_pow2(UINT64_C(1) << 63), UINT64_C(1) << 63);
	assert_int_equal(roundup_pow2((UINT64_C(1) << 63) + 1), 0);
	assert_true(is_power_of_2(64));
	assert_false(is_power_of_2(0));
	assert_false(is_power_of_2(6));
	assert_int_equal(ALIGN_UP(UINT64_C(0x100000001), 4096), UINT64_C(0x100001000));
	assert_int_equal(ALIGN_DOWN(UINT64_C(0xfffffffff123), 4096), UINT64_C(0xfffffffff000));
	assert_true(IS_ALIGNED(8192, 4096));
	assert_int_equal(DIV_ROUND_UP(9, 4), 3);
	assert_int_equal(MASK(3, 0), 0xf);
	assert_int_equal(MASK(63, 60), UINT64_C(0xf000000000000000));
	assert_int_equal(MIN(3, 2), 2);
	assert_int_equal(MAX(3, 2), 3);
}

static void test_endian(void **state)
{
	uint8_t b[9] = {0xff, 1, 2, 3, 4, 5, 6, 7, 8};
	uint8_t out[9] = {0xff};

	(void)state;
	assert_int_equal(load_le16(b + 1), 0x0201);
	assert_int_equal(load_be16(b + 1), 0x0102);
	assert_int_equal(load_le32(b + 1), 0x04030201);
	assert_int_equal(load_be32(b + 1), 0x01020304);
	assert_int_equal(load_le64(b + 1), UINT64_C(0x0807060504030201));
	assert_int_equal(load_be64(b + 1), UINT64_C(0x0102030405060708));
	store_be64(out + 1, UINT64_C(0x0102030405060708));
	assert_memory_equal(out, b, 9);
	store_le64(out + 1, UINT64_C(0x0807060504030201));
	assert_memory_equal(out, b, 9);
	store_be32(out + 1, 0x01020304);
	store_be16(out + 5, 0x0506);
	store_le16(out + 7, 0x0807);
	assert_memory_equal(out, b, 9);
	assert_int_equal(bswap64(UINT64_C(0x0102030405060708)), UINT64_C(0x0807060504030201));
}

/* Successive integers and pointers must not pile up in few buckets. */
static void test_hash(void **state)
{
	unsigned used[256] = {0}, most = 0;

	(void)state;
	for (uint64_t i = 0; i < 2560; i++)
		used[hash_u64(i * 64, 8)]++;
	for (unsigned i = 0; i < 256; i++)
		most = MAX(most, used[i]);
	assert_true(most < 40);
	assert_true(hash_bytes("abc", 3, 0) != hash_bytes("abd", 3, 0));
	assert_true(hash_bytes("abc", 3, 0) != hash_bytes("abc", 3, 1));
	assert_int_equal(hash_bytes("", 0, 0), UINT64_C(0xcbf29ce484222325));
	assert_int_equal(hash_bytes("a", 1, 0), UINT64_C(0xaf63dc4c8601ec8c)); /* FNV's page */
	assert_true(hash_mix(1, 2) != hash_mix(2, 1));
}

#define MAP_BITS 300

/* Each function against a loop over an array of bools. */
static void test_bitmap(void **state)
{
	BITMAP_DECLARE(map, MAP_BITS) = {0};
	bool model[MAP_BITS] = {false};
	uint64_t seed = 5;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t first = test_random(&seed) % MAP_BITS;
		size_t end = first + test_random(&seed) % (MAP_BITS - first + 1);
		size_t run = test_random(&seed) % 40, count = 0;
		size_t zero = end, set = end, at = end;

		if (round % 2)
			bitmap_set_range(map, first, end);
		else
			bitmap_clear_range(map, first, end);
		for (size_t i = first; i < end; i++)
			model[i] = round % 2;
		first = test_random(&seed) % MAP_BITS;
		end = first + test_random(&seed) % (MAP_BITS - first + 1);
		zero = set = at = end;
		for (size_t i = end; i-- > first;) {
			count += model[i];
			*(model[i] ? &set : &zero) = i;
		}
		for (size_t i = first; run && at == end && i + run <= end; i++) {
			size_t n = 0;

			while (n < run && !model[i + n])
				n++;
			if (n == run)
				at = i;
		}
		assert_int_equal(bitmap_find_zero(map, first, end), zero);
		assert_int_equal(bitmap_find_set(map, first, end), set);
		assert_int_equal(bitmap_count(map, first, end), count);
		assert_int_equal(bitmap_find_zero_run(map, first, end, run), run ? at : first);
		assert_int_equal(bitmap_all_zero(map, first, end), count == 0);
		assert_int_equal(bitmap_all_set(map, first, end), count == end - first);
	}
}

static void test_bitmap_bits(void **state)
{
	BITMAP_DECLARE(map, 128) = {0};

	(void)state;
	bitmap_set(map, 64);
	assert_true(bitmap_test(map, 64));
	assert_false(bitmap_test(map, 0));
	assert_int_equal(((uint8_t *)map)[8], 1); /* the order of ext2's bitmaps */
	bitmap_clear(map, 64);
	assert_int_equal(map[1], 0);
}

/* The check values that the catalogues of these codes give for "123456789". */
static void test_crc(void **state)
{
	const char *text = "123456789";
	uint32_t crc;

	(void)state;
	assert_int_equal(crc32(0, text, 9), 0xcbf43926);
	assert_int_equal(~crc32c(~0u, text, 9), 0xe3069283);
	assert_int_equal(crc16(0, text, 9), 0xbb3d);
	assert_int_equal(crc16(0xffff, text, 9), 0x4b37);
	crc = crc32(crc32(0, text, 4), text + 4, 5);
	assert_int_equal(crc, 0xcbf43926);
	crc = crc32c(crc32c(~0u, text, 4), text + 4, 5);
	assert_int_equal(~crc, 0xe3069283);
	assert_int_equal(crc32(0, text, 0), 0);
}

struct item {
	uint32_t key;
	uint8_t pad[3];
	uint8_t check;
};

static int item_compare(const void *a, const void *b, void *arg)
{
	const struct item *x = a, *y = b;

	(*(unsigned *)arg)++;
	return (x->key > y->key) - (x->key < y->key);
}

static void test_sort(void **state)
{
	static struct item items[1000];
	uint64_t seed = 9;

	(void)state;
	for (size_t n = 0; n <= 1000; n = n < 20 ? n + 1 : n * 2 - 10) {
		unsigned compares = 0;
		uint64_t sum = 0;

		for (size_t i = 0; i < n; i++) {
			items[i].key = n % 2 ? (uint32_t)(test_random(&seed) % 50) : (uint32_t)i;
			items[i].check = (uint8_t)(items[i].key * 7);
			sum += items[i].key;
		}
		sort(items, n, sizeof(items[0]), item_compare, &compares);
		for (size_t i = 0; i < n; i++) {
			assert_true(i == 0 || items[i - 1].key <= items[i].key);
			assert_int_equal(items[i].check, (uint8_t)(items[i].key * 7));
			sum -= items[i].key;
		}
		assert_int_equal(sum, 0);
		assert_true(compares <= 3 * (n + 1) * (ilog2(n + 1) + 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counting), cmocka_unit_test(test_rounding),
		cmocka_unit_test(test_endian),	 cmocka_unit_test(test_hash),
		cmocka_unit_test(test_bitmap),	 cmocka_unit_test(test_bitmap_bits),
		cmocka_unit_test(test_crc),	 cmocka_unit_test(test_sort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
