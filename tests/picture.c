/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures: complete or not there at all, of a sane size, and deaf to what a document's names say. */
#include <config.h>
#include "tests/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/report/report_draw.h"

static struct arena arena = ARENA_INIT;
static char folder[] = "/tmp/layrub-picture-XXXXXX", path_variable[4096];

static const char *
in_folder(const char *name)
{
	return arena_printf(&arena, "%s/%s", folder, name);
}

/* ops runs; after each its output leaves, before every op of the second half it returns. */
static void
make_plan(struct plan *p, struct graph *g, struct device *d, const char *name, uint32_t ops)
{
	uint32_t n = 0;

	*d = (struct device){ .name = "toy's", .duplex_bytes_per_s = 1e11, .copy_engines = 2 };
	d->link[D2H] = d->link[H2D] = (struct link_direction){ .latency_us = 5, .bytes_per_s = 1e10 };
	for (int c = 0; c < CLASS_COUNT; c++)
		d->contention[c] = 1;
	*g = (struct graph){ .name = name, .tensor_count = ops, .op_count = ops };
	g->tensors = ARENA_NEW(&arena, struct tensor, ops);
	g->ops = ARENA_NEW(&arena, struct op, ops);
	*p = (struct plan){ .graph = g, .device = d, .policy = "made `by` hand", .budget_bytes = UINT64_C(1) << 31,
		.arena_bytes = UINT64_C(1) << 30, .buffer_count = ops, .host_count = ops };
	p->buffers = ARENA_NEW(&arena, struct buffer, ops);
	p->host = ARENA_NEW(&arena, struct buffer, ops);
	p->program = ARENA_NEW(&arena, struct instruction, 2 * (size_t)ops);
	for (uint32_t i = 0; i < ops; i++) {
		uint32_t *ids = ARENA_NEW(&arena, uint32_t, 3);
		bytes_t bytes = 1000000 + 7919 * (i % 97);
		bool second = i >= ops / 2;

		ids[0] = i;
		ids[1] = n;
		ids[2] = n - 1;
		g->tensors[i] = (struct tensor){ bytes, i % 3 == 0 ? KIND_GRADIENT : KIND_ACTIVATION };
		g->ops[i] = (struct op){ .name = "op", .phase = second ? PHASE_BACKWARD : PHASE_FORWARD, .time_us = 10 + i % 200,
			.outputs = ids, .output_count = 1 };
		p->buffers[i] = p->host[i] = (struct buffer){ i, 0, bytes };
		p->program[n++] = (struct instruction){ .queue = QUEUE_COMPUTE, .op = i, .writes = ids, .workspace = PLAN_NONE,
			.alternative = PLAN_NONE, .after = ids + 2, .after_count = i > 0 && i % 5 == 0 };
		p->program[n++] = (struct instruction){ .queue = second ? QUEUE_IN : QUEUE_OUT, .device_buffer = i, .host_buffer = i,
			.bytes = bytes, .after = ids + 1, .after_count = 1 };
	}
	p->instruction_count = n;
}

static int
report(const char *path, const char *name, uint32_t ops, struct err *e)
{
	const struct report_to to = { .path = path };
	struct sim_result r;
	struct device d;
	struct graph g;
	struct plan p;

	*e = (struct err)ERR_INIT;
	make_plan(&p, &g, &d, name, ops);
	return simulate(&r, &p, &d, &arena, e) < 0 ? -1 : report_plan(&to, &p, &r, &arena, e);
}

/* The file's bytes and a NUL; NULL when there is none. */
static char *
slurp(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *text;

	*n = 0;
	if (f == NULL)
		return NULL;
	text = ARENA_NEW(&arena, char, 8000001);
	*n = fread(text, 1, 8000000, f);
	fclose(f);
	return text;
}

static void
is_refused(const char *path, enum err_code code, const char *text, const char *what)
{
	struct err e;

	ok(report(path, "net", 4, &e) < 0 && e.code == code && strstr(e.text, text) != NULL, "%s: %s", what, e.text);
	ok(access(path, F_OK) != 0, "%s: no file is left", what);
}

static void
test_suffix(void)
{
	is_refused(in_folder("x.gif"), ERR_INPUT, ".svg, .png", "an unknown suffix");
	is_refused(in_folder("x"), ERR_INPUT, ".svg, .png", "no suffix");
}

/* A gnuplot of the test's own, first on PATH. */
static void
fake(const char *script)
{
	const char *path = in_folder("gnuplot");
	FILE *f = fopen(path, "w");

	if (f == NULL)
		return;
	fprintf(f, "#!/bin/sh\n%s\n", script);
	fclose(f);
	chmod(path, 0755);
	setenv("PATH", arena_printf(&arena, "%s:/usr/bin:/bin", folder), 1);
}

static void
test_failures(void)
{
	const char *old = in_folder("old.svg");
	struct err e;
	size_t n;
	FILE *f;

	if (strcmp(GNUPLOT, "gnuplot") != 0) {
		tap_skip("a gnuplot that fails", "gnuplot is configured to be another program or none");
		return;
	}
	setenv("PATH", folder, 1);
	is_refused(in_folder("x.svg"), ERR_SYSTEM, "gnuplot-nox", "gnuplot is not there");
	fake("cat >/dev/null; echo; echo 'line 7: out of ink' >&2; exit 3");
	is_refused(in_folder("x.svg"), ERR_SYSTEM, "out of ink", "gnuplot complains");
	fake("exit 4");
	is_refused(in_folder("x.svg"), ERR_SYSTEM, "status 4", "gnuplot fails without a word, unread");
	fake("kill -9 $$");
	is_refused(in_folder("x.png"), ERR_SYSTEM, "signal 9", "gnuplot is killed");
	fake("cat >/dev/null; echo '<svg><g>'");
	is_refused(in_folder("x.svg"), ERR_SYSTEM, "incomplete", "gnuplot stops half way");
	f = fopen(old, "w");
	if (f != NULL) {
		fputs("older", f);
		fclose(f);
	}
	ok(report(old, "net", 4, &e) < 0, "failing over an older picture");
	is_string(slurp(old, &n), "older", "the older picture stands");
	unlink(old);
	unlink(in_folder("gnuplot"));
}

static void
test_svg(void)
{
	static const char name[] = "it's \"n\" `touch pwned` <&> \\n @x {/Bold y}\nplot %d";
	const char *path = in_folder("x.svg"), *text, *again;
	struct err e = ERR_INIT;
	size_t n, m;

	ok(report(path, name, 40, &e) == 0, "a name full of quotes is drawn: %s", e.text);
	text = slurp(path, &n);
	if (!ok(text != NULL && strstr(text, "<svg") != NULL && strstr(text, "</svg>") != NULL, "the svg is one"))
		return;
	ok(strstr(text, "`touch pwned` &lt;&amp;") != NULL && strstr(text, " \\n @x {/Bold y}?plot %d on ") != NULL, "the name stands in it as it is");
	ok(access("pwned", F_OK) != 0, "and nothing in it was run");
	ok(strstr(text, "toy's") != NULL && strstr(text, "made `by` hand") != NULL, "device and policy too");
	ok(strstr(text, "budget 2.00 GiB") != NULL && strstr(text, "arena 1.00 GiB") != NULL, "the lines carry their values");
	ok(strstr(text, "stall ") != NULL && strstr(text, "offload ") != NULL && strstr(text, "fetch ") != NULL, "the queues have a legend");
	ok(report(path, name, 40, &e) == 0, "again");
	again = slurp(path, &m);
	ok(n == m && memcmp(text, again, n) == 0, "the same plan makes the same bytes");
	unlink(path);
}

static void
test_sizes(void)
{
	const char *svg = in_folder("big.svg"), *png = in_folder("big.png"), *text;
	struct err e = ERR_INIT;
	size_t n;

	ok(report(svg, "big", 20000, &e) == 0, "40,000 instructions are drawn: %s", e.text);
	slurp(svg, &n);
	ok(n > 20000 && n < 4500000, "into an svg below 4.5 MB (%zu bytes)", n);
	unlink(svg);
	ok(report(png, "one", 1, &e) == 0, "a plan of one op makes a png: %s", e.text);
	text = slurp(png, &n);
	ok(n > 1000 && memcmp(text, "\x89PNG\r\n\x1a\n", 8) == 0, "with a png's head");
	unlink(png);
	ok(report(svg, "none", 0, &e) == 0, "an empty program is drawn: %s", e.text);
	unlink(svg);
	ok(report(in_folder("no/such.svg"), "net", 4, &e) < 0 && e.code == ERR_SYSTEM, "no folder, no picture: %s", e.text);
}

/* The boxes of group g that stand for more than 0 of it, and their area. */
static double
area_of(const struct address_map *m, int g)
{
	double area = 0;

	for (int k = 0; k < MAP_SHADES; k++)
		for (size_t i = 0; i < m->groups[g][k].count; i++) {
			const struct box *b = &m->groups[g][k].boxes[i];

			area += (b->to_us - b->from_us) * (b->high - b->low);
		}
	return area;
}

static size_t
boxes_of(const struct address_map *m)
{
	size_t n = 0;

	for (int g = 0; g < MAP_GROUPS; g++)
		for (int k = 0; k < MAP_SHADES; k++)
			n += m->groups[g][k].count;
	return n;
}

/* A checkerboard of 100 x 100 squares of two groups fills 400 x 200 units: below the limit each is a box of its own.  Of
 * 400 columns and 200 rows each square takes 4 x 2 cells exactly, so what is merged keeps each group's area: 40,000. */
static void
test_map(void)
{
	enum { SIDE = 100, COUNT = SIDE * SIDE };
	struct map_range *ranges = ARENA_NEW(&arena, struct map_range, COUNT + 2);
	struct address_map m = { .end = 400, .top = 200 };

	for (int i = 0; i < COUNT; i++) {
		unsigned x = (unsigned)i % SIDE, y = (unsigned)i / SIDE;

		ranges[i] = (struct map_range){ 4 * x, 4 * x + 4, 2 * y, 2, (int)((x + y) % 2) };
	}
	ranges[COUNT] = (struct map_range){ 400, -1, 0, 8, 2 };
	ranges[COUNT + 1] = (struct map_range){ 0, 400, 0, 0, 2 };
	address_map_init(&m, ranges, COUNT + 2, &(struct detail){ 400, 200, COUNT }, &arena);
	ok(m.count == COUNT && m.merged == 0 && boxes_of(&m) == COUNT, "as many boxes as there may be: each is drawn, empty and unused ones are not");
	m = (struct address_map){ .end = 400, .top = 200 };
	address_map_init(&m, ranges, COUNT, &(struct detail){ 400, 200, 1000 }, &arena);
	ok(m.merged == COUNT - 1000, "past the limit the others are merged");
	ok(area_of(&m, 0) == 40000 && area_of(&m, 1) == 40000, "and each group keeps its area: %g, %g", area_of(&m, 0), area_of(&m, 1));
	for (int i = 0; i < COUNT; i++)
		ranges[i].group = 3;
	m = (struct address_map){ .end = 400, .top = 200 };
	address_map_init(&m, ranges, COUNT, &(struct detail){ 400, 200, 0 }, &arena);
	ok(boxes_of(&m) == 1 && area_of(&m, 3) == 80000, "what lies side by side becomes one box (%zu)", boxes_of(&m));
	m = (struct address_map){ .end = 0, .top = 0 };
	address_map_init(&m, ranges, 0, &detail_picture, &arena);
	ok(boxes_of(&m) == 0, "nothing makes an empty map");
}

int
main(void)
{
	const char *path = getenv("PATH");
	char command[256];

	snprintf(path_variable, sizeof(path_variable), "%s", path != NULL ? path : "/usr/bin:/bin");
	if (mkdtemp(folder) == NULL) {
		ok(false, "a temporary folder");
		return tap_done();
	}
	test_map();
	if (GNUPLOT[0] == '\0')
		tap_skip("all", "configured without gnuplot");
	else {
		test_suffix();
		test_failures();
		setenv("PATH", path_variable, 1);
		snprintf(command, sizeof(command), "'%s' --version >%s/log 2>&1", GNUPLOT, folder);
		if (system(command) != 0)
			tap_skip("pictures", "gnuplot is not installed");
		else {
			test_svg();
			test_sizes();
		}
		unlink(in_folder("log"));
	}
	rmdir(folder);
	arena_free(&arena);
	return tap_done();
}
