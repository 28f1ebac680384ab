/* From characters to tokens. Words come out taken apart into their expansions. */
#ifndef SH_LEXER_H
#define SH_LEXER_H

#include "ast.h"

enum token {
	TOKEN_END,
	TOKEN_NEWLINE,
	TOKEN_WORD,
	TOKEN_NUMBER,		/* digits right before < or > */
	TOKEN_SEMI,
	TOKEN_AMP,
	TOKEN_PIPE,
	TOKEN_LPAREN,
	TOKEN_RPAREN,
	TOKEN_AND_IF,
	TOKEN_OR_IF,
	TOKEN_DSEMI,
	TOKEN_LESS,
	TOKEN_GREAT,
	TOKEN_DLESS,
	TOKEN_DLESSDASH,
	TOKEN_LESSAND,
	TOKEN_DGREAT,
	TOKEN_GREATAND,
	TOKEN_LESSGREAT,
	TOKEN_CLOBBER,
};

struct alias;

/* Where characters come from. Aliases are pushed on top of the input while they are read. */
struct source {
	struct source *below;
	const char *at, *end;
	/* Set at and end to the next line; false at the end. NULL: there is no more. */
	bool (*refill)(struct source *source);
	void *context;			/* of refill */
	struct alias *alias;		/* NULL: the input itself */
};

struct heredoc {
	struct heredoc *next;
	struct redirect *redirect;	/* its word becomes the body */
	char *delimiter;
	bool literal;			/* the delimiter was quoted: no expansion */
	bool strip;			/* <<-: leading tabs go */
};

struct lexer {
	struct source base;
	struct source *source;
	struct arena *arena;		/* of the program being read */
	struct text record;		/* what was read of the program so far */
	enum token token;
	size_t token_start;		/* offset of the token in record */
	struct word *word;		/* TOKEN_WORD */
	int number;			/* TOKEN_NUMBER */
	int line;
	int depth;			/* nesting of commands and expansions */
	bool failed;			/* a syntax error was reported; only TOKEN_END follows */
	bool alias_next;		/* an alias that ends with a blank was just left */
	bool no_alias;
	struct heredoc *pending;	/* here-documents whose bodies follow the next newline */
};

/* Set up a lexer over `len` bytes, or over what refill brings when that is not NULL. */
void lexer_init(struct lexer *lex, const char *bytes, size_t len,
		bool (*refill)(struct source *), void *context);

/* Start reading a new program into `arena`. */
void lexer_begin(struct lexer *lex, struct arena *arena);

/* Forget the rest of the current line and anything half read, after an error. */
void lexer_reset(struct lexer *lex);

/* Read the next token into lex->token. */
void lexer_advance(struct lexer *lex);

/* Report a syntax error once. */
void lexer_fail(struct lexer *lex, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* If the word just read names an alias, replace it by its text and read on; true if so. */
bool lexer_alias(struct lexer *lex);

/* The text of a word without quotes or expansions, else NULL. */
const char *word_literal(const struct word *word);

/* Remember a here-document; `delimiter` is the word after <<. */
void lexer_heredoc(struct lexer *lex, struct redirect *redirect, struct word *delimiter,
		   bool strip);

/* Nesting guard: false and a syntax error when it is too deep. Pair with lexer_leave(). */
bool lexer_enter(struct lexer *lex);
void lexer_leave(struct lexer *lex);

#endif
