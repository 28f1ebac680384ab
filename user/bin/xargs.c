/* xargs: runs a command with arguments read from standard input. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/lib/tool.h"

#define BYTES_MAX	(128 * 1024)	/* of arguments in one command, as GNU */

static struct {
	uint64_t per_run, per_lines;
	const char *replace;
	int delimiter;			/* -1: blanks and quotes */
	bool skip_empty, trace;
	char **fixed;			/* the command and its first arguments */
	size_t n_fixed;
	char **args;
	size_t n_args, room, bytes;
	int status;
} x;

static void command_run(char **argv)
{
	int status, i;
	pid_t pid;

	for (i = 0; x.trace && argv[i]; i++)
		fprintf(stderr, "%s%s", i ? " " : "", argv[i]);
	if (x.trace)
		fputc('\n', stderr);
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		execvp(argv[0], argv);
		warn("%s", argv[0]);
		_exit(errno == ENOENT ? 127 : 126);
	}
	if (waitpid(pid, &status, 0) < 0)
		err(1, "waitpid");
	if (WIFSIGNALED(status))
		errx(125, "%s: terminated by signal %d", argv[0], WTERMSIG(status));
	if (WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == 127)
		exit(WEXITSTATUS(status));
	if (WEXITSTATUS(status) == 255)
		errx(124, "%s: exited with status 255; aborting", argv[0]);
	if (WEXITSTATUS(status))
		x.status = 123;
}

static void batch_run(void)
{
	char **argv = xmalloc((x.n_fixed + x.n_args + 1) * sizeof(*argv));
	size_t i;

	memcpy(argv, x.fixed, x.n_fixed * sizeof(*argv));
	if (x.n_args)
		memcpy(argv + x.n_fixed, x.args, x.n_args * sizeof(*argv));
	argv[x.n_fixed + x.n_args] = NULL;
	command_run(argv);
	for (i = 0; i < x.n_args; i++)
		free(x.args[i]);
	x.n_args = x.bytes = 0;
	free(argv);
}

/* One run with the text put in for every occurrence of the -I word. */
static void replace_run(const char *text)
{
	char **argv = xmalloc((x.n_fixed + 1) * sizeof(*argv));
	size_t len = strlen(x.replace), i;

	for (i = 0; i < x.n_fixed; i++) {
		const char *s = x.fixed[i], *hit;
		char *out = NULL;
		size_t n = 0;
		FILE *f = open_memstream(&out, &n);

		if (!f)
			err(1, "malloc");
		for (; (hit = strstr(s, x.replace)) != NULL; s = hit + len)
			fprintf(f, "%.*s%s", (int)(hit - s), s, text);
		fputs(s, f);
		fclose(f);
		argv[i] = out;
	}
	argv[i] = NULL;
	command_run(argv);
	for (i = 0; i < x.n_fixed; i++)
		free(argv[i]);
	free(argv);
}

static void argument_add(const char *text)
{
	size_t len = strlen(text) + 1;

	if (x.replace) {
		replace_run(text);
		return;
	}
	if (x.n_args && x.bytes + len > BYTES_MAX)
		batch_run();
	if (x.n_args == x.room) {
		x.room = x.room ? x.room * 2 : 256;
		x.args = xrealloc(x.args, x.room * sizeof(*x.args));
	}
	x.args[x.n_args++] = xstrdup(text);
	x.bytes += len;
	if (x.n_args == x.per_run)
		batch_run();
}

struct word {
	char *text;
	size_t n, size;
	bool any;		/* also an empty one, if it was quoted */
};

static void word_put(struct word *w, int c)
{
	if (w->n + 1 >= w->size)
		w->text = xrealloc(w->text, w->size = w->size ? w->size * 2 : 64);
	w->text[w->n++] = (char)c;
	w->text[w->n] = 0;
	w->any = true;
}

static void word_end(struct word *w)
{
	if (w->any)
		argument_add(w->n ? w->text : "");
	w->n = 0;
	w->any = false;
}

/* Blanks end a word, quotes and backslashes protect; with -I only line ends do. */
static void words_read(void)
{
	struct word w = { 0 };
	uint64_t lines = 0;
	int c, quote = 0, last = 0;

	while ((c = getchar()) != EOF) {
		if (quote) {
			if (c == '\n')
				errx(1, "unmatched %s quote", quote == '"' ? "double" : "single");
			if (c == quote)
				quote = 0;
			else
				word_put(&w, c);
			continue;
		}
		if (c == '\'' || c == '"') {
			quote = c;
			w.any = true;
		} else if (c == '\\') {
			c = getchar();
			if (c != EOF)
				word_put(&w, c);
		} else if (c == '\n' || (isblank(c) && (!x.replace || !w.any))) {
			word_end(&w);
			if (c == '\n' && !isblank(last) && ++lines == x.per_lines && x.n_args) {
				batch_run();
				lines = 0;
			}
		} else {
			word_put(&w, c);
		}
		last = c;
	}
	if (quote)
		errx(1, "unmatched %s quote", quote == '"' ? "double" : "single");
	word_end(&w);
	free(w.text);
}

static void records_read(void)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t n;

	while ((n = getdelim(&text, &size, x.delimiter, stdin)) > 0) {
		if (text[n - 1] == x.delimiter)
			text[n - 1] = 0;
		argument_add(text);
	}
	free(text);
}

static int delimiter_parse(const char *s)
{
	if (s[0] == '\\' && s[1] && !s[2])
		return s[1] == 'n' ? '\n' : s[1] == 't' ? '\t' : s[1] == '0' ? 0 : s[1];
	return (unsigned char)*s;
}

static int xargs_main(int argc, char **argv)
{
	static char *echo[] = { "echo", NULL };
	int c;

	x.delimiter = -1;
	while ((c = getopt(argc, argv, "+0d:n:L:I:rt")) != -1) {
		if (c == '0')
			x.delimiter = 0;
		else if (c == 'd')
			x.delimiter = delimiter_parse(optarg);
		else if (c == 'n')
			x.per_run = number_parse(optarg);
		else if (c == 'L')
			x.per_lines = number_parse(optarg);
		else if (c == 'I')
			x.replace = optarg;
		else if (c == 'r')
			x.skip_empty = true;
		else if (c == 't')
			x.trace = true;
		else
			usage(1);
	}
	x.fixed = argv[optind] ? argv + optind : echo;
	while (x.fixed[x.n_fixed])
		x.n_fixed++;
	if (x.delimiter < 0)
		words_read();
	else
		records_read();
	if (x.n_args || (!x.skip_empty && !x.replace && !x.per_run && !x.room))
		batch_run();
	return x.status;
}

TOOL("xargs", xargs_main, "[-0rt] [-d CHAR] [-I WORD] [-L LINES] [-n ARGS] [COMMAND [ARG]...]");
