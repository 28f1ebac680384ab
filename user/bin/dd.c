/* dd: copies in blocks of given sizes. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/lib/tool.h"

enum conv {
	CONV_NOTRUNC = 1, CONV_NOERROR = 2, CONV_SYNC = 4, CONV_FSYNC = 8, CONV_FDATASYNC = 16,
	CONV_EXCL = 32, CONV_NOCREAT = 64, CONV_UCASE = 128, CONV_LCASE = 256, CONV_SWAB = 512,
	CONV_SPARSE = 1024,
};

enum flag {
	FLAG_FULLBLOCK = 1,
};

static struct {
	const char *in, *out;
	uint64_t ibs, obs, count, skip, seek;
	bool count_given, both_sizes;
	unsigned conv, iflag;
	int oflag_bits, iflag_bits;
	int status;		/* 0: all, 1: no transfer rate, 2: nothing */
	uint64_t in_full, in_part, out_full, out_part, bytes;
	unsigned char *out_buf;
	size_t out_used;
} dd;

struct word {
	const char *name;
	unsigned value;
};

static unsigned words_parse(const char *text, const struct word *words, const char *what)
{
	unsigned found = 0;
	char *copy = xstrdup(text), *rest = copy, *word;
	const struct word *w;

	while ((word = strsep(&rest, ",")) != NULL) {
		for (w = words; w->name && strcmp(w->name, word) != 0; w++)
			;
		if (!w->name)
			errx(1, "invalid %s: '%s'", what, word);
		found |= w->value;
	}
	free(copy);
	return found;
}

static int open_flags(const char *text, unsigned *own)
{
	static const struct word words[] = {
		{ "append", 1 << 1 }, { "direct", 1 << 2 }, { "dsync", 1 << 3 },
		{ "sync", 1 << 4 }, { "nonblock", 1 << 5 }, { "nofollow", 1 << 6 },
		{ "directory", 1 << 7 }, { "fullblock", 1 << 0 }, { NULL, 0 },
	};
	static const int bits[] = { 0, O_APPEND, O_DIRECT, O_DSYNC, O_SYNC, O_NONBLOCK,
				    O_NOFOLLOW, O_DIRECTORY };
	unsigned found = words_parse(text, words, "flag"), i;
	int flags = 0;

	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		flags |= (found >> i & 1) ? bits[i] : 0;
	*own |= found & 1;
	return flags;
}

static void operand_parse(char *arg)
{
	static const struct word convs[] = {
		{ "notrunc", CONV_NOTRUNC }, { "noerror", CONV_NOERROR }, { "sync", CONV_SYNC },
		{ "fsync", CONV_FSYNC }, { "fdatasync", CONV_FDATASYNC }, { "excl", CONV_EXCL },
		{ "nocreat", CONV_NOCREAT }, { "ucase", CONV_UCASE }, { "lcase", CONV_LCASE },
		{ "swab", CONV_SWAB }, { "sparse", CONV_SPARSE }, { NULL, 0 },
	};
	static const struct word levels[] = {
		{ "progress", 4 }, { "noxfer", 1 }, { "none", 2 }, { NULL, 0 },
	};
	char *value = strchr(arg, '=');
	unsigned ignored = 0;

	if (!value)
		errx(1, "unrecognized operand '%s'", arg);
	*value++ = 0;
	if (strcmp(arg, "if") == 0)
		dd.in = value;
	else if (strcmp(arg, "of") == 0)
		dd.out = value;
	else if (strcmp(arg, "bs") == 0)
		dd.ibs = dd.obs = size_parse(value), dd.both_sizes = true;
	else if (strcmp(arg, "ibs") == 0)
		dd.ibs = size_parse(value);
	else if (strcmp(arg, "obs") == 0)
		dd.obs = size_parse(value);
	else if (strcmp(arg, "count") == 0)
		dd.count = size_parse(value), dd.count_given = true;
	else if (strcmp(arg, "skip") == 0 || strcmp(arg, "iseek") == 0)
		dd.skip = size_parse(value);
	else if (strcmp(arg, "seek") == 0 || strcmp(arg, "oseek") == 0)
		dd.seek = size_parse(value);
	else if (strcmp(arg, "conv") == 0)
		dd.conv |= words_parse(value, convs, "conversion");
	else if (strcmp(arg, "status") == 0)
		dd.status = (int)words_parse(value, levels, "status level") & 3;
	else if (strcmp(arg, "iflag") == 0)
		dd.iflag_bits |= open_flags(value, &dd.iflag);
	else if (strcmp(arg, "oflag") == 0)
		dd.oflag_bits |= open_flags(value, &ignored);
	else
		errx(1, "unrecognized operand '%s=%s'", arg, value);
}

static void files_open(void)
{
	int flags = O_WRONLY | dd.oflag_bits;
	int fd;

	if (dd.in) {
		fd = open(dd.in, O_RDONLY | dd.iflag_bits);
		if (fd < 0)
			err(1, "failed to open '%s'", dd.in);
		dup2(fd, 0);
		close(fd);
	}
	if (!dd.out)
		return;
	flags |= (dd.conv & CONV_NOCREAT) ? 0 : O_CREAT;
	flags |= (dd.conv & CONV_EXCL) ? O_EXCL : 0;
	flags |= (dd.conv & CONV_NOTRUNC) || dd.seek ? 0 : O_TRUNC;
	fd = open(dd.out, flags, 0666);
	if (fd < 0)
		err(1, "failed to open '%s'", dd.out);
	dup2(fd, 1);
	close(fd);
}

static ssize_t block_read(unsigned char *buf)
{
	size_t used = 0;
	ssize_t n;

	do {
		n = read(0, buf + used, dd.ibs - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
	} while ((dd.iflag & FLAG_FULLBLOCK) && used < dd.ibs);
	return n < 0 && !used ? n : (ssize_t)used;
}

static void input_skip(unsigned char *buf)
{
	uint64_t i;

	if (!dd.skip || lseek(0, (off_t)(dd.skip * dd.ibs), SEEK_CUR) >= 0)
		return;
	for (i = 0; i < dd.skip; i++) {
		if (block_read(buf) <= 0)
			return;
	}
}

static void output_seek(void)
{
	off_t at = (off_t)(dd.seek * dd.obs);
	struct stat st;

	if (!dd.seek)
		return;
	if (!(dd.conv & CONV_NOTRUNC) && fstat(1, &st) == 0 && S_ISREG(st.st_mode) &&
	    ftruncate(1, at) < 0)
		err(1, "cannot truncate '%s'", dd.out ? dd.out : "standard output");
	if (lseek(1, at, SEEK_CUR) < 0)
		err(1, "cannot seek in '%s'", dd.out ? dd.out : "standard output");
}

static bool all_zero(const unsigned char *buf, size_t n)
{
	return n && !buf[0] && memcmp(buf, buf + 1, n - 1) == 0;
}

static void block_write(const unsigned char *buf, size_t n)
{
	if (!n)
		return;
	if ((dd.conv & CONV_SPARSE) && all_zero(buf, n) && lseek(1, (off_t)n, SEEK_CUR) >= 0) {
		/* A hole at the very end is made by the size. */
		if (ftruncate(1, lseek(1, 0, SEEK_CUR)) < 0 && errno != EINVAL)
			err(1, "error writing '%s'", dd.out ? dd.out : "standard output");
	} else if (!write_all(1, buf, n)) {
		warn("error writing '%s'", dd.out ? dd.out : "standard output");
		dd.status |= 4;	/* tell what was done, then end */
		return;
	}
	dd.bytes += n;
	if (n == dd.obs)
		dd.out_full++;
	else
		dd.out_part++;
}

/* Gathers output blocks, unless bs= said that blocks pass as they come. */
static void block_gather(const unsigned char *buf, size_t n)
{
	if (dd.both_sizes && !(dd.conv & (CONV_UCASE | CONV_LCASE | CONV_SWAB))) {
		block_write(buf, n);
		return;
	}
	while (n > 0) {
		size_t part = dd.obs - dd.out_used < n ? dd.obs - dd.out_used : n;

		memcpy(dd.out_buf + dd.out_used, buf, part);
		dd.out_used += part;
		buf += part;
		n -= part;
		if (dd.out_used == dd.obs) {
			block_write(dd.out_buf, dd.obs);
			dd.out_used = 0;
		}
	}
}

static void block_convert(unsigned char *buf, size_t n)
{
	size_t i;

	for (i = 0; (dd.conv & CONV_SWAB) && i + 1 < n; i += 2) {
		unsigned char c = buf[i];

		buf[i] = buf[i + 1];
		buf[i + 1] = c;
	}
	for (i = 0; (dd.conv & (CONV_UCASE | CONV_LCASE)) && i < n; i++) {
		if ((dd.conv & CONV_UCASE) && buf[i] >= 'a' && buf[i] <= 'z')
			buf[i] -= 32;
		else if ((dd.conv & CONV_LCASE) && buf[i] >= 'A' && buf[i] <= 'Z')
			buf[i] += 32;
	}
}

static int copy_blocks(unsigned char *buf)
{
	int status = 0;
	ssize_t n;

	while (!(dd.status & 4) && (!dd.count_given || dd.in_full + dd.in_part < dd.count)) {
		n = block_read(buf);
		if (n == 0)
			break;
		if (n < 0) {
			warn("error reading '%s'", dd.in ? dd.in : "standard input");
			status = 1;
			if (!(dd.conv & CONV_NOERROR))
				break;
			lseek(0, (off_t)dd.ibs, SEEK_CUR);
			n = 0;
		}
		if ((uint64_t)n == dd.ibs)
			dd.in_full++;
		else
			dd.in_part++;
		if ((uint64_t)n < dd.ibs && (dd.conv & CONV_SYNC)) {
			memset(buf + n, 0, dd.ibs - (size_t)n);
			n = (ssize_t)dd.ibs;
		}
		block_convert(buf, (size_t)n);
		block_gather(buf, (size_t)n);
	}
	block_write(dd.out_buf, dd.out_used);
	if (((dd.conv & CONV_FSYNC) && fsync(1) < 0) ||
	    ((dd.conv & CONV_FDATASYNC) && fdatasync(1) < 0)) {
		warn("fsync failed for '%s'", dd.out ? dd.out : "standard output");
		status = 1;
	}
	return status | (dd.status & 4 ? 1 : 0);
}

static void report(const struct timespec *start)
{
	struct timespec now;
	double seconds;

	if ((dd.status & 3) == 2)
		return;
	fprintf(stderr, "%llu+%llu records in\n%llu+%llu records out\n",
		(unsigned long long)dd.in_full, (unsigned long long)dd.in_part,
		(unsigned long long)dd.out_full, (unsigned long long)dd.out_part);
	if ((dd.status & 3) == 1)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	seconds = (double)(now.tv_sec - start->tv_sec) +
		  (double)(now.tv_nsec - start->tv_nsec) / 1e9;
	fprintf(stderr, "%llu bytes copied, %.3f s, %.1f MB/s\n", (unsigned long long)dd.bytes,
		seconds, seconds > 0 ? (double)dd.bytes / 1e6 / seconds : 0.0);
}

static int dd_main(int argc, char **argv)
{
	struct timespec start;
	unsigned char *buf;
	int i, status;

	dd.ibs = dd.obs = 512;
	for (i = 1; i < argc; i++)
		operand_parse(argv[i]);
	if (!dd.ibs || !dd.obs)
		errx(1, "invalid number: '0'");
	files_open();
	buf = xmalloc(dd.ibs);
	dd.out_buf = xmalloc(dd.obs);
	clock_gettime(CLOCK_MONOTONIC, &start);
	input_skip(buf);
	output_seek();
	status = copy_blocks(buf);
	report(&start);
	free(buf);
	free(dd.out_buf);
	return status;
}

TOOL("dd", dd_main, "[if=FILE] [of=FILE] [bs=N] [ibs=N] [obs=N] [count=N] [skip=N] [seek=N]\n"
     "          [conv=WORDS] [iflag=WORDS] [oflag=WORDS] [status=none|noxfer]");
