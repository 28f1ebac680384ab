/* md5sum, sha256sum, cksum: checksums of files. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/hash.h"
#include "user/lib/tool.h"

#define TEXT_MAX	(2 * HASH_MAX + 1)

static bool file_hash(FILE *f, const struct hash_kind *kind, char text[TEXT_MAX])
{
	unsigned char buf[16384], out[HASH_MAX];
	struct hash h;
	size_t n, i;

	hash_start(&h, kind);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		hash_add(&h, buf, n);
	n = hash_end(&h, out);
	for (i = 0; i < n; i++)
		sprintf(text + 2 * i, "%02x", out[i]);
	return !ferror(f);
}

static bool path_hash(const char *path, const struct hash_kind *kind, char text[TEXT_MAX])
{
	FILE *f = input_open(path);
	bool ok;

	if (!f)
		return false;
	ok = file_hash(f, kind, text);
	if (!ok)
		warn("%s", path);
	input_close(f);
	return ok;
}

/* -c: each line is a checksum and a name. */
static int sums_check(const char *path, const struct hash_kind *kind, bool quiet)
{
	FILE *f = input_open(path);
	char *line = NULL, text[TEXT_MAX];
	size_t size = 0;
	unsigned bad = 0, lines = 0;
	ssize_t n;

	if (!f)
		return 1;
	while ((n = getline(&line, &size, f)) > 0) {
		char *name = strpbrk(line, " ");
		bool ok;

		if (line[n - 1] == '\n')
			line[n - 1] = 0;
		if (!name || !name[1] || !name[2])
			continue;
		*name = 0;
		name += 2;
		lines++;
		ok = path_hash(name, kind, text) && strcmp(text, line) == 0;
		bad += !ok;
		if (!ok || !quiet)
			printf("%s: %s\n", name, ok ? "OK" : "FAILED");
	}
	free(line);
	input_close(f);
	if (!lines)
		errx(1, "%s: no properly formatted checksum lines found", path ? path : "-");
	if (bad)
		warnx("WARNING: %u computed checksum%s did NOT match", bad, bad > 1 ? "s" : "");
	return bad > 0;
}

static int sums_main(int argc, char **argv, const struct hash_kind *kind)
{
	bool check = false, quiet = false;
	int c, status = 0;
	char text[TEXT_MAX];

	while ((c = getopt(argc, argv, "cbtq")) != -1) {
		if (c == '?')
			usage(1);
		check |= c == 'c';
		quiet |= c == 'q';
	}
	argv += optind;
	do {
		if (check) {
			status |= sums_check(*argv, kind, quiet);
		} else if (path_hash(*argv, kind, text)) {
			printf("%s  %s\n", text, *argv ? *argv : "-");
		} else {
			status = 1;
		}
	} while (*argv && *++argv);
	return status;
}

static int md5sum_main(int argc, char **argv)
{
	return sums_main(argc, argv, &hash_md5);
}

static int sha256sum_main(int argc, char **argv)
{
	return sums_main(argc, argv, &hash_sha256);
}

/* POSIX's CRC: polynomial 0x04c11db7, highest bit first, the length appended. */
static uint32_t crc_add(uint32_t crc, unsigned char c)
{
	int bit;

	crc ^= (uint32_t)c << 24;
	for (bit = 0; bit < 8; bit++)
		crc = crc & 0x80000000 ? crc << 1 ^ 0x04c11db7 : crc << 1;
	return crc;
}

static int cksum_file(const char *path)
{
	FILE *f = input_open(path);
	uint64_t total = 0, n;
	uint32_t crc = 0;
	int c, status;

	if (!f)
		return 1;
	for (; (c = getc(f)) != EOF; total++)
		crc = crc_add(crc, (unsigned char)c);
	status = input_failed(f, path);
	for (n = total; n; n >>= 8)
		crc = crc_add(crc, n & 0xff);
	printf("%u %llu%s%s\n", ~crc, (unsigned long long)total, path ? " " : "",
	       path ? path : "");
	input_close(f);
	return status;
}

static int cksum_main(int argc, char **argv)
{
	int status = 0;

	if (getopt(argc, argv, "") != -1)
		usage(1);
	argv += optind;
	do {
		status |= cksum_file(*argv);
	} while (*argv && *++argv);
	return status;
}

TOOL("md5sum", md5sum_main, "[-cq] [FILE]...");
TOOL("sha256sum", sha256sum_main, "[-cq] [FILE]...");
TOOL("cksum", cksum_main, "[FILE]...");
