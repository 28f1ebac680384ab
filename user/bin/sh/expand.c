#include "expand.h"

#include <ctype.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arith.h"
#include "exec.h"
#include "fields.h"
#include "glob.h"
#include "lexword.h"
#include "options.h"
#include "shell.h"
#include "var.h"

/* Where a word is being expanded. */
struct context {
	bool quoted;		/* all of it is within quotes */
	bool split;		/* the result will be split into fields */
	bool operand;		/* of an unquoted ${name-word}: literal text is split too */
	bool assign;		/* a tilde may follow a colon */
};

static void word_expand(struct expansion *x, const struct word *word, struct context context);

static char *number_string(long number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%ld", number);
	return arena_string(&scratch, digits);
}

static void expansion_fail(struct expansion *x)
{
	shell_abort(2);
	x->failed = true;
}

/* The home directory for ~user, or NULL. Reads /etc/passwd only. */
static char *home_find(const char *user)
{
	FILE *file;
	struct passwd *entry;
	char *home = NULL;

	if (!*user)
		return (char *)var_get("HOME");
	file = fopen("/etc/passwd", "re");
	if (!file)
		return NULL;
	while (!home && (entry = fgetpwent(file)))
		if (strcmp(entry->pw_name, user) == 0)
			home = arena_string(&scratch, entry->pw_dir);
	fclose(file);
	return home;
}

/* Expand a tilde at `text`; returns how many characters it took, 0 if it stays. */
static size_t tilde_expand(struct expansion *x, const char *text, bool last, bool assign)
{
	size_t len = strcspn(text, assign ? ":/" : "/");
	const char *home;

	/* A quoted or expanded part within the user's name makes it an ordinary word. */
	if (!text[len] && !last)
		return 0;
	home = home_find(arena_copy(&scratch, text + 1, len - 1));
	if (!home)
		return 0;
	expansion_string(x, home, MARK_QUOTED);
	return len;
}

static void text_expand(struct expansion *x, const struct part *part, struct context context,
			bool first)
{
	const char *text = part->text;
	unsigned mark = context.operand ? MARK_SPLIT : 0;

	if (part->quoted || context.quoted) {
		expansion_string(x, text, MARK_QUOTED);
		if (!*text)
			expansion_char(x, 0, MARK_NULL);
		return;
	}
	for (const char *p = text; *p; p++) {
		size_t taken = 0;

		if (*p == '~' && ((p == text && first) ||
				  (context.assign && p > text && p[-1] == ':')))
			taken = tilde_expand(x, p, !part->next, context.assign);
		if (taken)
			p += taken - 1;
		else
			expansion_char(x, *p, mark);
	}
}

const char *expand_parameter(const char *name)
{
	long n;

	if (isdigit((unsigned char)*name)) {
		n = strtol(name, NULL, 10);
		if (n == 0)
			return shell.name;
		return n <= shell.params.count ? shell.params.list[n - 1] : NULL;
	}
	switch (*name) {
	case '#':
		return number_string(shell.params.count);
	case '?':
		return number_string(shell.status);
	case '$':
		return number_string(shell.pid);
	case '!':
		return shell.background ? number_string(shell.background) : NULL;
	case '-':
		return options_string();
	case 'L':
		if (strcmp(name, "LINENO") == 0)
			return number_string(shell.line);
		break;
	}
	return var_get(name);
}

/* "$*" joined by the first character of IFS. */
static char *params_join(void)
{
	const char *ifs = var_get("IFS");
	struct text text;

	text_init(&text, &scratch);
	for (int i = 0; i < shell.params.count; i++) {
		if (i && (!ifs || *ifs))
			text_char(&text, ifs ? *ifs : ' ');
		text_string(&text, shell.params.list[i]);
	}
	return text_finish(&text);
}

static void value_emit(struct expansion *x, const char *value, bool quoted)
{
	expansion_string(x, value, quoted ? MARK_QUOTED : MARK_SPLIT);
	if (quoted && !*value)
		expansion_char(x, 0, MARK_NULL);
}

/* $@ and $* in all their forms. */
static void params_emit(struct expansion *x, char which, bool quoted, bool split)
{
	if (which == '*' && (quoted || !split)) {
		value_emit(x, params_join(), true);
		return;
	}
	for (int i = 0; i < shell.params.count; i++) {
		if (i)
			expansion_char(x, 0, MARK_BREAK);
		value_emit(x, shell.params.list[i], quoted);
	}
}

/* Cut the shortest or longest match of a pattern off one end. */
static char *value_strip(const char *value, const char *pattern, enum param_op op)
{
	size_t len = strlen(value);
	bool suffix = op == PARAM_SUFFIX || op == PARAM_LONG_SUFFIX;
	bool longest = op == PARAM_LONG_PREFIX || op == PARAM_LONG_SUFFIX;
	char *copy = arena_copy(&scratch, value, len);

	for (size_t i = 0; i <= len; i++) {
		/* How much is tried for removal. */
		size_t part = longest ? len - i : i;
		bool match;
		char kept;

		if (suffix) {
			match = glob_match(pattern, copy + len - part);
		} else {
			kept = copy[part];
			copy[part] = '\0';
			match = glob_match(pattern, copy);
			copy[part] = kept;
		}
		if (match && suffix) {
			copy[len - part] = '\0';
			return copy;
		}
		if (match)
			return copy + part;
	}
	return copy;
}

static void param_missing(struct expansion *x, const struct part *part)
{
	const char *message = "parameter not set";

	if (part->op == PARAM_ERROR && part->word->parts)
		message = expand_string(part->word);
	else if (part->op == PARAM_ERROR && part->colon)
		message = "parameter null or not set";
	if (message && !x->failed)
		shell_error("%s: %s", part->text, message);
	expansion_fail(x);
}

/* ${name=word}: the new value, NULL on an error. */
static const char *param_assign(struct expansion *x, const struct part *part)
{
	char *value = expand_string(part->word);

	if (!value) {
		x->failed = true;
		return NULL;
	}
	if (!var_name_valid(part->text)) {
		shell_error("%s: cannot assign in this way", part->text);
		expansion_fail(x);
		return NULL;
	}
	if (!var_set(part->text, value)) {
		expansion_fail(x);
		return NULL;
	}
	return value;
}

/* The word of ${name-word} or ${name+word}. */
static void operand_emit(struct expansion *x, const struct part *part, struct context context)
{
	size_t before = x->len;
	bool quoted = part->quoted || context.quoted;

	context.quoted = quoted;
	context.operand = !quoted;
	context.assign = false;
	word_expand(x, part->word, context);
	if (quoted && x->len == before)
		expansion_char(x, 0, MARK_NULL);
}

static void strip_emit(struct expansion *x, const struct part *part, const char *value,
		       bool quoted)
{
	char *pattern = expand_pattern(part->word);

	if (!pattern)
		x->failed = true;
	else
		value_emit(x, value_strip(value, pattern, part->op), quoted);
}

static void param_expand(struct expansion *x, const struct part *part, struct context context)
{
	char which = part->text[0];
	bool many = which == '@' || which == '*';
	bool quoted = part->quoted || context.quoted;
	const char *value = many ? params_join() : expand_parameter(part->text);
	bool set = many ? shell.params.count > 0 : value != NULL;

	if (part->op == PARAM_BAD) {
		shell_error("bad substitution");
		expansion_fail(x);
		return;
	}
	if (!set && !many && option_on(OPTION_NOUNSET) &&
	    (part->op < PARAM_DEFAULT || part->op > PARAM_ALTERNATIVE)) {
		param_missing(x, part);
		return;
	}
	if (!value)
		value = "";
	if (part->colon && !*value)
		set = false;
	if (part->op == PARAM_ALTERNATIVE || (part->op == PARAM_DEFAULT && !set)) {
		if (set == (part->op == PARAM_ALTERNATIVE))
			operand_emit(x, part, context);
		else if (quoted)
			expansion_char(x, 0, MARK_NULL);
		return;
	}
	if (part->op == PARAM_ERROR && !set) {
		param_missing(x, part);
	} else if (part->op == PARAM_ASSIGN && !set) {
		value = param_assign(x, part);
		if (value)
			value_emit(x, value, quoted);
	} else if (part->op >= PARAM_PREFIX) {
		strip_emit(x, part, value, quoted);
	} else if (part->op == PARAM_LENGTH) {
		value_emit(x, number_string(many ? shell.params.count : (long)strlen(value)),
			   quoted);
	} else if (many) {
		params_emit(x, which, quoted, context.split);
	} else {
		value_emit(x, value, quoted);
	}
}

static void command_expand(struct expansion *x, const struct part *part, bool quoted)
{
	struct text output;

	text_init(&output, &scratch);
	if (!exec_capture(part->command, &output)) {
		expansion_fail(x);
		return;
	}
	while (output.len && output.data[output.len - 1] == '\n')
		output.data[--output.len] = '\0';
	value_emit(x, text_finish(&output), quoted);
}

static void arith_expand(struct expansion *x, const struct part *part, bool quoted)
{
	char *expression = expand_string(part->word);
	long result;

	if (!expression)
		x->failed = true;
	else if (!arith_evaluate(expression, &result))
		expansion_fail(x);
	else
		value_emit(x, number_string(result), quoted);
}

static void word_expand(struct expansion *x, const struct word *word, struct context context)
{
	for (const struct part *part = word->parts; part && !x->failed; part = part->next) {
		bool quoted = part->quoted || context.quoted;

		switch (part->kind) {
		case PART_TEXT:
			text_expand(x, part, context, part == word->parts);
			break;
		case PART_PARAM:
			param_expand(x, part, context);
			break;
		case PART_COMMAND:
			command_expand(x, part, quoted);
			break;
		case PART_ARITH:
			arith_expand(x, part, quoted);
			break;
		}
	}
}

bool expand_words(const struct word *words, struct list *list)
{
	struct context context = { .split = true };

	for (; words; words = words->next) {
		const char *literal = word_literal(words);
		struct expansion x = { 0 };

		/* Most words are just that: nothing to expand, split or match. */
		if (literal && *literal != '~' && !strpbrk(literal, "*?[")) {
			list_add(list, (char *)literal);
			continue;
		}
		word_expand(&x, words, context);
		if (x.failed)
			return false;
		expansion_fields(&x, list);
	}
	return true;
}

char *expand_string(const struct word *word)
{
	struct context context = { 0 };
	struct expansion x = { 0 };

	word_expand(&x, word, context);
	return x.failed ? NULL : expansion_join(&x);
}

char *expand_pattern(const struct word *word)
{
	struct context context = { 0 };
	struct expansion x = { 0 };

	word_expand(&x, word, context);
	return x.failed ? NULL : expansion_pattern(&x);
}

char *expand_assignment(const struct word *word, char **name)
{
	const char *equals = strchr(word->parts->text, '=');
	struct part first = *word->parts;
	struct word value = { .parts = &first };
	struct context context = { .assign = true };
	struct expansion x = { 0 };

	*name = arena_copy(&scratch, word->parts->text, equals - word->parts->text);
	first.text = (char *)equals + 1;
	word_expand(&x, &value, context);
	return x.failed ? NULL : expansion_join(&x);
}

char *expand_prompt(const char *text)
{
	struct arena arena = { 0 };
	struct lexer lex;
	struct word *word;
	char *result;

	if (!strpbrk(text, "$`\\"))
		return arena_string(&scratch, text);
	lexer_init(&lex, text, 0, NULL, NULL);
	lexer_begin(&lex, &arena);
	word = lexword_heredoc(&lex, text, strlen(text));
	result = lex.failed ? NULL : expand_string(word);
	if (!result)
		shell.unwind = UNWIND_NONE;
	arena_free(&arena);
	return result ? result : arena_string(&scratch, text);
}
