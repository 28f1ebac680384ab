/* The commands that are part of the shell. Each returns its status. */
#ifndef SH_BUILTIN_H
#define SH_BUILTIN_H

enum {
	BUILTIN_SPECIAL = 1 << 0,	/* errors end a script, assignments before it stay */
	BUILTIN_KEEP = 1 << 1,		/* its redirections stay: exec */
};

struct builtin {
	const char *name;
	int (*run)(int argc, char **argv);
	unsigned flags;
};

/* NULL if there is none of this name. */
const struct builtin *builtin_find(const char *name);

/* The n-th builtin, for completion; NULL after the last. */
const struct builtin *builtin_nth(unsigned n);

/* A number from 0 to `most` in decimal; -1, with a message of `who`, if it is none. */
long builtin_number(const char *who, const char *text, long most);

int builtin_alias(int argc, char **argv);
int builtin_bg(int argc, char **argv);
int builtin_break(int argc, char **argv);
int builtin_cd(int argc, char **argv);
int builtin_command(int argc, char **argv);
int builtin_dot(int argc, char **argv);
int builtin_echo(int argc, char **argv);
int builtin_eval(int argc, char **argv);
int builtin_exec(int argc, char **argv);
int builtin_exit(int argc, char **argv);
int builtin_export(int argc, char **argv);
int builtin_fg(int argc, char **argv);
int builtin_getopts(int argc, char **argv);
int builtin_hash(int argc, char **argv);
int builtin_history(int argc, char **argv);
int builtin_jobs(int argc, char **argv);
int builtin_kill(int argc, char **argv);
int builtin_local(int argc, char **argv);
int builtin_printf(int argc, char **argv);
int builtin_pwd(int argc, char **argv);
int builtin_read(int argc, char **argv);
int builtin_return(int argc, char **argv);
int builtin_set(int argc, char **argv);
int builtin_shift(int argc, char **argv);
int builtin_test(int argc, char **argv);
int builtin_times(int argc, char **argv);
int builtin_trap(int argc, char **argv);
int builtin_type(int argc, char **argv);
int builtin_ulimit(int argc, char **argv);
int builtin_umask(int argc, char **argv);
int builtin_unalias(int argc, char **argv);
int builtin_unset(int argc, char **argv);
int builtin_wait(int argc, char **argv);

#endif
