/* SPDX-License-Identifier: Apache-2.0 */
/* The `caffe` lowering against what Caffe is known to allocate for the Layrub and Layup authors' networks (shape
 * inference over their own definitions): feature maps, gradient maps, temporaries of batch norm and scale, parameters with their
 * gradients.  DenseNet-121 is said to need 9.59 GiB, but only when its first pooling rounds up; the definition says that
 * it rounds down, and that gives 8.84. */
#include <config.h>
#include "src/network/lower.h"

#include <stdlib.h>
#include <string.h>

#include "planner/planner.h"
#include "src/base/json.h"
#include "tests/tap.h"

/* In GiB; 0: not stated.  total is the sum of the table's own columns. */
static const struct footprint_row {
	const char *name;
	double data, diff, temp, total;
} rows[] = {
	{ "caffe/alexnet", 1.35, 1.20, 0, 3.00 },
	{ "caffe/googlenet", .82, .80, 0, 1.72 },
	{ "caffe/vgg16", 3.63, 3.60, 0, 8.26 },
	{ "caffe/resnet18", 0, 0, 0, 2.25 },
	{ "caffe/resnet34", 0, 0, 0, 3.37 },
	{ "caffe/resnet50", 0, 0, 0, 9.14 },
	{ "caffe/resnet101", 0, 0, 0, 13.76 },
	{ "caffe/resnet152", 0, 0, 0, 19.40 },
	{ "caffe/densenet121", 0, 0, 0, 8.84 },
	{ "caffe/inception-v4", 0, 0, 0, 8.95 },
	{ "caffe/resnet1001", 0, 0, 0, 108.8 },
	{ "caffe/resnet1517", 35.94, 35.92, 86.59, 162.2 },
	{ "caffe/resnet2504", 0, 0, 0, 171.3 },
};

/* What a tensor is to the table. */
enum column { DATA, DIFF, TEMP, PARAMETERS, SPLIT, MASKS, OTHER, COLUMNS };

static void
sort_op(enum column *of, const struct graph *g, const struct op *o)
{
	if (strcmp(o->name, "batch-norm") == 0) {
		of[o->outputs[0]] = DATA;
		of[o->outputs[1]] = of[o->outputs[2]] = TEMP;
	} else if (strcmp(o->name, "scale-product") == 0 || (o->phase == PHASE_FORWARD && strcmp(o->name, "copy") == 0)) {
		of[o->outputs[0]] = TEMP;
	} else if (strcmp(o->name, "split-backward") == 0) {
		for (uint32_t i = 0; i < o->input_count; i++)
			if (!op_writes(o, o->inputs[i]))
				of[o->inputs[i]] = SPLIT;
	} else if (strcmp(o->name, "relu") == 0) {
		of[o->outputs[1]] = MASKS;
	}
	if (o->phase == PHASE_FORWARD && o->class != CLASS_LOSS && of[o->outputs[0]] == OTHER &&
	    g->tensors[o->outputs[0]].kind == KIND_ACTIVATION && strcmp(o->name, "batch-norm-running") != 0)
		of[o->outputs[0]] = DATA;
}

static void
sort_tensors(bytes_t sums[COLUMNS], const struct graph *g, struct arena *a)
{
	enum column *of = ARENA_NEW(a, enum column, g->tensor_count);

	for (uint32_t t = 0; t < g->tensor_count; t++)
		of[t] = g->tensors[t].kind == KIND_GRADIENT ? DIFF : g->tensors[t].kind == KIND_INPUT ? DATA :
		    g->tensors[t].kind == KIND_PARAMETER ? PARAMETERS : OTHER;
	for (uint32_t k = 0; k < g->op_count; k++)
		if (g->ops[k].phase == PHASE_UPDATE)
			of[g->ops[k].inputs[0]] = PARAMETERS;
		else
			sort_op(of, g, &g->ops[k]);
	for (uint32_t c = 0; c < COLUMNS; c++)
		sums[c] = 0;
	for (uint32_t t = 0; t < g->tensor_count; t++)
		sums[of[t]] += g->tensors[t].bytes;
}

/* A map with several readers has a gradient map for each. */
static bytes_t
split_bytes(const struct network *n)
{
	bytes_t sum = 0;

	for (uint32_t i = 0; i < n->layer_count; i++) {
		const struct layer *l = &n->layers[i];

		if (l->reader_count > 1 && l->trained)
			sum += l->reader_count * shape_elements(&l->shape) * dtype_bytes(l->dtype) * n->batch;
	}
	return sum;
}

static double
gib(bytes_t bytes)
{
	return (double)bytes / (UINT64_C(1) << 30);
}

static void
is_close(double got, double want, double share, const char *network, const char *what)
{
	ok(got >= want * (1 - share) - 0.006 && got <= want * (1 + share) + 0.006, "%s: %s: %.2f GiB for %.2f", network, what, got, want);
}

/* The whole step with policy `none`: every tensor's own memory, those included that the table leaves out. */
static void
test_none(const struct graph *g, const char *name, const bytes_t sums[COLUMNS], struct arena *a)
{
	struct device d;
	struct err e = ERR_INIT;
	struct planner_options o = { .policy = policy_find("none"), .placement = placement_find("by-size"), .bound_time_us = 1 };
	bytes_t all = 0, table = sums[DATA] + sums[DIFF] + sums[TEMP] + sums[PARAMETERS];
	struct plan p;

	for (uint32_t t = 0; t < g->tensor_count; t++)
		all += bytes_align(g->tensors[t].bytes, DEVICE_ALIGN);
	if (device_read(&d, data_path("devices/k40m.json"), a, &e) < 0) {
		ok(false, "%s: %s", name, e.text);
		return;
	}
	d.memory_bytes = UINT64_C(1) << 40;
	if (ok(planner_run(&p, g, &d, &o, a, &e) == 0, "%s: none plans it %s", name, e.text)) {
		is_uint(p.arena_bytes, all, "%s: none's arena is all tensors side by side", name);
		ok(p.arena_bytes > table, "%s: and more than the table counts", name);
		diag("%s: none %.2f GiB; the table's %.2f + Split gradients %.2f + ReLU masks %.2f + the rest %.2f", name, gib(p.arena_bytes),
		    gib(table), gib(sums[SPLIT]), gib(sums[MASKS]), gib(sums[OTHER]));
	}
}

static void
test_row(const struct footprint_row *r)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct network n;
	struct graph g;
	bytes_t sums[COLUMNS];
	json_t *root = json_read_file(data_path(arena_printf(&a, "%s.json", r->name)), &e);

	if (root == NULL || network_from_json(&n, root, &a, &e) < 0 || lower(&g, &n, &lowering_caffe, NULL, &a, &e) < 0) {
		ok(false, "%s: %s", r->name, e.text);
	} else {
		sort_tensors(sums, &g, &a);
		is_close(gib(sums[DATA] + sums[DIFF] + sums[TEMP] + sums[PARAMETERS]), r->total, 0.03, r->name, "the table's columns together");
		is_uint(sums[SPLIT], split_bytes(&n), "%s: a gradient map for every reader of a map with several", r->name);
		if (r->data > 0) {
			is_close(gib(sums[DATA]), r->data, 0.01, r->name, "feature maps");
			is_close(gib(sums[DIFF]), r->diff, 0.01, r->name, "gradient maps");
			is_close(gib(sums[TEMP]), r->temp, 0.01, r->name, "temporaries");
		}
		if (g.op_count < 10000)
			test_none(&g, r->name, sums, &a);
	}
	json_decref(root);
	arena_free(&a);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		test_row(&rows[i]);
	return tap_done();
}
