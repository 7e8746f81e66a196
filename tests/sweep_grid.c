/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of a sweep and the grid that they span: which values a list stands for, and which point has which. */
#include <config.h>
#include "src/command/sweep_grid.h"

#include <string.h>

#include "tests/tap.h"

static const struct { enum axis axis; const char *text, *values; } lists[] = {
	{ AXIS_BATCH, "16", "16" },
	{ AXIS_BATCH, "16,8,16", "16 8" },
	{ AXIS_BATCH, "8:32:8", "8 16 24 32" },
	{ AXIS_BATCH, "8:31:8", "8 16 24" },
	{ AXIS_BATCH, "16:100:x2", "16 32 64" },
	{ AXIS_BATCH, "1:3:1,2:4:1", "1 2 3 4" },
	{ AXIS_BUDGET, "1GiB,1024MiB,2GiB", "1073741824 2147483648" },
	{ AXIS_BUDGET, "60%:80%:10%,all", "60% 70% 80% all" },
	{ AXIS_LINK, "4GB/s:12GB/s:4GB/s", "4000000000B/s 8000000000B/s 1.2e+10B/s" },
	{ AXIS_NETWORK, "vgg16,alexnet,vgg16", "vgg16 alexnet" },
};

static void
test_lists(void)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		struct arena a = ARENA_INIT;
		struct err e = ERR_INIT;
		struct sweep_grid g = { .point_count = 0 };
		const struct axis_list *l = &g.axes[lists[i].axis];
		const char *got = "";

		if (ok(grid_parse(&g, lists[i].axis, lists[i].text, &a, &e) == 0, "%s is a list %s", lists[i].text, e.text)) {
			for (size_t k = 0; k < l->count; k++)
				got = arena_printf(&a, "%s%s%s", got, k > 0 ? " " : "", l->values[k].text);
			is_string(got, lists[i].values, "%s of %s", lists[i].text, axis_names[lists[i].axis]);
		}
		arena_free(&a);
	}
}

/* 2 networks x 3 batches x 2 links, one value on each other axis: the first axis is slowest, links are fastest. */
static void
test_points(void)
{
	static const char *const want[] = {
		"a 1 1", "a 1 2", "a 2 1", "a 2 2", "a 3 1", "a 3 2", "b 1 1", "b 1 2", "b 2 1", "b 2 2", "b 3 1", "b 3 2"
	};
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct sweep_grid g = { .point_count = 0 };
	bool good = grid_parse(&g, AXIS_NETWORK, "a,b", &a, &e) == 0 && grid_parse(&g, AXIS_BATCH, "1:3:1", &a, &e) == 0 &&
	    grid_parse(&g, AXIS_LINK, "1GB/s,2GB/s", &a, &e) == 0;

	for (int x = 0; good && x < AXIS_COUNT; x++)
		if (g.axes[x].count == 0)
			good = grid_add(&g, (enum axis)x, "one", 0, &a, &e) == 0;
	if (!ok(good && grid_finish(&g, &e) == 0, "a grid %s", e.text))
		return;
	is_uint(g.point_count, 12, "points");
	is_uint(g.link_count, 2, "points in a row that differ in their link alone");
	for (uint32_t p = 0; p < 12 && p < g.point_count; p++)
		is_string(arena_printf(&a, "%s %s %.0f", grid_value(&g, p, AXIS_NETWORK)->text, grid_value(&g, p, AXIS_BATCH)->text,
		    grid_value(&g, p, AXIS_LINK)->number / 1e9), want[p], "point %u", p);
	arena_free(&a);
}

int
main(void)
{
	test_lists();
	test_points();
	return tap_done();
}
