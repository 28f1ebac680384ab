/*
 * Names of users and groups, straight from the two files: a static program cannot load the
 * name-service modules behind getpwnam(3).
 */
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "user/lib/tool.h"

static bool all_digits(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == 0;
}

const char *user_name(uid_t uid)
{
	static char text[64];
	static uid_t last;
	struct passwd *p;
	FILE *f;

	if (text[0] && last == uid)
		return text;
	last = uid;
	snprintf(text, sizeof(text), "%u", uid);
	f = fopen("/etc/passwd", "re");
	if (!f)
		return text;
	while ((p = fgetpwent(f)) != NULL) {
		if (p->pw_uid == uid) {
			snprintf(text, sizeof(text), "%s", p->pw_name);
			break;
		}
	}
	fclose(f);
	return text;
}

const char *group_name(gid_t gid)
{
	static char text[64];
	static gid_t last;
	struct group *g;
	FILE *f;

	if (text[0] && last == gid)
		return text;
	last = gid;
	snprintf(text, sizeof(text), "%u", gid);
	f = fopen("/etc/group", "re");
	if (!f)
		return text;
	while ((g = fgetgrent(f)) != NULL) {
		if (g->gr_gid == gid) {
			snprintf(text, sizeof(text), "%s", g->gr_name);
			break;
		}
	}
	fclose(f);
	return text;
}

bool user_find(const char *name, uid_t *uid, gid_t *gid)
{
	bool found = false;
	struct passwd *p;
	FILE *f = fopen("/etc/passwd", "re");

	while (f && (p = fgetpwent(f)) != NULL) {
		if (strcmp(p->pw_name, name) != 0)
			continue;
		*uid = p->pw_uid;
		if (gid)
			*gid = p->pw_gid;
		found = true;
		break;
	}
	if (f)
		fclose(f);
	if (!found && all_digits(name)) {
		*uid = (uid_t)strtoul(name, NULL, 10);
		found = true;
	}
	return found;
}

bool group_find(const char *name, gid_t *gid)
{
	bool found = false;
	struct group *g;
	FILE *f = fopen("/etc/group", "re");

	while (f && (g = fgetgrent(f)) != NULL) {
		if (strcmp(g->gr_name, name) == 0) {
			*gid = g->gr_gid;
			found = true;
			break;
		}
	}
	if (f)
		fclose(f);
	if (!found && all_digits(name)) {
		*gid = (gid_t)strtoul(name, NULL, 10);
		found = true;
	}
	return found;
}
