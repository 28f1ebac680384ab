/* mkswap: makes a file or block device a swap area. */
#include <fcntl.h>
#include <getopt.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "user/lib/tool.h"

#define PAGE	  4096u
#define PAGES_MIN 10

/* The first page of an area. */
struct header {
	char boot[1024];
	uint32_t version, last_page, nr_bad;
	uint8_t uuid[16];
	char label[16];
	char rest[PAGE - 1024 - 12 - 32 - 10];
	char magic[10];
};
_Static_assert(sizeof(struct header) == PAGE, "a page");

static uint64_t size_of(int fd, const char *path)
{
	struct stat st;
	uint64_t size = 0;

	if (fstat(fd, &st) < 0)
		err(1, "%s", path);
	if (S_ISREG(st.st_mode))
		size = (uint64_t)st.st_size;
	else if (!S_ISBLK(st.st_mode))
		errx(1, "%s: neither a file nor a block device", path);
	else if (ioctl(fd, BLKGETSIZE64, &size) < 0)
		err(1, "%s", path);
	if (size / PAGE < PAGES_MIN)
		errx(1, "%s: a swap area has at least %u KiB", path, PAGES_MIN * PAGE / 1024);
	return size / PAGE < UINT32_MAX ? size / PAGE : UINT32_MAX;
}

static void uuid_make(uint8_t uuid[16])
{
	if (getrandom(uuid, 16, 0) != 16)
		err(1, "getrandom");
	/* Version 4, variant 1. */
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

static int mkswap_main(int argc, char **argv)
{
	static struct header h = {.version = 1, .magic = "SWAPSPACE2"};
	const char *path, *label = "";
	bool quiet = false;
	int opt, fd;

	while ((opt = getopt(argc, argv, "L:q")) != -1) {
		if (opt == 'L')
			label = optarg;
		else if (opt == 'q')
			quiet = true;
		else
			usage(2);
	}
	if (optind + 1 != argc)
		usage(2);
	if (strlen(label) > sizeof(h.label))
		errx(1, "a label has at most %zu bytes", sizeof(h.label));
	path = argv[optind];
	/* Exclusive: not what is mounted or swapped on. */
	fd = open(path, O_RDWR | O_EXCL);
	if (fd < 0)
		err(1, "%s", path);
	h.last_page = (uint32_t)(size_of(fd, path) - 1);
	memcpy(h.label, label, strlen(label));
	uuid_make(h.uuid);
	if (!write_all(fd, &h, sizeof(h)) || fsync(fd) < 0 || close(fd) < 0)
		err(1, "%s", path);
	if (!quiet)
		printf("%s: a swap area of %llu KiB\n", path,
		       (unsigned long long)h.last_page * (PAGE / 1024));
	return 0;
}

TOOL("mkswap", mkswap_main, "[-q] [-L LABEL] FILE");
