/* du: the disk space that trees take. */
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

static struct {
	bool all, human, total, one_device, apparent;
	uint64_t unit;
	long depth;		/* deeper folders are counted but not shown */
	bool ok;
} d;

/* A file with several names counts once. */
struct seen {
	struct seen *next;
	dev_t dev;
	ino_t ino;
};

#define SEEN_BUCKETS	256
static struct seen *seen[SEEN_BUCKETS];

static bool seen_before(const struct stat *st)
{
	struct seen **bucket = &seen[st->st_ino % SEEN_BUCKETS], *s;

	for (s = *bucket; s; s = s->next) {
		if (s->dev == st->st_dev && s->ino == st->st_ino)
			return true;
	}
	s = xmalloc(sizeof(*s));
	*s = (struct seen){ *bucket, st->st_dev, st->st_ino };
	*bucket = s;
	return false;
}

static void line_print(uint64_t bytes, const char *path)
{
	char buf[SIZE_TEXT];

	if (d.human)
		printf("%s\t%s\n", size_human(buf, bytes), path);
	else
		printf("%llu\t%s\n", (unsigned long long)((bytes + d.unit - 1) / d.unit), path);
}

static uint64_t file_bytes(const struct stat *st)
{
	return d.apparent ? (uint64_t)st->st_size : (uint64_t)st->st_blocks * 512;
}

/* fts_number of a folder gathers the bytes below it. */
static void entry_count(FTSENT *e)
{
	uint64_t bytes;

	switch (e->fts_info) {
	case FTS_D:
		return;
	case FTS_DNR:
	case FTS_NS:
	case FTS_ERR:
		warnx("cannot read '%s': %s", e->fts_path, strerror(e->fts_errno));
		d.ok = false;
		if (e->fts_info != FTS_DNR)
			return;
		break;
	default:
		break;
	}
	if (!S_ISDIR(e->fts_statp->st_mode) && e->fts_statp->st_nlink > 1 &&
	    seen_before(e->fts_statp))
		return;
	bytes = (uint64_t)e->fts_number + file_bytes(e->fts_statp);
	e->fts_parent->fts_number += (long)bytes;
	if (e->fts_level == 0 ||
	    ((d.all || S_ISDIR(e->fts_statp->st_mode)) && e->fts_level <= d.depth))
		line_print(bytes, e->fts_path);
}

static uint64_t tree_count(char *path)
{
	char *paths[] = { path, NULL };
	int options = FTS_PHYSICAL | FTS_NOCHDIR | (d.one_device ? FTS_XDEV : 0);
	FTS *fts = fts_open(paths, options, NULL);
	uint64_t bytes = 0;
	FTSENT *e;

	if (!fts)
		err(1, "%s", path);
	while ((e = fts_read(fts)) != NULL) {
		entry_count(e);
		if (e->fts_level == 0)
			bytes = (uint64_t)e->fts_parent->fts_number;
	}
	fts_close(fts);
	return bytes;
}

static int du_main(int argc, char **argv)
{
	static char *here[] = { ".", NULL };
	uint64_t total = 0;
	int c;

	d.unit = 1024;
	d.depth = 1L << 30;
	d.ok = true;
	while ((c = getopt(argc, argv, "ashkmbcxd:")) != -1) {
		if (c == 'a')
			d.all = true;
		else if (c == 's')
			d.depth = 0;
		else if (c == 'h')
			d.human = true;
		else if (c == 'k')
			d.unit = 1024;
		else if (c == 'm')
			d.unit = 1 << 20;
		else if (c == 'b')
			d.unit = 1, d.apparent = true;
		else if (c == 'c')
			d.total = true;
		else if (c == 'x')
			d.one_device = true;
		else if (c == 'd')
			d.depth = (long)number_parse(optarg);
		else
			usage(1);
	}
	for (argv = argv[optind] ? argv + optind : here; *argv; argv++)
		total += tree_count(*argv);
	if (d.total)
		line_print(total, "total");
	return !d.ok;
}

TOOL("du", du_main, "[-abchkmsx] [-d DEPTH] [FILE]...");
