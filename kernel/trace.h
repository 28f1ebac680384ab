/*
 * A ring of recent events for each hart, printed by a panic: cheap enough to stay in.
 */
#pragma once

#include "kernel/types.h"

/* what must be a string literal; a and b are shown in hexadecimal. Any context. */
void trace(const char *what, uint64_t a, uint64_t b);
void trace_dump(void);
