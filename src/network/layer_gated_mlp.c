/* SPDX-License-Identifier: Apache-2.0 */
/* layer_gated_mlp.c - activation(x gate) * (x up), multiplied by down: a linear unit with a gate (Shazeer, GLU Variants Improve
 * Transformer, 2020), as five layers */
#include <config.h>
#include "src/network/layer.h"

static const char *const activations[] = { "silu", "gelu", "relu", "sigmoid", NULL };

struct gated_mlp {
	uint32_t features, experts, lora;
	int activation;
	bool bias;
};

static const struct layer_attribute attributes[] = {
	{ "features", LAYER_COUNT, offsetof(struct gated_mlp, features), true, NULL },
	{ "activation", LAYER_CHOICE, offsetof(struct gated_mlp, activation), false, activations },
	{ "bias", LAYER_BOOL, offsetof(struct gated_mlp, bias), false, NULL },
	{ "experts", LAYER_COUNT, offsetof(struct gated_mlp, experts), false, NULL },
	{ "lora", LAYER_INDEX, offsetof(struct gated_mlp, lora), false, NULL },
	{ .key = NULL }
};
static const struct gated_mlp defaults = { .experts = 1 };

/* A linear layer of `to` features over the layer `from`. */
static json_t *
linear(const struct gated_mlp *at, const char *name, const char *from, uint64_t to)
{
	return json_pack("{s:s, s:s, s:[s], s:I, s:b, s:I, s:I}", "name", name, "type", "linear", "inputs", from,
	    "features", (json_int_t)to, "bias", at->bias, "experts", (json_int_t)at->experts, "lora", (json_int_t)at->lora);
}

static bool
parts(json_t **list, const struct layer *l, const struct network *n)
{
	const struct gated_mlp *at = l->attributes;
	const struct shape *in = &layer_input(n, l, 0)->shape;

	*list = json_pack("[o, {s:s, s:s}, o, {s:s, s:s, s:[s, s]}, o]",
	    linear(at, "gate", "in", at->features),
	    "name", "act", "type", activations[at->activation],
	    linear(at, "up", "in", at->features),
	    "name", "gated", "type", "multiply", "inputs", "act", "up",
	    linear(at, "down", "gated", in->size[in->rank - 1]));
	return true;
}

const struct layer_type layer_type_gated_mlp = {
	.name = "gated-mlp", .summary = "linear layers with a gate: gate, act, up, gated, down", .min_inputs = 1, .max_inputs = 1,
	.attributes = attributes, .attributes_bytes = sizeof(struct gated_mlp), .defaults = &defaults, .parts = parts,
};
