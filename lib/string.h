#pragma once

#include <stddef.h>

/*
 * Memory and string functions as in ISO C and POSIX.  None of them sleeps, takes a lock or
 * touches a byte outside the ranges named.  For copies from and to user memory use
 * mm/usercopy.h: a fault in here is a kernel bug.
 */

/* Copies n bytes; the ranges must not overlap.  Returns dst. */
void *memcpy(void *dst, const void *src, size_t n);

/* Copies n bytes between ranges that may overlap.  Returns dst. */
void *memmove(void *dst, const void *src, size_t n);

/* Fills n bytes with the low byte of c.  Returns dst. */
void *memset(void *dst, int c, size_t n);

/* Compares n bytes as unsigned char: negative, zero or positive. */
int memcmp(const void *a, const void *b, size_t n);

/* The first of n bytes equal to the low byte of c, or NULL. */
void *memchr(const void *s, int c, size_t n);

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);

/* The first occurrence of needle in hay, or NULL; an empty needle is found at once. */
char *strstr(const char *hay, const char *needle);

/*
 * Copies src to dst of size bytes, cutting it short if need be; dst is NUL-terminated unless size
 * is 0.  Returns strlen(src): a result >= size means the copy was cut.  Source: strlcpy(3bsd).
 */
size_t strlcpy(char *dst, const char *src, size_t size);

/* Appends in the same way; returns the length that the whole result would have had. */
size_t strlcat(char *dst, const char *src, size_t size);
