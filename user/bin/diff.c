/* diff: the lines in which files differ. */
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/lib/diffcore.h"
#include "user/lib/tool.h"

struct text {
	const char *name;
	char *bytes;
	size_t len;
	char **lines;		/* where each begins, one more at the end */
	int *classes;
	long n;
	bool unfinished;	/* the last line has no newline */
	struct stat st;
};

/* A run of changes: lines a0 to a1 of the first file become b0 to b1 of the second. */
struct hunk {
	long a0, a1, b0, b1;
};

static struct {
	bool brief, report_same, recursive, absent_empty, fold, all_blanks, blank_runs, binary_ok;
	long context;		/* of the unified form; -1: normal */
	char label_text[2][256];
	int n_labels;
	char options[64];	/* as given, for the headings of -r */
} df;

static int paths_compare(const char *a, const char *b, bool top);

static bool text_read(struct text *t, const char *path)
{
	size_t size = 65536, n;
	FILE *f = NULL;

	t->name = path;
	t->bytes = xmalloc(size);
	t->len = 0;
	if (strcmp(path, "/dev/null") != 0 || !df.absent_empty) {
		f = input_open(path);
		if (!f)
			return false;
		fstat(fileno(f), &t->st);
	}
	while (f && (n = fread(t->bytes + t->len, 1, size - t->len, f)) > 0) {
		t->len += n;
		if (t->len == size)
			t->bytes = xrealloc(t->bytes, size *= 2);
	}
	if (f && input_failed(f, path))
		return false;
	input_close(f);
	return true;
}

static void text_split(struct text *t)
{
	size_t room = 1024;
	char *s = t->bytes, *end = s + t->len, *newline;

	t->lines = xmalloc((room + 1) * sizeof(*t->lines));
	t->unfinished = t->len && end[-1] != '\n';
	while (s < end) {
		if ((size_t)t->n == room)
			t->lines = xrealloc(t->lines, ((room *= 2) + 1) * sizeof(*t->lines));
		t->lines[t->n++] = s;
		newline = memchr(s, '\n', (size_t)(end - s));
		s = newline ? newline + 1 : end;
	}
	t->lines[t->n] = end;
}

static void text_free(struct text *t)
{
	free(t->bytes);
	free(t->lines);
	free(t->classes);
}

/* The next character that counts, -1 at the end of the line. */
static int next_char(const char **s, const char *end)
{
	int c;

	if (df.all_blanks) {
		while (*s < end && isspace((unsigned char)**s))
			(*s)++;
	} else if (df.blank_runs && *s < end && isspace((unsigned char)**s)) {
		while (*s < end && isspace((unsigned char)**s))
			(*s)++;
		return *s < end ? ' ' : -1;
	}
	if (*s == end)
		return -1;
	c = (unsigned char)*(*s)++;
	return df.fold ? tolower(c) : c;
}

static bool lines_equal(const char *a, const char *a_end, const char *b, const char *b_end)
{
	int x, y;

	if (!df.fold && !df.all_blanks && !df.blank_runs)
		return a_end - a == b_end - b && memcmp(a, b, (size_t)(a_end - a)) == 0;
	do {
		x = next_char(&a, a_end);
		y = next_char(&b, b_end);
	} while (x == y && x >= 0);
	return x == y;
}

static unsigned line_hash(const char *s, const char *end)
{
	unsigned h = 2166136261u;
	int c;

	while ((c = next_char(&s, end)) >= 0)
		h = (h ^ (unsigned)c) * 16777619u;
	return h;
}

/* Gives equal lines of both texts equal numbers. */
static void lines_classify(struct text *a, struct text *b)
{
	struct entry {
		const char *s, *end;
		int next;
	} *entries = xmalloc((size_t)(a->n + b->n + 1) * sizeof(*entries));
	size_t buckets = 64, i;
	struct text *both[] = { a, b };
	int *heads, used = 0, side;
	long line;

	while (buckets < (size_t)(a->n + b->n))
		buckets *= 2;
	heads = xmalloc(buckets * sizeof(*heads));
	for (i = 0; i < buckets; i++)
		heads[i] = -1;
	for (side = 0; side < 2; side++) {
		struct text *t = both[side];

		t->classes = xmalloc((size_t)t->n * sizeof(*t->classes));
		for (line = 0; line < t->n; line++) {
			const char *s = t->lines[line], *end = t->lines[line + 1];
			int *head = &heads[line_hash(s, end) & (buckets - 1)], e;

			for (e = *head; e >= 0; e = entries[e].next) {
				if (lines_equal(entries[e].s, entries[e].end, s, end))
					break;
			}
			if (e < 0) {
				e = used++;
				entries[e] = (struct entry){ s, end, *head };
				*head = e;
			}
			t->classes[line] = e;
		}
	}
	free(heads);
	free(entries);
}

static struct hunk *hunks_make(struct text *a, struct text *b, size_t *count)
{
	struct sequence sa = { a->classes, a->n, calloc((size_t)a->n + 1, sizeof(bool)) };
	struct sequence sb = { b->classes, b->n, calloc((size_t)b->n + 1, sizeof(bool)) };
	struct hunk *list = NULL;
	long i = 0, j = 0;
	size_t n = 0;

	if (!sa.changed || !sb.changed)
		err(2, "calloc");
	sequences_compare(&sa, &sb);
	while (i < a->n || j < b->n) {
		struct hunk h = { i, i, j, j };

		while (h.a1 < a->n && sa.changed[h.a1])
			h.a1++;
		while (h.b1 < b->n && sb.changed[h.b1])
			h.b1++;
		if (h.a1 > h.a0 || h.b1 > h.b0) {
			if ((n & (n - 1)) == 0)
				list = xrealloc(list, (n ? 2 * n : 1) * sizeof(*list));
			list[n++] = h;
			i = h.a1;
			j = h.b1;
			continue;
		}
		i++;
		j++;
	}
	free(sa.changed);
	free(sb.changed);
	*count = n;
	return list;
}

static void line_print(const struct text *t, long i, const char *mark)
{
	fputs(mark, stdout);
	fwrite(t->lines[i], 1, (size_t)(t->lines[i + 1] - t->lines[i]), stdout);
	if (t->unfinished && i == t->n - 1)
		puts("\n\\ No newline at end of file");
}

static void range_print(long from, long to)
{
	if (to > from + 1)
		printf("%ld,%ld", from + 1, to);
	else
		printf("%ld", to);	/* an empty one: the line before it */
}

static void normal_print(const struct text *a, const struct text *b, const struct hunk *h,
			 size_t n)
{
	long i;

	for (; n-- > 0; h++) {
		range_print(h->a0, h->a1);
		putchar(h->a0 == h->a1 ? 'a' : h->b0 == h->b1 ? 'd' : 'c');
		range_print(h->b0, h->b1);
		putchar('\n');
		for (i = h->a0; i < h->a1; i++)
			line_print(a, i, "< ");
		if (h->a0 < h->a1 && h->b0 < h->b1)
			puts("---");
		for (i = h->b0; i < h->b1; i++)
			line_print(b, i, "> ");
	}
}

static void unified_range(char sign, long from, long to)
{
	printf("%c%ld", sign, to > from ? from + 1 : from);
	if (to - from != 1)
		printf(",%ld", to - from);
}

static void unified_title(const char *mark, const struct text *t, int side)
{
	char date[32], zone[8];
	struct tm tm;

	if (df.n_labels > side) {
		printf("%s %s\n", mark, df.label_text[side]);
		return;
	}
	localtime_r(&t->st.st_mtime, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	printf("%s %s\t%s.%09ld %s\n", mark, t->name, date, t->st.st_mtim.tv_nsec, zone);
}

static long at_least(long x, long least)
{
	return x < least ? least : x;
}

static long at_most(long x, long most)
{
	return x > most ? most : x;
}

static void unified_print(const struct text *a, const struct text *b, const struct hunk *h,
			  size_t n)
{
	const struct hunk *end = h + n, *last;
	long i, from;

	unified_title("---", a, 0);
	unified_title("+++", b, 1);
	for (; h < end; h = last + 1) {
		/* Hunks whose context would meet are shown together. */
		for (last = h; last + 1 < end && last[1].a0 - last->a1 <= 2 * df.context; last++)
			;
		from = at_least(h->a0 - df.context, 0);
		fputs("@@ ", stdout);
		unified_range('-', from, at_most(last->a1 + df.context, a->n));
		putchar(' ');
		unified_range('+', at_least(h->b0 - df.context, 0),
			      at_most(last->b1 + df.context, b->n));
		puts(" @@");
		for (;; h++) {
			for (i = from; i < h->a0; i++)
				line_print(a, i, " ");
			for (; i < h->a1; i++)
				line_print(a, i, "-");
			for (i = h->b0; i < h->b1; i++)
				line_print(b, i, "+");
			from = h->a1;
			if (h == last)
				break;
		}
		for (i = from; i < at_most(last->a1 + df.context, a->n); i++)
			line_print(a, i, " ");
	}
}

static int texts_compare(struct text *a, struct text *b, const char *heading)
{
	struct hunk *hunks;
	size_t n = 0;

	if (a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0) {
		if (df.report_same)
			printf("Files %s and %s are identical\n", a->name, b->name);
		return 0;
	}
	if (!df.binary_ok && (memchr(a->bytes, 0, a->len) || memchr(b->bytes, 0, b->len))) {
		printf("%siles %s and %s differ\n", df.brief ? "F" : "Binary f", a->name, b->name);
		return df.brief ? 1 : 2;
	}
	text_split(a);
	text_split(b);
	lines_classify(a, b);
	hunks = hunks_make(a, b, &n);
	if (n && df.brief) {
		printf("Files %s and %s differ\n", a->name, b->name);
	} else if (n) {
		fputs(heading, stdout);
		if (df.context >= 0)
			unified_print(a, b, hunks, n);
		else
			normal_print(a, b, hunks, n);
	}
	free(hunks);
	return n > 0;
}

static int files_compare(const char *pa, const char *pb, const char *heading)
{
	struct text a = { 0 }, b = { 0 };
	int status = 2;

	if (text_read(&a, pa) && text_read(&b, pb))
		status = texts_compare(&a, &b, heading);
	text_free(&a);
	text_free(&b);
	return status;
}

static int not_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

/* Only one folder has the name. */
static int only_in(const char *dir, const char *name, bool second, const char *other)
{
	char *have = path_join(dir, name), *lack = path_join(other, name);
	int status = 1;

	if (df.absent_empty && !is_directory(have))
		status = second ? paths_compare("/dev/null", have, false) :
			 paths_compare(have, "/dev/null", false);
	else
		printf("Only in %s: %s\n", dir, name);
	free(have);
	free(lack);
	return status;
}

static int dirs_compare(const char *pa, const char *pb)
{
	struct dirent **a, **b;
	int na = scandir(pa, &a, not_dots, alphasort), nb = scandir(pb, &b, not_dots, alphasort);
	int i = 0, j = 0, r, one, status = 0;

	if (na < 0 || nb < 0)
		err(2, "%s", na < 0 ? pa : pb);
	while (i < na || j < nb) {
		r = i == na ? 1 : j == nb ? -1 : strcmp(a[i]->d_name, b[j]->d_name);
		if (r < 0) {
			one = only_in(pa, a[i]->d_name, false, pb);
		} else if (r > 0) {
			one = only_in(pb, b[j]->d_name, true, pa);
		} else {
			char *x = path_join(pa, a[i]->d_name), *y = path_join(pb, b[j]->d_name);

			one = paths_compare(x, y, false);
			free(x);
			free(y);
		}
		status = one > status ? one : status;
		if (r <= 0)
			free(a[i++]);
		if (r >= 0)
			free(b[j++]);
	}
	free(a);
	free(b);
	return status;
}

static int paths_compare(const char *a, const char *b, bool top)
{
	bool da = is_directory(a), db = is_directory(b);
	char *joined, *heading = NULL;
	int status;

	if (da && db && !top && !df.recursive) {
		printf("Common subdirectories: %s and %s\n", a, b);
		return 0;
	}
	if (da && db)
		return dirs_compare(a, b);
	if (top && (da || db)) {	/* the file of the same name in the folder */
		joined = path_join(da ? a : b, da ? b : a);
		status = da ? files_compare(joined, b, "") : files_compare(a, joined, "");
		free(joined);
		return status;
	}
	if (da || db) {
		printf("File %s is a %s while file %s is a %s\n", a,
		       da ? "directory" : "regular file", b, db ? "directory" : "regular file");
		return 1;
	}
	if (!top && asprintf(&heading, "diff %s%s %s\n", df.options, a, b) < 0)
		err(2, "malloc");
	status = files_compare(a, b, heading ? heading : "");
	free(heading);
	return status;
}

static void set_option(int c)
{
	bool *const flags[128] = {
		['q'] = &df.brief, ['s'] = &df.report_same, ['r'] = &df.recursive,
		['N'] = &df.absent_empty, ['i'] = &df.fold, ['w'] = &df.all_blanks,
		['b'] = &df.blank_runs, ['a'] = &df.binary_ok,
	};
	size_t n = strlen(df.options);

	if (c == 'u')
		df.context = 3;
	else if (c == 'U')
		df.context = (long)number_parse(optarg);
	else if (c == 'L' && df.n_labels < 2)
		snprintf(df.label_text[df.n_labels++], sizeof(df.label_text[0]), "%s", optarg);
	else if (flags[c & 127] && c != '?')
		*flags[c] = true;
	else
		usage(2);
	if (c != 'U' && c != 'L' && n + 4 < sizeof(df.options))
		sprintf(df.options + n, "-%c ", c);
}

static int diff_main(int argc, char **argv)
{
	int c;

	df.context = -1;
	while ((c = getopt(argc, argv, "uU:qsrNiwbaL:")) != -1)
		set_option(c);
	if (argc - optind != 2)
		usage(2);
	return paths_compare(argv[optind], argv[optind + 1], true);
}

TOOL("diff", diff_main, "[-abiNqrsuw] [-L LABEL] [-U LINES] FILE1 FILE2");
