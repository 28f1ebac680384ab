/* The lines a person typed before. */
#ifndef SH_HISTORY_H
#define SH_HISTORY_H

/* Read $HISTFILE, or .sh_history in the home directory. Lines added later go there too. */
void history_load(void);

/* Remember a line, unless it is empty or the same as the one before. */
void history_add(const char *line);

int history_count(void);

/* 0 is the oldest. */
const char *history_line(int index);

#endif
