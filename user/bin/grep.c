/* grep: the lines that match a pattern. */
#include <ctype.h>
#include <fts.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

struct pattern {
	regex_t re;
	char *text;		/* for -F without -i: looked for as it is */
	size_t len;
};

static struct {
	struct pattern *patterns;
	size_t n;
	bool extended, fixed, ignore_case, invert, number, count, quiet, word, whole;
	bool only, silent, recursive;
	bool text;		/* lines with a zero byte are like others */
	char list;		/* l: names of files that match, L: of those that do not */
	int names;		/* 1: always before the line, 0: never, -1: with several files */
	uint64_t max;
	uint64_t before, after;
	bool any;		/* a line was selected */
	bool trouble;
	bool gap;		/* something was printed: groups with context are separated */
} g;

static void pattern_add(const char *text, size_t len)
{
	struct pattern *p;
	char *copy = xmalloc(2 * len + 1), *to = copy, message[256];
	size_t i;
	int r;

	g.patterns = xrealloc(g.patterns, (g.n + 1) * sizeof(*g.patterns));
	p = &g.patterns[g.n++];
	p->text = NULL;
	p->len = len;
	if (g.fixed && !g.ignore_case) {
		p->text = strndup(text, len);
		free(copy);
		return;
	}
	for (i = 0; i < len; i++) {
		if (g.fixed && strchr("\\.[]*^$", text[i]))
			*to++ = '\\';
		*to++ = text[i];
	}
	*to = 0;
	r = regcomp(&p->re, copy,
		    (g.extended ? REG_EXTENDED : 0) | (g.ignore_case ? REG_ICASE : 0));
	if (r) {
		regerror(r, &p->re, message, sizeof(message));
		errx(2, "%s", message);
	}
	free(copy);
}

/* A list of patterns has one on each line. */
static void patterns_add(const char *text)
{
	const char *end;

	for (; (end = strchr(text, '\n')) != NULL; text = end + 1)
		pattern_add(text, (size_t)(end - text));
	pattern_add(text, strlen(text));
}

static void pattern_file(const char *path)
{
	FILE *f = input_open(path);
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (!f)
		exit(2);
	while ((n = getline(&line, &size, f)) > 0)
		pattern_add(line, (size_t)n - (line[n - 1] == '\n'));
	free(line);
	input_close(f);
}

static bool pattern_search(const struct pattern *p, const char *line, size_t from, size_t len,
			   regmatch_t *m)
{
	const char *found;

	if (p->text) {
		found = memmem(line + from, len - from, p->text, p->len);
		if (!found)
			return false;
		m->rm_so = found - line;
		m->rm_eo = m->rm_so + (regoff_t)p->len;
		return true;
	}
	m->rm_so = (regoff_t)from;
	m->rm_eo = (regoff_t)len;
	if (from > 0) {		/* ^ must not match in the middle */
		m->rm_so = 0;
		m->rm_eo = (regoff_t)(len - from);
		if (regexec(&p->re, line + from, 1, m, REG_STARTEND | REG_NOTBOL) != 0)
			return false;
		m->rm_so += (regoff_t)from;
		m->rm_eo += (regoff_t)from;
		return true;
	}
	return regexec(&p->re, line, 1, m, REG_STARTEND) == 0;
}

static bool word_char(int c)
{
	return isalnum(c) || c == '_';
}

static bool stands_alone(const char *line, size_t len, const regmatch_t *m)
{
	return (m->rm_so == 0 || !word_char((unsigned char)line[m->rm_so - 1])) &&
	       ((size_t)m->rm_eo == len || !word_char((unsigned char)line[m->rm_eo]));
}

/* The first match of one pattern from there that satisfies -w and -x. */
static bool pattern_match(const struct pattern *p, const char *line, size_t from, size_t len,
			  regmatch_t *m)
{
	for (; from <= len; from = (size_t)m->rm_so + 1) {
		if (!pattern_search(p, line, from, len, m))
			return false;
		if (g.whole && (m->rm_so != 0 || (size_t)m->rm_eo != len)) {
			if (!p->text || p->len != len)
				return false;
			continue;
		}
		if (!g.word || stands_alone(line, len, m))
			return true;
	}
	return false;
}

/* The match that begins first, of those the longest. */
static bool line_match(const char *line, size_t from, size_t len, regmatch_t *best)
{
	bool found = false;
	regmatch_t m;
	size_t i;

	for (i = 0; i < g.n; i++) {
		if (!pattern_match(&g.patterns[i], line, from, len, &m))
			continue;
		if (!found || m.rm_so < best->rm_so ||
		    (m.rm_so == best->rm_so && m.rm_eo > best->rm_eo))
			*best = m;
		found = true;
		if (!g.only)
			break;
	}
	return found;
}

static void prefix_print(const char *name, uint64_t number, char mark)
{
	if (name)
		printf("%s%c", name, mark);
	if (g.number)
		printf("%llu%c", (unsigned long long)number, mark);
}

static void only_matches(const char *name, uint64_t number, const char *line, size_t len)
{
	size_t from = 0;
	regmatch_t m;

	while (from <= len && line_match(line, from, len, &m)) {
		if (m.rm_eo == m.rm_so) {
			from = (size_t)m.rm_eo + 1;
			continue;
		}
		prefix_print(name, number, ':');
		fwrite(line + m.rm_so, 1, (size_t)(m.rm_eo - m.rm_so), stdout);
		putchar('\n');
		from = (size_t)m.rm_eo;
	}
}

/* Lines held back in case a match follows: a ring of g.before lines. */
struct context {
	char **lines;
	size_t *lens;
	uint64_t first;		/* number of the oldest one that was not printed */
	uint64_t after;		/* how many lines still follow a match */
	uint64_t printed;	/* number of the last line printed */
};

static void line_print(const char *name, uint64_t number, char mark, const char *line, size_t len)
{
	prefix_print(name, number, mark);
	fwrite(line, 1, len, stdout);
	putchar('\n');
}

static void context_before(struct context *c, const char *name, uint64_t number)
{
	uint64_t i = number > g.before ? number - g.before : 1;

	if (i <= c->printed)
		i = c->printed + 1;
	if ((g.before || g.after) && g.gap && (c->printed == 0 || i > c->printed + 1))
		puts("--");
	for (; g.before && i < number; i++)
		line_print(name, i, '-', c->lines[i % g.before], c->lens[i % g.before]);
	g.gap = true;
}

static void context_keep(struct context *c, uint64_t number, const char *line, size_t len)
{
	size_t slot;

	if (!g.before)
		return;
	slot = number % g.before;
	free(c->lines[slot]);
	c->lines[slot] = xmalloc(len + 1);
	memcpy(c->lines[slot], line, len);
	c->lens[slot] = len;
}

static void context_free(struct context *c)
{
	uint64_t i;

	for (i = 0; i < g.before; i++)
		free(c->lines[i]);
	free(c->lines);
	free(c->lens);
}

/* What to do with a selected line; false if the rest of the file does not matter. */
static bool line_selected(struct context *c, const char *name, const char *title, uint64_t number,
			  const char *line, size_t len)
{
	g.any = true;
	if (g.quiet)
		exit(0);
	if (g.list)
		return false;
	if (g.count)
		return true;
	if (!g.text && memchr(line, 0, len)) {
		printf("Binary file %s matches\n", title);
		return false;
	}
	if (g.only) {
		if (!g.invert)
			only_matches(name, number, line, len);
		return true;
	}
	context_before(c, name, number);
	line_print(name, number, ':', line, len);
	c->printed = number;
	c->after = g.after;
	return true;
}

static uint64_t stream_search(FILE *f, const char *name, const char *title)
{
	struct context c = { 0 };
	char *line = NULL;
	size_t size = 0;
	uint64_t number = 0, selected = 0;
	regmatch_t m;
	ssize_t n;

	if (g.before) {
		c.lines = calloc(g.before, sizeof(*c.lines));
		c.lens = calloc(g.before, sizeof(*c.lens));
		if (!c.lines || !c.lens)
			err(2, "calloc");
	}
	/* What follows the last match may still be wanted. */
	while ((selected < g.max || c.after) && (n = getline(&line, &size, f)) > 0) {
		size_t len = (size_t)n - (line[n - 1] == '\n');

		line[len] = 0;
		number++;
		if (selected < g.max && line_match(line, 0, len, &m) != g.invert) {
			selected++;
			if (!line_selected(&c, name, title, number, line, len))
				break;
			continue;
		}
		if (c.after > 0) {
			c.after--;
			line_print(name, number, '-', line, len);
			c.printed = number;
		}
		context_keep(&c, number, line, len);
	}
	context_free(&c);
	free(line);
	return selected;
}

static void file_search(const char *path, bool with_name)
{
	const char *title = strcmp(path, "-") == 0 ? "(standard input)" : path;
	uint64_t selected;
	FILE *f = stdin;

	if (strcmp(path, "-") != 0)
		f = is_directory(path) ? (errno = EISDIR, NULL) : fopen(path, "re");
	if (!f) {
		g.trouble = true;
		if (!g.silent)
			warn("%s", path);
		return;
	}
	selected = stream_search(f, with_name ? title : NULL, title);
	if (ferror(f)) {
		g.trouble = true;
		if (!g.silent)
			warn("%s", path);
	}
	if (g.count && !g.list) {
		if (with_name)
			printf("%s:", title);
		printf("%llu\n", (unsigned long long)selected);
	}
	if (g.list && (selected > 0) == (g.list == 'l'))
		puts(title);
	input_close(f);
}

/* All files below a folder; below the working one if none is named, whose "./" is left out. */
static void tree_search(char *named)
{
	char *path = named ? named : ".";
	char *paths[] = { path, NULL };
	FTS *fts = fts_open(paths, FTS_COMFOLLOW | FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;

	if (!fts)
		err(2, "%s", path);
	while ((e = fts_read(fts)) != NULL) {
		if (e->fts_info == FTS_F || (e->fts_level == 0 && e->fts_info == FTS_DEFAULT)) {
			file_search(e->fts_path + (named ? 0 : 2), g.names != 0);
		} else if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR ||
			   e->fts_info == FTS_NS) {
			g.trouble = true;
			if (!g.silent)
				warnx("%s: %s", e->fts_path, strerror(e->fts_errno));
		}
	}
	fts_close(fts);
}

/* Patterns can be compiled only when all options are known. */
struct sources {
	const char **texts;
	bool *is_file;
	size_t n;
};

static void source_add(struct sources *s, const char *text, bool is_file)
{
	s->texts = xrealloc(s->texts, (s->n + 1) * sizeof(*s->texts));
	s->is_file = xrealloc(s->is_file, (s->n + 1) * sizeof(*s->is_file));
	s->texts[s->n] = text;
	s->is_file[s->n++] = is_file;
}

static void set_option(int c, struct sources *s)
{
	bool *const flags[128] = {
		['i'] = &g.ignore_case, ['y'] = &g.ignore_case, ['v'] = &g.invert,
		['n'] = &g.number, ['c'] = &g.count, ['q'] = &g.quiet, ['w'] = &g.word,
		['x'] = &g.whole, ['o'] = &g.only, ['s'] = &g.silent, ['a'] = &g.text,
		['r'] = &g.recursive, ['R'] = &g.recursive,
	};

	if (c < 128 && flags[c]) {
		*flags[c] = true;
		return;
	}
	switch (c) {
	case 'E':
	case 'G':
	case 'F':
		g.extended = c == 'E';
		g.fixed = c == 'F';
		break;
	case 'l':
	case 'L':
		g.list = (char)c;
		break;
	case 'H':
	case 'h':
		g.names = c == 'H';
		break;
	case 'm':
		g.max = number_parse(optarg);
		break;
	case 'A':
		g.after = number_parse(optarg);
		break;
	case 'B':
		g.before = number_parse(optarg);
		break;
	case 'C':
		g.before = g.after = number_parse(optarg);
		break;
	case 'e':
	case 'f':
		source_add(s, optarg, c == 'f');
		break;
	default:
		usage(2);
	}
}

static int grep_as(int argc, char **argv)
{
	struct sources s = { 0 };
	size_t i;
	int c;

	g.names = -1;
	g.max = UINT64_MAX;
	while ((c = getopt(argc, argv, "EFGaivyncqwxosrRlLHhm:A:B:C:e:f:")) != -1)
		set_option(c, &s);
	argv += optind;
	if (!s.n) {
		if (!*argv)
			usage(2);
		source_add(&s, *argv++, false);
	}
	for (i = 0; i < s.n; i++) {
		if (s.is_file[i])
			pattern_file(s.texts[i]);
		else
			patterns_add(s.texts[i]);
	}
	if (!*argv && g.recursive)
		tree_search(NULL);
	else if (!*argv)
		file_search("-", g.names == 1);
	for (i = 0; argv[i]; i++) {
		if (g.recursive && strcmp(argv[i], "-") != 0 && is_directory(argv[i]))
			tree_search(argv[i]);
		else
			file_search(argv[i], g.names == 1 || (g.names && (argv[1] || g.recursive)));
	}
	return g.trouble ? 2 : !g.any;
}

static int grep_main(int argc, char **argv)
{
	return grep_as(argc, argv);
}

static int egrep_main(int argc, char **argv)
{
	g.extended = true;
	return grep_as(argc, argv);
}

static int fgrep_main(int argc, char **argv)
{
	g.fixed = true;
	return grep_as(argc, argv);
}

#define ARGUMENTS								\
	"[-EFGHLRachilnoqrsvwx] [-ABC NUM] [-m NUM] PATTERN | -e PATTERN | -f FILE [FILE]..."
TOOL("grep", grep_main, ARGUMENTS);
TOOL("egrep", egrep_main, ARGUMENTS);
TOOL("fgrep", fgrep_main, ARGUMENTS);
