/* What the parser makes and the executor runs. All of it lives in one arena per program. */
#ifndef SH_AST_H
#define SH_AST_H

#include "mem.h"

struct node;

enum part_kind {
	PART_TEXT,		/* literal characters */
	PART_PARAM,		/* $name and ${name...} */
	PART_COMMAND,		/* $(...) and `...` */
	PART_ARITH,		/* $((...)) */
};

enum param_op {
	PARAM_PLAIN,
	PARAM_LENGTH,		/* ${#name} */
	PARAM_DEFAULT,		/* ${name-word} */
	PARAM_ASSIGN,		/* ${name=word} */
	PARAM_ERROR,		/* ${name?word} */
	PARAM_ALTERNATIVE,	/* ${name+word} */
	PARAM_PREFIX,		/* ${name#word} */
	PARAM_LONG_PREFIX,	/* ${name##word} */
	PARAM_SUFFIX,		/* ${name%word} */
	PARAM_LONG_SUFFIX,	/* ${name%%word} */
	PARAM_BAD,		/* a form we do not know: an error when it is expanded */
};

/* A stretch of a word with one meaning. */
struct part {
	struct part *next;
	enum part_kind kind;
	enum param_op op;	/* PART_PARAM */
	bool quoted;		/* within quotes: no splitting, no patterns */
	bool colon;		/* PART_PARAM: the op also fires for the empty string */
	char *text;		/* PART_TEXT: the characters; PART_PARAM: the name */
	struct word *word;	/* PART_PARAM: operand; PART_ARITH: expression */
	struct node *command;	/* PART_COMMAND: NULL for an empty one */
};

struct word {
	struct word *next;
	struct part *parts;	/* NULL: the empty string, unquoted */
};

enum redirect_kind {
	REDIRECT_READ,		/* <  */
	REDIRECT_WRITE,		/* >  */
	REDIRECT_CLOBBER,	/* >| */
	REDIRECT_APPEND,	/* >> */
	REDIRECT_BOTH,		/* <> */
	REDIRECT_DUP,		/* <& and >& */
	REDIRECT_HERE,		/* << and <<- */
};

struct redirect {
	struct redirect *next;
	enum redirect_kind kind;
	int fd;
	struct word *word;	/* file name, descriptor or the text of a here-document */
};

enum node_kind {
	NODE_SIMPLE,		/* words, assigns */
	NODE_PIPE,		/* first: commands linked by next; negate */
	NODE_AND_OR,		/* first: pipelines linked by next, joined by && or || */
	NODE_LIST,		/* first: commands linked by next */
	NODE_BACKGROUND,	/* first & */
	NODE_SUBSHELL,		/* ( first ) */
	NODE_GROUP,		/* { first } */
	NODE_IF,		/* if first; then second; else third */
	NODE_WHILE,		/* while first; do second */
	NODE_UNTIL,		/* until first; do second */
	NODE_FOR,		/* for name in words; do first */
	NODE_CASE,		/* case subject in items */
	NODE_FUNCTION,		/* name() first */
};

struct case_item {
	struct case_item *next;
	struct word *patterns;
	struct node *body;	/* may be NULL */
};

struct node {
	struct node *next;
	enum node_kind kind;
	bool negate;		/* NODE_PIPE: ! before it */
	bool alternative;	/* in a NODE_AND_OR: joined to the one before by || */
	bool implicit;		/* NODE_FOR: without "in", over "$@" */
	int line;
	size_t from, to;	/* the source of it: offsets into program.text */
	struct redirect *redirects;
	struct node *first, *second, *third;
	struct word *words;
	struct word *assigns;	/* NODE_SIMPLE: each begins with NAME= */
	char *name;
	struct case_item *items;
};

/* One complete command as read, shared by its reader and the functions it defines. */
struct program {
	struct arena arena;
	int references;
	struct node *root;	/* NULL: an empty line */
	char *text;		/* the source, for the names of jobs */
};

struct program *program_new(void);
void program_hold(struct program *program);
void program_drop(struct program *program);

#endif
