/* SPDX-License-Identifier: Apache-2.0 */
/* lower.h - from a network's layers to a training step's ops
 */
#ifndef SRC_NETWORK_LOWER_H
#define SRC_NETWORK_LOWER_H
#include "src/documents/device.h"
#include "src/documents/graph.h"
#include "src/network/network.h"

/* A lowering is a row of this table. */
struct lowering { const char *name, *summary; };
enum { LOWER_REUSE, LOWER_FRAMEWORK, LOWER_CAFFE, LOWER_COUNT };
extern const struct lowering lowerings[LOWER_COUNT + 1];	/* ends with a NULL name */

/* Make the training step of network n at its batch.  d gives op times and
 * convolution workspace; NULL: all times and workspaces are 0.  The result has
 * passed graph_check(). */
int lower(struct graph *g, const struct network *n, int lowering, const struct device *d, struct arena *a, struct err *e) WARN_UNUSED;
#endif
