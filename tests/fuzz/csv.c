/* SPDX-License-Identifier: Apache-2.0 */
/* csv.c - fuzz target for lists of buffers: read, placed by every row, written with the offsets, and read again */
#include <config.h>
#include <stdio.h>
#include <string.h>

#include "planner/placement/place_check.h"
#include "src/command/place_file.h"
#include "tests/fuzz/fuzz.h"

enum { BUFFERS_MOST = 60, SEARCH_MOST = 5 };

static bool
is_search(const struct placement *row)
{
	return strcmp(row->name, "auto") == 0 || strcmp(row->name, "exact") == 0 || strcmp(row->name, "hill-climb") == 0 ||
	    strcmp(row->name, "ilp") == 0;
}

/* Writes a placement and reads it: with all offsets given, placing it again must change nothing. */
static void
write_and_read(struct fuzz *f, const struct place_file *c, const struct place_result *r)
{
	struct place_result again = { .offsets = ARENA_NEW(&f->arena, bytes_t, c->problem.count) };
	struct place_file given;
	size_t size, again_size;
	char *text;

	place_file_write(c, r->offsets, stdout);
	text = fuzz_written(f, &size);
	fuzz_put(text, size);
	EXPECT(f, place_file_read(&given, fuzz_output, PLACE_ENDS_BY_NAME, &f->arena, &f->err) == 0);
	fuzz_put("", 0);
	EXPECT(f, given.problem.count == c->problem.count);
	EXPECT(f, placement_run(&again, placement_find("first-fit"), &given.problem, &f->arena, &f->err) == 0);
	EXPECT(f, again.arena_bytes == r->arena_bytes);
	place_file_write(&given, again.offsets, stdout);
	EXPECT(f, memcmp(text, fuzz_written(f, &again_size), size) == 0 && size == again_size);
}

static void
place(struct fuzz *f, const struct place_file *c, const struct placement *row)
{
	struct place_result r = { .offsets = ARENA_NEW(&f->arena, bytes_t, c->problem.count) };
	struct place_fault fault;
	struct err e = ERR_INIT;

	if (placement_run(&r, row, &c->problem, &f->arena, &e) < 0) {
		f->err = e;
		EXPECT(f, e.code == ERR_NO && e.text[0] != '\0');
		f->err = (struct err) ERR_INIT;
		return;
	}
	EXPECT(f, r.bound_bytes <= r.arena_bytes);
	EXPECT(f, place_check(&c->problem, r.offsets, r.arena_bytes, &fault, &f->arena, &f->err) == 0);
	if (strcmp(row->name, "first-fit") == 0)
		write_and_read(f, c, &r);
}

int
fuzz_case(struct fuzz *f)
{
	struct place_file c;

	if (place_file_read(&c, f->path, PLACE_ENDS_BY_NAME, &f->arena, &f->err) < 0)
		return -1;
	if (c.problem.count > BUFFERS_MOST)
		return 0;
	for (const struct placement *row = placements; row->name != NULL; row++)
		if (!is_search(row) || c.problem.count <= SEARCH_MOST)
			place(f, &c, row);
	return 0;
}
