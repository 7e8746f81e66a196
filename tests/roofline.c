/* SPDX-License-Identifier: Apache-2.0 */
/* Op times and convolution workspace from a device's numbers; traced times on another device. */
#include <config.h>
#include "src/network/roofline.h"

#include <string.h>

#include "tests/tap.h"

/* 1 TFLOP/s (10 in tf32), 100 GB/s, every share a half, 2 us a launch. */
static struct device
simple(void)
{
	struct device d = { .name = "simple", .memory_bytes = 1 << 20 };

	d.compute.flops[MATH_FLOAT32] = 1e12;
	d.compute.flops[MATH_TF32] = 1e13;
	d.compute.memory_bytes_per_s = 1e11;
	d.compute.launch_us = 2;
	for (int c = 0; c < CLASS_COUNT; c++)
		d.compute.flop_efficiency[c] = d.compute.memory_efficiency[c] = 0.5;
	return d;
}

static void
test_times(void)
{
	struct kernel_efficiency kernels[] = { { "slow", 0.25, 0 }, { "slow-bytes", 0, 0.05 } };
	struct device d = simple();
	struct op_work w = { .flops = 1e9 };

	is_near(roofline_us(&d, CLASS_CONV, MATH_FLOAT32, 1e9, 0), 2 + 2000, 1e-9, "flops over peak and share");
	is_near(roofline_us(&d, CLASS_CONV, MATH_TF32, 1e9, 0), 2 + 200, 1e-9, "a faster type");
	is_near(roofline_us(&d, CLASS_CONV, MATH_BFLOAT16, 1e9, 0), 2 + 2000, 1e-9, "a type that is not there: float32's rate");
	is_near(roofline_us(&d, CLASS_POOL, MATH_FLOAT32, 1, 1e6), 2 + 20, 1e-9, "bytes over bandwidth and share");
	is_near(roofline_us(&d, CLASS_POOL, MATH_FLOAT32, 1e9, 1e6), 2 + 2000, 1e-9, "the slower of both");
	is_near(roofline_us(&d, CLASS_POOL, MATH_FLOAT32, 0, 0), 2, 1e-9, "nothing to do takes a launch");
	d.compute.kernels = kernels;
	d.compute.kernel_count = 2;
	is_near(roofline_work_us(&d, "slow", CLASS_CONV, MATH_FLOAT32, &w), 2 + 4000, 1e-9, "a kernel's own share");
	is_near(roofline_work_us(&d, "fast", CLASS_CONV, MATH_FLOAT32, &w), 2 + 2000, 1e-9, "another name: the class's");
	w.kernel = "slow";
	is_near(roofline_work_us(&d, "fast", CLASS_CONV, MATH_FLOAT32, &w), 2 + 4000, 1e-9, "the work may name the kernel");
	w = (struct op_work) { .bytes = 1e6, .copied_bytes = 2e6 };
	is_near(roofline_work_us(&d, "x", CLASS_CONV, MATH_FLOAT32, &w), 2 + 20 + 40, 1e-9, "copies come on top");
	is_near(roofline_work_us(&d, "slow-bytes", CLASS_CONV, MATH_FLOAT32, &w), 2 + 200 + 40, 1e-9, "copies have their own share");
	d.compute.multiprocessors = 100;
	w = (struct op_work) { .bytes = 1e6, .blocks = 50 };
	is_near(roofline_work_us(&d, "x", CLASS_NORM, MATH_FLOAT32, &w), 2 + 40, 1e-9, "half of the multiprocessors");
	w.blocks = 150;
	is_near(roofline_work_us(&d, "x", CLASS_NORM, MATH_FLOAT32, &w), 2 + 20 / 0.75, 1e-9, "a second wave half full");
	w.blocks = 200;
	is_near(roofline_work_us(&d, "x", CLASS_NORM, MATH_FLOAT32, &w), 2 + 20, 1e-9, "full waves");
}

static void
test_tiles(void)
{
	struct device d = simple();

	is_near(roofline_gemm(NULL, 2, 3, 4, 5), 240, 0, "a product without a device");
	is_near(roofline_gemm(&d, 2, 3, 4, 5), 240, 0, "and without tiles");
	is_near(roofline_conv(&d, 100, 9, 2, 3, 4), 2 * 100 * 9 * 2 * 12, 0, "a convolution without tiles");
	is_near(roofline_conv_filter(&d, 100, 9, 2, 3, 4), 2 * 100 * 9 * 2 * 12, 0, "its filter");
	d.compute.gemm_tile[0] = 128;
	d.compute.gemm_tile[1] = 64;
	is_near(roofline_gemm(&d, 1, 129, 64, 10), 2 * 256 * 64 * 10, 0, "unfinished tiles count whole");
	d.compute.conv_tile[0] = 32;
	d.compute.conv_tile[1] = 128;
	is_near(roofline_conv(&d, 128, 9, 1, 3, 64), 2 * 128 * 9 * 32.0 * 128, 0, "channels in and out are padded");
	is_near(roofline_conv_filter(&d, 128, 9, 1, 3, 64), 2 * 128 * 32.0 * 128, 0, "for the filter, taps times channels");
	d.compute.multiprocessors = 4;
	is_near(roofline_conv(&d, 128, 9, 1, 32, 128), 4 * 2 * 128 * 9 * 32.0 * 128, 0, "one tile keeps a quarter busy");
}

static void
test_workspace(void)
{
	struct conv_rule rules[] = {
		{ .pass = CONV_FORWARD, .math = MATH_TF32, .input = 1, .output = 1, .weight = 2, .fixed_bytes = 5 },
		{ .pass = CONV_FORWARD, .math = MATH_TF32, .pointwise = true, .pixel_multiple = 4, .weight_per_sample = 1 },
		{ .pass = CONV_BACKWARD, .math = MATH_TF32, .input = 1 },
	};
	struct conv_shape s = { .input = 1000, .output = 200, .weight = 30, .batch = 8, .pixels = 49 };
	struct device d = simple();

	is_uint(roofline_conv_workspace(NULL, CONV_FORWARD, MATH_TF32, &s), 0, "no device");
	is_uint(roofline_conv_workspace(&d, CONV_FORWARD, MATH_TF32, &s), 0, "no rule");
	d.compute.conv_rules = rules;
	d.compute.conv_rule_count = 3;
	is_uint(roofline_conv_workspace(&d, CONV_FORWARD, MATH_TF32, &s), 1265, "factors on what there is");
	is_uint(roofline_conv_workspace(&d, CONV_FORWARD, MATH_FLOAT32, &s), 0, "another math type has other rules");
	is_uint(roofline_conv_workspace(&d, CONV_BACKWARD, MATH_TF32, &s), 1000, "another pass, too");
	s.pointwise = true;
	is_uint(roofline_conv_workspace(&d, CONV_FORWARD, MATH_TF32, &s), 1265, "49 pixels are no multiple of 4");
	s.pixels = 196;
	is_uint(roofline_conv_workspace(&d, CONV_FORWARD, MATH_TF32, &s), 240, "the least of the rules that apply");
	s.batch = 1000;
	is_uint(roofline_conv_workspace(&d, CONV_FORWARD, MATH_TF32, &s), 1265, "whichever that is");
	d.compute.flops[MATH_TF32] = 0;
	rules[0].math = MATH_FLOAT32;
	s.pointwise = false;
	is_uint(roofline_conv_workspace(&d, CONV_FORWARD, MATH_TF32, &s), 1265, "a device without tf32 takes float32's");
}

static void
test_scale(void)
{
	static const struct alternative alternatives[] = { { 8, 52 } };
	struct tensor tensors[] = { { 4, KIND_ACTIVATION } };
	struct op ops[] = {
		{ .name = "c", .class = CLASS_CONV, .time_us = 102, .alternative_count = 1, .alternatives = alternatives },
		{ .name = "m", .class = CLASS_LINEAR, .time_us = 102 },
		{ .name = "r", .class = CLASS_ACTIVATION, .time_us = 102 },
		{ .name = "t", .class = CLASS_UPDATE, .time_us = 1 },
	};
	const struct graph g = { .name = "g", .tensor_count = 1, .op_count = 4, .tensors = tensors, .ops = ops };
	struct device from = simple(), to = simple();
	struct arena a = ARENA_INIT;
	struct graph s;

	to.compute.launch_us = 10;
	to.compute.flops[MATH_FLOAT32] = 5e11;
	to.compute.flops[MATH_TF32] = 0;
	to.compute.memory_bytes_per_s = 4e11;
	roofline_scale(&s, &g, &from, &to, &a);
	is_near(s.ops[0].time_us, 10 + 100 * 20, 1e-9, "convolutions by the best type for them: tf32 here, float32 there");
	is_near(s.ops[0].alternatives[0].time_us, 10 + 50 * 20, 1e-9, "so do other algorithms");
	is_uint(s.ops[0].alternatives[0].workspace_bytes, 8, "whose workspace stays");
	is_near(s.ops[1].time_us, 10 + 100 * 2, 1e-9, "products by float32");
	is_near(s.ops[2].time_us, 10 + 100 / 4.0, 1e-9, "others by bandwidth");
	is_near(s.ops[3].time_us, 5, 1e-9, "what is less than a launch is all launch");
	is_near(ops[0].time_us, 102, 0, "the graph itself is as it was");
	roofline_scale(&s, &g, &from, &from, &a);
	for (int i = 0; i < 4; i++)
		is_near(s.ops[i].time_us, ops[i].time_us, 1e-9, "op %d: on the same device nothing changes", i);
	arena_free(&a);
}

static void
test_estimate(void)
{
	static const uint32_t ids[] = { 0, 1, 0 };
	struct tensor tensors[] = { { 1000000, KIND_INPUT }, { 3000000, KIND_ACTIVATION } };
	struct op ops[] = {
		{ .name = "flops", .class = CLASS_CONV, .math = MATH_TF32, .flops = 3e9, .memory_bytes = 1, .estimated = true, .time_us = NAN },
		{ .name = "bytes", .class = CLASS_OTHER, .flops = 1, .memory_bytes = 5000000, .estimated = true, .time_us = NAN },
		{ .name = "operands", .class = CLASS_OTHER, .estimated = true, .time_us = NAN, .inputs = ids, .input_count = 3,
		  .outputs = ids + 1, .output_count = 1 },
		{ .name = "measured", .time_us = 7, .flops = 1e12 },
		{ .name = "estimated", .time_us = 8, .estimated = true, .flops = 1e12 },
	};
	struct graph g = { .name = "g", .tensor_count = 2, .op_count = 5, .tensors = tensors, .ops = ops }, s;
	struct device d = simple();
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;

	ok(graph_estimate(&g, &d, &a, &e) == 0 && graph_check_times(&g, &e) == 0, "estimate: every op has a time");
	is_near(ops[0].time_us, roofline_us(&d, CLASS_CONV, MATH_TF32, 3e9, 1), 0, "estimate: by arithmetic");
	is_near(ops[1].time_us, roofline_us(&d, CLASS_OTHER, MATH_FLOAT32, 0, 5e6), 0, "estimate: by bytes");
	is_near(ops[2].time_us, roofline_us(&d, CLASS_OTHER, MATH_FLOAT32, 0, 4e6), 0, "estimate: the operands' bytes, each once");
	ok(ops[0].time_us > d.compute.launch_us && ops[1].time_us > ops[2].time_us, "estimate: a launch is part of it");
	is_near(ops[3].time_us, 7, 0, "estimate: a measured time stays");
	is_near(ops[4].time_us, 8, 0, "estimate: so does one that is estimated already");
	roofline_scale(&s, &g, &d, &d, &a);
	d.compute.memory_bytes_per_s /= 2;
	roofline_scale(&s, &g, &d, &(struct device) { .compute = { .launch_us = 100 } }, &a);
	is_near(s.ops[4].time_us, 8, 0, "estimate: it is never scaled");
	ok(s.ops[3].time_us > 8, "estimate: a measured time is");
	ops[1].time_us = NAN;
	d.compute.memory_bytes_per_s = 1e-9;
	ok(graph_estimate(&g, &d, &a, &e) < 0 && strcmp(e.path, "ops[1].time_us") == 0, "estimate: a time that is out of range is refused");
	arena_free(&a);
}

/* Operators of PyTorch have their own names; a device document says how fast their kernels are. */
static void
test_operators(void)
{
	struct kernel_efficiency kernels[] = { { .name = "batch-norm", .memory = 0.25 }, { .name = "conv-backward", .memory = 0.25 } };
	struct op ops[] = {
		{ .name = "cudnn_batch_norm", .class = CLASS_NORM, .memory_bytes = 4000000, .estimated = true, .time_us = NAN },
		{ .name = "batch-norm", .class = CLASS_NORM, .memory_bytes = 6000000, .estimated = true, .time_us = NAN },
		{ .name = "convolution_backward", .class = CLASS_CONV, .memory_bytes = 8, .workspace_bytes = 2000000, .estimated = true, .time_us = NAN },
		{ .name = "convolution_backward", .class = CLASS_CONV, .memory_bytes = 8, .estimated = true, .time_us = NAN },
	};
	struct graph g = { .name = "g", .op_count = 4, .ops = ops };
	struct device d = simple();
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;

	d.compute.kernels = kernels;
	d.compute.kernel_count = 2;
	ok(graph_estimate(&g, &d, &a, &e) == 0, "estimate: operators of PyTorch");
	is_near(ops[0].time_us, ops[1].time_us, 1e-9, "estimate: batch norm is that kernel, and reads its map for the statistics first");
	is_near(ops[2].time_us - ops[3].time_us, roofline_us(&d, CLASS_COPY, MATH_FLOAT32, 0, 4e6) - d.compute.launch_us, 1e-9,
	    "estimate: a convolution writes and reads its workspace");
	arena_free(&a);
}

int
main(void)
{
	test_times();
	test_tiles();
	test_workspace();
	test_scale();
	test_estimate();
	test_operators();
	return tap_done();
}
