/*
 * What the crash tests run in a machine, ours or Linux.
 *
 * crashload work DEVICE TYPE STEPS SEED MARK
 *	Mounts the volume, changes files on it at random, and unmounts it. What fsync promised is
 *	noted on the device itself, at byte MARK behind the volume, so that a log of the device's
 *	writes has the promises in their places: the version of the file "saved", and how many
 *	bytes of which value the file "fill" has.
 * crashload replay TYPE DIRECTORY
 *	Mounts and unmounts each image in the directory.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOUNTED "/tmp/crash"
#define FILES	12
#define SECTOR	4096
#define FILL_EVERY 140 /* steps */

static unsigned long seed;
static char buffer[1 << 16];

static unsigned pick(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

/* For what cannot fail on a sound volume with room; other calls may find no such file. */
static long must(long result, const char *what)
{
	if (result < 0)
		err(1, "%s", what);
	return result;
}

static const char *name_of(unsigned i)
{
	static char names[4][64];
	static unsigned turn;
	char *name = names[turn++ % 4];

	snprintf(name, 64, "d%u/file%u%s", i % 3, i, i % 4 ? "" : "-with-a-rather-long-name");
	return name;
}

static void fsync_close(int fd)
{
	must(fsync(fd), "fsync");
	close(fd);
}

static void directory_sync(const char *name)
{
	fsync_close((int)must(open(name, O_RDONLY | O_DIRECTORY), name));
}

static void file_write(unsigned i)
{
	int fd = (int)must(open(name_of(i), O_RDWR | O_CREAT, 0644), "open");
	size_t len = pick(pick(4) ? 3000 : 30000);

	memset(buffer, 'a' + (int)i, len);
	must(pwrite(fd, buffer, len, pick(3) ? 0 : pick(60000)), "write");
	if (!pick(4))
		must(fsync(fd), "fsync");
	close(fd);
}

/* The device, where on it promises go, and what they are. */
static struct {
	int device;
	off_t mark;
	unsigned version;
	long filled;
	int value;
} note;

static void promise(void)
{
	static char sector[SECTOR] __attribute__((aligned(SECTOR)));

	snprintf(sector, sizeof(sector), "saved %u fill %ld %d\n", note.version, note.filled,
		 note.value);
	must(pwrite(note.device, sector, sizeof(sector), note.mark), "the mark");
	must(fsync(note.device), "fsync");
}

static void save(void)
{
	unsigned version = note.version + 1;
	size_t len = 2000 + version * 37;
	int fd = (int)must(open("new", O_RDWR | O_CREAT | O_TRUNC, 0644), "open");

	for (size_t n = 0; n < len; n++)
		buffer[n] = (char)(version * 7 + n);
	must(write(fd, buffer, len), "write");
	fsync_close(fd);
	must(rename("new", "saved"), "rename");
	directory_sync(".");
	note.version = version;
	promise();
}

/* A directory of many blocks, which the journal has got, and then it is gone. */
static void directory_come_and_go(void)
{
	enum { NAMES = 120 };
	static char names[NAMES][260];

	must(mkdir("many", 0755), "mkdir");
	for (int n = 0; n < NAMES; n++) {
		snprintf(names[n], sizeof(names[n]), "many/%0200d", n);
		if (n)
			must(link(names[0], names[n]), "link");
		else
			close((int)must(open(names[0], O_WRONLY | O_CREAT, 0644), "open"));
	}
	directory_sync("many");
	for (int n = 0; n < NAMES; n++)
		must(unlink(names[n]), "unlink");
	must(rmdir("many"), "rmdir");
	directory_sync(".");
}

/*
 * All blocks that are free become a file's, those of a directory among them that the log still
 * has copies of: who recovers must not bring these back. The file goes before others want room.
 */
static void fill(void)
{
	ssize_t n;
	int fd;

	directory_come_and_go();
	fd = (int)must(open("fill", O_RDWR | O_CREAT | O_TRUNC, 0644), "open");
	note.value++;
	memset(buffer, note.value, sizeof(buffer));
	while ((n = write(fd, buffer, sizeof(buffer))) > 0)
		note.filled += n;
	if (errno != ENOSPC)
		err(1, "write");
	fsync_close(fd);
	promise();
	note.filled = 0;
	promise();
	must(unlink("fill"), "unlink");
	directory_sync(".");
}

static void directories(unsigned i)
{
	char name[3][40];
	int made = 0;

	snprintf(name[0], 40, "d%u/sub%u", i % 3, i);
	snprintf(name[1], 40, "d%u/sub%u/deep", i % 3, i);
	snprintf(name[2], 40, "d%u/sub%u/deep/deeper", i % 3, i);
	while (made < 3 && !mkdir(name[made], 0755))
		made++;
	for (int n = 2; !made && n >= 0; n--)
		rmdir(name[n]);
}

static void link_symbolic(unsigned i)
{
	char name[40], target[401];

	snprintf(name, sizeof(name), "d%u/link%u", i % 3, i);
	memset(target, 'x', sizeof(target));
	target[pick(2) ? 20 : 400] = '\0';
	if (symlink(target, name))
		unlink(name);
}

static void step(void)
{
	unsigned i = pick(FILES);

	switch (pick(14)) {
	case 0 ... 3:
		file_write(i);
		break;
	case 4:
		(void)!truncate(name_of(i), pick(60000));
		break;
	case 5 ... 6:
		unlink(name_of(i));
		break;
	case 7:
		rename(name_of(i), name_of(pick(FILES)));
		break;
	case 8:
		(void)!link(name_of(i), name_of(pick(FILES)));
		break;
	case 9 ... 10:
		directories(i);
		break;
	case 11:
		link_symbolic(i);
		break;
	case 12:
		save();
		break;
	default:
		if (!pick(8))
			sync();
		break;
	}
}

static void work(char **args)
{
	int steps = atoi(args[2]);

	note.mark = atol(args[4]);
	seed = strtoul(args[3], NULL, 10);
	mkdir(MOUNTED, 0755);
	must(mount(args[0], MOUNTED, args[1], 0, NULL), "mount");
	note.device = (int)must(open(args[0], O_RDWR | O_DIRECT), args[0]);
	must(chdir(MOUNTED), MOUNTED);
	for (int i = 0; i < 3; i++)
		must(mkdir(i ? i == 1 ? "d1" : "d2" : "d0", 0755), "mkdir");
	while (steps--) {
		step();
		if (steps % FILL_EVERY == 0)
			fill();
	}
	must(chdir("/"), "/");
	close(note.device);
	must(umount(MOUNTED), "umount");
}

static void replay_one(const char *type, const char *path)
{
	struct loop_config config = {.info.lo_flags = LO_FLAGS_AUTOCLEAR};
	char name[32];
	int control = (int)must(open("/dev/loop-control", O_RDWR), "loop-control"), loop;

	snprintf(name, sizeof(name), "/dev/loop%ld", must(ioctl(control, LOOP_CTL_GET_FREE), path));
	loop = (int)must(open(name, O_RDWR), name);
	config.fd = (unsigned)must(open(path, O_RDWR), path);
	must(ioctl(loop, LOOP_CONFIGURE, &config), "LOOP_CONFIGURE");
	must(mount(name, MOUNTED, type, 0, NULL), path);
	must(umount(MOUNTED), path);
	must(fsync(loop), name);
	close((int)config.fd);
	close(loop);
	close(control);
}

static void replay(char **args)
{
	DIR *dir = opendir(args[1]);
	struct dirent *d;
	char path[300];

	if (!dir)
		err(1, "%s", args[1]);
	mkdir(MOUNTED, 0755);
	while ((d = readdir(dir))) {
		if (strncmp(d->d_name, "image", 5))
			continue;
		snprintf(path, sizeof(path), "%s/%s", args[1], d->d_name);
		replay_one(args[0], path);
	}
	closedir(dir);
	sync();
}

int main(int argc, char **argv)
{
	if (argc == 7 && !strcmp(argv[1], "work"))
		work(argv + 2);
	else if (argc == 4 && !strcmp(argv[1], "replay"))
		replay(argv + 2);
	else
		errx(2, "work DEVICE TYPE STEPS SEED MARK, or replay TYPE DIRECTORY");
	puts("done");
	return 0;
}
