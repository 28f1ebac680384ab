/* What tests of access lists share. */
#include "acl.h"

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>

static const struct {
	char letter;
	unsigned tag, named;
} tags[] = {
	{ 'u', ACL_USER_OBJ, ACL_USER }, { 'g', ACL_GROUP_OBJ, ACL_GROUP },
	{ 'm', ACL_MASK, ACL_MASK }, { 'o', ACL_OTHER, ACL_OTHER },
};

static struct posix_acl_xattr_entry entry_of(const char *word)
{
	struct posix_acl_xattr_entry e = { .e_id = (uint32_t)ACL_UNDEFINED_ID };

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (tags[i].letter == word[0])
			e.e_tag = (uint16_t)(word[2] == ':' ? tags[i].tag : tags[i].named);
	CHECK(e.e_tag);
	if (word[2] != ':')
		e.e_id = (uint32_t)strtoul(word + 2, NULL, 10);
	e.e_perm = (uint16_t)strtoul(strrchr(word, ':') + 1, NULL, 8);
	return e;
}

size_t acl_value(char value[ACL_BYTES], const char *text)
{
	struct posix_acl_xattr_header h = { .a_version = POSIX_ACL_XATTR_VERSION };
	size_t size = sizeof(h);
	char copy[2 * ACL_BYTES];

	memcpy(value, &h, sizeof(h));
	CHECK(strlen(text) < sizeof(copy));
	strcpy(copy, text);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		struct posix_acl_xattr_entry e = entry_of(word);

		CHECK(size + sizeof(e) <= ACL_BYTES);
		memcpy(value + size, &e, sizeof(e));
		size += sizeof(e);
	}
	return size;
}

void acl_text(char *text, size_t room, const char *value, size_t size)
{
	size_t n = 0;

	for (size_t at = 4; at < size; at += 8) {
		struct posix_acl_xattr_entry e;
		char id[16] = "";

		memcpy(&e, value + at, sizeof(e));
		if (e.e_tag == ACL_USER || e.e_tag == ACL_GROUP)
			snprintf(id, sizeof(id), "%u", e.e_id);
		for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]) && n < room; i++)
			if (e.e_tag == tags[i].tag || e.e_tag == tags[i].named)
				n += (size_t)snprintf(text + n, room - n, "%s%c:%s:%o",
						      n ? " " : "", tags[i].letter, id, e.e_perm);
	}
}

int acl_set(const char *path, const char *name, const char *text)
{
	char value[ACL_BYTES];
	size_t size = acl_value(value, text);

	return setxattr(path, name, value, size, 0);
}

static bool shown(const char *path, const char *name)
{
	char list[1024];
	ssize_t n = CHECK_OK(listxattr(path, list, sizeof(list)));

	for (char *p = list; p < list + n; p += strlen(p) + 1)
		if (!strcmp(p, name))
			return true;
	return false;
}

void acl_expect(const char *path, const char *name, const char *text)
{
	char want[ACL_BYTES], found[ACL_BYTES], is[2 * ACL_BYTES];
	size_t size = acl_value(want, text);

	CHECK_EQ(shown(path, name), *text != '\0');
	if (!*text) {
		CHECK_ERR(getxattr(path, name, found, sizeof(found)), ENODATA);
		return;
	}
	CHECK_EQ(getxattr(path, name, found, sizeof(found)), size);
	CHECK_EQ(getxattr(path, name, NULL, 0), size);
	if (memcmp(want, found, size)) {
		acl_text(is, sizeof(is), found, size);
		FAIL("%s of %s is %s, not %s", name, path, is, text);
	}
}
