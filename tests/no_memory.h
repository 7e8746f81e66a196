/* SPDX-License-Identifier: Apache-2.0 */
/* no_memory.h - which functions of the C library and of xxHash allocate
 *
 * To add one: a row here and a --wrap in local.mk.
 */
#ifndef TESTS_NO_MEMORY_H
#define TESTS_NO_MEMORY_H

#define ALLOCATORS(ROW) \
	ROW(void *, malloc, (size_t n), (n)) \
	ROW(void *, calloc, (size_t n, size_t size), (n, size)) \
	ROW(void *, realloc, (void *p, size_t n), (p, n)) \
	ROW(FILE *, fopen, (const char *path, const char *mode), (path, mode)) \
	ROW(FILE *, fdopen, (int fd, const char *mode), (fd, mode)) \
	ROW(FILE *, fopencookie, (void *c, const char *mode, cookie_io_functions_t f), (c, mode, f)) \
	ROW(FILE *, open_memstream, (char **text, size_t *size), (text, size)) \
	ROW(char *, realpath, (const char *path, char *to), (path, to)) \
	ROW(XXH3_state_t *, XXH3_createState, (void), ())

/* src/command/main.c under another name: local.mk has this file included in front of it. */
int layrub_main(int argc, char **argv);
#endif
