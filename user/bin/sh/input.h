/* Where command lines come from: files, standard input, a person. */
#ifndef SH_INPUT_H
#define SH_INPUT_H

#include <stdbool.h>

struct input;
struct lexer;
struct source;

/* Open a script; NULL after a message. */
struct input *input_open(const char *path);

/*
 * Standard input. From a person, with prompts, if `lex` is given: ctrl-C makes that lexer
 * fail quietly. Otherwise never a byte further than the line, as the rest is for commands.
 */
struct input *input_stdin(struct lexer *lex);

void input_close(struct input *input);

/* The next line is the first of a command: it gets PS1 as its prompt. */
void input_begin(struct input *input);

/* The refill function of lexers whose context is an input. */
bool input_refill(struct source *source);

#endif
