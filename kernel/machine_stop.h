/*
 * Stopping the machine: the tree's sifive,test1 (or syscon-poweroff) node where there is one,
 * SRST otherwise, a halt with a message as the last resort.
 */
#pragma once

#include "kernel/types.h"

/* Power off. status becomes QEMU's exit status through sifive,test1. No file system is synced. */
void machine_poweroff(int status) __noreturn;
void machine_restart(void) __noreturn;
void machine_halt(void) __noreturn;
/* Halt before there is a system to speak of: the machine is not one that we can run on. */
void machine_refuse(const char *why) __noreturn;
