#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Opens the blob (any bytes, any alignment) and asks it everything that kernel/fdt.h and
 * kernel/machine.h can be asked.  Returns the number of nodes, or -1 if it was refused.  Aborts
 * if answers contradict each other; the sanitizers see the rest.
 */
int fdt_visit(const uint8_t *data, size_t size);
