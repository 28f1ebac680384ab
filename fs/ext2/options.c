/*
 * What mount(2) asks of a volume: words of ext4(5), commas between them. One is taken where what it
 * says is so here; there is nothing else to choose.
 */
#include "drivers/block.h"
#include "fs/ext2/ext2.h"
#include "kernel/printk.h"
#include "lib/string.h"

static bool word_is(const char *s, size_t len, const char *name)
{
	return strlen(name) == len && !strncmp(s, name, len);
}

/* Does it say what is done anyway? es may be NULL: then, on some volume. */
static bool word_holds(const struct ext2_super *es, const char *s, size_t len)
{
	static const char *const always[] = {
		"errors=remount-ro", "user_xattr", "acl", "barrier", "barrier=1",
		"nogrpid", "sysvgroups", "bsddf", "nodiscard",
	};

	for (size_t i = 0; i < ARRAY_SIZE(always); i++) {
		if (word_is(s, len, always[i]))
			return true;
	}
	return word_is(s, len, "data=ordered") &&
	       (!es || (es->rev_level && (es->feature_compat & EXT2_COMPAT_HAS_JOURNAL)));
}

static bool word_is_noload(const char *s, size_t len)
{
	return word_is(s, len, "noload") || word_is(s, len, "norecovery");
}

int ext2_option_check(const char *option)
{
	size_t len = strlen(option);

	return word_is_noload(option, len) || word_holds(NULL, option, len) ? 0 : -EINVAL;
}

int ext2_options_parse(struct super_block *sb, const struct ext2_super *es, const char *s,
		       bool *noload)
{
	const char *comma;
	char name[40];
	size_t len;

	*noload = false;
	for (; *s; s += len + (s[len] == ',')) {
		comma = strchr(s, ',');
		len = comma ? (size_t)(comma - s) : strlen(s);
		if (word_is_noload(s, len)) {
			*noload = true;
		} else if (len && !word_holds(es, s, len)) {
			strlcpy(name, s, MIN(len + 1, sizeof(name)));
			pr_err("ext2 %s: mount option not understood: %s\n", sb->bdev->name, name);
			return -EINVAL;
		}
	}
	return 0;
}

int ext2_options_check(struct super_block *sb, const char *options)
{
	struct ext2_fs *fs = ext2_fs(sb);
	bool noload;
	int err = ext2_options_parse(sb, fs->es, options, &noload);

	if (err || !noload || fs->noload)
		return err;
	pr_err("ext2 %s: mounted with its journal: norecovery comes too late\n", sb->bdev->name);
	return -EINVAL;
}

void ext2_options_show(struct super_block *sb, char *buf, size_t size)
{
	strlcat(buf, ",errors=remount-ro", size);
	if (ext2_fs(sb)->noload)
		strlcat(buf, ",norecovery", size);
}
