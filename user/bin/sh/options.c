#include "options.h"

#include <stdio.h>
#include <string.h>

#include "jobs.h"
#include "mem.h"
#include "shell.h"

/* In the order of enum option. */
static const char option_letters[] = "aefmnuvxC\0\0is";

static const char *const option_names[] = {
	"allexport", "errexit", "noglob", "monitor", "noexec", "nounset", "verbose", "xtrace",
	"noclobber", "ignoreeof", "pipefail", "interactive", "stdin",
};

enum { OPTIONS = sizeof(option_names) / sizeof(option_names[0]) };

char *options_string(void)
{
	struct text text;

	text_init(&text, &scratch);
	for (int i = 0; i < OPTIONS; i++)
		if (option_on(1 << i) && option_letters[i])
			text_char(&text, option_letters[i]);
	return text_finish(&text);
}

void options_print(bool commands)
{
	for (int i = 0; i < OPTIONS; i++) {
		bool on = option_on(1 << i);

		if (commands)
			printf("set %co %s\n", on ? '-' : '+', option_names[i]);
		else
			printf("%-16s%s\n", option_names[i], on ? "on" : "off");
	}
}

static void option_set(enum option option, bool on)
{
	if (option == OPTION_MONITOR && on != option_on(OPTION_MONITOR) && !jobs_monitor(on))
		return;
	if (on)
		shell.options |= option;
	else
		shell.options &= ~option;
}

static bool option_name_set(const char *name, bool on)
{
	for (int i = 0; i < OPTIONS; i++) {
		if (strcmp(option_names[i], name) == 0) {
			option_set(1 << i, on);
			return true;
		}
	}
	shell_error("illegal option -o %s", name);
	return false;
}

static bool option_letter_set(char letter, bool on)
{
	for (int i = 0; i < OPTIONS; i++) {
		if (option_letters[i] == letter) {
			option_set(1 << i, on);
			return true;
		}
	}
	shell_error("illegal option -%c", letter);
	return false;
}

int options_parse(char **argv, const char *extra, char *found, bool *end)
{
	int i;

	*end = false;
	for (i = 1; argv[i] && (argv[i][0] == '-' || argv[i][0] == '+'); i++) {
		bool on = argv[i][0] == '-';
		const char *letters = argv[i] + 1;

		if (on && (!*letters || strcmp(letters, "-") == 0)) {
			*end = true;
			return i + 1;
		}
		if (!*letters)
			return i;
		for (; *letters; letters++) {
			if (*letters == 'o' && argv[i + 1]) {
				if (!option_name_set(argv[++i], on))
					return -1;
				break;
			}
			if (*letters == 'o') {
				options_print(!on);
			} else if (strchr(extra, *letters)) {
				found[strlen(found)] = *letters;
			} else if (!option_letter_set(*letters, on)) {
				return -1;
			}
		}
	}
	return i;
}
