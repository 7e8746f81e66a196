/* SPDX-License-Identifier: Apache-2.0 */
/* network.c - fuzz target for networks: read, lowered by every lowering, and planned when small */
#include <config.h>

#include "src/base/json.h"
#include "src/network/lower.h"
#include "tests/fuzz/fuzz.h"

enum { LAYERS_MOST = 2000, OPS_MOST = 60 };

static void
lower_all(struct fuzz *f, const struct network *n)
{
	uint32_t way = fuzz_choice(f, LOWER_COUNT);
	struct device d;
	struct graph g;

	fuzz_device(&d);
	for (int i = 0; i < LOWER_COUNT; i++) {
		struct err e = ERR_INIT;

		/* Too large a batch is refused, and says so. */
		if (lower(&g, n, lowerings[i], lowerings[i] == &lowering_caffe ? NULL : &d, &f->arena, &e) < 0) {
			f->err = e;
			EXPECT(f, e.code == ERR_INPUT && e.text[0] != '\0');
			f->err = (struct err) ERR_INIT;
			continue;
		}
		EXPECT(f, graph_check(&g, &f->err) == 0);
		if (i == (int)way && g.op_count <= OPS_MOST) {
			fuzz_plan(f, &g, &d, "keep", 5);
			fuzz_plan(f, &g, &d, "layrub", 2);
		}
	}
}

struct fuzz_reading { struct fuzz *f; struct network *n; json_t *root; };

static int
read_parsed(void *arg)
{
	struct fuzz_reading *r = arg;

	return network_from_json(r->n, r->root, &r->f->arena, &r->f->err);
}

int
fuzz_case(struct fuzz *f)
{
	struct network n;
	struct fuzz_reading r = { f, &n, json_read_file(f->path, &f->err) };
	int rc;

	if (r.root == NULL)
		return -1;
	rc = arena_run(&f->arena, read_parsed, &r, &f->err);
	json_decref(r.root);
	if (rc < 0)
		return -1;
	EXPECT(f, n.layer_count > 0 && n.layer_count <= NETWORK_LAYERS_MAX);
	network_parameters(&n);
	if (n.layer_count > LAYERS_MOST)
		return 0;
	lower_all(f, &n);
	n.batch = INT32_MAX;
	lower_all(f, &n);
	return 0;
}
