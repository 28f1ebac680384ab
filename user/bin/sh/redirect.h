/* Redirections, and how to take them back. */
#ifndef SH_REDIRECT_H
#define SH_REDIRECT_H

#include "ast.h"

enum { PRIVATE_FD = 10 };	/* descriptors from here on are the shell's own */

struct redirect_saved;

/* What to bring back; all zero is nothing. Lives in scratch memory. */
struct redirect_undo {
	struct redirect_saved *saved;
};

/*
 * Perform redirections in order. With `undo` they can be taken back, without they stay.
 * On an error: message, false, and what was done is taken back.
 */
bool redirect_apply(const struct redirect *list, struct redirect_undo *undo);
void redirect_restore(struct redirect_undo *undo);

/* Move a descriptor out of the way of scripts, close-on-exec; -1 on an error. */
int redirect_private(int fd);

/* Make `from` be `to`, kept across exec; `from` is closed. */
bool redirect_move(int from, int to);

#endif
