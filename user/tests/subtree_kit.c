/*
 * Shared subtrees: what tests of them share.
 */
#include "user/tests/subtree.h"

static char text[1 << 20];

/* The line of mountinfo of the last mount on dir, ended with NUL. */
static char *line_of(const char *dir)
{
	char want[PATH_MAX + 3], *last = NULL, *at, *line, *save = NULL;

	want[0] = ' ';
	CHECK(realpath(dir, want + 1));
	strcat(want, " ");
	file_text("/proc/self/mountinfo", text, sizeof(text));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		/* The fifth field is where it stands. */
		at = line;
		for (int i = 0; i < 4; i++)
			at = strchr(at + 1, ' ');
		if (strncmp(at, want, strlen(want)) == 0)
			last = line;
	}
	if (!last)
		FAIL("nothing is mounted on %s", dir);
	return last;
}

struct kind kind_of(const char *dir)
{
	struct kind k = {0};
	char *save = NULL, *word = strtok_r(line_of(dir), " ", &save);

	for (int i = 0; i < 6; i++)
		word = strtok_r(NULL, " ", &save);
	for (; word && strcmp(word, "-") != 0; word = strtok_r(NULL, " ", &save)) {
		if (strcmp(word, "unbindable") == 0)
			k.unbindable = true;
		else if (sscanf(word, "shared:%u", &k.shared) != 1 &&
			 sscanf(word, "master:%u", &k.master) != 1)
			CHECK_EQ(sscanf(word, "propagate_from:%u", &k.from), 1);
	}
	return k;
}

void kind_check(const char *dir, unsigned long kind)
{
	struct kind k = kind_of(dir);
	unsigned long is = (k.shared ? MS_SHARED : 0) | (k.master ? MS_SLAVE : 0) |
			   (k.unbindable ? MS_UNBINDABLE : 0);

	if ((is ? is : MS_PRIVATE) != kind)
		FAIL("%s: kind %#lx, not %#lx", dir, is, kind);
}

void kind_set(const char *dir, unsigned long kind)
{
	CHECK_OK(mount(NULL, dir, NULL, kind, NULL));
}

static void dir_make(const char *dir)
{
	if (mkdir(dir, 0755) != 0)
		CHECK_EQ(errno, EEXIST);
}

void volume_at(const char *dir)
{
	char in[PATH_MAX];

	dir_make(dir);
	CHECK_OK(mount("none", dir, "tmpfs", 0, NULL));
	snprintf(in, sizeof(in), "%s/d", dir);
	dir_make(in);
}

void volume_shared_at(const char *dir)
{
	volume_at(dir);
	kind_set(dir, MS_SHARED);
}

void bind_to(const char *from, const char *dir)
{
	dir_make(dir);
	CHECK_OK(mount(from, dir, NULL, MS_BIND | MS_REC, NULL));
}

void put_at(const char *dir, const char *file)
{
	char in[PATH_MAX];

	volume_at(dir);
	snprintf(in, sizeof(in), "%s/%s", dir, file);
	file_make(in, "x", 1);
}

bool is_at(const char *dir, const char *file)
{
	char in[PATH_MAX];

	snprintf(in, sizeof(in), "%s/%s", dir, file);
	return access(in, F_OK) == 0;
}

int mounts_now(void)
{
	int n = 0;

	file_text("/proc/self/mountinfo", text, sizeof(text));
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		n++;
	return n;
}
