/*
 * The string functions at every alignment, against the obvious loops.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int errors;

static void expect(int ok, const char *what, size_t a, size_t b)
{
	if (!ok && errors++ < 10)
		printf("%s is wrong at %zu, %zu\n", what, a, b);
}

static void blocks(void)
{
	static unsigned char from[300], to[300], model[300];

	for (size_t skew = 0; skew < 16; skew++)
		for (size_t len = 0; len < 130; len++) {
			for (size_t i = 0; i < 300; i++) {
				from[i] = (unsigned char)(i * 7 + len);
				to[i] = model[i] = 0xaa;
			}
			for (size_t i = 0; i < len; i++)
				model[20 + i] = from[skew + i];
			memcpy(to + 20, from + skew, len);
			expect(memcmp(to, model, 300) == 0, "memcpy", skew, len);
			memmove(from + skew + 3, from + skew, len);
			expect(memcmp(from + skew + 3, model + 20, len) == 0, "memmove", skew, len);
			memset(to + skew, 0x55, len);
			for (size_t i = 0; i < len; i++)
				expect(to[skew + i] == 0x55, "memset", skew, len);
			expect(skew + len >= 20 || to[skew + len] == 0xaa, "memset's end", skew,
			       len);
		}
}

static void texts(void)
{
	static char a[200], b[200];

	for (size_t skew = 0; skew < 9; skew++)
		for (size_t len = 0; len < 100; len++) {
			memset(a, 'x', sizeof(a));
			memset(b, 'x', sizeof(b));
			a[skew + len] = b[len] = '\0';
			expect(strlen(a + skew) == len, "strlen", skew, len);
			expect(strcmp(a + skew, b) == 0, "strcmp", skew, len);
			if (len) {
				b[len - 1] = 'y';
				expect(strcmp(a + skew, b) < 0, "strcmp", skew, len);
				expect(strcmp(b, a + skew) > 0, "strcmp", skew, len);
				expect(strncmp(a + skew, b, len - 1) == 0, "strncmp", skew, len);
				expect(strchr(b, 'y') == b + len - 1, "strchr", skew, len);
				expect(memchr(b, 'y', len) == b + len - 1, "memchr", skew, len);
			}
			expect(strrchr(a + skew, '\0') == a + skew + len, "strrchr", skew, len);
		}
}

int main(void)
{
	char text[] = "one,two;;three", buf[32];
	char *save = NULL;

	blocks();
	texts();
	for (char *p = strtok_r(text, ",;", &save); p; p = strtok_r(NULL, ",;", &save))
		printf("token %s\n", p);
	printf("%s %zu %zu\n", strstr("haystack with needle", "needle"), strspn("aabbcc", "ab"),
	       strcspn("hello, world", ",!"));
	snprintf(buf, sizeof(buf), "%s", strpbrk("key=value", "="));
	printf("%s %d %d\n", buf, strcasecmp("HeLLo", "hEllO"), toupper('q'));
	strncpy(buf, "ab", 8);
	printf("%d%d\n", buf[2], buf[7]);
	printf("%s\n", strerror(2));
	printf("%d errors\n", errors);
	return errors != 0;
}
