/* SPDX-License-Identifier: Apache-2.0 */
/* results.c - fuzz target for results of a sweep: read as the report does, and as the sweep that resumes does */
#include <config.h>
#include <string.h>

#include "sim/report/report_draw.h"
#include "src/command/sweep_file.h"
#include "tests/fuzz/fuzz.h"

static void
draw(struct fuzz *f, const struct sweep *s)
{
	struct sweep_picture pic;
	struct drawing d = { .format = &gnuplot_svg, .what = &pic, .width = 800, .height = 600, .font = 12, .id = "x", .label = "x" };
	size_t size;

	sweep_picture_init(&pic, s, &f->arena);
	sweep_script(stdout, &d);
	fuzz_written(f, &size);
	EXPECT(f, size > 0);
}

/* Resumes: whole lines stay, a half-written line goes, an appended line is found. */
static int
go_on(struct fuzz *f)
{
	static const char line[] = "{\"point\": \"a new one\", \"error\": \"none\"}\n";
	struct sweep_file s, again;

	fuzz_put((const char *)f->data, f->size);
	if (sweep_file_open(&s, fuzz_output, &f->arena, &f->err) < 0)
		return -1;
	EXPECT(f, sweep_file_write(&s, line, strlen(line), &f->err) == 0);
	EXPECT(f, sweep_file_close(&s, &f->err) == 0);
	EXPECT(f, sweep_file_open(&again, fuzz_output, &f->arena, &f->err) == 0);
	EXPECT(f, again.dropped_bytes == 0 && again.found_count == s.found_count + 1);
	EXPECT(f, sweep_file_find(&again, "a new one") != NULL);
	EXPECT(f, sweep_file_close(&again, &f->err) == 0);
	return 0;
}

int
fuzz_case(struct fuzz *f)
{
	struct sweep s;
	int rc = sweep_read(&s, f->path, &f->arena, &f->err);

	if (rc == 0)
		draw(f, &s);
	f->err = (struct err) ERR_INIT;
	return go_on(f);
}
