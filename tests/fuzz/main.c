/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - runs a fuzz target on files, such as earlier findings, with any compiler */
#include <config.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

enum { CASE_MOST = 1 << 20 };

static void
run_file(const char *path)
{
	FILE *in = fopen(path, "rb");
	unsigned char *data = malloc(CASE_MOST);
	size_t size;

	if (in == NULL || data == NULL) {
		perror(path);
		exit(1);
	}
	size = fread(data, 1, CASE_MOST, in);
	fclose(in);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		fprintf(stderr, "%s\n", argv[i]);
		run_file(argv[i]);
	}
	return 0;
}
