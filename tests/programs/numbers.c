/*
 * Large computations with integers: 128-bit arithmetic, random numbers of the library, regular
 * expressions and string functions over buffers that end at every alignment.
 */
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t power(uint64_t base, uint64_t exponent, uint64_t modulus)
{
	unsigned __int128 result = 1, factor = base;

	for (; exponent; exponent >>= 1) {
		if (exponent & 1)
			result = result * factor % modulus;
		factor = factor * factor % modulus;
	}
	return (uint64_t)result;
}

static int strings(void)
{
	static char from[300], to[300];
	int start, length, i;

	for (i = 0; i < 300; i++)
		from[i] = (char)('a' + i % 26);
	for (start = 0; start < 16; start++) {
		for (length = 0; length < 200; length++) {
			memset(to, 0, sizeof(to));
			memcpy(to + 16 - start, from + start, (size_t)length);
			if (memcmp(to + 16 - start, from + start, (size_t)length) != 0)
				return 1;
			if (strlen(to + 16 - start) != (size_t)length)
				return 2;
			memmove(to + 20 - start, to + 16 - start, (size_t)length);
			if (memcmp(to + 20 - start, from + start, (size_t)length) != 0)
				return 3;
			if (length && strchr(to, 0) != to)
				continue;
		}
	}
	return 0;
}

int main(void)
{
	regmatch_t match[3];
	regex_t regex;
	const char *text = "the answer is 42 of 100";

	printf("%llu\n", (unsigned long long)power(3, 1234567890123ull, 1000000000000000003ull));
	srand(1);
	printf("%d %d\n", rand(), rand());
	printf("strings %d\n", strings());
	if (regcomp(&regex, "([0-9]+) of ([0-9]+)", REG_EXTENDED) != 0)
		return 1;
	if (regexec(&regex, text, 3, match, 0) != 0)
		return 2;
	printf("%.*s out of %.*s\n", (int)(match[1].rm_eo - match[1].rm_so), text + match[1].rm_so,
	       (int)(match[2].rm_eo - match[2].rm_so), text + match[2].rm_so);
	regfree(&regex);
	printf("%d %d\n", abs(-7) / 2, -7 / 2);
	return 0;
}
