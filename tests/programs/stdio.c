/*
 * Formatted output and input, buffering, seeking and temporary files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void formats(void)
{
	const char *volatile much = "a text that is far too long for the place where it is to go";
	char text[64];

	printf("[%5d|%-5d|%05d|%+d|%x|%#o|%lu]\n", 42, 42, 42, 42, 48879u, 8u, ~0ul);
	printf("[%s|%.3s|%10s|%-10s|%c|%%]\n", "word", "word", "word", "word", 'c');
	printf("[%*d|%.*s]\n", 6, 7, 2, "xyz");
	snprintf(text, sizeof(text), "%s and %s", "cut off here", much);
	printf("%zu %s\n", strlen(text), text);
}

static void file_round_trip(void)
{
	static char buffer[300];
	FILE *f = tmpfile();
	char word[32];
	int number, i;

	if (!f)
		die("tmpfile");
	if (setvbuf(f, buffer, _IOFBF, sizeof(buffer)) != 0)
		die("setvbuf");
	for (i = 0; i < 1000; i++)
		fprintf(f, "line %d\n", i);
	rewind(f);
	for (i = 0; fscanf(f, "%31s %d", word, &number) == 2; i++) {
		if (strcmp(word, "line") != 0 || number != i)
			die("fscanf");
	}
	printf("%d lines\n", i);
	if (fseek(f, -9, SEEK_END) != 0 || !fgets(word, sizeof(word), f))
		die("fseek");
	printf("last %s", word);
	if (fseek(f, 5, SEEK_SET) != 0 || ungetc('x', f) != 'x' || getc(f) != 'x')
		die("ungetc");
	printf("at %ld\n", ftell(f));
	fclose(f);
}

static void lines(void)
{
	FILE *f = fopen("lines.txt", "w+");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (!f)
		die("lines.txt");
	fputs("first\n\nthird without an end", f);
	rewind(f);
	while ((n = getline(&line, &size, f)) >= 0)
		printf("%zd:%s%s", n, line, line[n - 1] == '\n' ? "" : "\n");
	free(line);
	fclose(f);
	if (remove("lines.txt") != 0)
		die("remove");
	if (fopen("lines.txt", "r") || errno != ENOENT)
		die("a file that was removed");
}

int main(void)
{
	int a, b;
	char c;

	formats();
	file_round_trip();
	lines();
	printf("%d %d %d %c\n", sscanf("12:34z", "%d:%d%c", &a, &b, &c), a, b, c);
	fflush(stdout);
	fprintf(stderr, "to standard error\n");
	return 0;
}
