#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "emergency.h"
#include "file.h"
#include "screen.h"
#include "undo.h"
#include "user/lib/term.h"

/* All there is to one editing session. */
static struct {
	struct buffer buffer;
	struct undo undo;
	struct place cursor;
	size_t wanted;		/* the screen column that up and down aim at */
	bool vertical;		/* the key before moved up or down */
	size_t saved;		/* the serial of the text on the disk */
	char *name;		/* of the file; NULL: none yet */
	char *search;		/* the last text searched for; NULL: none */
	char *cut;		/* what paste inserts; NULL: nothing */
	size_t cut_len;
	bool cutting;		/* the key before cut a line: the next one is added */
	bool quit;
} edit;

static volatile sig_atomic_t resized, told_to_end;
/* The signals of both come only while a key is waited for: with this mask. */
static sigset_t mask_while_waiting;

static void on_signal(int signal)
{
	if (signal == SIGWINCH)
		resized = 1;
	else
		told_to_end = 1;
}

static bool is_modified(void)
{
	return edit.undo.serial != edit.saved;
}

void emergency_exit(const char *reason)
{
	static bool before;
	char path[4096];

	screen_close();
	fprintf(stderr, "edit: %s\n", reason);
	/* Saving may itself fail for want of memory: once is enough. */
	if (!before && edit.buffer.count && is_modified()) {
		before = true;
		snprintf(path, sizeof(path), "%s.save", edit.name ? edit.name : "edit");
		if (file_save(&edit.buffer, path) == 0)
			fprintf(stderr, "edit: the text is in %s\n", path);
	}
	exit(1);
}

static void show(void)
{
	screen_show(&edit.buffer, edit.cursor, edit.name, is_modified());
}

static struct term_key key_read(void)
{
	for (;;) {
		struct pollfd input = { .fd = 0, .events = POLLIN };
		bool signal = ppoll(&input, 1, NULL, &mask_while_waiting) < 0 && errno == EINTR;
		struct term_key key;

		if (told_to_end)
			emergency_exit("told to end");
		if (resized) {
			resized = 0;
			screen_resize();
			show();
		}
		if (signal)
			continue;
		key = term_read(0);
		if (key.code == TERM_EOF)
			emergency_exit("the terminal is gone");
		if (key.code != TERM_SIGNAL)
			return key;
	}
}

static bool is_control(const struct term_key *key, char c)
{
	return key->code == TERM_CONTROL && key->bytes[0] == c;
}

/* Ask for a line of text, starting with `initial`; NULL if the person gave up. */
static char *ask(const char *question, const char *initial)
{
	struct buffer answer;
	struct place at = { 0, 0 };
	char *text = NULL;
	size_t len;

	buffer_init(&answer);
	at = buffer_insert(&answer, at, initial, strlen(initial));
	for (;;) {
		struct term_key key;

		free(text);
		text = buffer_copy(&answer, (struct place){ 0, 0 }, at, &len);
		text[len] = '\0';
		screen_question(question, text);
		key = key_read();
		if (key.code == TERM_TEXT) {
			at = buffer_insert(&answer, at, key.bytes, key.len);
		} else if (is_control(&key, 0x7f) || is_control(&key, TERM_CTRL('H'))) {
			struct place left = buffer_left(&answer, at);

			buffer_delete(&answer, left, at);
			at = left;
		} else if (is_control(&key, TERM_CTRL('U'))) {
			buffer_delete(&answer, (struct place){ 0, 0 }, at);
			at.column = 0;
		} else if (is_control(&key, '\r') || is_control(&key, '\n')) {
			break;
		} else if (is_control(&key, TERM_CTRL('C')) || key.code == TERM_ESCAPE) {
			free(text);
			text = NULL;
			break;
		}
	}
	free(answer.lines[0].text);
	free(answer.lines);
	return text;
}

static bool save_to(const char *name)
{
	int error = file_save(&edit.buffer, name);

	if (error) {
		screen_message("%.80s: %s", name, strerror(-error));
		return false;
	}
	edit.saved = edit.undo.serial;
	undo_break(&edit.undo);
	screen_message("%.80s saved, %zu lines", name,
		       edit.buffer.count - !edit.buffer.lines[edit.buffer.count - 1].len);
	return true;
}

static bool save_as(void)
{
	char *name = ask("Save as: ", edit.name ? edit.name : "");

	if (!name || !*name || !save_to(name)) {
		free(name);
		return false;
	}
	free(edit.name);
	edit.name = name;
	return true;
}

static bool save(void)
{
	return edit.name ? save_to(edit.name) : save_as();
}

static void quit(void)
{
	struct term_key key;

	if (!is_modified()) {
		edit.quit = true;
		return;
	}
	screen_question("Save the changes? y, n, or ctrl-C to go on: ", "");
	for (;;) {
		key = key_read();
		if (key.code == TERM_TEXT && strchr("yY", key.bytes[0])) {
			edit.quit = save();
			return;
		}
		if (key.code == TERM_TEXT && strchr("nN", key.bytes[0])) {
			edit.quit = true;
			return;
		}
		if (is_control(&key, TERM_CTRL('C')) || key.code == TERM_ESCAPE)
			return;
	}
}

static void search_again(void)
{
	if (!edit.search)
		screen_message("Nothing was searched for yet");
	else if (!buffer_find(&edit.buffer, edit.search, edit.cursor, &edit.cursor))
		screen_message("Not found: %.80s", edit.search);
}

static void search(void)
{
	char *text = ask("Search: ", edit.search ? edit.search : "");

	if (!text || !*text) {
		free(text);
		return;
	}
	free(edit.search);
	edit.search = text;
	search_again();
}

static void line_go(void)
{
	char *text = ask("Go to line: ", "");
	unsigned long line = text ? strtoul(text, NULL, 10) : 0;

	free(text);
	if (!line)
		return;
	edit.cursor.row = line > edit.buffer.count ? edit.buffer.count - 1 : line - 1;
	edit.cursor.column = 0;
}

/* Cut the line of the cursor; several in a row are pasted together. */
static void line_cut(bool more)
{
	struct place from = { edit.cursor.row, 0 }, to = { edit.cursor.row + 1, 0 };
	char *text;
	size_t len;

	if (to.row == edit.buffer.count)
		to = buffer_end(&edit.buffer);
	text = buffer_copy(&edit.buffer, from, to, &len);
	if (!more)
		edit.cut_len = 0;
	edit.cut = memory_grow(edit.cut, edit.cut_len + len);
	memcpy(edit.cut + edit.cut_len, text, len);
	edit.cut_len += len;
	free(text);
	undo_delete(&edit.undo, &edit.buffer, from, to);
	edit.cursor = from;
}

static void insert(const char *text, size_t len)
{
	edit.cursor = undo_insert(&edit.undo, &edit.buffer, edit.cursor, text, len);
}

static void paste(void)
{
	if (edit.cut_len)
		insert(edit.cut, edit.cut_len);
	undo_break(&edit.undo);
}

static void delete_left(void)
{
	struct place left = buffer_left(&edit.buffer, edit.cursor);

	undo_delete(&edit.undo, &edit.buffer, left, edit.cursor);
	edit.cursor = left;
}

static void delete_right(void)
{
	undo_delete(&edit.undo, &edit.buffer, edit.cursor,
		    buffer_right(&edit.buffer, edit.cursor));
}

/* Move up (< 0) or down by rows, staying in the screen column where that began. */
static void move_rows(long rows)
{
	const struct line *line = &edit.buffer.lines[edit.cursor.row];
	long row = (long)edit.cursor.row + rows;

	if (!edit.vertical)
		edit.wanted = screen_column(line, edit.cursor.column);
	edit.vertical = true;
	if (row < 0)
		row = 0;
	if (row >= (long)edit.buffer.count)
		row = edit.buffer.count - 1;
	edit.cursor.row = row;
	edit.cursor.column = screen_offset(&edit.buffer.lines[row], edit.wanted);
}

static void history_step(bool (*step)(struct undo *, struct buffer *, struct place *),
			 const char *nothing)
{
	if (!step(&edit.undo, &edit.buffer, &edit.cursor))
		screen_message("%s", nothing);
}

static void control_key(char c, bool cutting)
{
	switch (c) {
	case TERM_CTRL('A'):
		edit.cursor.column = 0;
		break;
	case TERM_CTRL('D'):
		delete_right();
		break;
	case TERM_CTRL('E'):
		edit.cursor.column = edit.buffer.lines[edit.cursor.row].len;
		break;
	case TERM_CTRL('H'):
	case 0x7f:
		delete_left();
		break;
	case '\t':
		insert("\t", 1);
		break;
	case '\r':
	case '\n':
		insert("\n", 1);
		break;
	case TERM_CTRL('K'):
		line_cut(cutting);
		edit.cutting = true;
		break;
	case TERM_CTRL('L'):
		screen_resize();
		break;
	case TERM_CTRL('N'):
		search_again();
		break;
	case TERM_CTRL('O'):
		save_as();
		break;
	case TERM_CTRL('S'):
		save();
		break;
	case TERM_CTRL('T'):
		line_go();
		break;
	case TERM_CTRL('U'):
		paste();
		break;
	case TERM_CTRL('W'):
		search();
		break;
	case TERM_CTRL('X'):
		quit();
		break;
	case TERM_CTRL('Y'):
		history_step(undo_again, "Nothing to make again");
		break;
	case TERM_CTRL('Z'):
		history_step(undo_back, "Nothing to undo");
		break;
	default:
		screen_message("^%c means nothing here", c ^ 0x40);
	}
}

static void move_key(enum term_code code)
{
	long page = screen_text_rows() - 1;

	switch (code) {
	case TERM_UP:
		move_rows(-1);
		break;
	case TERM_DOWN:
		move_rows(1);
		break;
	case TERM_PAGE_UP:
		move_rows(-page);
		break;
	case TERM_PAGE_DOWN:
		move_rows(page);
		break;
	case TERM_LEFT:
	case TERM_WORD_LEFT:
		edit.cursor = buffer_left(&edit.buffer, edit.cursor);
		break;
	case TERM_RIGHT:
	case TERM_WORD_RIGHT:
		edit.cursor = buffer_right(&edit.buffer, edit.cursor);
		break;
	case TERM_HOME:
		edit.cursor.column = 0;
		break;
	case TERM_END:
		edit.cursor.column = edit.buffer.lines[edit.cursor.row].len;
		break;
	default:
		break;
	}
}

static void key_handle(const struct term_key *key)
{
	bool cutting = edit.cutting;
	bool vertical = key->code == TERM_UP || key->code == TERM_DOWN ||
			key->code == TERM_PAGE_UP || key->code == TERM_PAGE_DOWN;

	edit.cutting = false;
	screen_message_clear();
	if (key->code != TERM_TEXT)
		undo_break(&edit.undo);
	if (!vertical)
		edit.vertical = false;
	if (key->code == TERM_TEXT)
		insert(key->bytes, key->len);
	else if (key->code == TERM_CONTROL)
		control_key(key->bytes[0], cutting);
	else if (key->code == TERM_DELETE)
		delete_right();
	else
		move_key(key->code);
}

static void signals_init(void)
{
	struct sigaction action;
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGWINCH);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGHUP);
	/* One that came between a look at its flag and the wait would not end the wait. */
	sigprocmask(SIG_BLOCK, &blocked, &mask_while_waiting);
	sigdelset(&mask_while_waiting, SIGWINCH);
	sigdelset(&mask_while_waiting, SIGTERM);
	sigdelset(&mask_while_waiting, SIGHUP);
	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	action.sa_mask = blocked;
	sigaction(SIGWINCH, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static int file_open(const char *name)
{
	int error = file_load(&edit.buffer, name);

	edit.name = strdup(name);
	if (error == -ENOENT) {
		screen_message("%.80s is a new file", name);
		return 0;
	}
	if (error)
		fprintf(stderr, "edit: %s: %s\n", name, strerror(-error));
	return error;
}

int main(int argc, char **argv)
{
	if (argc > 2 || (argc == 2 && argv[1][0] == '-' && argv[1][1])) {
		fprintf(stderr, "usage: edit [file]\n");
		return 2;
	}
	buffer_init(&edit.buffer);
	if (argc == 2 && file_open(argv[1]))
		return 1;
	signals_init();
	if (!screen_open()) {
		fprintf(stderr, "edit: standard input is not a terminal\n");
		return 1;
	}
	while (!edit.quit) {
		struct term_key key;

		show();
		key = key_read();
		key_handle(&key);
	}
	screen_close();
	return 0;
}
