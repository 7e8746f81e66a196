/* SPDX-License-Identifier: Apache-2.0 */
/* Layers against PyTorch's own counts (tests/data/layers.json, made by tests/layer_counts.py): parameters, FLOPs of both passes, bytes
 * kept for backward.
 *
 * Each case is lowered as PyTorch works, for a device that takes 1 us a FLOP and no time for bytes.  Ops of layer `t`, and of the
 * layers that it stands for, are counted. */
#include <config.h>
#include "src/network/lower.h"

#include <string.h>

#include "src/base/json.h"
#include "src/network/network.h"
#include "tests/tap.h"

static bool
is_counted(const char *layer)
{
	return layer != NULL && layer[0] == 't' && (layer[1] == '\0' || layer[1] == '.');
}

static double
flops(const struct graph *g, enum phase phase)
{
	double sum = 0;

	for (uint32_t k = 0; k < g->op_count; k++)
		if (g->ops[k].phase == phase && is_counted(g->ops[k].layer))
			sum += g->ops[k].time_us;
	return sum;
}

/* Bytes of the tensors that are there before backward, are no parameters, and are operands of the layer's backward.  The op `ones`
 * stands for a gradient that has no other source. */
static uint64_t
saved_bytes(const struct graph *g, struct arena *a)
{
	bool *there = ARENA_NEW(a, bool, g->tensor_count);
	uint64_t sum = 0;

	for (uint32_t t = 0; t < g->tensor_count; t++)
		there[t] = g->tensors[t].kind == KIND_INPUT;
	for (uint32_t k = 0; k < g->op_count; k++) {
		const struct op *o = &g->ops[k];

		for (uint32_t i = 0; o->phase == PHASE_FORWARD && i < o->output_count; i++)
			there[o->outputs[i]] = !kind_is_persistent(g->tensors[o->outputs[i]].kind);
		if (o->phase != PHASE_BACKWARD || !is_counted(o->layer) || strcmp(o->name, "ones") == 0)
			continue;
		for (uint32_t i = 0; i < o->input_count; i++)
			if (there[o->inputs[i]]) {
				sum += g->tensors[o->inputs[i]].bytes;
				there[o->inputs[i]] = false;
			}
	}
	return sum;
}

static uint64_t
parameters(const struct network *n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n->layer_count; i++)
		for (uint32_t k = 0; is_counted(n->layers[i].name) && k < n->layers[i].param_count; k++)
			sum += n->layers[i].params[k].trained ? n->layers[i].params[k].elements : 0;
	return sum;
}

static double
number(const json_t *c, const char *key)
{
	return json_number_value(json_object_get(c, key));
}

static void
test_case(const json_t *c)
{
	const struct device d = { .name = "counting", .memory_bytes = 1 << 20, .compute.flops[MATH_FLOAT32] = 1e6 };
	const char *name = json_string_value(json_object_get(c, "name"));
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct network n;
	struct graph g;

	if (!ok(network_from_json(&n, json_object_get(c, "network"), &a, &e) == 0 && lower(&g, &n, &lowering_framework, &d, &a, &e) == 0,
	    "%s is lowered", name)) {
		err_print(&e, "layer_counts", stderr);
		arena_free(&a);
		return;
	}
	is_uint(parameters(&n), (uint64_t)number(c, "parameters"), "%s: parameters", name);
	is_near(flops(&g, PHASE_FORWARD), number(c, "forward_flops"), 1e-6, "%s: FLOPs of forward", name);
	if (!json_is_null(json_object_get(c, "backward_flops")))
		is_near(flops(&g, PHASE_BACKWARD), number(c, "backward_flops"), 1e-6, "%s: FLOPs of backward", name);
	is_uint(saved_bytes(&g, &a), (uint64_t)number(c, "saved_bytes"), "%s: bytes kept for backward", name);
	arena_free(&a);
}

int
main(void)
{
	struct err e = ERR_INIT;
	json_t *root = json_read_file(tests_path("data/layers.json"), &e), *c;
	size_t i;

	if (!ok(root != NULL, "the counts are read"))
		err_print(&e, "layer_counts", stderr);
	json_array_foreach(json_object_get(root, "cases"), i, c)
		test_case(c);
	json_decref(root);
	return tap_done();
}
