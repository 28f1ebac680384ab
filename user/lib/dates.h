/*
 * Dates as people write them on command lines.
 */
#ifndef LIB_DATES_H
#define LIB_DATES_H

#include <stdbool.h>
#include <time.h>

/*
 * Reads @SECONDS[.FRACTION], now, today, yesterday, tomorrow, YYYY-MM-DD, HH:MM[:SS[.FRACTION]],
 * both with a blank or T between, and a Z or +HH:MM behind it. Local time unless that says more.
 * False if it is none of them.
 */
bool date_parse(const char *text, struct timespec *t);

/* touch -t's [[CC]YY]MMDDhhmm[.ss], in local time. */
bool date_parse_digits(const char *text, time_t *t);

#endif
