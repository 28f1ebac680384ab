/* Arithmetic of $((...)): signed 64-bit integers with the operators of C. */
#ifndef SH_ARITH_H
#define SH_ARITH_H

#include <stdbool.h>

/* Evaluate an expression; false, with a message, if it is not one. Overflow wraps. */
bool arith_evaluate(const char *expression, long *result);

#endif
