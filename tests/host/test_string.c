/* lib/string.c and lib/printf.c against the host's own functions. */
#include "tests/host/test.h"

#include <string.h>

/* The kernel's functions under names of their own: the sanitizers keep the host's. */
#define memcpy	  k_memcpy
#define memmove	  k_memmove
#define memset	  k_memset
#define memcmp	  k_memcmp
#define memchr	  k_memchr
#define strlen	  k_strlen
#define strnlen	  k_strnlen
#define strcmp	  k_strcmp
#define strncmp	  k_strncmp
#define strchr	  k_strchr
#define strrchr	  k_strrchr
#define strstr	  k_strstr
#define strlcpy	  k_strlcpy
#define strlcat	  k_strlcat
#define vsnprintf k_vsnprintf
#define snprintf  k_snprintf
#include "lib/printf.c"
#include "lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strstr
#undef strlcpy
#undef strlcat
#undef vsnprintf
#undef snprintf

#define ROOM 512

static void fill(uint8_t *p, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)test_random(&seed);
}

/* Every alignment of both ends with lengths around the sizes where the loops change. */
static void test_memcpy(void **state)
{
	static const size_t lengths[] = {0, 1, 7, 8, 9, 15, 16, 17, 23, 31, 63, 64, 65, 127, 200};
	uint8_t src[ROOM], dst[ROOM], want[ROOM];

	(void)state;
	fill(src, ROOM, 1);
	for (size_t to = 0; to < 9; to++) {
		for (size_t from = 0; from < 9; from++) {
			for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
				memset(dst, 0xee, ROOM);
				memset(want, 0xee, ROOM);
				memcpy(want + to, src + from, lengths[i]);
				assert_ptr_equal(k_memcpy(dst + to, src + from, lengths[i]),
						 dst + to);
				assert_memory_equal(dst, want, ROOM);
			}
		}
	}
}

/* The buffers are exact heap blocks, so that the address sanitizer sees any stray access. */
static void test_memcpy_bounds(void **state)
{
	(void)state;
	for (size_t n = 1; n < 100; n++) {
		uint8_t *src = malloc(n), *dst = malloc(n);

		fill(src, n, n);
		k_memcpy(dst, src, n);
		assert_int_equal(k_memcmp(dst, src, n), 0);
		k_memset(dst, 0x5a, n);
		assert_int_equal(dst[n - 1], 0x5a);
		free(src);
		free(dst);
	}
}

static void test_memmove(void **state)
{
	uint8_t a[ROOM], b[ROOM];
	uint64_t seed = 7;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t n = test_random(&seed) % 200;
		size_t from = test_random(&seed) % (ROOM - 220);
		size_t near = from + test_random(&seed) % 20;
		size_t to = i % 2 ? near : test_random(&seed) % (ROOM - 200);

		fill(a, ROOM, seed | 1);
		memcpy(b, a, ROOM);
		memmove(a + to, a + from, n);
		k_memmove(b + to, b + from, n);
		assert_memory_equal(a, b, ROOM);
	}
}

static void test_memset(void **state)
{
	uint8_t a[ROOM], b[ROOM];

	(void)state;
	for (size_t at = 0; at < 9; at++) {
		for (size_t n = 0; n < 200; n++) {
			memset(a, 1, ROOM);
			memset(b, 1, ROOM);
			memset(a + at, 0x1a5, n);
			assert_ptr_equal(k_memset(b + at, 0x1a5, n), b + at);
			assert_memory_equal(a, b, ROOM);
		}
	}
}

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

static void test_compare(void **state)
{
	uint8_t a[64], b[64];
	uint64_t seed = 3;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t n = test_random(&seed) % 40, off = test_random(&seed) % 9;

		fill(a, 64, 5);
		memcpy(b, a, 64);
		b[test_random(&seed) % 64] = (uint8_t)test_random(&seed);
		assert_int_equal(sign(k_memcmp(a + off, b + off, n)),
				 sign(memcmp(a + off, b + off, n)));
		a[50] = b[50] = 0;
		assert_int_equal(sign(k_strcmp((char *)a + off, (char *)b + off)),
				 sign(strcmp((char *)a + off, (char *)b + off)));
		assert_int_equal(sign(k_strncmp((char *)a + off, (char *)b + off, n)),
				 sign(strncmp((char *)a + off, (char *)b + off, n)));
	}
	assert_int_equal(k_strncmp("abc", "abd", 2), 0);
	assert_true(k_strcmp("\xff", "a") > 0);
}

static void test_search(void **state)
{
	const char *s = "the cat sat";

	(void)state;
	assert_int_equal(k_strlen(""), 0);
	assert_int_equal(k_strlen(s), 11);
	assert_int_equal(k_strnlen(s, 5), 5);
	assert_int_equal(k_strnlen(s, 50), 11);
	assert_ptr_equal(k_strchr(s, 'a'), s + 5);
	assert_ptr_equal(k_strchr(s, 0), s + 11);
	assert_null(k_strchr(s, 'x'));
	assert_ptr_equal(k_strrchr(s, 'a'), s + 9);
	assert_ptr_equal(k_strrchr(s, 0), s + 11);
	assert_null(k_strrchr(s, 'x'));
	assert_ptr_equal(k_strstr(s, "at"), s + 5);
	assert_ptr_equal(k_strstr(s, ""), s);
	assert_null(k_strstr(s, "sate"));
	assert_ptr_equal(k_memchr(s, 's', 9), s + 8);
	assert_null(k_memchr(s, 's', 8));
}

static void test_strlcpy(void **state)
{
	char buf[8];

	(void)state;
	assert_int_equal(k_strlcpy(buf, "abc", sizeof(buf)), 3);
	assert_string_equal(buf, "abc");
	assert_int_equal(k_strlcat(buf, "defg", sizeof(buf)), 7);
	assert_string_equal(buf, "abcdefg");
	assert_int_equal(k_strlcat(buf, "h", sizeof(buf)), 8);
	assert_string_equal(buf, "abcdefg");
	assert_int_equal(k_strlcpy(buf, "123456789", sizeof(buf)), 9);
	assert_string_equal(buf, "1234567");
	buf[0] = 'x';
	assert_int_equal(k_strlcpy(buf, "abc", 0), 3);
	assert_int_equal(buf[0], 'x');
	assert_int_equal(k_strlcat(buf, "abc", 4), 7); /* no terminator within 4 */
}

#define CHECK(...)                                                                                 \
	do {                                                                                       \
		char got_[128], want_[128];                                                        \
		int len_ = snprintf(want_, sizeof(want_), __VA_ARGS__);                            \
		assert_int_equal(k_snprintf(got_, sizeof(got_), __VA_ARGS__), len_);               \
		assert_string_equal(got_, want_);                                                  \
	} while (0)

static void test_printf_numbers(void **state)
{
	static const long values[] = {0,	1,	   -1,	      9,	 10,	  255,
				      -128,	65535,	   INT32_MAX, INT32_MIN, 1L << 40,
				      INT64_MAX, INT64_MIN};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		long v = values[i];

		CHECK("%ld|%lu|%lx|%lX|%lo", v, v, v, v, v);
		CHECK("%d|%u|%x|%hd|%hhu|%hhd", (int)v, (int)v, (int)v, (short)v,
		      (unsigned char)v, (signed char)v);
		CHECK("%lld|%llx|%zu|%zd|%jd|%td", (long long)v, (long long)v, (size_t)v, v, v, v);
		CHECK("%5ld|%-5ld|%05ld|%+ld|% ld|%#lx", v, v, v, v, v, v);
		CHECK("%25ld|%-25ld|%025ld|%+025ld|%#025lx", v, v, v, v, v);
		CHECK("%.3ld|%.0ld|%10.3ld|%-10.3ld|%.30ld", v, v, v, v, v);
		CHECK("%*ld|%*ld|%.*ld|%.*ld", 12, v, -12, v, 5, v, -1, v);
		CHECK("%016lx|%#018lx|%08x", v, v, (int)v);
	}
}

static void test_printf_text(void **state)
{
	const char *volatile none = NULL;
	char buf[64];

	(void)state;
	CHECK("plain");
	CHECK("%s|%10s|%-10s|%.2s|%10.2s|%.*s", "abc", "abc", "abc", "abc", "abc", 1, "abc");
	CHECK("%c|%5c|%-5c|%%", 'x', 'y', 'z');
	CHECK("%.3s", (const char[]){'a', 'b', 'c'}); /* no terminator */
	k_snprintf(buf, sizeof(buf), "%p", (void *)0x1234);
	assert_string_equal(buf, "0x0000000000001234");
	k_snprintf(buf, sizeof(buf), "%s", none);
	assert_string_equal(buf, "(null)");
}

static void test_printf_odd(void **state)
{
	const char *volatile odd = "%q %";
	const char *volatile wide = "%99999999999d";
	char buf[64];

	(void)state;
	assert_int_equal(k_snprintf(buf, sizeof(buf), odd, 0), 4);
	assert_string_equal(buf, "%q %");
	assert_true(k_snprintf(buf, sizeof(buf), wide, 1) > 63);
}

static void test_printf_cut(void **state)
{
	char buf[8] = "xxxxxxx";

	(void)state;
	assert_int_equal(k_snprintf(buf, 0, "hello"), 5);
	assert_int_equal(buf[0], 'x');
	assert_int_equal(k_snprintf(buf, 1, "hello"), 5);
	assert_string_equal(buf, "");
	assert_int_equal(k_snprintf(buf, 4, "hello %d", 42), 8);
	assert_string_equal(buf, "hel");
	assert_int_equal(k_snprintf(NULL, 0, "%d", 12345), 5);
	assert_int_equal(scnprintf(buf, 4, "hello"), 3);
	assert_int_equal(scnprintf(buf, sizeof(buf), "hello"), 5);
	assert_int_equal(scnprintf(buf, 0, "hello"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memcpy),	      cmocka_unit_test(test_memcpy_bounds),
		cmocka_unit_test(test_memmove),	      cmocka_unit_test(test_memset),
		cmocka_unit_test(test_compare),	      cmocka_unit_test(test_search),
		cmocka_unit_test(test_strlcpy),	      cmocka_unit_test(test_printf_numbers),
		cmocka_unit_test(test_printf_text),   cmocka_unit_test(test_printf_odd),
		cmocka_unit_test(test_printf_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
