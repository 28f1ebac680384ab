/* find: walks trees and does things with the files that fit an expression. */
#include <fnmatch.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/lib/tool.h"

#define EXEC_MAX	1000	/* files that one command of -exec ... + gets */

struct node;
typedef bool test_fn(struct node *n, FTSENT *e);

/* One primary, or an operator over others. */
struct node {
	test_fn *test;
	struct node *a, *b;
	const char *text;
	uint64_t number;
	char sign;		/* of a number: + more than, - less than, 0 exactly */
	uint64_t unit;		/* what a number counts */
	char **argv;		/* of -exec, up to the ; or + */
	int argc;
	char **files;		/* gathered for -exec ... + */
	size_t n_files;
	mode_t mode;
	struct node *next;	/* all -exec ... + */
};

static struct {
	char **argv;		/* the rest of the expression */
	FTS *fts;
	long min_depth, max_depth;
	bool depth_first, one_device, acts, ok, quit;
	time_t now;
	struct node *gathering;
	const char *names;	/* the primary being read, for messages */
} fi;

static struct node *parse_or(void);

static bool compare(const struct node *n, uint64_t value)
{
	if (n->sign == '+')
		return value > n->number;
	if (n->sign == '-')
		return value < n->number;
	return value == n->number;
}

static bool test_and(struct node *n, FTSENT *e)
{
	return n->a->test(n->a, e) && n->b->test(n->b, e);
}

static bool test_or(struct node *n, FTSENT *e)
{
	return n->a->test(n->a, e) || n->b->test(n->b, e);
}

static bool test_list(struct node *n, FTSENT *e)
{
	n->a->test(n->a, e);
	return n->b->test(n->b, e);
}

static bool test_not(struct node *n, FTSENT *e)
{
	return !n->a->test(n->a, e);
}

static bool test_true(struct node *n, FTSENT *e)
{
	(void)e;
	return n->number;
}

static bool test_name(struct node *n, FTSENT *e)
{
	char *base = path_base(e->fts_level ? e->fts_name : e->fts_path);
	bool match = fnmatch(n->text, base, n->number ? FNM_CASEFOLD : 0) == 0;

	free(base);
	return match;
}

static bool test_path(struct node *n, FTSENT *e)
{
	return fnmatch(n->text, e->fts_path, n->number ? FNM_CASEFOLD : 0) == 0;
}

static bool test_type(struct node *n, FTSENT *e)
{
	char mode[MODE_TEXT];
	char type = *mode_string(mode, e->fts_statp->st_mode);

	return strchr(n->text, type == '-' ? 'f' : type) != NULL;
}

static bool test_size(struct node *n, FTSENT *e)
{
	uint64_t size = (uint64_t)e->fts_statp->st_size;

	return compare(n, (size + n->unit - 1) / n->unit);
}

/* Whole units of age; -mmin counts a part as one, as GNU does for the opposite signs. */
static bool test_mtime(struct node *n, FTSENT *e)
{
	time_t age = fi.now - e->fts_statp->st_mtime;

	if (age < 0)
		return n->sign == '-';
	if (n->unit == 60 && n->sign == '+')
		return (uint64_t)age > n->number * 60;
	if (n->unit == 60 && n->sign == '-')
		return (uint64_t)age < n->number * 60;
	return compare(n, (uint64_t)age / n->unit);
}

static bool test_newer(struct node *n, FTSENT *e)
{
	const struct timespec *t = &e->fts_statp->st_mtim;

	if ((uint64_t)t->tv_sec != n->number)
		return (uint64_t)t->tv_sec > n->number;
	return (uint64_t)t->tv_nsec > n->unit;
}

static bool test_perm(struct node *n, FTSENT *e)
{
	mode_t mode = e->fts_statp->st_mode & 07777;

	if (n->sign == '-')
		return (mode & n->mode) == n->mode;
	if (n->sign == '/')
		return !n->mode || (mode & n->mode);
	return mode == n->mode;
}

static bool test_user(struct node *n, FTSENT *e)
{
	return e->fts_statp->st_uid == n->number;
}

static bool test_group(struct node *n, FTSENT *e)
{
	return e->fts_statp->st_gid == n->number;
}

static bool test_links(struct node *n, FTSENT *e)
{
	return compare(n, e->fts_statp->st_nlink);
}

static bool test_inum(struct node *n, FTSENT *e)
{
	return compare(n, e->fts_statp->st_ino);
}

static bool test_empty(struct node *n, FTSENT *e)
{
	char *paths[] = { e->fts_accpath, NULL };
	bool empty;
	FTS *fts;

	(void)n;
	if (S_ISREG(e->fts_statp->st_mode))
		return e->fts_statp->st_size == 0;
	if (!S_ISDIR(e->fts_statp->st_mode))
		return false;
	fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!fts)
		return false;
	empty = fts_read(fts) && !fts_children(fts, FTS_NAMEONLY);
	fts_close(fts);
	return empty;
}

static bool test_print(struct node *n, FTSENT *e)
{
	printf("%s%c", e->fts_path, (int)n->number);
	return true;
}

static bool test_prune(struct node *n, FTSENT *e)
{
	(void)n;
	if (!fi.depth_first)
		fts_set(fi.fts, e, FTS_SKIP);
	return true;
}

static bool test_quit(struct node *n, FTSENT *e)
{
	(void)n;
	(void)e;
	fi.quit = true;
	return true;
}

static bool test_delete(struct node *n, FTSENT *e)
{
	int r;

	(void)n;
	if (strcmp(e->fts_path, ".") == 0)
		return true;
	r = S_ISDIR(e->fts_statp->st_mode) ? rmdir(e->fts_accpath) : unlink(e->fts_accpath);
	if (r == 0)
		return true;
	warn("cannot delete '%s'", e->fts_path);
	fi.ok = false;
	return false;
}

static bool command_run(char **argv)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		execvp(argv[0], argv);
		warn("%s", argv[0]);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) < 0)
		err(1, "waitpid");
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* word with each {} in it replaced. */
static char *substitute(const char *word, const char *path)
{
	size_t len = strlen(path), size = strlen(word) + 1, n = 0;
	const char *p;
	char *out;

	for (p = word; (p = strstr(p, "{}")) != NULL; p += 2)
		size += len;
	out = xmalloc(size);
	while (*word) {
		if (word[0] == '{' && word[1] == '}') {
			memcpy(out + n, path, len);
			n += len;
			word += 2;
		} else {
			out[n++] = *word++;
		}
	}
	out[n] = 0;
	return out;
}

static bool test_exec(struct node *n, FTSENT *e)
{
	char **argv = xmalloc(((size_t)n->argc + 1) * sizeof(*argv));
	bool ok = true;
	int i;

	if (n->number) {	/* -ok */
		fflush(stdout);
		ok = ask("< %s ... %s > ? ", n->argv[0], e->fts_path);
	}
	for (i = 0; i < n->argc; i++)
		argv[i] = substitute(n->argv[i], e->fts_path);
	argv[i] = NULL;
	ok = ok && command_run(argv);
	for (i = 0; i < n->argc; i++)
		free(argv[i]);
	free(argv);
	return ok;
}

static void gathered_run(struct node *n)
{
	size_t fixed = (size_t)n->argc - 1, i;
	char **argv;

	if (!n->n_files)
		return;
	argv = xmalloc((fixed + n->n_files + 1) * sizeof(*argv));
	memcpy(argv, n->argv, fixed * sizeof(*argv));
	memcpy(argv + fixed, n->files, n->n_files * sizeof(*argv));
	argv[fixed + n->n_files] = NULL;
	fi.ok &= command_run(argv);
	for (i = 0; i < n->n_files; i++)
		free(n->files[i]);
	n->n_files = 0;
	free(argv);
}

static bool test_gather(struct node *n, FTSENT *e)
{
	n->files[n->n_files++] = xstrdup(e->fts_path);
	if (n->n_files == EXEC_MAX)
		gathered_run(n);
	return true;
}

static struct node *node_new(test_fn *test)
{
	struct node *n = calloc(1, sizeof(*n));

	if (!n)
		err(1, "calloc");
	n->test = test;
	return n;
}

static char *operand(void)
{
	if (!*fi.argv)
		errx(1, "missing argument to '%s'", fi.names);
	return *fi.argv++;
}

static char *type_operand(void)
{
	char *letters = operand();

	if (!*letters || letters[strspn(letters, "bcdflps,")])
		errx(1, "unknown argument to -type: %s", letters);
	return letters;
}

static void number_operand(struct node *n)
{
	char *text = operand();

	if (*text == '+' || *text == '-')
		n->sign = *text++;
	n->number = number_parse(text);
}

static void parse_size(struct node *n)
{
	static const char letters[] = "cwbkMG";
	static const uint64_t units[] = { 1, 2, 512, 1024, 1 << 20, 1 << 30 };
	char *text = xstrdup(operand());
	size_t len = strlen(text);
	const char *u = len ? strchr(letters, text[len - 1]) : NULL;

	n->unit = 512;
	if (u) {
		n->unit = units[u - letters];
		text[len - 1] = 0;
	}
	if (*text == '+' || *text == '-') {
		n->sign = *text;
		n->number = number_parse(text + 1);
	} else {
		n->number = number_parse(text);
	}
	free(text);
}

static void parse_perm(struct node *n)
{
	const char *text = operand();

	if (*text == '-' || *text == '/')
		n->sign = *text++;
	if (!mode_parse(text, 0, 0, &n->mode))
		errx(1, "invalid mode '%s'", text);
}

static void parse_newer(struct node *n)
{
	const char *path = operand();
	struct stat st;

	if (stat(path, &st) < 0)
		err(1, "'%s'", path);
	n->number = (uint64_t)st.st_mtim.tv_sec;
	n->unit = (uint64_t)st.st_mtim.tv_nsec;
}

static void parse_exec(struct node *n)
{
	fi.acts = true;
	n->argv = fi.argv;
	for (; *fi.argv; fi.argv++) {
		bool plus = strcmp(*fi.argv, "+") == 0 && n->argc &&
			    strcmp(fi.argv[-1], "{}") == 0;

		if (strcmp(*fi.argv, ";") != 0 && !plus) {
			n->argc++;
			continue;
		}
		fi.argv++;
		if (!n->argc)
			errx(1, "invalid argument to '-exec'");
		if (plus) {
			n->test = test_gather;
			n->files = xmalloc(EXEC_MAX * sizeof(*n->files));
			n->next = fi.gathering;
			fi.gathering = n;
		}
		return;
	}
	errx(1, "missing argument to '-exec'");
}

static void parse_owner(struct node *n)
{
	const char *name = operand();
	uid_t uid = 0;
	gid_t gid = 0;

	if (n->test == test_user ? !user_find(name, &uid, NULL) : !group_find(name, &gid))
		errx(1, "'%s' is not known", name);
	n->number = n->test == test_user ? uid : gid;
}

enum kind {
	K_PLAIN, K_TEXT, K_FOLD, K_NUMBER, K_DAYS, K_MINUTES, K_SIZE, K_PERM, K_NEWER, K_EXEC,
	K_TYPE, K_OK, K_OWNER, K_PRINT, K_PRINT0, K_DELETE, K_TRUE, K_MIN, K_MAX, K_DEPTH, K_XDEV,
};

static const struct {
	const char *name;
	test_fn *test;
	enum kind kind;
} primaries[] = {
	{ "-name", test_name, K_TEXT }, { "-iname", test_name, K_FOLD },
	{ "-path", test_path, K_TEXT }, { "-wholename", test_path, K_TEXT },
	{ "-ipath", test_path, K_FOLD }, { "-type", test_type, K_TYPE },
	{ "-size", test_size, K_SIZE }, { "-mtime", test_mtime, K_DAYS },
	{ "-mmin", test_mtime, K_MINUTES }, { "-newer", test_newer, K_NEWER },
	{ "-perm", test_perm, K_PERM }, { "-user", test_user, K_OWNER },
	{ "-group", test_group, K_OWNER }, { "-links", test_links, K_NUMBER },
	{ "-inum", test_inum, K_NUMBER }, { "-empty", test_empty, K_PLAIN },
	{ "-print", test_print, K_PRINT }, { "-print0", test_print, K_PRINT0 },
	{ "-prune", test_prune, K_PLAIN }, { "-delete", test_delete, K_DELETE },
	{ "-quit", test_quit, K_PLAIN }, { "-exec", test_exec, K_EXEC },
	{ "-ok", test_exec, K_OK }, { "-true", test_true, K_TRUE },
	{ "-false", test_true, K_PLAIN }, { "-mindepth", test_true, K_MIN },
	{ "-maxdepth", test_true, K_MAX }, { "-depth", test_true, K_DEPTH },
	{ "-xdev", test_true, K_XDEV }, { "-mount", test_true, K_XDEV },
};

static void operands_parse(struct node *n, enum kind kind)
{
	switch (kind) {
	case K_TYPE:
		n->text = type_operand();
		break;
	case K_TEXT:
	case K_FOLD:
		n->text = operand();
		n->number = kind == K_FOLD;
		break;
	case K_NUMBER:
		number_operand(n);
		break;
	case K_DAYS:
	case K_MINUTES:
		number_operand(n);
		n->unit = kind == K_DAYS ? 86400 : 60;
		break;
	case K_SIZE:
		parse_size(n);
		break;
	case K_PERM:
		parse_perm(n);
		break;
	case K_NEWER:
		parse_newer(n);
		break;
	case K_EXEC:
	case K_OK:
		n->number = kind == K_OK;
		parse_exec(n);
		break;
	case K_OWNER:
		parse_owner(n);
		break;
	case K_PRINT:
	case K_PRINT0:
		fi.acts = true;
		n->number = kind == K_PRINT ? '\n' : 0;
		break;
	case K_DELETE:
		fi.acts = fi.depth_first = true;
		break;
	case K_MIN:
		fi.min_depth = (long)number_parse(operand());
		n->number = 1;
		break;
	case K_MAX:
		fi.max_depth = (long)number_parse(operand());
		n->number = 1;
		break;
	case K_DEPTH:
	case K_XDEV:
		fi.depth_first |= kind == K_DEPTH;
		fi.one_device |= kind == K_XDEV;
		n->number = 1;
		break;
	default:
		n->number = kind == K_TRUE;
	}
}

static bool accept(const char *word)
{
	if (!*fi.argv || strcmp(*fi.argv, word) != 0)
		return false;
	fi.argv++;
	return true;
}

static struct node *parse_primary(void)
{
	struct node *n;
	size_t i;

	if (accept("!") || accept("-not")) {
		n = node_new(test_not);
		n->a = parse_primary();
		return n;
	}
	if (accept("(")) {
		n = parse_or();
		if (!accept(")"))
			errx(1, "invalid expression: ')' is missing");
		return n;
	}
	if (!*fi.argv)
		errx(1, "invalid expression: something is missing at its end");
	fi.names = *fi.argv++;
	for (i = 0; i < sizeof(primaries) / sizeof(primaries[0]); i++) {
		if (strcmp(primaries[i].name, fi.names) != 0)
			continue;
		n = node_new(primaries[i].test);
		operands_parse(n, primaries[i].kind);
		return n;
	}
	errx(1, "unknown predicate '%s'", fi.names);
}

static struct node *parse_and(void)
{
	struct node *n = parse_primary(), *both;

	while (*fi.argv && strcmp(*fi.argv, "-o") != 0 && strcmp(*fi.argv, "-or") != 0 &&
	       strcmp(*fi.argv, ")") != 0 && strcmp(*fi.argv, ",") != 0) {
		if (!accept("-a"))
			accept("-and");
		both = node_new(test_and);
		both->a = n;
		both->b = parse_primary();
		n = both;
	}
	return n;
}

static struct node *parse_or(void)
{
	struct node *n = parse_and(), *both;

	for (;;) {
		if (accept("-o") || accept("-or"))
			both = node_new(test_or);
		else if (accept(","))
			both = node_new(test_list);
		else
			return n;
		both->a = n;
		both->b = parse_and();
		n = both;
	}
}

static void entry_visit(struct node *expression, FTSENT *e)
{
	switch (e->fts_info) {
	case FTS_DNR:
	case FTS_NS:
	case FTS_ERR:
		warnx("'%s': %s", e->fts_path, strerror(e->fts_errno));
		fi.ok = false;
		return;
	case FTS_DC:
		return;
	case FTS_D:
		if (e->fts_level >= fi.max_depth)
			fts_set(fi.fts, e, FTS_SKIP);
		if (fi.depth_first)
			return;
		break;
	case FTS_DP:
		if (!fi.depth_first)
			return;
		break;
	default:
		break;
	}
	if (e->fts_level >= fi.min_depth && e->fts_level <= fi.max_depth)
		expression->test(expression, e);
}

static int find_main(int argc, char **argv)
{
	static char *here[] = { ".", NULL };
	char **paths = here;
	int options = FTS_PHYSICAL, i = 1, first;
	struct node *expression = NULL, *n;
	FTSENT *e;

	for (; i < argc && (strcmp(argv[i], "-L") == 0 || strcmp(argv[i], "-H") == 0 ||
			    strcmp(argv[i], "-P") == 0); i++)
		options = argv[i][1] == 'L' ? FTS_LOGICAL :
			  FTS_PHYSICAL | (argv[i][1] == 'H' ? FTS_COMFOLLOW : 0);
	for (first = i; i < argc && argv[i][0] != '-' && strcmp(argv[i], "(") != 0 &&
	     strcmp(argv[i], "!") != 0; i++)
		;
	fi.argv = argv + i;
	fi.max_depth = 1L << 30;
	fi.ok = true;
	fi.now = time(NULL);
	if (*fi.argv)
		expression = parse_or();
	if (*fi.argv)
		errx(1, "invalid expression at '%s'", *fi.argv);
	if (!expression)
		expression = node_new(test_true), expression->number = 1;
	if (!fi.acts) {		/* no action named: print what fits */
		n = node_new(test_and);
		n->a = expression;
		n->b = node_new(test_print);
		n->b->number = '\n';
		expression = n;
	}
	if (i > first) {
		paths = argv + first;
		argv[i] = NULL;
	}
	fi.fts = fts_open(paths, options | FTS_NOCHDIR | (fi.one_device ? FTS_XDEV : 0), NULL);
	if (!fi.fts)
		err(1, "fts_open");
	while (!fi.quit && (e = fts_read(fi.fts)) != NULL)
		entry_visit(expression, e);
	for (n = fi.gathering; n; n = n->next)
		gathered_run(n);
	return !fi.ok;
}

TOOL("find", find_main, "[-H | -L | -P] [PATH]... [EXPRESSION]");
