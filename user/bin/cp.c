/* cp: copies files and trees. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

static void set_option(struct copy_options *o, int c)
{
	switch (c) {
	case 'a':
		o->recursive = o->preserve = o->links = true;
		break;
	case 'r':
	case 'R':
		o->recursive = o->links_below = true;
		break;
	case 'p':
		o->preserve = true;
		break;
	case 'd':
	case 'P':
		o->links = true;
		break;
	case 'L':
		o->links = o->links_below = false;
		break;
	case 'f':
		o->force = true;
		break;
	case 'i':
		o->interactive = true;
		o->no_clobber = false;
		break;
	case 'n':
		o->no_clobber = true;
		o->interactive = false;
		break;
	case 'u':
		o->update = true;
		break;
	case 'v':
		o->verbose = true;
		break;
	default:
		usage(1);
	}
}

static int cp_main(int argc, char **argv)
{
	struct copy_options o = { 0 };
	const char *folder = NULL, *last;
	bool as_file = false, ok = true;
	int c;

	while ((c = getopt(argc, argv, "arRpdPLfinuvt:T")) != -1) {
		if (c == 't')
			folder = optarg;
		else if (c == 'T')
			as_file = true;
		else
			set_option(&o, c);
	}
	/* -R without a word about links: a link named on the command line stays a link, too. */
	if (o.recursive && o.links_below)
		o.links = true;
	argv += optind;
	argc -= optind;
	if (argc < 1 + !folder)
		usage(1);
	last = folder ? folder : argv[--argc];
	if (!folder && argc == 1 && (as_file || !is_directory(last)))
		return !tree_copy(argv[0], last, &o);
	if (!is_directory(last))
		errx(1, "target '%s' is not a directory", last);
	for (; argc > 0; argc--, argv++) {
		char *to = path_join(last, *argv);

		ok &= tree_copy(*argv, to, &o);
		free(to);
	}
	return !ok;
}

TOOL("cp", cp_main, "[-adfiLnPpRrTuv] FROM TO | FROM... DIRECTORY | -t DIRECTORY FROM...");
