/*
 * File modes: as ls shows them, as chmod takes them.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "user/lib/tool.h"

static char type_char(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	case S_IFIFO:
		return 'p';
	case S_IFSOCK:
		return 's';
	default:
		return '-';
	}
}

char *mode_string(char buf[MODE_TEXT], mode_t mode)
{
	int i;

	buf[0] = type_char(mode);
	for (i = 0; i < 9; i++)
		buf[i + 1] = (mode & (0400 >> i)) ? "rwx"[i % 3] : '-';
	if (mode & S_ISUID)
		buf[3] = (mode & S_IXUSR) ? 's' : 'S';
	if (mode & S_ISGID)
		buf[6] = (mode & S_IXGRP) ? 's' : 'S';
	if (mode & S_ISVTX)
		buf[9] = (mode & S_IXOTH) ? 't' : 'T';
	buf[10] = 0;
	return buf;
}

/* The permission bits of one letter after the operator, for all three classes at once. */
static mode_t perm_bits(char c, mode_t old)
{
	mode_t three;

	switch (c) {
	case 'r':
		return 0444;
	case 'w':
		return 0222;
	case 'x':
		return 0111;
	case 'X':
		return (S_ISDIR(old) || (old & 0111)) ? 0111 : 0;
	case 's':
		return S_ISUID | S_ISGID;
	case 't':
		return S_ISVTX;
	case 'u':
		three = old >> 6 & 7;
		break;
	case 'g':
		three = old >> 3 & 7;
		break;
	case 'o':
		three = old & 7;
		break;
	default:
		return (mode_t)-1;
	}
	return three << 6 | three << 3 | three;
}

static mode_t class_bits(char c)
{
	switch (c) {
	case 'u':
		return S_ISUID | 0700;
	case 'g':
		return S_ISGID | 0070;
	case 'o':
		return S_ISVTX | 0007;
	case 'a':
		return 07777;
	default:
		return 0;
	}
}

/* One clause such as go=u-w; returns where it ends, or NULL. */
static const char *clause_apply(const char *s, mode_t mask, mode_t *mode)
{
	mode_t who = 0, bits, one;
	mode_t allowed;
	char op;

	for (; class_bits(*s); s++)
		who |= class_bits(*s);
	/* The sticky bit has no class of its own: a clause for all or for others sets it. */
	allowed = who ? who | S_ISVTX : 07777 & ~mask;
	if (!*s || !strchr("+-=", *s))
		return NULL;
	while (*s && strchr("+-=", *s)) {
		op = *s++;
		for (bits = 0; *s && !strchr("+-=,", *s); s++) {
			one = perm_bits(*s, *mode);
			if (one == (mode_t)-1)
				return NULL;
			bits |= one;
		}
		bits &= allowed;
		if (op == '-')
			*mode &= ~bits;
		else if (op == '+')
			*mode |= bits;
		else
			*mode = (*mode & ~((who ? who : 07777) & 07777)) | bits;
	}
	return s;
}

bool mode_parse(const char *text, mode_t old, mode_t mask, mode_t *mode)
{
	char *end;
	unsigned long n;
	mode_t m = old & (S_IFMT | 07777);

	if (isdigit((unsigned char)*text)) {
		n = strtoul(text, &end, 8);
		if (*end || n > 07777)
			return false;
		/* As GNU does: digits alone leave a directory its set-id bits. */
		if (S_ISDIR(old) && strlen(text) <= 4)
			n |= old & (S_ISUID | S_ISGID);
		*mode = (mode_t)n;
		return true;
	}
	while (text) {
		text = clause_apply(text, mask, &m);
		if (!text)
			return false;
		if (!*text)
			break;
		if (*text++ != ',')
			return false;
	}
	*mode = m & 07777;
	return true;
}
