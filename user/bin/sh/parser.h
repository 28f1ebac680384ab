/* The grammar of the shell: from tokens to a tree of nodes. */
#ifndef SH_PARSER_H
#define SH_PARSER_H

#include "lexer.h"

enum parse_result {
	PARSE_END,		/* no more input */
	PARSE_OK,		/* one complete command, maybe an empty one */
	PARSE_ERROR,		/* a syntax error, reported */
};

/* Read one complete command (a line, or more if it is not finished) into `program`. */
enum parse_result parser_next(struct lexer *lex, struct program *program);

/* The commands of $(...); the opening parenthesis is read, the closing one is taken too. */
struct node *parser_substitution(struct lexer *lex);

/* The commands of a `...` whose text is given; errors are reported as the outer lexer's. */
struct node *parser_string(struct lexer *outer, const char *text, size_t len);

/* Is this a reserved word of the grammar? */
bool parser_reserved(const char *word);

#endif
