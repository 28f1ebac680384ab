#include "quote.h"

#include "mem.h"

char *quote_word(const char *word)
{
	struct text text;

	text_init(&text, &scratch);
	text_char(&text, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			text_string(&text, "'\\''");
		else
			text_char(&text, *word);
	}
	text_char(&text, '\'');
	return text_finish(&text);
}
