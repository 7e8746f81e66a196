/* SPDX-License-Identifier: Apache-2.0 */
/* layer_norm.c - normalisations, and the scale that goes with Caffe's batch norm; statistics are float32 */
#include <config.h>
#include "src/network/layer_norm.h"

static uint64_t
channels(const struct layer *l)
{
	return l->shape.size[0];
}

/* ---- shared by all of them ---- */

struct norm {
	bool inplace;		/* first: struct inplace_attributes */
	bool affine;		/* or bias */
};

void
norm_end_backward(struct emit *m, const struct layer *l, uint32_t dx, uint32_t weights, struct op_work work)
{
	uint32_t grads[LAYER_PARAMS_MAX];

	if (dx != EMIT_NONE)
		emit_out(m, dx);
	emit_out_param_grads(m, l, grads, weights);
	emit_end(m, work, 0);
	emit_param_grads(m, l, grads, weights);
	if (dx != EMIT_NONE)
		emit_grad(m, l, 0, dx);
}

/* A new tensor for the gradient of the input; EMIT_NONE where none is wanted. */
static uint32_t
input_gradient(struct emit *m, const struct layer *l)
{
	return emit_wants(m, l, 0) ? emit_like(m, l, KIND_GRADIENT) : EMIT_NONE;
}

/* ---- batch norm ---- */

static const struct layer_attribute batch_norm_attributes[] = {
	{ "inplace", LAYER_BOOL, offsetof(struct norm, inplace), false, NULL },
	{ "affine", LAYER_BOOL, offsetof(struct norm, affine), false, NULL },
	{ .key = NULL }
};
static const struct norm batch_norm_defaults = { .affine = true };

static void
batch_norm_params(struct layer *l, const struct network *n)
{
	bool affine = ((const struct norm *)l->attributes)->affine;

	if (affine) {
		l->params[l->param_count++] = (struct layer_param) { channels(l), n->dtype, true };
		l->params[l->param_count++] = (struct layer_param) { channels(l), n->dtype, true };
	}
	l->params[l->param_count++] = (struct layer_param) { channels(l), DTYPE_FLOAT32, false };
	l->params[l->param_count++] = (struct layer_param) { channels(l), DTYPE_FLOAT32, false };
	l->params[l->param_count++] = (struct layer_param) { 1, DTYPE_INT64, false };
}

uint32_t
batch_norm_weights(const struct layer *l)
{
	return ((const struct norm *)l->attributes)->affine ? 2 : 0;
}

/* Two passes: statistics, then the map.  The channels are its independent pieces. */
static struct op_work
batch_norm_work(struct emit *m, const struct layer *l, double passes)
{
	return (struct op_work) { .bytes = passes * (double)emit_map_bytes(m, l), .blocks = (double)channels(l) };
}

void
batch_norm_new_statistics(struct emit *m, const struct layer *l)
{
	for (int i = BATCH_NORM_MEAN; i <= BATCH_NORM_DEVIATION; i++)
		emit_of(m, l)->saved[i] = emit_tensor(m, channels(l) * dtype_bytes(DTYPE_FLOAT32), KIND_ACTIVATION);
}

static void
count_batch(struct emit *m, const struct layer *l)
{
	uint32_t count = emit_param(m, l, batch_norm_weights(l) + 2);

	emit_begin(m, "count-batch", CLASS_ELEMENTWISE);
	emit_in(m, count);
	emit_out(m, count);
	emit_end(m, (struct op_work) { 0 }, 0);
}

/* The op itself; with fused statistics it updates the running mean and variance, too. */
static void
normalise(struct emit *m, const struct layer *l, uint32_t x, uint32_t y, uint32_t normalised)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t weights = batch_norm_weights(l), params = weights + (m->by->statistics_fused ? 2 : 0);

	emit_begin(m, "batch-norm", CLASS_NORM);
	emit_in(m, x);
	emit_in_params(m, l, 0, params);
	emit_out(m, y);
	if (normalised != EMIT_NONE)
		emit_out(m, normalised);
	emit_out(m, out->saved[BATCH_NORM_MEAN]);
	emit_out(m, out->saved[BATCH_NORM_DEVIATION]);
	emit_out_params(m, l, weights, params);
	emit_end(m, batch_norm_work(m, l, normalised == EMIT_NONE ? 3 : 4), 0);
}

void
batch_norm_keep_running(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t first = batch_norm_weights(l);

	emit_begin(m, "batch-norm-running", CLASS_NORM);
	emit_in(m, out->saved[BATCH_NORM_MEAN]);
	emit_in(m, out->saved[BATCH_NORM_DEVIATION]);
	emit_in_params(m, l, first, l->param_count);
	emit_out_params(m, l, first, l->param_count);
	emit_end(m, (struct op_work) { 0 }, 0);
}

/* An in-place layer overwrites x; then the normalised map is kept, as Caffe does. */
static void
batch_norm_forward(struct emit *m, const struct layer *l)
{
	uint32_t x = emit_input(m, l, 0), y = emit_output(m, l), normalised = EMIT_NONE;

	if (layer_is_inplace(l) && l->trained)
		normalised = emit_like(m, l, KIND_ACTIVATION);
	emit_of(m, l)->saved[BATCH_NORM_MAP] = normalised == EMIT_NONE ? x : normalised;
	batch_norm_new_statistics(m, l);
	if (m->by->statistics_fused)
		count_batch(m, l);
	normalise(m, l, x, y, normalised);
	if (!m->by->statistics_fused)
		batch_norm_keep_running(m, l);
}

/* Reads map and gradient once for the sums and once for the result. */
static void
batch_norm_backward(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t weights = batch_norm_weights(l);

	emit_begin(m, "batch-norm-backward", CLASS_NORM);
	emit_in(m, out->saved[BATCH_NORM_MAP]);
	emit_in_grad(m, l);
	emit_in_params(m, l, 0, weights / 2);
	emit_in(m, out->saved[BATCH_NORM_MEAN]);
	emit_in(m, out->saved[BATCH_NORM_DEVIATION]);
	norm_end_backward(m, l, input_gradient(m, l), weights, batch_norm_work(m, l, 5));
}

const struct layer_type layer_type_batch_norm = {
	.name = "batch-norm", .summary = "normalisation over the batch", .min_inputs = 1, .max_inputs = 1, .flags = LAYER_SAVES_INPUT,
	.attributes = batch_norm_attributes, .attributes_bytes = sizeof(struct norm), .defaults = &batch_norm_defaults,
	.inplace = layer_inplace_asked, .shape = layer_shape_same, .params = batch_norm_params,
	.forward = batch_norm_forward, .backward = batch_norm_backward,
};

/* ---- scale ---- */

static const struct layer_attribute scale_attributes[] = {
	{ "inplace", LAYER_BOOL, offsetof(struct norm, inplace), false, NULL },
	{ "bias", LAYER_BOOL, offsetof(struct norm, affine), false, NULL },
	{ .key = NULL }
};

static void
scale_params(struct layer *l, const struct network *n)
{
	l->param_count = ((const struct norm *)l->attributes)->affine ? 2 : 1;
	l->params[0] = l->params[1] = (struct layer_param) { channels(l), n->dtype, true };
}

/* saved: x, for the weight's gradient */
static void
scale_forward(struct emit *m, const struct layer *l)
{
	uint32_t x = emit_input(m, l, 0), y = emit_output(m, l);

	emit_of(m, l)->saved[0] = emit_kept_input(m, l, layer_trains(l, 0));
	emit_begin(m, "scale", CLASS_ELEMENTWISE);
	emit_in_map(m, layer_input(m->net, l, 0));
	emit_in_params(m, l, 0, l->param_count);
	emit_out(m, y);
	emit_share(m, x, y);
	emit_end(m, (struct op_work) { 0 }, 0);
}

static void
scale_backward(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t dx;

	if (layer_trains(l, 0)) {
		emit_begin(m, "scale-backward-weight", CLASS_NORM);
		emit_in(m, out->saved[0]);
		emit_in_grad(m, l);
		norm_end_backward(m, l, EMIT_NONE, l->param_count, (struct op_work) { 0 });
	}
	if (!emit_wants(m, l, 0))
		return;
	dx = emit_like(m, l, KIND_GRADIENT);
	emit_begin(m, "scale-backward-data", CLASS_ELEMENTWISE);
	emit_in_params(m, l, 0, 1);
	emit_share(m, out->grad, dx);
	emit_end_backward(m, l, dx);
}

const struct layer_type layer_type_scale = {
	.name = "scale", .summary = "a weight (and a bias) a channel", .min_inputs = 1, .max_inputs = 1, .flags = LAYER_SAVES_INPUT,
	.attributes = scale_attributes, .attributes_bytes = sizeof(struct norm), .defaults = &batch_norm_defaults,
	.inplace = layer_inplace_asked, .shape = layer_shape_same, .params = scale_params,
	.forward = scale_forward, .backward = scale_backward,
};

/* ---- layer norm and RMS norm ---- */

struct layer_norm { bool affine; };

static const struct layer_attribute layer_norm_attributes[] = {
	{ "affine", LAYER_BOOL, offsetof(struct layer_norm, affine), false, NULL },
	{ .key = NULL }
};
static const struct layer_norm layer_norm_defaults = { .affine = true };

static uint64_t
features(const struct layer *l)
{
	return l->shape.size[l->shape.rank - 1];
}

static void
layer_norm_params(struct layer *l, const struct network *n)
{
	l->param_count = ((const struct layer_norm *)l->attributes)->affine ? 2 : 0;
	l->params[0] = l->params[1] = (struct layer_param) { features(l), n->dtype, true };
}

static void
rms_norm_params(struct layer *l, const struct network *n)
{
	l->param_count = 1;
	l->params[0] = (struct layer_param) { features(l), n->dtype, true };
}

/* saved: `stats` float32 numbers for each row */
static void
rows_forward(struct emit *m, const struct layer *l, uint32_t stats)
{
	struct emitted *out = emit_of(m, l);
	uint32_t y = emit_output(m, l);
	uint64_t rows = shape_elements(&l->shape) / features(l);

	for (uint32_t i = 0; i < stats; i++)
		out->saved[i] = emit_tensor(m, emit_bytes(m, l, rows, DTYPE_FLOAT32), KIND_ACTIVATION);
	emit_begin(m, l->type->name, CLASS_NORM);
	emit_in_map(m, layer_input(m->net, l, 0));
	emit_in_params(m, l, 0, l->param_count);
	emit_out(m, y);
	for (uint32_t i = 0; i < stats; i++)
		emit_out(m, out->saved[i]);
	emit_end(m, (struct op_work) { 0 }, 0);
}

/* A row is read whole before any of it is written.  So the result may take over the gradient's bytes, or the map's. */
static void
rows_backward(struct emit *m, const struct layer *l, uint32_t stats)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t dx = input_gradient(m, l);

	emit_begin(m, emit_backward_name(m, l), CLASS_NORM);
	emit_in_map(m, layer_input(m->net, l, 0));
	emit_in_grad(m, l);
	emit_in_params(m, l, 0, l->param_count);
	for (uint32_t i = 0; i < stats; i++)
		emit_in(m, out->saved[i]);
	if (dx != EMIT_NONE && (l->param_count == 0 || !layer_trains(l, 0))) {
		emit_share(m, out->grad, dx);
		emit_share(m, emit_input(m, l, 0), dx);
	}
	norm_end_backward(m, l, dx, l->param_count, (struct op_work) { 0 });
}

static void
layer_norm_forward(struct emit *m, const struct layer *l)
{
	rows_forward(m, l, 2);
}

static void
layer_norm_backward(struct emit *m, const struct layer *l)
{
	rows_backward(m, l, 2);
}

static void
rms_norm_forward(struct emit *m, const struct layer *l)
{
	rows_forward(m, l, 1);
}

static void
rms_norm_backward(struct emit *m, const struct layer *l)
{
	rows_backward(m, l, 1);
}

const struct layer_type layer_type_layer_norm = {
	.name = "layer-norm", .summary = "normalisation over the last dimension", .min_inputs = 1, .max_inputs = 1,
	.flags = LAYER_SAVES_INPUT,
	.attributes = layer_norm_attributes, .attributes_bytes = sizeof(struct layer_norm), .defaults = &layer_norm_defaults,
	.shape = layer_shape_same, .params = layer_norm_params, .forward = layer_norm_forward, .backward = layer_norm_backward,
};

const struct layer_type layer_type_rms_norm = {
	.name = "rms-norm", .summary = "root mean square over the last dimension", .min_inputs = 1, .max_inputs = 1,
	.flags = LAYER_SAVES_INPUT,
	.shape = layer_shape_same, .params = rms_norm_params, .forward = rms_norm_forward, .backward = rms_norm_backward,
};
