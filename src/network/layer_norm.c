/* SPDX-License-Identifier: Apache-2.0 */
/* Normalisations, and Caffe's scale that goes with one.  Statistics are float32. */
#include <config.h>
#include "src/network/emit.h"

enum { STAT_BYTES = 4 };

static uint32_t
map_of_input(struct emit *m, const struct layer *l)
{
	return emit_of(m, layer_input(m->net, l, 0))->map;
}

/* A tensor of count float32 values. */
static uint32_t
statistics(struct emit *m, uint64_t count)
{
	return emit_tensor(m, count * STAT_BYTES, KIND_ACTIVATION);
}

static uint64_t
channels(const struct layer *l)
{
	return l->shape.size[0];
}

/* ---- what batch norm and scale do alike ---- */

struct norm {
	bool inplace;		/* first: struct inplace_attributes */
	bool affine;		/* or bias */
};

/* Inputs x (or what is kept of it) and dy, the weight when there is one. */
static void
begin_backward(struct emit *m, const struct layer *l, const char *name, uint32_t kept, uint32_t weights)
{
	emit_begin(m, name, CLASS_NORM);
	emit_in(m, kept);
	emit_in_grad(m, l);
	for (uint32_t i = 0; i < weights; i++)
		emit_in(m, emit_param(m, l, i));
}

/* ---- batch norm ---- */

static const struct layer_attribute batch_norm_attributes[] = {
	{ "inplace", LAYER_BOOL, offsetof(struct norm, inplace), false, NULL },
	{ "affine", LAYER_BOOL, offsetof(struct norm, affine), false, NULL },
	{ .key = NULL }
};
static const struct norm batch_norm_defaults = { .affine = true };

/* weight and bias, running mean and variance, the count of batches */
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

static uint32_t
batch_norm_weights(const struct layer *l)
{
	return ((const struct norm *)l->attributes)->affine ? 2 : 0;
}

/* Two passes: statistics, then the map.  The channels are its independent pieces. */
static struct work
batch_norm_work(struct emit *m, const struct layer *l, double passes)
{
	return (struct work) { .bytes = passes * (double)emit_map_bytes(m, l), .blocks = (double)channels(l) };
}

static void
count_batch(struct emit *m, const struct layer *l)
{
	uint32_t count = emit_param(m, l, batch_norm_weights(l) + 2);

	emit_begin(m, "count-batch", CLASS_ELEMENTWISE);
	emit_in(m, count);
	emit_out(m, count);
	emit_end(m, (struct work) { 0 }, 0);
}

/* The op itself; with fused statistics it updates the running mean and variance, too. */
static void
normalise(struct emit *m, const struct layer *l, uint32_t x, uint32_t y, uint32_t normalised)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t weights = batch_norm_weights(l);

	emit_begin(m, "batch-norm", CLASS_NORM);
	emit_in(m, x);
	for (uint32_t i = 0; i < weights + (m->by->statistics_fused ? 2 : 0); i++)
		emit_in(m, emit_param(m, l, i));
	emit_out(m, y);
	if (normalised != EMIT_NONE)
		emit_out(m, normalised);
	emit_out(m, out->saved[1]);
	emit_out(m, out->saved[2]);
	for (uint32_t i = weights; m->by->statistics_fused && i < weights + 2; i++)
		emit_out(m, emit_param(m, l, i));
	emit_end(m, batch_norm_work(m, l, normalised == EMIT_NONE ? 3 : 4), 0);
}

/* Mean and variance of this batch into the running ones: tiny, and not to be done twice. */
static void
keep_running(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t first = batch_norm_weights(l);

	emit_begin(m, "batch-norm-running", CLASS_NORM);
	emit_in(m, out->saved[1]);
	emit_in(m, out->saved[2]);
	for (uint32_t i = first; i < first + 3; i++)
		emit_in(m, emit_param(m, l, i));
	for (uint32_t i = first; i < first + 3; i++)
		emit_out(m, emit_param(m, l, i));
	emit_end(m, (struct work) { 0 }, 0);
}

/* saved: what backward reads for x, mean, inverse deviation.  In place x is lost: then
 * the normalised map is kept, as Caffe does. */
static void
batch_norm_forward(struct emit *m, const struct layer *l)
{
	uint32_t x = map_of_input(m, l), y = emit_output(m, l), normalised = EMIT_NONE;
	struct emitted *out = emit_of(m, l);

	if (layer_is_inplace(l) && l->trained)
		normalised = emit_like(m, l, KIND_ACTIVATION);
	out->saved[0] = normalised == EMIT_NONE ? x : normalised;
	out->saved[1] = statistics(m, channels(l));
	out->saved[2] = statistics(m, channels(l));
	if (m->by->statistics_fused)
		count_batch(m, l);
	normalise(m, l, x, y, normalised);
	if (!m->by->statistics_fused)
		keep_running(m, l);
}

/* Reads map and gradient once for the sums and once for the result. */
static void
batch_norm_backward(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t dx = EMIT_NONE, grads[2], weights = batch_norm_weights(l);

	begin_backward(m, l, "batch-norm-backward", out->saved[0], weights / 2);
	emit_in(m, out->saved[1]);
	emit_in(m, out->saved[2]);
	if (emit_wants(m, l, 0))
		emit_out(m, dx = emit_like(m, l, KIND_GRADIENT));
	emit_out_param_grads(m, l, grads, weights);
	emit_end(m, batch_norm_work(m, l, 5), 0);
	emit_param_grads(m, l, grads, weights);
	if (dx != EMIT_NONE)
		emit_grad(m, l, 0, dx);
}

static int
image_shape(struct layer *l, const struct network *n, struct err *e)
{
	return layer_shape_same(l, n, e);
}

const struct layer_type layer_type_batch_norm = {
	.name = "batch-norm", .summary = "normalisation over the batch", .min_inputs = 1, .max_inputs = 1, .flags = LAYER_SAVES_INPUT,
	.attributes = batch_norm_attributes, .attributes_bytes = sizeof(struct norm), .defaults = &batch_norm_defaults,
	.inplace = layer_inplace_asked, .shape = image_shape, .params = batch_norm_params,
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

/* In place the input is copied first: the weight's gradient needs it. */
static void
scale_forward(struct emit *m, const struct layer *l)
{
	uint32_t x = map_of_input(m, l), y = emit_output(m, l);
	struct emitted *out = emit_of(m, l);

	out->saved[0] = layer_is_inplace(l) && l->trained ?
	    emit_elementwise(m, "copy", CLASS_COPY, x, EMIT_NONE, emit_map_bytes(m, l), KIND_ACTIVATION) : x;
	emit_begin(m, "scale", CLASS_ELEMENTWISE);
	emit_in_map(m, layer_input(m->net, l, 0));
	for (uint32_t i = 0; i < l->param_count; i++)
		emit_in(m, emit_param(m, l, i));
	emit_out(m, y);
	emit_share(m, x, y);
	emit_end(m, (struct work) { 0 }, 0);
}

static void
scale_backward(struct emit *m, const struct layer *l)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t dx, grads[2], grad = out->grad;

	begin_backward(m, l, "scale-backward-weight", out->saved[0], 0);
	emit_out_param_grads(m, l, grads, l->param_count);
	emit_end(m, (struct work) { 0 }, 0);
	emit_param_grads(m, l, grads, l->param_count);
	if (!emit_wants(m, l, 0))
		return;
	emit_begin(m, "scale-backward-data", CLASS_ELEMENTWISE);
	emit_in(m, emit_param(m, l, 0));
	emit_in_grad(m, l);
	emit_out(m, dx = emit_like(m, l, KIND_GRADIENT));
	emit_share(m, grad, dx);
	emit_end(m, (struct work) { 0 }, 0);
	emit_grad(m, l, 0, dx);
}

const struct layer_type layer_type_scale = {
	.name = "scale", .summary = "a weight (and a bias) a channel", .min_inputs = 1, .max_inputs = 1, .flags = LAYER_SAVES_INPUT,
	.attributes = scale_attributes, .attributes_bytes = sizeof(struct norm), .defaults = &batch_norm_defaults,
	.inplace = layer_inplace_asked, .shape = image_shape, .params = scale_params,
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

/* stats: how many numbers are kept for each row. */
static void
rows_forward(struct emit *m, const struct layer *l, const char *name, uint32_t stats)
{
	uint32_t y = emit_output(m, l);
	uint64_t rows = shape_elements(&l->shape) / features(l);

	for (uint32_t i = 0; i < stats; i++)
		emit_of(m, l)->saved[i] = emit_tensor(m, emit_bytes(m, l, rows, DTYPE_FLOAT32), KIND_ACTIVATION);
	emit_begin(m, name, CLASS_NORM);
	emit_in_map(m, layer_input(m->net, l, 0));
	for (uint32_t i = 0; i < l->param_count; i++)
		emit_in(m, emit_param(m, l, i));
	emit_out(m, y);
	for (uint32_t i = 0; i < stats; i++)
		emit_out(m, emit_of(m, l)->saved[i]);
	emit_end(m, (struct work) { 0 }, 0);
}

/* A row is read whole before any of it is written: the result may take the place of
 * the gradient, and of the map. */
static void
rows_backward(struct emit *m, const struct layer *l, const char *name, uint32_t stats)
{
	const struct emitted *out = emit_of(m, l);
	uint32_t x = map_of_input(m, l), dx = EMIT_NONE, grads[2], grad = out->grad;

	emit_begin(m, name, CLASS_NORM);
	emit_in_map(m, layer_input(m->net, l, 0));
	emit_in_grad(m, l);
	for (uint32_t i = 0; i < l->param_count; i++)
		emit_in(m, emit_param(m, l, i));
	for (uint32_t i = 0; i < stats; i++)
		emit_in(m, out->saved[i]);
	if (emit_wants(m, l, 0))
		emit_out(m, dx = emit_like(m, l, KIND_GRADIENT));
	emit_out_param_grads(m, l, grads, l->param_count);
	if (dx != EMIT_NONE && l->param_count == 0) {
		emit_share(m, grad, dx);
		emit_share(m, x, dx);
	}
	emit_end(m, (struct work) { 0 }, 0);
	emit_param_grads(m, l, grads, l->param_count);
	if (dx != EMIT_NONE)
		emit_grad(m, l, 0, dx);
}

static void
layer_norm_forward(struct emit *m, const struct layer *l)
{
	rows_forward(m, l, "layer-norm", 2);
}

static void
layer_norm_backward(struct emit *m, const struct layer *l)
{
	rows_backward(m, l, "layer-norm-backward", 2);
}

static void
rms_norm_forward(struct emit *m, const struct layer *l)
{
	rows_forward(m, l, "rms-norm", 1);
}

static void
rms_norm_backward(struct emit *m, const struct layer *l)
{
	rows_backward(m, l, "rms-norm-backward", 1);
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
