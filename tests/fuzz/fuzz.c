/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.c - a case as a file, its promises, and the way out of one that breaks them */
#include <config.h>
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Enough for every honest case of a few kilobytes; what a hostile one asks for beyond it is refused, which
 * tries the way out of a full arena. */
enum { ARENA_MOST = 64 << 20 };

const char *const fuzz_output = "/proc/self/fd/1";
static char input_path[64];
static int input_fd = -1;
static FILE *nowhere;

static _Noreturn void
give_up(const char *what)
{
	perror(what);
	exit(1);
}

/* The input is a file in memory, so that the readers meet a file; so is standard output. */
static void
prepare(void)
{
	int out = memfd_create("output", 0);

	fflush(stdout);		/* what a fuzzer's driver has to say */
	input_fd = memfd_create("input", 0);
	nowhere = fopen("/dev/null", "w");
	if (input_fd < 0 || out < 0 || nowhere == NULL || dup2(out, STDOUT_FILENO) < 0)
		give_up("cannot prepare");
	close(out);
	snprintf(input_path, sizeof(input_path), "/proc/self/fd/%d", input_fd);
}

static void
put(int fd, const void *data, size_t size)
{
	if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		give_up("cannot write the input");
}

void
fuzz_put(const char *text, size_t size)
{
	put(STDOUT_FILENO, text, size);
}

char *
fuzz_written(struct fuzz *f, size_t *size)
{
	off_t end;
	char *text;

	fflush(stdout);
	end = lseek(STDOUT_FILENO, 0, SEEK_END);
	text = arena_alloc(&f->arena, 1, (size_t)end + 1);
	if (pread(STDOUT_FILENO, text, (size_t)end, 0) != end || ftruncate(STDOUT_FILENO, 0) < 0)
		give_up("cannot read what was written");
	lseek(STDOUT_FILENO, 0, SEEK_SET);
	*size = (size_t)end;
	return text;
}

void
fuzz_fail(const struct fuzz *f, const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: expected %s\n", file, line, what);
	err_print(&f->err, "last error", stderr);
	abort();
}

uint32_t
fuzz_choice(const struct fuzz *f, uint32_t n)
{
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < f->size; i++)
		h = (h ^ f->data[i]) * 16777619U;
	return (h ^ h >> 15) % n;
}

static int
run_case(void *arg)
{
	return fuzz_case(arg);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { .data = data, .size = size, .arena = { .limit = ARENA_MOST } };
	int rc;

	if (input_fd < 0)
		prepare();
	put(input_fd, data, size);
	fuzz_put("", 0);
	f.path = input_path;
	rc = arena_run(&f.arena, run_case, &f, &f.err);
	if (rc < 0) {
		EXPECT(&f, f.err.code != ERR_NONE && f.err.text[0] != '\0');
		EXPECT(&f, f.err.code != ERR_SYSTEM || strstr(f.err.text, "out of memory") != NULL);
		err_print(&f.err, "fuzz", nowhere);
	}
	arena_free(&f.arena);
	return 0;
}
