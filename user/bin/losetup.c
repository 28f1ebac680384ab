/* losetup: files as block devices. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "user/lib/loop.h"
#include "user/lib/tool.h"

static int device_open(const char *name)
{
	int fd = open(name, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", name);
	return fd;
}

/* One line for a device that has a file; false if it has none. */
static bool device_print(const char *name)
{
	int fd = device_open(name);
	struct loop_info64 info;
	bool attached = ioctl(fd, LOOP_GET_STATUS64, &info) == 0;

	if (attached)
		printf("%s: [%04llu]:%llu (%s)%s\n", name, (unsigned long long)info.lo_device,
		       (unsigned long long)info.lo_inode, (char *)info.lo_file_name,
		       info.lo_flags & LO_FLAGS_READ_ONLY ? ", read-only" : "");
	close(fd);
	return attached;
}

static int devices_print(void)
{
	DIR *dir = opendir("/dev");
	struct dirent *d;
	char name[300];

	if (!dir)
		err(1, "/dev");
	while ((d = readdir(dir)) != NULL) {
		if (strncmp(d->d_name, "loop", 4) != 0 || !strchr("0123456789", d->d_name[4]))
			continue;
		snprintf(name, sizeof(name), "/dev/%s", d->d_name);
		device_print(name);
	}
	closedir(dir);
	return 0;
}

static int devices_clear(char **names)
{
	int status = 0;

	for (; *names; names++) {
		int fd = device_open(*names);

		if (ioctl(fd, LOOP_CLR_FD)) {
			warn("%s", *names);
			status = 1;
		}
		close(fd);
	}
	return status;
}

static int losetup_main(int argc, char **argv)
{
	bool all = false, clear = false, find = false, show = false;
	unsigned long long offset = 0, limit = 0;
	unsigned flags = 0;
	char name[32];
	int c;

	while ((c = getopt(argc, argv, "adfPro:s:S")) != -1) {
		all |= c == 'a';
		clear |= c == 'd';
		find |= c == 'f';
		show |= c == 'S';
		if (c == 'r')
			flags |= LO_FLAGS_READ_ONLY;
		else if (c == 'P')
			flags |= LO_FLAGS_PARTSCAN;
		else if (c == 'o')
			offset = strtoull(optarg, NULL, 0);
		else if (c == 's')
			limit = strtoull(optarg, NULL, 0);
		else if (c == '?')
			usage(1);
	}
	argv += optind;
	argc -= optind;
	if (clear)
		return devices_clear(argv);
	if (all || (!find && argc == 0))
		return devices_print();
	if (!find && argc == 1)
		return device_print(argv[0]) ? 0 : 1;
	if (argc != (find ? 0 : 2) && !(find && argc == 1))
		usage(1);
	if (find && loop_free(name, sizeof(name)))
		err(1, "no free loop device");
	if (find && argc == 0)
		return puts(name) < 0;
	if (loop_attach(find ? name : argv[0], argv[argc - 1], flags, offset, limit) < 0)
		err(1, "%s", argv[argc - 1]);
	if (show)
		puts(find ? name : argv[0]);
	return 0;
}

TOOL("losetup", losetup_main,
     "[-a] [-d DEVICE...] [-rPS] [-o OFFSET] [-s SIZE] [-f|DEVICE] [FILE]");
