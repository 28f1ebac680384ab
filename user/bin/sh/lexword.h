/* The inside of words: quotes and the expansions that begin with $ or `. */
#ifndef SH_LEXWORD_H
#define SH_LEXWORD_H

#include "lexer.h"

/* Characters as the lexer sees them; -1 at the end. peek joins continued lines. */
int lexer_peek(struct lexer *lex);
int lexer_peek_raw(struct lexer *lex);
int lexer_next(struct lexer *lex);

/* Read a word up to an unquoted blank, newline or operator. */
struct word *lexword_read(struct lexer *lex);

/* Take the body of a here-document apart: expansions are live, quotes are not. */
struct word *lexword_heredoc(struct lexer *outer, const char *body, size_t len);

/* A word that is `len` literal bytes. */
struct word *lexword_literal(struct arena *arena, const char *bytes, size_t len);

/* Is c the end of an unquoted word? */
bool lexword_delimiter(int c);

/* May c begin, or be part of, a name? */
bool name_start(int c);
bool name_char(int c);

#endif
