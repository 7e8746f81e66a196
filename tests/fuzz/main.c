/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a target on the files that are named: what a fuzzer found once, with any compiler. */
#include <config.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

static int
run_file(const char *path)
{
	FILE *in = fopen(path, "rb");
	size_t room = 1 << 16, size = 0, got;
	unsigned char *data = malloc(room);

	if (in == NULL || data == NULL) {
		perror(path);
		exit(1);
	}
	while ((got = fread(data + size, 1, room - size, in)) > 0) {
		size += got;
		if (size == room && (data = realloc(data, room *= 2)) == NULL) {
			perror(path);
			exit(1);
		}
	}
	fclose(in);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
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
