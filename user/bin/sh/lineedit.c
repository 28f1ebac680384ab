#include "lineedit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "complete.h"
#include "editline.h"
#include "history.h"
#include "mem.h"
#include "user/lib/term.h"
#include "var.h"

enum outcome {
	GO_ON,
	DONE,
	CANCELLED,
	FINISHED,		/* end of file */
};

/* One line being read from a person. */
struct session {
	struct editline line;
	int entry;		/* of the history shown; history_count(): the new line */
	char *draft;		/* the new line while an old one is shown; may be NULL */
	char *cut;		/* what ctrl-Y brings back; may be NULL */
	bool tabbed;		/* the key before was a tab */
};

bool lineedit_usable(void)
{
	const char *term = var_get_or("TERM", "dumb");

	return strcmp(term, "dumb") != 0 && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static void entry_show(struct session *session, int entry)
{
	if (entry < 0 || entry > history_count() || entry == session->entry)
		return;
	if (session->entry == history_count()) {
		free(session->draft);
		session->draft = heap_string(session->line.text);
	}
	session->entry = entry;
	editline_set(&session->line,
		     entry == history_count() ? session->draft : history_line(entry));
	editline_paint(&session->line);
}

/* Delete a stretch of the line and keep it for ctrl-Y. */
static void stretch_cut(struct session *session, size_t from, size_t to)
{
	if (from == to)
		return;
	free(session->cut);
	session->cut = heap_alloc(to - from + 1);
	memcpy(session->cut, session->line.text + from, to - from);
	session->cut[to - from] = '\0';
	editline_delete(&session->line, from, to);
	editline_paint(&session->line);
}

static void cursor_move(struct session *session, size_t at)
{
	if (session->line.at == at)
		return;
	session->line.at = at;
	editline_paint(&session->line);
}

static void backspace(struct session *session)
{
	struct editline *line = &session->line;

	if (!line->at)
		return;
	editline_delete(line, editline_left(line), line->at);
	editline_paint(line);
}

static void delete_right(struct session *session)
{
	struct editline *line = &session->line;

	if (line->at == line->len)
		return;
	editline_delete(line, line->at, editline_right(line));
	editline_paint(line);
}

/* The entry at or before `from` that contains `text`, or -1. */
static int history_search(const char *text, int from)
{
	for (int i = from; i >= 0; i--)
		if (strstr(history_line(i), text))
			return i;
	return -1;
}

/* The picture of a search: its text in the prompt, the match as the line. */
static void search_paint(struct editline *shown, const char *text, int entry)
{
	struct text prompt;

	text_init(&prompt, &scratch);
	text_string(&prompt, entry < 0 && *text ? "(failed search)`" : "(search)`");
	text_string(&prompt, text);
	text_string(&prompt, "': ");
	shown->prompt = text_finish(&prompt);
	editline_set(shown, entry < 0 ? "" : history_line(entry));
	editline_paint(shown);
}

/* ctrl-R. The key that ends the search is returned to be acted upon. */
static struct term_key search_run(struct session *session)
{
	struct editline *line = &session->line;
	const char *prompt = line->prompt;
	struct arena_mark mark = arena_mark(&scratch);
	struct editline wanted;
	struct term_key key;
	int entry = -1;

	editline_init(&wanted, "");
	for (;;) {
		search_paint(line, wanted.text, entry);
		key = term_read(STDIN_FILENO);
		if (key.code == TERM_TEXT) {
			editline_insert(&wanted, key.bytes, key.len);
			entry = history_search(wanted.text,
					       entry < 0 ? history_count() - 1 : entry);
		} else if (key.code == TERM_CONTROL && key.bytes[0] == TERM_CTRL('R')) {
			if (entry > 0 && history_search(wanted.text, entry - 1) >= 0)
				entry = history_search(wanted.text, entry - 1);
		} else if (key.code == TERM_CONTROL &&
			   (key.bytes[0] == TERM_CTRL('H') || key.bytes[0] == 0x7f)) {
			if (wanted.len)
				editline_delete(&wanted, editline_left(&wanted), wanted.len);
			entry = wanted.len ? history_search(wanted.text, history_count() - 1) : -1;
		} else {
			break;
		}
	}
	editline_free(&wanted);
	line->prompt = prompt;
	if (entry >= 0)
		session->entry = entry;
	editline_paint(line);
	arena_release(&scratch, mark);
	return key;
}

static enum outcome end_of_file(struct session *session)
{
	if (!session->line.len)
		return FINISHED;
	delete_right(session);
	return GO_ON;
}

static void screen_clear(struct session *session)
{
	static const char clear[] = "\033[H\033[2J";

	term_write(STDOUT_FILENO, clear, sizeof(clear) - 1);
	session->line.row = 0;
	editline_paint(&session->line);
}

/* ctrl-W takes what lies between blanks, unlike the words of alt-B. */
static size_t blank_word_left(const struct editline *line)
{
	size_t at = line->at;

	while (at && line->text[at - 1] == ' ')
		at--;
	while (at && line->text[at - 1] != ' ')
		at--;
	return at;
}

static enum outcome control_key(struct session *session, char c)
{
	struct editline *line = &session->line;

	switch (c) {
	case '\r':
	case '\n':
		return DONE;
	case TERM_CTRL('A'):
		cursor_move(session, 0);
		break;
	case TERM_CTRL('B'):
		cursor_move(session, editline_left(line));
		break;
	case TERM_CTRL('C'):
		return CANCELLED;
	case TERM_CTRL('D'):
		return end_of_file(session);
	case TERM_CTRL('E'):
		cursor_move(session, line->len);
		break;
	case TERM_CTRL('F'):
		cursor_move(session, editline_right(line));
		break;
	case TERM_CTRL('H'):
	case 0x7f:
		backspace(session);
		break;
	case '\t':
		complete_line(line, session->tabbed);
		break;
	case TERM_CTRL('K'):
		stretch_cut(session, line->at, line->len);
		break;
	case TERM_CTRL('L'):
		screen_clear(session);
		break;
	case TERM_CTRL('N'):
		entry_show(session, session->entry + 1);
		break;
	case TERM_CTRL('P'):
		entry_show(session, session->entry - 1);
		break;
	case TERM_CTRL('U'):
		stretch_cut(session, 0, line->at);
		break;
	case TERM_CTRL('W'):
		stretch_cut(session, blank_word_left(line), line->at);
		break;
	case TERM_CTRL('Y'):
		if (session->cut)
			editline_insert(line, session->cut, strlen(session->cut));
		editline_paint(line);
		break;
	}
	return GO_ON;
}

static void alt_key(struct session *session, char c)
{
	struct editline *line = &session->line;

	if (c == 'b')
		cursor_move(session, editline_word_left(line));
	else if (c == 'f')
		cursor_move(session, editline_word_right(line));
	else if (c == 'd')
		stretch_cut(session, line->at, editline_word_right(line));
	else if (c == 0x7f || c == TERM_CTRL('H'))
		stretch_cut(session, editline_word_left(line), line->at);
}

static enum outcome key_handle(struct session *session, const struct term_key *key)
{
	struct editline *line = &session->line;

	switch (key->code) {
	case TERM_TEXT:
		editline_type(line, key->bytes, key->len);
		break;
	case TERM_CONTROL:
		return control_key(session, key->bytes[0]);
	case TERM_ALT:
		alt_key(session, key->bytes[0]);
		break;
	case TERM_UP:
		entry_show(session, session->entry - 1);
		break;
	case TERM_DOWN:
		entry_show(session, session->entry + 1);
		break;
	case TERM_LEFT:
		cursor_move(session, editline_left(line));
		break;
	case TERM_RIGHT:
		cursor_move(session, editline_right(line));
		break;
	case TERM_HOME:
		cursor_move(session, 0);
		break;
	case TERM_END:
		cursor_move(session, line->len);
		break;
	case TERM_DELETE:
		delete_right(session);
		break;
	case TERM_WORD_LEFT:
		cursor_move(session, editline_word_left(line));
		break;
	case TERM_WORD_RIGHT:
		cursor_move(session, editline_word_right(line));
		break;
	case TERM_EOF:
		return FINISHED;
	default:
		break;
	}
	return GO_ON;
}

static enum outcome session_run(struct session *session)
{
	enum outcome outcome = GO_ON;

	editline_paint(&session->line);
	while (outcome == GO_ON) {
		struct term_key key = term_read(STDIN_FILENO);
		bool tab = key.code == TERM_CONTROL && key.bytes[0] == '\t';

		if (key.code == TERM_CONTROL && key.bytes[0] == TERM_CTRL('R')) {
			key = search_run(session);
			tab = false;
		}
		outcome = key_handle(session, &key);
		session->tabbed = tab;
	}
	return outcome;
}

int lineedit_read(const char *prompt, char **line)
{
	struct session session = { .entry = history_count() };
	struct termios saved;
	enum outcome outcome;

	/* ctrl-C and ctrl-Z are keys like others while a line is edited. */
	if (!term_raw(STDIN_FILENO, false, &saved))
		return -1;
	editline_init(&session.line, prompt);
	outcome = session_run(&session);
	if (outcome == CANCELLED) {
		session.line.at = session.line.len;
		term_write(STDOUT_FILENO, "^C", 2);
	}
	editline_leave(&session.line);
	term_restore(STDIN_FILENO, &saved);
	free(session.draft);
	free(session.cut);
	if (outcome != DONE) {
		editline_free(&session.line);
		return outcome == CANCELLED ? -2 : -1;
	}
	*line = session.line.text;
	return 0;
}
