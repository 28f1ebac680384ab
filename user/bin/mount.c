/* mount, umount: attach and detach file systems. */
#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "user/lib/loop.h"
#include "user/lib/tool.h"

#define WORD_LOOP (1UL << 62) /* not a flag of mount(2) */

static const struct {
	const char *name;
	unsigned long flag;
	bool clear;
} words[] = {
	{ "ro", MS_RDONLY, false }, { "rw", MS_RDONLY, true },
	{ "nosuid", MS_NOSUID, false }, { "suid", MS_NOSUID, true },
	{ "nodev", MS_NODEV, false }, { "dev", MS_NODEV, true },
	{ "noexec", MS_NOEXEC, false }, { "exec", MS_NOEXEC, true },
	{ "sync", MS_SYNCHRONOUS, false }, { "async", MS_SYNCHRONOUS, true },
	{ "remount", MS_REMOUNT, false }, { "bind", MS_BIND, false },
	{ "rbind", MS_BIND | MS_REC, false }, { "move", MS_MOVE, false },
	{ "noatime", MS_NOATIME, false }, { "atime", MS_NOATIME, true },
	{ "relatime", MS_RELATIME, false }, { "strictatime", MS_STRICTATIME, false },
	{ "nodiratime", MS_NODIRATIME, false }, { "dirsync", MS_DIRSYNC, false },
	{ "loop", WORD_LOOP, false },
	{ "defaults", 0, false }, { "auto", 0, false }, { "noauto", 0, false },
};

/* Takes the words that are flags; what remains is for the file system, in *data. */
static void options_parse(const char *text, unsigned long *flags, char **data)
{
	char *copy = xstrdup(text), *rest = copy, *word, *more;
	size_t i, n = sizeof(words) / sizeof(words[0]);

	while ((word = strsep(&rest, ",")) != NULL) {
		for (i = 0; i < n && strcmp(words[i].name, word) != 0; i++)
			;
		if (!*word)
			continue;
		if (i < n) {
			*flags = words[i].clear ? *flags & ~words[i].flag : *flags | words[i].flag;
			continue;
		}
		if (asprintf(&more, "%s%s%s", *data ? *data : "", *data ? "," : "", word) < 0)
			err(1, "malloc");
		free(*data);
		*data = more;
	}
	free(copy);
}

static int mounts_print(const char *type)
{
	FILE *f = setmntent("/proc/mounts", "r");
	struct mntent *m;

	if (!f)
		err(1, "/proc/mounts");
	while ((m = getmntent(f)) != NULL) {
		if (!type || strcmp(type, m->mnt_type) == 0)
			printf("%s on %s type %s (%s)\n", m->mnt_fsname, m->mnt_dir, m->mnt_type,
			       m->mnt_opts);
	}
	endmntent(f);
	return 0;
}

/* Without -t: every type that the kernel names as one on a device. */
static int mount_any(const char *source, const char *target, unsigned long flags,
		     const char *data)
{
	FILE *f = fopen("/proc/filesystems", "re");
	char line[128], *type;

	errno = ENODEV;
	while (f && fgets(line, sizeof(line), f)) {
		type = line + strspn(line, " \t");
		type[strcspn(type, "\n")] = 0;
		if (strncmp(line, "nodev", 5) == 0)
			continue;
		if (mount(source, target, type, flags, data) == 0) {
			fclose(f);
			return 0;
		}
		if (errno != EINVAL)	/* EINVAL: not this type's superblock */
			break;
	}
	if (f)
		fclose(f);
	else
		return mount(source, target, "ext2", flags, data);
	return -1;
}

/* Completes a mount of which only one side is named, from /etc/fstab. */
static bool fstab_find(const char *name, char **source, char **target, char **type,
		       unsigned long *flags, char **data)
{
	FILE *f = setmntent("/etc/fstab", "r");
	struct mntent *m;
	bool found = false;

	while (f && !found && (m = getmntent(f)) != NULL) {
		if (strcmp(m->mnt_dir, name) != 0 && strcmp(m->mnt_fsname, name) != 0)
			continue;
		found = true;
		*source = xstrdup(m->mnt_fsname);
		*target = xstrdup(m->mnt_dir);
		*type = xstrdup(m->mnt_type);
		options_parse(m->mnt_opts, flags, data);
	}
	if (f)
		endmntent(f);
	return found;
}

/* The file becomes a device, which goes by itself when it is unmounted. Its name. */
static char *loop_source(const char *file, unsigned long flags)
{
	unsigned lo_flags = LO_FLAGS_AUTOCLEAR | (flags & MS_RDONLY ? LO_FLAGS_READ_ONLY : 0);
	char name[32];

	if (loop_free(name, sizeof(name)))
		err(32, "no free loop device");
	/* It stays open until the mount holds it. */
	if (loop_attach(name, file, lo_flags, 0, 0) < 0)
		err(32, "%s", file);
	return xstrdup(name);
}

static int mount_main(int argc, char **argv)
{
	char *type = NULL, *data = NULL, *source, *target;
	unsigned long flags = 0;
	int c, r;

	while ((c = getopt(argc, argv, "t:o:rwB")) != -1) {
		if (c == 't')
			type = optarg;
		else if (c == 'o')
			options_parse(optarg, &flags, &data);
		else if (c == 'r')
			flags |= MS_RDONLY;
		else if (c == 'w')
			flags &= ~(unsigned long)MS_RDONLY;
		else if (c == 'B')
			flags |= MS_BIND;
		else
			usage(1);
	}
	argv += optind;
	argc -= optind;
	if (argc == 0)
		return mounts_print(type);
	if (argc > 2)
		usage(1);
	source = argv[0];
	target = argv[argc - 1];
	if (argc == 1 && (flags & MS_REMOUNT))
		source = "none";
	else if (argc == 1 && !fstab_find(argv[0], &source, &target, &type, &flags, &data))
		errx(1, "%s: not in /etc/fstab", argv[0]);
	if (type && strcmp(type, "auto") == 0)
		type = NULL;
	if (flags & WORD_LOOP)
		source = loop_source(source, flags);
	flags &= ~WORD_LOOP;
	if (type || (flags & (MS_REMOUNT | MS_BIND | MS_MOVE)))
		r = mount(source, target, type ? type : "none", flags, data);
	else
		r = mount_any(source, target, flags, data);
	if (r < 0)
		err(32, "mounting %s on %s", source, target);
	return 0;
}

static int umount_main(int argc, char **argv)
{
	int c, flags = 0, status = 0;

	while ((c = getopt(argc, argv, "lf")) != -1) {
		if (c == '?')
			usage(1);
		flags |= c == 'l' ? MNT_DETACH : MNT_FORCE;
	}
	if (!argv[optind])
		usage(1);
	for (argv += optind; *argv; argv++) {
		FILE *f = setmntent("/proc/mounts", "r");
		char *target = xstrdup(*argv);
		struct mntent *m;

		/* A device stands for where it is mounted. */
		while (f && (m = getmntent(f)) != NULL) {
			if (strcmp(m->mnt_fsname, *argv) == 0 && **argv == '/') {
				free(target);
				target = xstrdup(m->mnt_dir);
			}
		}
		if (f)
			endmntent(f);
		if (umount2(target, flags) < 0) {
			warn("%s", target);
			status = 32;
		}
		free(target);
	}
	return status;
}

TOOL("mount", mount_main, "[-rwB] [-t TYPE] [-o OPTION,...] [[SOURCE] TARGET]");
TOOL("umount", umount_main, "[-fl] TARGET...");
