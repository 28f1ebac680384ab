#include "fields.h"

#include <string.h>

#include "glob.h"
#include "shell.h"
#include "var.h"

/* A field being put together, as text and as a pattern. */
struct field {
	struct text text;
	struct text pattern;
	bool present;		/* has a character or a pair of quotes */
	bool active;		/* has an unquoted pattern character */
	struct list *list;
};

void expansion_char(struct expansion *x, char c, unsigned mark)
{
	if (x->len == x->room) {
		size_t room = x->room ? 2 * x->room : 64;
		char *data = arena_alloc(&scratch, room);
		unsigned char *marks = arena_alloc(&scratch, room);

		if (x->len) {
			memcpy(data, x->data, x->len);
			memcpy(marks, x->marks, x->len);
		}
		x->data = data;
		x->marks = marks;
		x->room = room;
	}
	x->data[x->len] = c;
	x->marks[x->len++] = mark;
}

void expansion_string(struct expansion *x, const char *string, unsigned mark)
{
	while (*string)
		expansion_char(x, *string++, mark);
}

char *expansion_join(const struct expansion *x)
{
	struct text text;

	text_init(&text, &scratch);
	for (size_t i = 0; i < x->len; i++) {
		if (x->marks[i] & MARK_BREAK)
			text_char(&text, ' ');
		else if (!(x->marks[i] & MARK_NULL))
			text_char(&text, x->data[i]);
	}
	return text_finish(&text);
}

static void pattern_char(struct text *pattern, char c, unsigned mark)
{
	if ((mark & MARK_QUOTED) && strchr("*?[]\\!^-", c))
		text_char(pattern, '\\');
	text_char(pattern, c);
}

char *expansion_pattern(const struct expansion *x)
{
	struct text pattern;

	text_init(&pattern, &scratch);
	for (size_t i = 0; i < x->len; i++) {
		if (x->marks[i] & MARK_BREAK)
			text_char(&pattern, ' ');
		else if (!(x->marks[i] & MARK_NULL))
			pattern_char(&pattern, x->data[i], x->marks[i]);
	}
	return text_finish(&pattern);
}

static void field_start(struct field *field)
{
	text_init(&field->text, &scratch);
	text_init(&field->pattern, &scratch);
	field->present = false;
	field->active = false;
}

static void field_end(struct field *field)
{
	if (!field->active || option_on(OPTION_NOGLOB) ||
	    !glob_files(text_finish(&field->pattern), field->list))
		list_add(field->list, text_finish(&field->text));
	field_start(field);
}

static void field_char(struct field *field, char c, unsigned mark)
{
	field->present = true;
	text_char(&field->text, c);
	pattern_char(&field->pattern, c, mark);
	if (!(mark & MARK_QUOTED) && strchr("*?[", c))
		field->active = true;
}

void expansion_fields(const struct expansion *x, struct list *list)
{
	const char *ifs = var_get("IFS");
	struct field field = { .list = list };
	bool space = false;	/* white space ended a field: one other delimiter joins it */

	if (!ifs)
		ifs = " \t\n";
	field_start(&field);
	for (size_t i = 0; i < x->len; i++) {
		char c = x->data[i];
		unsigned mark = x->marks[i];

		if (mark & MARK_BREAK) {
			if (field.present)
				field_end(&field);
			space = false;
		} else if (mark & MARK_NULL) {
			field.present = true;
			space = false;
		} else if (!(mark & MARK_SPLIT) || !strchr(ifs, c)) {
			field_char(&field, c, mark);
			space = false;
		} else if (strchr(" \t\n", c)) {
			space |= field.present;
			if (field.present)
				field_end(&field);
		} else {
			if (field.present || !space)
				field_end(&field);
			space = false;
		}
	}
	if (field.present)
		field_end(&field);
}
