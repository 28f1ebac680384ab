/* id, whoami: who the process, or somebody else, is. */
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

/* All groups of the process, the main one first, each once. */
static int groups_get(gid_t main_group, gid_t **list)
{
	int n = getgroups(0, NULL), i, count = 1;
	gid_t *all;

	if (n < 0)
		n = 0;
	all = xmalloc((size_t)(n + 1) * sizeof(*all));
	*list = xmalloc((size_t)(n + 1) * sizeof(**list));
	(*list)[0] = main_group;
	n = getgroups(n, all);
	for (i = 0; i < n; i++) {
		if (all[i] != main_group)
			(*list)[count++] = all[i];
	}
	free(all);
	return count;
}

static bool is_member(const struct group *g, const char *user)
{
	char **member;

	for (member = g->gr_mem; *member; member++) {
		if (strcmp(*member, user) == 0)
			return true;
	}
	return false;
}

/* The same of a user, as /etc/group has it. */
static int groups_of_user(const char *user, gid_t main_group, gid_t **list)
{
	FILE *f = fopen("/etc/group", "re");
	struct group *g;
	int count = 1;

	*list = xmalloc(sizeof(**list));
	(*list)[0] = main_group;
	while (f && (g = fgetgrent(f)) != NULL) {
		if (g->gr_gid == main_group || !is_member(g, user))
			continue;
		*list = xrealloc(*list, (size_t)(count + 1) * sizeof(**list));
		(*list)[count++] = g->gr_gid;
	}
	if (f)
		fclose(f);
	return count;
}

static void id_print(const char *user, uid_t uid, gid_t gid)
{
	gid_t *groups;
	int n = user ? groups_of_user(user, gid, &groups) : groups_get(gid, &groups), i;

	printf("uid=%u(%s)", uid, user_name(uid));
	printf(" gid=%u(%s)", gid, group_name(gid));
	if (!user && geteuid() != uid)
		printf(" euid=%u(%s)", geteuid(), user_name(geteuid()));
	if (!user && getegid() != gid)
		printf(" egid=%u(%s)", getegid(), group_name(getegid()));
	for (i = 0; i < n; i++)
		printf("%s%u(%s)", i ? "," : " groups=", groups[i], group_name(groups[i]));
	putchar('\n');
	free(groups);
}

static int id_main(int argc, char **argv)
{
	bool names = false, real = false;
	char what = 0;
	const char *user;
	gid_t *groups, gid;
	uid_t uid;
	int c, i, n;

	while ((c = getopt(argc, argv, "ugGnr")) != -1) {
		if (c == 'n')
			names = true;
		else if (c == 'r')
			real = true;
		else if (c != '?' && !what)
			what = (char)c;
		else
			usage(1);
	}
	user = argv[optind];
	if ((user && argv[optind + 1]) || ((names || real) && !what))
		usage(1);
	uid = real || !what ? getuid() : geteuid();
	gid = real || !what ? getgid() : getegid();
	if (user && !user_find(user, &uid, &gid))
		errx(1, "'%s': no such user", user);
	if (what == 'u') {
		if (names)
			puts(user_name(uid));
		else
			printf("%u\n", uid);
	} else if (what) {
		n = user ? groups_of_user(user, gid, &groups) : groups_get(gid, &groups);
		for (i = 0; i < (what == 'g' ? 1 : n); i++) {
			if (i)
				putchar(' ');
			if (names)
				fputs(group_name(groups[i]), stdout);
			else
				printf("%u", groups[i]);
		}
		putchar('\n');
	} else {
		id_print(user, uid, gid);
	}
	return 0;
}

static int whoami_main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		usage(1);
	puts(user_name(geteuid()));
	return 0;
}

TOOL("id", id_main, "[-u | -g | -G] [-nr] [USER]");
TOOL("whoami", whoami_main, "");
