/*
 * What uname(2) says.
 */
#pragma once

#include "kernel/line.h"

struct utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};
extern struct utsname utsname;

/* Those of its names that can be read, and two of them set, one by one. */
extern const struct line uts_sysname, uts_release, uts_nodename, uts_domainname;
