/* SPDX-License-Identifier: Apache-2.0 */
/* roofline.h - the time of an op from its FLOPs and its bytes
 *
 * time = launch + max(flops / (peak * efficiency), bytes / (bandwidth * efficiency)) + copies around the kernel.
 * Efficiencies are by op class or by kernel; all numbers come from the device document.  A kernel of too few independent
 * blocks leaves multiprocessors idle.  Source: Williams, Waterman and Patterson, Roofline, 2009; the additions to it are
 * in docs/accuracy.md.
 */
#ifndef SRC_NETWORK_ROOFLINE_H
#define SRC_NETWORK_ROOFLINE_H
#include "src/documents/device.h"

/* The work of an op. */
struct op_work {
	double flops;
	double bytes;		/* read and written; 0: the bytes of its operands */
	double copied_bytes;	/* read and written around the kernel, at the rate of class copy */
	double blocks;		/* independent pieces, one at a time on a multiprocessor; 0: plenty */
	bool plain;		/* calculated in float32 without units for matrix products, whatever the type */
	const char *kernel;	/* its row in the device's `kernels`; NULL: that of the op's name */
};

/* Microseconds of an op of class c that calculates in m. */
double roofline_us(const struct device *d, enum op_class c, enum math m, double flops, double bytes);

/* The same for a lowered op; name finds the device's figures for that kernel, if there are any. */
double roofline_work_us(const struct device *d, const char *name, enum op_class c, enum math m, const struct op_work *w);

/* Microseconds of its FLOPs at the device's peak rate. */
double roofline_peak_us(const struct device *d, enum math m, const struct op_work *w);

/* Returns the FLOPs of batch products of m x k by k x n.  A partial tile counts as a whole tile of the device.  d NULL: the
 * plain count, here and below. */
double roofline_gemm(const struct device *d, double batch, double m, double n, double k);

/* FLOPs of one pass of a convolution, 2 * pixels * taps * groups * from * to, where from and to are the channels of a
 * group; in tiles that fill the multiprocessors in waves. */
double roofline_conv(const struct device *d, double pixels, double taps, double groups, double from, double to);
/* The same for the filter's gradient: taps * from columns are one side of the product, and the sum over pixels is split,
 * so that no multiprocessor is idle. */
double roofline_conv_filter(const struct device *d, double pixels, double taps, double groups, double from, double to);

/* The sizes that a convolution's workspace depends on. */
struct conv_shape {
	bytes_t input, output, weight;	/* bytes */
	uint32_t batch;
	uint64_t pixels;		/* of the output image */
	bool pointwise;			/* 1 x 1, stride 1 */
	bool channels_last;		/* maps and filters lie as the kernels want them: no copies in another layout */
};
/* Returns the smallest workspace of the device's conv_rules that apply, in bytes; 0 if none applies or d is NULL. */
bytes_t roofline_conv_workspace(const struct device *d, enum conv_pass pass, enum math m, const struct conv_shape *s);

/* Gives every op of g that has no time yet the time of the roofline of device d.  The bytes of an op whose memory_bytes are 0 are
 * those of its operands, each once.  ERR_INPUT: a time is out of range. */
int graph_estimate(struct graph *g, const struct device *d, struct arena *a, struct err *e) WARN_UNUSED;

/* Fills to_graph with a copy of g, which was measured on device from.  The times of ops and alternatives are scaled by the
 * ratio of their class's rates on both devices; the launch within a time is replaced by that of `to`.  Estimated times stay. */
void roofline_scale(struct graph *to_graph, const struct graph *g, const struct device *from, const struct device *to,
    struct arena *a);
#endif
