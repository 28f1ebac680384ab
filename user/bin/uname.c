/* uname, hostname, nproc: the system's name and size. */
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "user/lib/tool.h"

static int uname_main(int argc, char **argv)
{
	static const char letters[] = "snrvmo";
	bool show[sizeof(letters) - 1] = { false };
	const char *values[sizeof(letters) - 1], *gap = "";
	struct utsname u;
	bool any = false;
	size_t i;
	int c;

	while ((c = getopt(argc, argv, "asnrvmo")) != -1) {
		if (c == '?')
			usage(1);
		any = true;
		for (i = 0; i < sizeof(show); i++)
			show[i] |= c == 'a' || c == letters[i];
	}
	if (argv[optind])
		usage(1);
	if (!any)
		show[0] = true;
	if (uname(&u) < 0)
		err(1, "uname");
	values[0] = u.sysname;
	values[1] = u.nodename;
	values[2] = u.release;
	values[3] = u.version;
	values[4] = u.machine;
	values[5] = u.sysname;
	for (i = 0; i < sizeof(show); i++) {
		if (!show[i])
			continue;
		printf("%s%s", gap, values[i]);
		gap = " ";
	}
	putchar('\n');
	return 0;
}

static int hostname_main(int argc, char **argv)
{
	char name[256];

	if (argc > 2 || (argc > 1 && argv[1][0] == '-'))
		usage(1);
	if (argc > 1) {
		if (sethostname(argv[1], strlen(argv[1])) < 0)
			err(1, "%s", argv[1]);
		return 0;
	}
	if (gethostname(name, sizeof(name)) < 0)
		err(1, "gethostname");
	puts(name);
	return 0;
}

static int nproc_main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		usage(1);
	printf("%ld\n", sysconf(_SC_NPROCESSORS_ONLN));
	return 0;
}

TOOL("uname", uname_main, "[-amnorsv]");
TOOL("hostname", hostname_main, "[NAME]");
TOOL("nproc", nproc_main, "");
