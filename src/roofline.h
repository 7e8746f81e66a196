/* SPDX-License-Identifier: Apache-2.0 */
/* roofline.h - the time of an op from its arithmetic and its bytes
 *
 * time = launch + max(flops / (peak * efficiency), bytes / (bandwidth * efficiency)), efficiencies
 * by op class, all numbers from the device document.
 */
#ifndef SRC_ROOFLINE_H
#define SRC_ROOFLINE_H
#include "src/device.h"

double roofline_us(const struct device *d, enum op_class c, enum math m, double flops, double bytes);

/* A copy of graph g, measured on device from, with every op's time (and alternatives') scaled by the ratio of the class's
 * rooflines on the two devices; launch overhead is never scaled below `to`'s and never added twice. */
void roofline_scale(struct graph *to_graph, const struct graph *g, const struct device *from, const struct device *to, struct arena *a);
#endif
