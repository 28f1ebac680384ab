/* copyfile FROM TO: copies a file by read() and write(), and tells both sizes. */
#include "kernel/types.h"
#include "kernel/stat.h"
#include "kernel/fcntl.h"
#include "user/user.h"

int main(int argc, char *argv[])
{
	static char buf[4096];
	struct stat before, after;
	int in, out, n;

	if (argc != 3) {
		fprintf(2, "usage: copyfile from to\n");
		exit(1);
	}
	in = open(argv[1], O_RDONLY);
	out = open(argv[2], O_CREATE | O_TRUNC | O_WRONLY);
	if (in < 0 || out < 0) {
		fprintf(2, "copyfile: cannot open %s\n", argv[in < 0 ? 1 : 2]);
		exit(1);
	}
	while ((n = read(in, buf, sizeof(buf))) > 0) {
		if (write(out, buf, n) != n) {
			fprintf(2, "copyfile: %s is full\n", argv[2]);
			exit(1);
		}
	}
	if (n < 0 || fstat(in, &before) < 0 || fstat(out, &after) < 0)
		exit(1);
	printf("%lu bytes read, %lu written\n", before.size, after.size);
	exit(before.size != after.size);
}
