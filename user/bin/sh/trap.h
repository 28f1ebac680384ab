/* Signals: what the shell itself does about them, and the actions set by trap. */
#ifndef SH_TRAP_H
#define SH_TRAP_H

#include <stdbool.h>

/* Note what was ignored from the start and set the shell's own handlers. */
void trap_init(void);

/* Set the dispositions anew after shell.interactive or OPTION_MONITOR changed. */
void trap_refresh(void);

/* In a forked child: back to the defaults, but what is ignored stays ignored. */
void trap_child(void);

/* Run the actions of signals that came since. Leaves $? as it is. */
void trap_run(void);

/* Run the EXIT action, once. */
void trap_exit(void);

/* Is an EXIT action set? */
bool trap_exit_set(void);

/* Did a signal with an action come? Returns its number, else 0. */
int trap_pending(void);

/* Did ctrl-C come to an interactive shell without a trap for it? Clears it. */
bool trap_interrupted(void);

/* Look at the same without clearing. */
bool trap_interrupt_seen(void);

/*
 * Wait until fd can be read. False, with errno EINTR: ctrl-C, or with `traps` a signal with an
 * action, came meanwhile or before.
 */
bool trap_wait(int fd, bool traps);

/* Set, reset (NULL) or ignore ("") a signal; 0 is EXIT. */
void trap_set(int signal, const char *action);

/* Print the actions as trap commands. */
void trap_print(void);

/* The number for a name with or without SIG, or for digits; -1 if there is none. */
int trap_signal_number(const char *name);

/* The name without SIG; digits for a signal without one, in scratch memory. */
const char *trap_signal_name(int signal);

#endif
