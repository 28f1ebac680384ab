#include "lexword.h"

#include <ctype.h>
#include <string.h>

#include "parser.h"

/* A word being put together: parts, and characters that are not a part yet. */
struct builder {
	struct lexer *lex;
	struct word *word;
	struct part **tail;
	struct text text;
	bool quoted;		/* of text */
	size_t pieces;		/* characters and parts added so far */
};

bool name_start(int c)
{
	return isalpha(c) || c == '_';
}

bool name_char(int c)
{
	return isalnum(c) || c == '_';
}

bool lexword_delimiter(int c)
{
	return c < 0 || c == ' ' || c == '\t' || c == '\n' || strchr(";&|<>()", c);
}

static void builder_init(struct builder *b, struct lexer *lex)
{
	memset(b, 0, sizeof(*b));
	b->lex = lex;
	b->word = arena_alloc(lex->arena, sizeof(*b->word));
	memset(b->word, 0, sizeof(*b->word));
	b->tail = &b->word->parts;
	text_init(&b->text, lex->arena);
}

static struct part *builder_append(struct builder *b, enum part_kind kind, bool quoted)
{
	struct part *part = arena_alloc(b->lex->arena, sizeof(*part));

	memset(part, 0, sizeof(*part));
	part->kind = kind;
	part->quoted = quoted;
	*b->tail = part;
	b->tail = &part->next;
	b->pieces++;
	return part;
}

static void builder_flush(struct builder *b)
{
	struct part *part;

	if (!b->text.len)
		return;
	part = builder_append(b, PART_TEXT, b->quoted);
	part->text = b->text.data;
	text_init(&b->text, b->lex->arena);
}

static struct part *builder_part(struct builder *b, enum part_kind kind, bool quoted)
{
	builder_flush(b);
	return builder_append(b, kind, quoted);
}

static void builder_char(struct builder *b, int c, bool quoted)
{
	if (c <= 0)
		return;
	if (b->quoted != quoted)
		builder_flush(b);
	b->quoted = quoted;
	text_char(&b->text, c);
	b->pieces++;
}

static struct word *builder_finish(struct builder *b)
{
	builder_flush(b);
	return b->word;
}

/* '...' and "" both leave a trace, so that an empty pair makes an empty field. */
static void builder_touch(struct builder *b, size_t before)
{
	if (b->pieces == before)
		builder_part(b, PART_TEXT, true)->text = "";
}

static void dollar_read(struct builder *b, bool quoted);
static void backquote_read(struct builder *b, bool quoted);

/*
 * One character or expansion. Within quotes a backslash is itself unless it stands
 * before one of `escapes`.
 */
static void piece_read(struct builder *b, bool quoted, const char *escapes)
{
	int c = lexer_next(b->lex);
	int follower;

	if (c == '$') {
		dollar_read(b, quoted);
	} else if (c == '`') {
		backquote_read(b, quoted);
	} else if (c == '\\') {
		follower = lexer_peek_raw(b->lex);
		if (follower > 0 && (!quoted || strchr(escapes, follower)))
			builder_char(b, lexer_next(b->lex), true);
		else
			builder_char(b, c, true);
	} else {
		builder_char(b, c, quoted);
	}
}

static void single_read(struct builder *b)
{
	size_t before = b->pieces;
	int c;

	lexer_next(b->lex);
	while ((c = lexer_next(b->lex)) >= 0 && c != '\'')
		builder_char(b, c, true);
	if (c < 0)
		lexer_fail(b->lex, "unterminated quoted string");
	builder_touch(b, before);
}

static void double_read(struct builder *b)
{
	size_t before = b->pieces;
	int c;

	lexer_next(b->lex);
	while ((c = lexer_peek(b->lex)) >= 0 && c != '"')
		piece_read(b, true, "$`\"\\");
	if (lexer_next(b->lex) < 0)
		lexer_fail(b->lex, "unterminated quoted string");
	builder_touch(b, before);
}

/* The value of up to `most` digits of a base; none at all is 0. */
static int digits_read(struct lexer *lex, int base, int most)
{
	int value = 0;
	int c;

	for (; most > 0 && isxdigit(c = lexer_peek_raw(lex)); most--) {
		int digit = isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;

		if (digit >= base)
			break;
		value = value * base + digit;
		lexer_next(lex);
	}
	return value & 0xff;
}

/* The escapes of $'...', after the backslash. */
static int escape_read(struct lexer *lex)
{
	static const char from[] = "abefnrtv", to[] = "\a\b\033\f\n\r\t\v";
	int c = lexer_peek_raw(lex);
	const char *found = c > 0 ? strchr(from, c) : NULL;

	if (c >= '0' && c <= '7')
		return digits_read(lex, 8, 3);
	lexer_next(lex);
	if (found)
		return to[found - from];
	if (c == 'x')
		return digits_read(lex, 16, 2);
	return c;
}

static void dollar_single_read(struct builder *b)
{
	size_t before = b->pieces;
	int c;

	lexer_next(b->lex);
	while ((c = lexer_next(b->lex)) >= 0 && c != '\'')
		builder_char(b, c == '\\' ? escape_read(b->lex) : c, true);
	if (c < 0)
		lexer_fail(b->lex, "unterminated quoted string");
	builder_touch(b, before);
}

/* The operand of ${name op operand}, up to the closing brace. */
static struct word *operand_read(struct lexer *lex, bool quoted)
{
	struct builder b;
	int c;

	builder_init(&b, lex);
	while ((c = lexer_peek(lex)) >= 0 && c != '}') {
		if (quoted && c == '"')
			lexer_next(lex);
		else if (c == '\'' && !quoted)
			single_read(&b);
		else if (c == '"')
			double_read(&b);
		else
			piece_read(&b, quoted, "$`\"\\}");
	}
	if (c < 0)
		lexer_fail(lex, "missing }");
	return builder_finish(&b);
}

/* A name, digits, or one special character; "" if there is none. */
static char *parameter_read(struct lexer *lex, bool braces)
{
	struct text text;
	int c = lexer_peek(lex);

	text_init(&text, lex->arena);
	if (name_start(c)) {
		for (; name_char(c); c = lexer_peek(lex))
			text_char(&text, lexer_next(lex));
	} else if (isdigit(c)) {
		do
			text_char(&text, lexer_next(lex));
		while (braces && isdigit(lexer_peek(lex)));
	} else if (c > 0 && strchr("@*#?-$!", c)) {
		text_char(&text, lexer_next(lex));
	}
	return text_finish(&text);
}

static enum param_op op_read(struct lexer *lex, bool colon)
{
	static const char plain[] = "-=?+";
	static const enum param_op plain_ops[] = {
		PARAM_DEFAULT, PARAM_ASSIGN, PARAM_ERROR, PARAM_ALTERNATIVE,
	};
	int c = lexer_peek(lex);
	const char *found = c > 0 ? strchr(plain, c) : NULL;

	if (found) {
		lexer_next(lex);
		return plain_ops[found - plain];
	}
	if (colon || (c != '#' && c != '%'))
		return PARAM_BAD;
	lexer_next(lex);
	if (lexer_peek(lex) != c)
		return c == '#' ? PARAM_PREFIX : PARAM_SUFFIX;
	lexer_next(lex);
	return c == '#' ? PARAM_LONG_PREFIX : PARAM_LONG_SUFFIX;
}

/* ${...}; the dollar is gone, the brace is next. */
static void brace_read(struct builder *b, bool quoted)
{
	struct part *part = builder_part(b, PART_PARAM, quoted);
	struct lexer *lex = b->lex;
	bool pattern;

	lexer_next(lex);
	part->text = parameter_read(lex, true);
	if (strcmp(part->text, "#") == 0 && lexer_peek(lex) != '}') {
		part->text = parameter_read(lex, true);
		part->op = PARAM_LENGTH;
	}
	if (part->text[0] && lexer_peek(lex) == '}') {
		lexer_next(lex);
		return;
	}
	if (lexer_peek(lex) == ':') {
		lexer_next(lex);
		part->colon = true;
	}
	if (!part->text[0] || part->op == PARAM_LENGTH)
		part->op = PARAM_BAD;
	else
		part->op = op_read(lex, part->colon);
	pattern = part->op >= PARAM_PREFIX;
	part->word = operand_read(lex, quoted && !pattern);
	lexer_next(lex);
}

/* $((...)); both parentheses are next. */
static void arith_read(struct builder *b, bool quoted)
{
	struct part *part = builder_part(b, PART_ARITH, quoted);
	struct builder inner;
	int parens = 0;
	int c;

	lexer_next(b->lex);
	lexer_next(b->lex);
	builder_init(&inner, b->lex);
	while ((c = lexer_peek(b->lex)) >= 0 && (c != ')' || parens > 0)) {
		parens += (c == '(') - (c == ')');
		if (c == '"')
			lexer_next(b->lex);
		else
			piece_read(&inner, true, "$`\\");
	}
	lexer_next(b->lex);
	if (lexer_next(b->lex) != ')')
		lexer_fail(b->lex, "expecting ))");
	part->word = builder_finish(&inner);
}

/* Is the input at the two characters "(("? Continued lines between them do not count. */
static bool double_paren(struct lexer *lex)
{
	return lex->source->end - lex->source->at >= 2 && lex->source->at[0] == '(' &&
	       lex->source->at[1] == '(';
}

static void dollar_read(struct builder *b, bool quoted)
{
	struct lexer *lex = b->lex;
	int c = lexer_peek(lex);
	char *name;

	if (!lexer_enter(lex))
		return;
	if (c == '{') {
		brace_read(b, quoted);
	} else if (c == '(' && double_paren(lex)) {
		arith_read(b, quoted);
	} else if (c == '(') {
		lexer_next(lex);
		builder_part(b, PART_COMMAND, quoted)->command = parser_substitution(lex);
	} else if (c == '\'' && !quoted) {
		dollar_single_read(b);
	} else {
		name = parameter_read(lex, false);
		if (*name)
			builder_part(b, PART_PARAM, quoted)->text = name;
		else
			builder_char(b, '$', quoted);
	}
	lexer_leave(lex);
}

/* `...`: its text, less one level of backslashes, is a program of its own. */
static void backquote_read(struct builder *b, bool quoted)
{
	struct lexer *lex = b->lex;
	struct text text;
	int c;

	text_init(&text, lex->arena);
	while ((c = lexer_next(lex)) >= 0 && c != '`') {
		int follower = c == '\\' ? lexer_peek_raw(lex) : -1;

		if (follower > 0 && strchr(quoted ? "$`\\\"" : "$`\\", follower))
			c = lexer_next(lex);
		text_char(&text, c);
	}
	if (c < 0) {
		lexer_fail(lex, "unterminated `");
		return;
	}
	if (!lexer_enter(lex))
		return;
	builder_part(b, PART_COMMAND, quoted)->command =
		parser_string(lex, text_finish(&text), text.len);
	lexer_leave(lex);
}

struct word *lexword_read(struct lexer *lex)
{
	struct builder b;
	int c;

	builder_init(&b, lex);
	while (!lexword_delimiter(c = lexer_peek(lex)) && !lex->failed) {
		if (c == '\'')
			single_read(&b);
		else if (c == '"')
			double_read(&b);
		else
			piece_read(&b, false, "");
	}
	return builder_finish(&b);
}

struct word *lexword_heredoc(struct lexer *outer, const char *body, size_t len)
{
	struct lexer lex;
	struct builder b;

	lexer_init(&lex, body, len, NULL, NULL);
	lexer_begin(&lex, outer->arena);
	lex.depth = outer->depth;
	lex.line = outer->line;
	lex.no_alias = outer->no_alias;
	builder_init(&b, &lex);
	while (lexer_peek(&lex) >= 0)
		piece_read(&b, true, "$`\\");
	outer->failed |= lex.failed;
	return builder_finish(&b);
}

struct word *lexword_literal(struct arena *arena, const char *bytes, size_t len)
{
	struct word *word = arena_alloc(arena, sizeof(*word));
	struct part *part = arena_alloc(arena, sizeof(*part));

	memset(word, 0, sizeof(*word));
	memset(part, 0, sizeof(*part));
	part->kind = PART_TEXT;
	part->quoted = true;
	part->text = arena_copy(arena, bytes, len);
	word->parts = part;
	return word;
}
