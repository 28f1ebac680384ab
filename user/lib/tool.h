/*
 * What the tools of user/bin share. All of them are one program, /bin/toolbox; each name in /bin
 * is a hard link to it, and main() in toolbox.c picks the tool by argv[0]. Errors are reported
 * with err(3) and warn(3), options parsed with getopt(3).
 */
#ifndef LIB_TOOL_H
#define LIB_TOOL_H

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>

struct tool {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *usage;	/* what follows "usage: NAME " */
};

/* Makes func the tool of that name. The build reads the names off these lines: one on a line. */
#define TOOL(name, func, usage)							\
	static const struct tool tool_##func					\
		__attribute__((used, section("tools"), aligned(8))) = { name, func, usage }

extern const struct tool *tool_current;

/* Prints how the running tool is called, to standard error, and exits with status. */
_Noreturn void usage(int status);

/* ---- numbers.c: all exit with status 1 and a message when the text is no such number ---- */

/* A decimal number without sign. */
uint64_t number_parse(const char *s);
/* The same with a suffix: b (512), c or none (1), w (2), k K M G T (powers of 1024), kB MB GB. */
uint64_t size_parse(const char *s);
/* The same, or 0x and hexadecimal digits. */
uint64_t offset_parse(const char *s);
/* Seconds with a fraction and a suffix s, m, h or d. */
double duration_parse(const char *s);
/* Sleeps that long, going on after signals. */
void duration_sleep(double seconds);

#define SIZE_TEXT	24
/* "4.0K", "123M": at most four characters, rounded up as ls, du and df do it. Returns buf. */
char *size_human(char buf[SIZE_TEXT], uint64_t bytes);

/* ---- mode.c ---- */

#define MODE_TEXT	12
/* "drwxr-xr-x". Returns buf. */
char *mode_string(char buf[MODE_TEXT], mode_t mode);
/*
 * The mode that the octal number or symbolic clauses of text (chmod(1)) make of old. Clauses
 * without a class spare the bits of mask. Returns false if text is neither.
 */
bool mode_parse(const char *text, mode_t old, mode_t mask, mode_t *mode);

/* ---- names.c: /etc/passwd and /etc/group; numbers stand for themselves ---- */

const char *user_name(uid_t uid);	/* valid until the next call */
const char *group_name(gid_t gid);
bool user_find(const char *name, uid_t *uid, gid_t *gid);	/* gid may be NULL */
bool group_find(const char *name, gid_t *gid);

/* ---- files.c ---- */

/* The path, or standard input for "-" and NULL; NULL with a warning if it cannot be opened. */
FILE *input_open(const char *path);
void input_close(FILE *f);
/* A read error on f is reported against path; returns true if there was one. */
bool input_failed(FILE *f, const char *path);
/* Writes all of it; false with errno if that fails. */
bool write_all(int fd, const void *buf, size_t n);
/* Copies what is left of in to out. Returns 0, or -1 if reading, -2 if writing failed (errno). */
int fd_copy(int in, int out);
/* dir/name in fresh memory; name may have slashes at its end, only its last component counts. */
char *path_join(const char *dir, const char *name);
/* The last component of path, slashes at the end cut off, in fresh memory. */
char *path_base(const char *path);
bool is_directory(const char *path);
/* Asks on standard error, reads a line of standard input: true if it begins with y or Y. */
bool ask(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void *xmalloc(size_t n);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);

/* ---- tree.c: whole trees of files. Both report their errors and return false after any. ---- */

struct copy_options {
	bool recursive;
	bool preserve;		/* owner, mode, times */
	bool links;		/* copy symbolic links as such, below the top and at it */
	bool links_below;	/* ... only below the top */
	bool force;		/* remove a target that cannot be opened */
	bool interactive;
	bool no_clobber;
	bool update;		/* only what is newer than its target */
	bool verbose;
};

bool tree_copy(const char *from, const char *to, const struct copy_options *o);

struct remove_options {
	bool recursive;
	bool force;		/* nothing there is no error, never ask */
	bool interactive;
	bool empty_dirs;	/* without recursive: an empty directory may go */
	bool verbose;
};

bool tree_remove(const char *path, const struct remove_options *o);

/* ---- proc.c: reading /proc ---- */

/* The whole of a small file, terminated, in fresh memory; NULL with errno. */
char *file_slurp(const char *path, size_t *len);
/* The number of bytes that a line "name: n kB" of /proc/meminfo tells, 0 if there is none. */
uint64_t meminfo_bytes(const char *text, const char *name);

/* ---- signals.c ---- */

/* The number of a signal's name (with or without SIG) or number; -1 if there is none. */
int signal_number(const char *text);
/* "TERM", or NULL. */
const char *signal_name(int number);

#endif
