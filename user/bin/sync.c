/* sync: everything, or the files named, to the disk. */
#include <fcntl.h>
#include <unistd.h>

#include "user/lib/tool.h"

static int sync_main(int argc, char **argv)
{
	int i, fd, status = 0;

	if (argc < 2)
		sync();
	for (i = 1; i < argc; i++) {
		fd = open(argv[i], O_RDONLY | O_NONBLOCK);
		if (fd < 0 || fsync(fd) < 0) {
			warn("%s", argv[i]);
			status = 1;
		}
		if (fd >= 0)
			close(fd);
	}
	return status;
}

TOOL("sync", sync_main, "[FILE]...");
