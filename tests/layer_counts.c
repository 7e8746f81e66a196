/* SPDX-License-Identifier: Apache-2.0 */
/* Layers and networks against PyTorch's own counts: parameters and FLOPs of both passes; of layers the bytes kept for backward, too
 * (tests/data/layers.json and networks.json, made by tests/layer_counts.py and network_counts.py).
 *
 * Each case is lowered as PyTorch works, for a device that takes 1 us for 1000 FLOPs and no time for bytes.  Ops of layer `t`, and of the
 * layers that it stands for, are counted. */
#include <config.h>
#include "src/network/lower.h"

#include <string.h>

#include "src/base/json.h"
#include "src/network/layer.h"
#include "tests/tap.h"

static bool
is_counted(const char *layer)
{
	return layer != NULL && layer[0] == 't' && (layer[1] == '\0' || layer[1] == '.');
}

enum { FLOPS_A_US = 1000 };

/* A device whose op times are counts of FLOPs, whatever the type. */
static struct device
counting(void)
{
	struct device d = { .name = "counting", .memory_bytes = 1 << 20 };

	for (int m = 0; m < MATH_COUNT; m++)
		d.compute.flops[m] = FLOPS_A_US * 1e6;
	return d;
}

static double
flops(const struct graph *g, enum phase phase, bool all)
{
	double sum = 0;

	for (uint32_t k = 0; k < g->op_count; k++)
		if (g->ops[k].phase == phase && (all || is_counted(g->ops[k].layer)))
			sum += g->ops[k].time_us * FLOPS_A_US;
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
	const struct device d = counting();
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
	is_near(flops(&g, PHASE_FORWARD, false), number(c, "forward_flops"), 0.5, "%s: FLOPs of forward", name);
	if (!json_is_null(json_object_get(c, "backward_flops")))
		is_near(flops(&g, PHASE_BACKWARD, false), number(c, "backward_flops"), 0.5, "%s: FLOPs of backward", name);
	is_uint(saved_bytes(&g, &a), (uint64_t)number(c, "saved_bytes"), "%s: bytes kept for backward", name);
	arena_free(&a);
}

/* Bytes of the states of a layer's parameters. */
static void
test_optimizer(const json_t *c)
{
	const char *name = json_string_value(json_object_get(c, "name"));
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct network n;
	struct graph g;
	uint64_t sum = 0;

	if (ok(network_from_json(&n, json_object_get(c, "network"), &a, &e) == 0 && lower(&g, &n, &lowering_framework, NULL, &a, &e) == 0,
	    "%s is lowered", name)) {
		for (uint32_t t = 0; t < g.tensor_count; t++)
			sum += g.tensors[t].kind == KIND_OPTIMIZER ? g.tensors[t].bytes : 0;
		is_uint(sum, (uint64_t)number(c, "state_bytes"), "%s: bytes of states", name);
	} else
		err_print(&e, "layer_counts", stderr);
	arena_free(&a);
}

/* The counter of PyTorch takes causal attention for whole. */
static void
forget_causal(json_t *layers)
{
	size_t i;
	json_t *l;

	json_array_foreach(layers, i, l) {
		json_object_del(l, "causal");
		forget_causal(json_object_get(l, "layers"));
	}
}

static uint64_t
trained(const struct network *n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n->layer_count; i++)
		for (uint32_t k = n->layers[i].params_from == LAYER_NONE ? 0 : 1; k < n->layers[i].param_count; k++)
			sum += layer_trains(&n->layers[i], k) ? n->layers[i].params[k].elements : 0;
	return sum;
}

/* A loss in chunks makes its gradients in forward, so some of PyTorch's backward is ours of forward. */
static void
test_network(const char *name, const json_t *want)
{
	const struct device d = counting();
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	json_t *root = json_read_file(data_path(arena_printf(&a, "%s.json", name)), &e);
	double forward = number(want, "forward_flops"), backward = number(want, "backward_flops"), got;
	struct network n;
	struct graph g;

	forget_causal(json_object_get(root, "layers"));
	if (ok(root != NULL && network_from_json(&n, root, &a, &e) == 0, "%s is read", name)) {
		n.batch = 1;
		is_uint(network_parameters(&n), (uint64_t)number(want, "parameters"), "%s: parameters", name);
		is_uint(trained(&n), (uint64_t)number(want, "trained"), "%s: trained parameters", name);
		ok(lower(&g, &n, &lowering_framework, &d, &a, &e) == 0, "%s is lowered", name);
		got = flops(&g, PHASE_FORWARD, true);
		if (strcmp(n.layers[n.layer_count - 1].type->name, "linear-cross-entropy") != 0)
			is_near(got, forward, 0.5, "%s: FLOPs of forward", name);
		if (!json_is_null(json_object_get(want, "backward_flops")))
			is_near(got + flops(&g, PHASE_BACKWARD, true), forward + backward, 0.5, "%s: FLOPs of both passes", name);
	} else
		err_print(&e, "layer_counts", stderr);
	json_decref(root);
	arena_free(&a);
}

static json_t *
read_counts(const char *file)
{
	struct err e = ERR_INIT;
	json_t *root = json_read_file(tests_path(file), &e);

	if (!ok(root != NULL, "%s is read", file))
		err_print(&e, "layer_counts", stderr);
	return root;
}

int
main(void)
{
	json_t *layers = read_counts("data/layers.json"), *networks = read_counts("data/networks.json"), *c;
	const char *name;
	size_t i;

	json_array_foreach(json_object_get(layers, "cases"), i, c)
		test_case(c);
	json_array_foreach(json_object_get(layers, "optimizers"), i, c)
		test_optimizer(c);
	json_object_foreach(json_object_get(networks, "networks"), name, c)
		test_network(name, c);
	json_decref(layers);
	json_decref(networks);
	return tap_done();
}
