/* Test data that the build puts in folders next to the test programs. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The path of `name` in the folder of the running program; static storage. */
const char *file_beside(const char *name);

/* Reads a whole file into an exact heap block; NULL, *size 0, if there is none. */
uint8_t *file_load(const char *path, size_t *size);
