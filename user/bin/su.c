/*
 * su: a shell as another user. There are no passwords: only root may become somebody else, the
 * program has no special rights.
 */
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

static struct passwd *passwd_find(const char *name)
{
	FILE *f = fopen("/etc/passwd", "re");
	struct passwd *p = NULL;

	while (f && (p = fgetpwent(f)) != NULL && strcmp(p->pw_name, name) != 0)
		;
	if (f)
		fclose(f);
	return p;
}

/* All groups that list the user as a member. */
static int groups_of(const char *name, gid_t own, gid_t *list, int max)
{
	FILE *f = fopen("/etc/group", "re");
	struct group *g;
	int n = 0, i;

	list[n++] = own;
	while (f && n < max && (g = fgetgrent(f)) != NULL) {
		for (i = 0; g->gr_mem[i] && strcmp(g->gr_mem[i], name) != 0; i++)
			;
		if (g->gr_mem[i] && g->gr_gid != own)
			list[n++] = g->gr_gid;
	}
	if (f)
		fclose(f);
	return n;
}

static int su_main(int argc, char **argv)
{
	const char *name = "root", *command = NULL;
	bool login = false;
	gid_t groups[64];
	struct passwd *p;
	int c, n;

	while ((c = getopt(argc, argv, "+lc:")) != -1) {
		if (c == 'c')
			command = optarg;
		else if (c == 'l')
			login = true;
		else
			usage(1);
	}
	argv += optind;
	if (*argv && strcmp(*argv, "-") == 0)
		login = true, argv++;
	if (*argv)
		name = *argv++;
	while (*argv && strcmp(*argv, "-c") == 0 && argv[1]) {
		command = argv[1];
		argv += 2;
	}
	p = passwd_find(name);
	if (!p)
		errx(1, "user %s does not exist", name);
	n = groups_of(name, p->pw_gid, groups, 64);
	if (setgroups((size_t)n, groups) < 0 || setgid(p->pw_gid) < 0 || setuid(p->pw_uid) < 0)
		err(1, "cannot become %s", name);
	setenv("HOME", p->pw_dir, 1);
	setenv("SHELL", p->pw_shell, 1);
	setenv("USER", name, 1);
	setenv("LOGNAME", name, 1);
	if (login && chdir(p->pw_dir) < 0)
		warn("%s", p->pw_dir);
	if (command)
		execl(p->pw_shell, login ? "-sh" : "sh", "-c", command, NULL);
	else
		execl(p->pw_shell, login ? "-sh" : "sh", NULL);
	err(127, "%s", p->pw_shell);
}

TOOL("su", su_main, "[-l] [-c COMMAND] [-] [USER]");
