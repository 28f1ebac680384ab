#include "utf8.h"

/* Ranges of code points that take no column, and those that take two. */
struct range {
	unsigned first, last;
};

static const struct range combining[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x0610, 0x061a },
	{ 0x064b, 0x065f }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200b, 0x200f },
	{ 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff },
};

static const struct range wide[] = {
	{ 0x1100, 0x115f }, { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },   { 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff }, { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },
	{ 0x1f300, 0x1f64f }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

static int in_ranges(unsigned point, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (point >= ranges[i].first && point <= ranges[i].last)
			return 1;
	return 0;
}

static int point_width(unsigned point)
{
	if (point < 0x300)
		return 1;
	if (in_ranges(point, combining, sizeof(combining) / sizeof(combining[0])))
		return 0;
	return in_ranges(point, wide, sizeof(wide) / sizeof(wide[0])) ? 2 : 1;
}

int utf8_length(unsigned char first)
{
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	if (first >= 0xf0 && first < 0xf5)
		return 4;
	return 1;
}

size_t utf8_step(const char *text, size_t left, int *width)
{
	unsigned char first = *text;
	int len = utf8_length(first);
	unsigned point = len == 1 ? first : first & (0x7f >> len);

	*width = first < 0x20 || first == 0x7f ? 2 : 1;
	if (len == 1 || (size_t)len > left)
		return 1;
	for (int i = 1; i < len; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 1;
		point = point << 6 | (text[i] & 0x3f);
	}
	*width = point_width(point);
	return len;
}

size_t utf8_back(const char *text, size_t at)
{
	int width;

	for (size_t len = 2; len <= 4 && len <= at; len++)
		if (utf8_step(text + at - len, len, &width) == len)
			return len;
	return 1;
}
