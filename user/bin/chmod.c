/* chmod, chown, chgrp: who may do what with a file. */
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

struct change {
	const char *mode;		/* chmod's text, else NULL */
	mode_t mask;
	uid_t uid;			/* -1: leave it */
	gid_t gid;
	bool no_dereference, verbose;
};

static bool mode_change(const FTSENT *e, const struct change *ch)
{
	mode_t mode;

	/* A link has no mode of its own; one met on the way is nobody's request. */
	if (S_ISLNK(e->fts_statp->st_mode) && e->fts_level > 0)
		return true;
	mode_parse(ch->mode, e->fts_statp->st_mode, ch->mask, &mode);
	if (chmod(e->fts_accpath, mode) < 0) {
		warn("changing permissions of '%s'", e->fts_path);
		return false;
	}
	if (ch->verbose)
		printf("mode of '%s' changed to %04o\n", e->fts_path, mode);
	return true;
}

static bool owner_change(const FTSENT *e, const struct change *ch)
{
	bool as_link = ch->no_dereference || (S_ISLNK(e->fts_statp->st_mode) && e->fts_level > 0);

	if ((as_link ? lchown : chown)(e->fts_accpath, ch->uid, ch->gid) < 0) {
		warn("changing ownership of '%s'", e->fts_path);
		return false;
	}
	if (ch->verbose)
		printf("changed ownership of '%s'\n", e->fts_path);
	return true;
}

static bool entry_change(const FTSENT *e, const struct change *ch)
{
	switch (e->fts_info) {
	case FTS_DP:
		return true;
	case FTS_DNR:	/* seen before as FTS_D */
		warnx("cannot read directory '%s': %s", e->fts_path, strerror(e->fts_errno));
		return false;
	case FTS_NS:
	case FTS_ERR:
		warnx("cannot access '%s': %s", e->fts_path, strerror(e->fts_errno));
		return false;
	default:
		return ch->mode ? mode_change(e, ch) : owner_change(e, ch);
	}
}

static int change_all(char **paths, bool recursive, const struct change *ch)
{
	int options = FTS_PHYSICAL | FTS_NOCHDIR;
	bool ok = true;
	FTSENT *e;
	FTS *fts;

	if (!recursive && !ch->no_dereference)
		options |= FTS_COMFOLLOW;
	fts = fts_open(paths, options, NULL);
	if (!fts)
		err(1, "fts_open");
	while ((e = fts_read(fts)) != NULL) {
		ok &= entry_change(e, ch);
		if (!recursive)
			fts_set(fts, e, FTS_SKIP);
	}
	fts_close(fts);
	return !ok;
}

/* -x and -w are modes when chmod's argument begins with them, not options. */
static bool minus_mode(const char *s)
{
	return s && s[0] == '-' && s[1] && !s[1 + strspn(s + 1, "rwxXstugo,=+-")];
}

static int chmod_main(int argc, char **argv)
{
	struct change ch = { .mask = umask(0), .uid = (uid_t)-1, .gid = (gid_t)-1 };
	bool recursive = false, quiet = false;
	mode_t mode;
	int i;

	umask(ch.mask);
	for (i = 1; i < argc && argv[i][0] == '-' && !minus_mode(argv[i]); i++) {
		const char *s = argv[i] + 1;

		if (strcmp(s, "-") == 0) {
			i++;
			break;
		}
		for (; *s; s++) {
			recursive |= *s == 'R';
			ch.verbose |= *s == 'v';
			quiet |= *s == 'f';
			if (!strchr("Rvfc", *s))
				usage(1);
		}
	}
	if (argc - i < 2)
		usage(1);
	ch.mode = argv[i++];
	if (!mode_parse(ch.mode, 0, ch.mask, &mode))
		errx(1, "invalid mode: '%s'", ch.mode);
	if (quiet && !freopen("/dev/null", "w", stderr))
		return 1;
	return change_all(argv + i, recursive, &ch);
}

/* USER, USER:GROUP, :GROUP, and USER: for the user's own group. */
static void owner_parse(char *text, struct change *ch)
{
	char *colon = strpbrk(text, ":"), *group = colon ? colon + 1 : NULL;
	gid_t own = (gid_t)-1;

	if (colon)
		*colon = 0;
	if (*text && !user_find(text, &ch->uid, &own))
		errx(1, "invalid user: '%s'", text);
	if (group && *group && !group_find(group, &ch->gid))
		errx(1, "invalid group: '%s'", group);
	if (group && !*group && *text)
		ch->gid = own;
}

static int owner_main(int argc, char **argv, bool group_only)
{
	struct change ch = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	bool recursive = false;
	int c;

	while ((c = getopt(argc, argv, "+Rhvf")) != -1) {
		if (c == '?')
			usage(1);
		recursive |= c == 'R';
		ch.no_dereference |= c == 'h';
		ch.verbose |= c == 'v';
	}
	if (argc - optind < 2)
		usage(1);
	if (!group_only)
		owner_parse(argv[optind], &ch);
	else if (!group_find(argv[optind], &ch.gid))
		errx(1, "invalid group: '%s'", argv[optind]);
	return change_all(argv + optind + 1, recursive, &ch);
}

static int chown_main(int argc, char **argv)
{
	return owner_main(argc, argv, false);
}

static int chgrp_main(int argc, char **argv)
{
	return owner_main(argc, argv, true);
}

TOOL("chmod", chmod_main, "[-fRv] MODE FILE...");
TOOL("chown", chown_main, "[-hRv] USER[:GROUP] | :GROUP FILE...");
TOOL("chgrp", chgrp_main, "[-hRv] GROUP FILE...");
