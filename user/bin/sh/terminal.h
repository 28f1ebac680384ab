/* The terminal of an interactive shell: who has it, and in which mode. */
#ifndef SH_TERMINAL_H
#define SH_TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

/* Become a process group of our own in the foreground; false if there is no terminal. */
bool terminal_acquire(void);
void terminal_release(void);

/* Give the terminal to a process group. Harmless without a terminal. */
void terminal_give(pid_t group);

/* Take it back; `reset`: with the modes it had before the job, else keeping its changes. */
void terminal_take(bool reset);

bool terminal_save(struct termios *modes);
void terminal_load(const struct termios *modes);

#endif
