/* SPDX-License-Identifier: Apache-2.0 */
/* roofline.c - op times from FLOPs and bytes, the times that a graph lacks, convolution workspaces, and traced times scaled to another device */
#include <config.h>
#include "src/network/roofline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A device that lacks a math type calculates in float32. */
static enum math
math_on(const struct device *d, enum math m)
{
	return d->compute.flops[m] > 0 ? m : MATH_FLOAT32;
}

static double
peak_flops(const struct device *d, enum math m)
{
	return d->compute.flops[math_on(d, m)];
}

/* amount / (peak * efficiency) in microseconds; 0 where the device gives no peak. */
static double
term_us(double amount, double peak, double efficiency)
{
	double rate = peak * (efficiency > 0 ? efficiency : 1);

	return rate > 0 ? amount / rate * 1e6 : 0;
}

static const struct kernel_efficiency *
kernel_find(const struct device *d, const char *name)
{
	for (uint32_t i = 0; i < d->compute.kernel_count; i++)
		if (strcmp(d->compute.kernels[i].name, name) == 0)
			return &d->compute.kernels[i];
	return NULL;
}

/* The share of the multiprocessors that a kernel of so many blocks keeps busy: blocks run in waves of one for each
 * multiprocessor, and the last wave is seldom full. */
static double
busy_share(const struct device *d, double blocks)
{
	double n = d->compute.multiprocessors;

	return blocks <= 0 || n <= 0 ? 1 : blocks / (ceil(blocks / n) * n);
}

double
roofline_work_us(const struct device *d, const char *name, enum op_class c, enum math m, const struct op_work *w)
{
	const char *kernel = w->kernel != NULL ? w->kernel : name;
	const struct kernel_efficiency *k = kernel == NULL ? NULL : kernel_find(d, kernel);
	double flop_share = k != NULL && k->flops > 0 ? k->flops : d->compute.flop_efficiency[c];
	double byte_share = k != NULL && k->memory > 0 ? k->memory : d->compute.memory_efficiency[c];
	double arithmetic = term_us(w->flops, peak_flops(d, w->plain ? MATH_FLOAT32 : m), flop_share);
	double traffic = term_us(w->bytes, d->compute.memory_bytes_per_s, byte_share);
	double copies = term_us(w->copied_bytes, d->compute.memory_bytes_per_s, d->compute.memory_efficiency[CLASS_COPY]);

	return d->compute.launch_us + fmax(arithmetic, traffic / busy_share(d, w->blocks)) + copies;
}

double
roofline_peak_us(const struct device *d, enum math m, const struct op_work *w)
{
	return term_us(w->flops, peak_flops(d, w->plain ? MATH_FLOAT32 : m), 1);
}

double
roofline_us(const struct device *d, enum op_class c, enum math m, double flops, double bytes)
{
	return roofline_work_us(d, NULL, c, m, &(struct op_work) { .flops = flops, .bytes = bytes });
}

/* n rounded up to a multiple of tile; a tile of 0 leaves n unchanged. */
static double
padded(double n, uint32_t tile)
{
	return tile == 0 ? n : ceil(n / tile) * tile;
}

double
roofline_gemm(const struct device *d, double batch, double m, double n, double k)
{
	if (d != NULL) {
		m = padded(m, d->compute.gemm_tile[0]);
		n = padded(n, d->compute.gemm_tile[1]);
	}
	return 2 * batch * m * n * k;
}

double
roofline_conv(const struct device *d, double pixels, double taps, double groups, double from, double to)
{
	const uint32_t *tile;
	double share = 1;

	if (d != NULL) {
		tile = d->compute.conv_tile;
		from = padded(from, tile[0]);
		to = padded(to, tile[1]);
		if (tile[1] > 0 && d->compute.gemm_tile[0] > 0)
			share = busy_share(d, groups * ceil(pixels / d->compute.gemm_tile[0]) * (to / tile[1]));
	}
	return 2 * pixels * taps * groups * from * to / share;
}

double
roofline_conv_filter(const struct device *d, double pixels, double taps, double groups, double from, double to)
{
	double columns = taps * from;

	if (d != NULL) {
		columns = padded(columns, d->compute.conv_tile[0]);
		to = padded(to, d->compute.conv_tile[1]);
	}
	return 2 * pixels * columns * groups * to;
}

bytes_t
roofline_conv_workspace(const struct device *d, enum conv_pass pass, enum math m, const struct conv_shape *s)
{
	const struct conv_rule *r;
	double bytes, least = -1;

	if (d == NULL)
		return 0;
	for (uint32_t i = 0; i < d->compute.conv_rule_count; i++) {
		r = &d->compute.conv_rules[i];
		if (r->pass != pass || r->math != math_on(d, m) || (r->pointwise && !s->pointwise) ||
		    (r->pixel_multiple > 1 && s->pixels % r->pixel_multiple != 0))
			continue;
		bytes = s->channels_last ? 0 : r->input * (double)s->input + r->output * (double)s->output + r->weight * (double)s->weight;
		bytes += r->weight_per_sample * (double)s->weight * s->batch + (double)r->fixed_bytes;
		if (least < 0 || bytes < least)
			least = bytes;
	}
	return least <= 0 ? 0 : least < (double)BYTES_MAX ? (bytes_t)least : BYTES_MAX;
}

/* ---- times that a graph lacks ---- */

/* Operators of PyTorch whose kernels a device document names otherwise, and the bytes that they move beside their operands,
 * each once, as a share of these: a norm reads a map for its statistics first, and forward again with the gradient. */
static const struct operator_kernel {
	const char *op, *kernel;
	double more;
} operator_kernels[] = {
	{ "_embedding_bag_backward", "embedding-backward", 0 },
	{ "_log_softmax", "log-softmax", 0 },
	{ "_log_softmax_backward_data", "log-softmax-backward", 0 },
	{ "_scaled_dot_product_cudnn_attention", "attention", 0 },
	{ "_scaled_dot_product_cudnn_attention_backward", "attention-backward", 0 },
	{ "_scaled_dot_product_flash_attention", "attention", 0 },
	{ "_scaled_dot_product_flash_attention_backward", "attention-backward", 0 },
	{ "cat", "concat", 0 },
	{ "convolution", "conv", 0 },
	{ "convolution_backward", "conv-backward", 0 },
	{ "cudnn_batch_norm", "batch-norm", 1.0 / 2 },
	{ "cudnn_batch_norm_backward", "batch-norm-backward", 2.0 / 3 },
	{ "embedding_dense_backward", "embedding-backward", 0 },
	{ "max_pool2d_with_indices", "max-pool", 0 },
	{ "max_pool2d_with_indices_backward", "max-pool-backward", 0 },
	{ "native_batch_norm", "batch-norm", 1.0 / 2 },
	{ "native_batch_norm_backward", "batch-norm-backward", 2.0 / 3 },
	{ "native_dropout", "dropout", 0 },
	{ "native_layer_norm", "layer-norm", 0 },
	{ "native_layer_norm_backward", "layer-norm-backward", 0 },
	{ "nll_loss_backward", "nll-loss-backward", 0 },
};

static int
compare_operator(const void *name, const void *row)
{
	return strcmp(name, ((const struct operator_kernel *)row)->op);
}

/* The work of an op as its graph tells it.  What a convolution has in its workspace is written once and read once. */
static struct op_work
work_of(const struct op *o, double bytes)
{
	const struct operator_kernel *k = o->name == NULL ? NULL : bsearch(o->name, operator_kernels,
	    sizeof(operator_kernels) / sizeof(*operator_kernels), sizeof(*operator_kernels), compare_operator);
	struct op_work w = { .flops = o->flops, .bytes = bytes, .copied_bytes = o->class == CLASS_CONV ? 2 * (double)o->workspace_bytes : 0 };

	if (k != NULL) {
		w.kernel = k->kernel;
		w.bytes *= 1 + k->more;
	}
	return w;
}

int
graph_estimate(struct graph *g, const struct device *d, struct arena *a, struct err *e)
{
	uint32_t *stamp = ARENA_NEW(a, uint32_t, g->tensor_count);

	for (uint32_t i = 0; i < g->op_count; i++) {
		struct op *o = &g->ops[i];
		double bytes = (double)o->memory_bytes;
		struct op_work w;

		if (op_has_time(o))
			continue;
		if (o->memory_bytes == 0)
			FOR_EACH_OPERAND_ONCE(o, stamp, i + 1, t)
				bytes += (double)g->tensors[t].bytes;
		w = work_of(o, bytes);
		o->time_us = roofline_work_us(d, o->name, o->class, o->math, &w);
	}
	return graph_check(g, e);
}

/* ---- traced times on another device ---- */

/* The rate that bounds a class of op in a float32 training step.  By PyTorch's defaults convolutions calculate in TF32
 * and products in float32; other classes are bound by memory. */
static double
class_rate(const struct device *d, enum op_class c)
{
	double share = d->compute.flop_efficiency[c] > 0 ? d->compute.flop_efficiency[c] : 1;

	switch (c) {
	case CLASS_CONV:	return peak_flops(d, MATH_TF32) * share;
	case CLASS_LINEAR:
	case CLASS_ATTENTION:	return peak_flops(d, MATH_FLOAT32) * share;
	default:
		share = d->compute.memory_efficiency[c] > 0 ? d->compute.memory_efficiency[c] : 1;
		return d->compute.memory_bytes_per_s * share;
	}
}

/* The launch within a traced time is replaced by the other device's, and the rest is scaled.  A time shorter than a launch
 * counts as launch alone. */
static double
scaled_us(double us, double ratio, double from_launch, double to_launch)
{
	double launch = us < from_launch ? us : from_launch;

	return (from_launch > 0 ? launch / from_launch * to_launch : 0) + (us - launch) * ratio;
}

void
roofline_scale(struct graph *to_graph, const struct graph *g, const struct device *from, const struct device *to, struct arena *a)
{
	double ratio[CLASS_COUNT], old, new;
	struct alternative *alternatives;
	struct op *o;

	for (int c = 0; c < CLASS_COUNT; c++) {
		old = class_rate(from, (enum op_class)c);
		new = class_rate(to, (enum op_class)c);
		ratio[c] = old > 0 && new > 0 ? old / new : 1;
	}
	*to_graph = *g;
	to_graph->ops = ARENA_NEW(a, struct op, g->op_count);
	memcpy(to_graph->ops, g->ops, g->op_count * sizeof(*g->ops));
	for (uint32_t i = 0; i < g->op_count; i++) {
		o = &to_graph->ops[i];
		if (!o->estimated)
			o->time_us = scaled_us(o->time_us, ratio[o->class], from->compute.launch_us, to->compute.launch_us);
		if (o->alternative_count == 0)
			continue;
		alternatives = ARENA_NEW(a, struct alternative, o->alternative_count);
		for (uint32_t k = 0; k < o->alternative_count; k++) {
			alternatives[k] = o->alternatives[k];
			alternatives[k].time_us = scaled_us(alternatives[k].time_us, ratio[o->class], from->compute.launch_us,
			    to->compute.launch_us);
		}
		o->alternatives = alternatives;
	}
}
