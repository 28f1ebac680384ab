#include "lexer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alias.h"
#include "lexword.h"
#include "shell.h"

enum { DEPTH_MAX = 1000 };

void lexer_init(struct lexer *lex, const char *bytes, size_t len,
		bool (*refill)(struct source *), void *context)
{
	memset(lex, 0, sizeof(*lex));
	lex->base.at = bytes;
	lex->base.end = bytes ? bytes + len : NULL;
	lex->base.refill = refill;
	lex->base.context = context;
	lex->source = &lex->base;
	lex->line = 1;
}

void lexer_begin(struct lexer *lex, struct arena *arena)
{
	lex->arena = arena;
	text_init(&lex->record, arena);
	lex->failed = false;
	lex->alias_next = false;
	lex->depth = 0;
	lex->pending = NULL;
}

static void source_pop(struct lexer *lex)
{
	struct source *source = lex->source;

	lex->source = source->below;
	alias_release(source->alias);
	if (source->context)
		lex->alias_next = true;
	free(source);
}

void lexer_reset(struct lexer *lex)
{
	while (lex->source != &lex->base)
		source_pop(lex);
	lex->base.at = lex->base.end;
	lex->pending = NULL;
}

int lexer_peek_raw(struct lexer *lex)
{
	for (;;) {
		struct source *source = lex->source;

		/* A null byte cannot be part of any word: it is passed over. */
		while (source->at < source->end && !*source->at)
			source->at++;
		if (source->at < source->end)
			return (unsigned char)*source->at;
		if (source->alias) {
			source_pop(lex);
			continue;
		}
		if (lex->failed || !source->refill || !source->refill(source))
			return -1;
	}
}

int lexer_next(struct lexer *lex)
{
	int c = lexer_peek_raw(lex);

	if (c < 0)
		return c;
	lex->source->at++;
	if (!lex->source->alias) {
		text_char(&lex->record, c);
		if (c == '\n')
			lex->line++;
	}
	return c;
}

int lexer_peek(struct lexer *lex)
{
	int c;

	for (;;) {
		c = lexer_peek_raw(lex);
		if (c != '\\' || lex->source->end - lex->source->at < 2 ||
		    lex->source->at[1] != '\n')
			return c;
		lexer_next(lex);
		lexer_next(lex);
	}
}

void lexer_fail(struct lexer *lex, const char *format, ...)
{
	char message[200];
	va_list args;

	if (lex->failed)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	shell.line = lex->line;
	shell_error("syntax error: %s", message);
	lex->failed = true;
	lex->token = TOKEN_END;
}

bool lexer_enter(struct lexer *lex)
{
	if (lex->depth >= DEPTH_MAX) {
		lexer_fail(lex, "nested too deeply");
		return false;
	}
	lex->depth++;
	return true;
}

void lexer_leave(struct lexer *lex)
{
	lex->depth--;
}

const char *word_literal(const struct word *word)
{
	const struct part *part = word->parts;

	if (!part || part->next || part->kind != PART_TEXT || part->quoted)
		return NULL;
	return part->text;
}

bool lexer_alias(struct lexer *lex)
{
	const char *name = lex->token == TOKEN_WORD ? word_literal(lex->word) : NULL;
	struct alias *alias = name && !lex->no_alias ? alias_take(name) : NULL;
	struct source *source;
	size_t len;

	lex->alias_next = false;
	if (!alias)
		return false;
	len = strlen(alias->value);
	source = heap_alloc(sizeof(*source));
	memset(source, 0, sizeof(*source));
	source->at = alias->value;
	source->end = alias->value + len;
	source->alias = alias;
	/* The word after an alias that ends with a blank is looked up too. */
	source->context = len && isblank((unsigned char)alias->value[len - 1]) ? alias : NULL;
	source->below = lex->source;
	lex->source = source;
	lexer_advance(lex);
	return true;
}

void lexer_heredoc(struct lexer *lex, struct redirect *redirect, struct word *delimiter,
		   bool strip)
{
	struct heredoc *doc = arena_alloc(lex->arena, sizeof(*doc));
	struct heredoc **tail = &lex->pending;
	struct text text;

	text_init(&text, lex->arena);
	memset(doc, 0, sizeof(*doc));
	for (struct part *part = delimiter->parts; part; part = part->next) {
		if (part->kind == PART_PARAM)
			text_char(&text, '$');
		if (part->text)
			text_string(&text, part->text);
		doc->literal |= part->quoted;
	}
	doc->redirect = redirect;
	/* Until the body is read; it stays empty when the input ends before. */
	redirect->word = lexword_literal(lex->arena, "", 0);
	doc->delimiter = text_finish(&text);
	doc->strip = strip;
	while (*tail)
		tail = &(*tail)->next;
	*tail = doc;
}

static void heredoc_read(struct lexer *lex, struct heredoc *doc)
{
	struct text body;
	size_t start;
	int c;

	text_init(&body, lex->arena);
	do {
		start = body.len;
		while (doc->strip && lexer_peek_raw(lex) == '\t')
			lexer_next(lex);
		while ((c = lexer_next(lex)) >= 0 && c != '\n')
			text_char(&body, c);
		if (body.data && strcmp(body.data + start, doc->delimiter) == 0)
			break;
		if (!body.data && !*doc->delimiter)
			break;
		if (c == '\n')
			text_char(&body, c);
		start = body.len;
	} while (c >= 0);
	if (body.data)
		body.data[start] = '\0';
	if (doc->literal)
		doc->redirect->word = lexword_literal(lex->arena, body.data, start);
	else
		doc->redirect->word = lexword_heredoc(lex, body.data, start);
}

static void newline_read(struct lexer *lex)
{
	lexer_next(lex);
	while (lex->pending) {
		struct heredoc *doc = lex->pending;

		lex->pending = doc->next;
		heredoc_read(lex, doc);
	}
}

static void blanks_skip(struct lexer *lex)
{
	int c = lexer_peek(lex);

	while (c == ' ' || c == '\t') {
		lexer_next(lex);
		c = lexer_peek(lex);
	}
	if (c == '#')
		while ((c = lexer_peek_raw(lex)) >= 0 && c != '\n')
			lexer_next(lex);
}

/* Take the next character if it is `c`. */
static bool accept(struct lexer *lex, int c)
{
	if (lexer_peek(lex) != c)
		return false;
	lexer_next(lex);
	return true;
}

static enum token less_read(struct lexer *lex)
{
	if (accept(lex, '<'))
		return accept(lex, '-') ? TOKEN_DLESSDASH : TOKEN_DLESS;
	if (accept(lex, '&'))
		return TOKEN_LESSAND;
	return accept(lex, '>') ? TOKEN_LESSGREAT : TOKEN_LESS;
}

static enum token great_read(struct lexer *lex)
{
	if (accept(lex, '>'))
		return TOKEN_DGREAT;
	if (accept(lex, '&'))
		return TOKEN_GREATAND;
	return accept(lex, '|') ? TOKEN_CLOBBER : TOKEN_GREAT;
}

static enum token operator_read(struct lexer *lex)
{
	switch (lexer_next(lex)) {
	case ';':
		return accept(lex, ';') ? TOKEN_DSEMI : TOKEN_SEMI;
	case '&':
		return accept(lex, '&') ? TOKEN_AND_IF : TOKEN_AMP;
	case '|':
		return accept(lex, '|') ? TOKEN_OR_IF : TOKEN_PIPE;
	case '(':
		return TOKEN_LPAREN;
	case ')':
		return TOKEN_RPAREN;
	case '<':
		return less_read(lex);
	default:
		return great_read(lex);
	}
}

/* A word of digits right before < or > is the descriptor to redirect. */
static enum token word_read(struct lexer *lex)
{
	const char *digits;
	int c;

	lex->word = lexword_read(lex);
	c = lexer_peek(lex);
	digits = word_literal(lex->word);
	if ((c != '<' && c != '>') || !digits || strlen(digits) > 4 ||
	    strspn(digits, "0123456789") != strlen(digits))
		return TOKEN_WORD;
	lex->number = atoi(digits);
	return TOKEN_NUMBER;
}

void lexer_advance(struct lexer *lex)
{
	enum token token;
	size_t start;
	int c;

	if (lex->failed) {
		lex->token = TOKEN_END;
		return;
	}
	blanks_skip(lex);
	c = lexer_peek(lex);
	start = lex->record.len;
	if (c < 0) {
		token = TOKEN_END;
	} else if (c == '\n') {
		newline_read(lex);
		token = TOKEN_NEWLINE;
	} else if (lexword_delimiter(c)) {
		token = operator_read(lex);
	} else {
		token = word_read(lex);
	}
	/* Only now: commands within the word were read through the same fields. */
	lex->token_start = start;
	lex->token = lex->failed ? TOKEN_END : token;
}
