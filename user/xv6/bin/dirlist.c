/* Lists a directory the way xv6 does it: read() on it gives entries of fixed size. */
#include "kernel/types.h"
#include "kernel/stat.h"
#include "kernel/fcntl.h"
#include "kernel/fs.h"
#include "user/user.h"

static const char *type_name(short type)
{
	switch (type) {
	case T_DIR:
		return "dir";
	case T_FILE:
		return "file";
	default:
		return "device";
	}
}

int main(int argc, char *argv[])
{
	const char *path = argc > 1 ? argv[1] : ".";
	struct dirent entry;
	struct stat st;
	char name[DIRSIZ + 1];
	int fd = open(path, O_RDONLY);

	if (fd < 0 || fstat(fd, &st) < 0 || st.type != T_DIR || chdir(path) < 0) {
		fprintf(2, "dirlist: %s is no directory\n", path);
		exit(1);
	}
	name[DIRSIZ] = 0;
	while (read(fd, &entry, sizeof(entry)) == sizeof(entry)) {
		memcpy(name, entry.name, DIRSIZ);
		if (stat(name, &st) < 0)	/* such as a name longer than DIRSIZ */
			printf("%-14s ?\n", name);
		else
			printf("%-14s %s %d %lu\n", name, type_name(st.type), st.nlink, st.size);
	}
	exit(0);
}
