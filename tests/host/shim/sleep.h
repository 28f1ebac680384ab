#pragma once

#include "tests/host/shim/kernel.h"

/*
 * Called when the one thread sleeps: makes something happen that may wake it (a device completes
 * a request), and says whether there was anything left to happen.  If not, the thread would sleep
 * for ever, and that is a panic.
 */
extern bool (*host_idle)(void);

/* Nanoseconds that time_ns() gives next; each call adds a microsecond. */
extern uint64_t host_time;

/* What signal_pending() and signal_fatal_pending() say. */
extern bool host_signal_pending;
