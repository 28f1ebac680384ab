/*
 * Names of signals.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "user/lib/tool.h"

const char *signal_name(int number)
{
	return number > 0 && number < NSIG ? sigabbrev_np(number) : NULL;
}

int signal_number(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);
	int i;

	if (end != text && *end == 0)
		return n >= 0 && n < NSIG ? (int)n : -1;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (i = 1; i < NSIG; i++) {
		const char *name = signal_name(i);

		if (name && strcasecmp(name, text) == 0)
			return i;
	}
	if (strcasecmp(text, "EXIT") == 0)
		return 0;
	return -1;
}
