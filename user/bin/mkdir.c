/* mkdir, mkfifo, mknod: make folders and special files. */
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "user/lib/tool.h"

static mode_t mode_option(const char *text, mode_t standard)
{
	mode_t mask = umask(0), mode;

	umask(mask);
	if (!text)
		return standard; /* the kernel asks the mask, or the folder's access list */
	if (!mode_parse(text, standard & ~mask, mask, &mode))
		errx(1, "invalid mode '%s'", text);
	return mode;
}

/* Makes what is missing on the way to path; these folders must let us go on below them. */
static bool parents_make(const char *path)
{
	char *copy = xstrdup(path), *p = copy;
	mode_t mask = umask(0);
	bool ok = true;

	umask(mask & ~(mode_t)0300);
	while (ok && *p) {
		p += strspn(p, "/");
		p += strcspn(p, "/");
		if (!p[strspn(p, "/")])
			break;	/* the last one gets the mode asked for */
		*p = 0;
		if (mkdir(copy, 0777) < 0 && !is_directory(copy)) {
			warn("cannot create directory '%s'", copy);
			ok = false;
		}
		*p = '/';
	}
	umask(mask);
	free(copy);
	return ok;
}

static int mkdir_main(int argc, char **argv)
{
	const char *text = NULL;
	bool parents = false, verbose = false, ok = true;
	mode_t mode;
	int c;

	while ((c = getopt(argc, argv, "pm:v")) != -1) {
		if (c == 'p')
			parents = true;
		else if (c == 'm')
			text = optarg;
		else if (c == 'v')
			verbose = true;
		else
			usage(1);
	}
	if (!argv[optind])
		usage(1);
	mode = mode_option(text, 0777);
	for (argv += optind; *argv; argv++) {
		if (parents && (is_directory(*argv) || !parents_make(*argv))) {
			ok &= is_directory(*argv);
			continue;
		}
		/* The mask has had its say; a mode asked for is not subject to it. */
		if (mkdir(*argv, mode) < 0 || (text && chmod(*argv, mode) < 0)) {
			warn("cannot create directory '%s'", *argv);
			ok = false;
		} else if (verbose) {
			printf("%s: created directory '%s'\n", program_invocation_short_name,
			       *argv);
		}
	}
	return !ok;
}

static int mkfifo_main(int argc, char **argv)
{
	const char *text = NULL;
	mode_t mode;
	bool ok = true;
	int c;

	while ((c = getopt(argc, argv, "m:")) != -1) {
		if (c != 'm')
			usage(1);
		text = optarg;
	}
	if (!argv[optind])
		usage(1);
	mode = mode_option(text, 0666);
	for (argv += optind; *argv; argv++) {
		if (mkfifo(*argv, mode) < 0 || (text && chmod(*argv, mode) < 0)) {
			warn("cannot create fifo '%s'", *argv);
			ok = false;
		}
	}
	return !ok;
}

static int mknod_main(int argc, char **argv)
{
	const char *text = NULL;
	mode_t mode, type;
	dev_t dev = 0;
	int c;

	while ((c = getopt(argc, argv, "m:")) != -1) {
		if (c != 'm')
			usage(1);
		text = optarg;
	}
	argv += optind;
	argc -= optind;
	if (argc < 2 || strlen(argv[1]) != 1 || !strchr("bcup", *argv[1]) ||
	    argc != (*argv[1] == 'p' ? 2 : 4))
		usage(1);
	mode = mode_option(text, 0666);
	type = *argv[1] == 'p' ? S_IFIFO : *argv[1] == 'b' ? S_IFBLK : S_IFCHR;
	if (type != S_IFIFO)
		dev = makedev((unsigned)number_parse(argv[2]), (unsigned)number_parse(argv[3]));
	if (mknod(argv[0], type | mode, dev) < 0 || (text && chmod(argv[0], mode) < 0))
		err(1, "%s", argv[0]);
	return 0;
}

TOOL("mkdir", mkdir_main, "[-pv] [-m MODE] DIRECTORY...");
TOOL("mkfifo", mkfifo_main, "[-m MODE] NAME...");
TOOL("mknod", mknod_main, "[-m MODE] NAME b|c MAJOR MINOR | NAME p");
