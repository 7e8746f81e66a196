/* SPDX-License-Identifier: Apache-2.0 */
/* roofline.h - the time of an op from its arithmetic and its bytes
 *
 * time = launch + max(flops / (peak * efficiency), bytes / (bandwidth * efficiency)), efficiencies
 * by op class or by kernel, all numbers from the device document.  What is copied
 * before and after the kernel proper is added; a kernel of too few independent blocks
 * leaves multiprocessors idle.
 */
#ifndef SRC_NETWORK_ROOFLINE_H
#define SRC_NETWORK_ROOFLINE_H
#include "src/documents/device.h"

/* What an op has to do. */
struct work {
	double flops;
	double bytes;		/* read and written; 0: as the op's tensors say */
	double copied_bytes;	/* read and written around the kernel, at the class copy's rate */
	double blocks;		/* independent pieces, one a multiprocessor at a time; 0: plenty */
	const char *kernel;	/* whose figures in the device's `kernels` hold; NULL: those of the op's name */
};

double roofline_us(const struct device *d, enum op_class c, enum math m, double flops, double bytes);

/* The same for a lowered op; name finds the device's own figures for that kernel, if it has any. */
double roofline_work_us(const struct device *d, const char *name, enum op_class c, enum math m, const struct work *w);

/* FLOPs of batch products of m x k by k x n.  An unfinished tile of the device takes as long as a whole one.
 * d may be NULL: the plain count. */
double roofline_gemm(const struct device *d, double batch, double m, double n, double k);

/* FLOPs of one pass of a convolution: for each group, taps products of a `from`-vector a pixel by a
 * matrix to `to` channels, in tiles that fill the multiprocessors in waves. */
double roofline_conv(const struct device *d, double pixels, double taps, double groups, double from, double to);
/* The filter's gradient: taps * from columns are one side of the product, and the sum over pixels
 * is split so that no multiprocessor idles. */
double roofline_conv_filter(const struct device *d, double pixels, double taps, double groups, double from, double to);

/* What a convolution's workspace depends on. */
struct conv_shape {
	bytes_t input, output, weight;	/* bytes */
	uint32_t batch;
	uint64_t pixels;		/* of the output image */
	bool pointwise;			/* 1 x 1, stride 1 */
};
/* 0 when d is NULL. */
bytes_t roofline_conv_workspace(const struct device *d, enum conv_pass pass, enum math m, const struct conv_shape *s);

/* A copy of graph g, measured on device from, with every op's time (and alternatives') scaled by the ratio of the class's
 * rooflines on the two devices; launch overhead is never scaled below `to`'s and never added twice. */
void roofline_scale(struct graph *to_graph, const struct graph *g, const struct device *from, const struct device *to, struct arena *a);
#endif
