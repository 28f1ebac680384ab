/* What the tests of large pages share. */
#ifndef USER_TESTS_THP_H
#define USER_TESTS_THP_H

#include "vmlib.h"

#define PAGES	(SPAN / PAGE)
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* So many aligned 2 MiB that want large pages, at ARENA + SPAN, nothing mapped around them. */
char *huge_map(size_t spans);
/* KiB of large pages in the areas that begin in [p, p + size). */
long huge_kib(const char *p, size_t size);

#endif
