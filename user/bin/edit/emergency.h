/* Leaving when something is badly wrong, without losing text. */
#ifndef EDIT_EMERGENCY_H
#define EDIT_EMERGENCY_H

/* Put the terminal in order, save changed text as FILE.save, print `reason`, exit 1. */
void emergency_exit(const char *reason) __attribute__((noreturn));

#endif
