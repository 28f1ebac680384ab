/*
 * lib/lz4.c: pages of many kinds and back, within every limit, in the format's own terms; a block
 * made by hand; damaged ones.
 */
#include "tests/host/test.h"

#include "lib/lz4.h"

#include <string.h>

#define PAGE 4096

static uint64_t seed = 88172645463325252u;
static struct lz4_table table;

static uint32_t below(uint32_t n)
{
	return (uint32_t)(test_random(&seed) % n);
}

/* Pieces of random lengths, each new or one that was there before. */
static void fill_repeats(uint8_t *p, uint32_t alphabet)
{
	for (uint32_t at = 0, n; at < PAGE; at += n) {
		bool again = at && below(2);
		uint32_t from = again ? below(at) : 0;

		n = 1 + below(below(10) ? 30 : 700);
		n = n < PAGE - at ? n : PAGE - at;
		for (uint32_t i = 0; i < n; i++)
			p[at + i] = again ? p[from + i] : (uint8_t)below(alphabet);
	}
}

enum { ZEROS, ONE_WORD, COUNTING, TEXT, RANDOM, REPEATS, FEW_LETTERS, HALF, SPARSE, KINDS };

static void fill(uint8_t *p, unsigned kind)
{
	static const char *const words[] = {"page ", "frame ", "slot ", "the ", "of ", "\n"};
	uint64_t word = test_random(&seed);

	memset(p, 0, PAGE);
	for (uint32_t i = 0; kind == ONE_WORD && i < PAGE; i++)
		p[i] = (uint8_t)(word >> i % 8 * 8);
	for (uint32_t i = 0; kind == COUNTING && i < PAGE / 4; i++)
		memcpy(p + (size_t)i * 4, &(uint32_t){(uint32_t)word + i * 3}, 4);
	for (uint32_t i = 0; kind == TEXT && i < PAGE - 8;)
		i += (uint32_t)snprintf((char *)p + i, PAGE - i, "%s", words[below(6)]);
	for (uint32_t i = 0; (kind == RANDOM || kind == HALF) && i < PAGE; i++)
		p[i] = kind == HALF && i < PAGE / 2 ? 7 : (uint8_t)below(256);
	if (kind == REPEATS || kind == FEW_LETTERS)
		fill_repeats(p, kind == REPEATS ? 256 : 3);
	for (uint32_t i = 0; kind == SPARSE && i < 20; i++)
		p[below(PAGE)] = (uint8_t)below(256);
}

/*
 * What the format says of a block of n bytes: the last five are literals, and no copy begins in the
 * last twelve.
 */
static void check_form(const uint8_t *b, size_t size, size_t n)
{
	size_t at = 0, made = 0, last_match = 0, literals = 0;

	while (at < size) {
		uint8_t token = b[at++];
		size_t more = token & 15u, c;

		literals = token >> 4;
		for (c = literals == 15 ? 255 : 0; c == 255;)
			literals += c = b[at++];
		at += literals;
		made += literals;
		if (at == size)
			break;
		last_match = made;
		assert_true((b[at] | b[at + 1] << 8) <= (int)made);
		at += 2;
		for (c = more == 15 ? 255 : 0; c == 255;)
			more += c = b[at++];
		made += more + 4;
	}
	assert_int_equal(made, n);
	assert_true(!last_match || (literals >= 5 && last_match + 12 <= n));
}

/* In memory of just that size, so that the sanitizer sees any byte beside it. */
static size_t round_trip(const uint8_t *page, size_t n, size_t max)
{
	uint8_t *in = malloc(n ? n : 1), *small = malloc(max ? max : 1), *out = malloc(n ? n : 1);
	size_t size;

	memcpy(in, page, n);
	memset(&table, below(256), sizeof(table));
	size = lz4_compress(in, n, small, max, &table);
	assert_true(size <= max);
	if (size) {
		small = realloc(small, size);
		check_form(small, size, n);
		assert_int_equal(lz4_decompress(small, size, out, n), n);
		assert_memory_equal(in, out, n);
		if (n)
			assert_int_equal(lz4_decompress(small, size, out, n - 1), LZ4_DAMAGED);
	}
	free(in);
	free(small);
	free(out);
	return size;
}

static void test_pages(void **state)
{
	static const size_t most[KINDS] = {40, 40, 4400, 2600, 4400, 4100, 3000, 2300, 300};
	uint8_t page[PAGE];

	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		for (unsigned kind = 0; kind < KINDS; kind++) {
			size_t size, n = below(PAGE + 1), again;

			fill(page, kind);
			size = round_trip(page, PAGE, 5000);
			assert_true(size && size <= most[kind]);
			/* With just enough it may give up too early, with less it must. */
			again = round_trip(page, PAGE, size);
			assert_true(!again || again == size);
			assert_int_equal(round_trip(page, PAGE, size - 1), 0);
			round_trip(page, n, below(PAGE));
			assert_true(round_trip(page, n, 5000));
		}
	}
}

/* Lengths around what fits into a token, or into one byte more. */
static void test_lengths(void **state)
{
	uint8_t page[2 * PAGE];

	(void)state;
	for (size_t n = 0; n < 700; n++) {
		memset(page, 1, n);
		assert_true(round_trip(page, n, 1000));
		for (size_t i = 0; i < n; i++)
			page[i] = (uint8_t)below(256);
		assert_true(round_trip(page, n, 1000));
		/* Literals, then a copy of all of them. */
		memcpy(page + n, page, n);
		memset(page + 2 * n, 0, 12);
		assert_true(round_trip(page, 2 * n + 12, 3000));
	}
}

static void test_longest(void **state)
{
	uint8_t *data = malloc(LZ4_INPUT_MAX);

	(void)state;
	for (size_t i = 0; i < LZ4_INPUT_MAX; i++)
		data[i] = (uint8_t)(i < 300 ? below(256) : 0);
	memcpy(data + LZ4_INPUT_MAX - 300, data, 300);
	assert_true(round_trip(data, LZ4_INPUT_MAX, 2000));
	free(data);
}

/* Pages in which nothing repeats are given up before they are through. */
static void test_gives_up(void **state)
{
	uint8_t page[PAGE], out[PAGE];

	(void)state;
	fill(page, RANDOM);
	assert_int_equal(lz4_compress(page, PAGE, out, PAGE * 3 / 4, &table), 0);
}

/* By hand: "abcd", a copy of six bytes from four behind, then 20 literals. */
static void test_by_hand(void **state)
{
	static const uint8_t block[] = "\x42""abcd\x04\0\xf0\x05""01234567890123456789";
	static const char wanted[] = "abcdabcdab01234567890123456789";
	char out[64];

	(void)state;
	assert_int_equal(lz4_decompress(block, sizeof(block) - 1, out, sizeof(out)), 30);
	assert_memory_equal(out, wanted, 30);
	assert_int_equal(lz4_decompress("\0", 1, out, sizeof(out)), 0);
}

static void test_damaged(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {
		{"", 0}, {"\x10", 1},		/* nothing; a literal is missing */
		{"\xf0", 1}, {"\xf0\xff", 2},	/* a length is missing, or does not end */
		{"\x10""a\x01", 3},		/* half a distance */
		{"\x10""a\0\0", 4},		/* from here */
		{"\x10""a\x02\0", 4},		/* from before the beginning */
		{"\x10""a\x01\0", 4},		/* ends with a copy */
		{"\x1f""a\x01\0\xff", 5},	/* the copy's length does not end */
		{"\x1f""a\x01\0\xff\0", 6},	/* longer than there is room */
	};
	uint8_t page[PAGE], block[5000], out[PAGE];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(lz4_decompress(bad[i].bytes, bad[i].n, out, 64), LZ4_DAMAGED);
	/* Any bytes: nothing outside is touched, which the sanitizer looks for. */
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t *exact;
		size_t n;

		fill(page, round % KINDS);
		n = lz4_compress(page, PAGE, block, sizeof(block), &table);
		for (unsigned i = below(4) + 1; i; i--)
			block[below((uint32_t)n)] = (uint8_t)below(256);
		n -= below(4) ? 0 : below((uint32_t)n);
		exact = malloc(n);
		memcpy(exact, block, n);
		n = lz4_decompress(exact, n, out, PAGE);
		assert_true(n <= PAGE || n == LZ4_DAMAGED);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),	  cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_longest),	  cmocka_unit_test(test_gives_up),
		cmocka_unit_test(test_by_hand),	  cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
