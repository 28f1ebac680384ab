/* id, whoami: who the process is. */
#include <stdlib.h>
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

static void id_print(uid_t uid, gid_t gid)
{
	gid_t *groups;
	int n = groups_get(gid, &groups), i;

	printf("uid=%u(%s)", uid, user_name(uid));
	printf(" gid=%u(%s)", gid, group_name(gid));
	if (geteuid() != uid)
		printf(" euid=%u(%s)", geteuid(), user_name(geteuid()));
	if (getegid() != gid)
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
	gid_t *groups;
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
	if (argv[optind] || ((names || real) && !what))
		usage(1);
	if (what == 'u') {
		uid_t uid = real ? getuid() : geteuid();

		if (names)
			puts(user_name(uid));
		else
			printf("%u\n", uid);
	} else if (what) {
		n = groups_get(real ? getgid() : getegid(), &groups);
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
		id_print(getuid(), getgid());
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

TOOL("id", id_main, "[-u | -g | -G] [-nr]");
TOOL("whoami", whoami_main, "");
