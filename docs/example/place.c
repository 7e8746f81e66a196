/* SPDX-License-Identifier: Apache-2.0 */
/* place.c - offsets for a list of buffers
 *
 *	cc place.c $(pkg-config --cflags --libs layrub) -o place
 *	./place
 */
#include <inttypes.h>
#include <layrub.h>
#include <stdio.h>

enum { COUNT = 4 };

int
main(void)
{
	/* Alive in [lower, upper); the last one lies at a given address. */
	static const struct layrub_item items[COUNT] = {
		{ .lower = 0, .upper = 2, .bytes = 512 },
		{ .lower = 1, .upper = 3, .bytes = 256 },
		{ .lower = 2, .upper = 4, .bytes = 512, .alignment = 256 },
		{ .lower = 0, .upper = 4, .bytes = 128, .fixed = true, .offset_bytes = 0 },
	};
	struct layrub_place_options options = LAYRUB_PLACE_OPTIONS_INIT;
	struct layrub_place_result result = LAYRUB_PLACE_RESULT_INIT;
	struct layrub_error e = LAYRUB_ERROR_INIT;
	uint64_t offsets[COUNT];
	char line[2048];

	if (layrub_place(items, COUNT, &options, offsets, &result, &e) < 0) {
		fprintf(stderr, "place: %s\n", layrub_error_line(&e, line, sizeof(line)));
		return 2;
	}
	for (int i = 0; i < COUNT; i++)
		printf("item %d at %" PRIu64 "\n", i, offsets[i]);
	printf("arena %" PRIu64 ", no arena is smaller than %" PRIu64 "\n", result.arena_bytes, result.bound_bytes);
	return 0;
}
