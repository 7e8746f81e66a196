/* SPDX-License-Identifier: Apache-2.0 */
/* layer_norm.h - the parts of batch norm that are shared with lowerings whose batch norm differs */
#ifndef SRC_NETWORK_LAYER_NORM_H
#define SRC_NETWORK_LAYER_NORM_H
#include "src/network/emit.h"

/* Indices of batch norm's saved tensors: the map that backward reads for x, then the statistics of this batch. */
enum { BATCH_NORM_MAP, BATCH_NORM_MEAN, BATCH_NORM_DEVIATION, BATCH_NORM_SAVED };

/* Returns the number of weights: 2 (weight and bias), or 0.  They come first among the parameters; running mean, running variance
 * and the count of batches follow. */
uint32_t batch_norm_weights(const struct layer *l);

/* Fills saved with new tensors for the statistics of this batch. */
void batch_norm_new_statistics(struct emit *m, const struct layer *l);

/* Adds the statistics of this batch to the running ones: a small op that must not run twice. */
void batch_norm_keep_running(struct emit *m, const struct layer *l);

/* Ends an op of backward: gradients of the input (where wanted, dx) and of the first `weights` parameters. */
void norm_end_backward(struct emit *m, const struct layer *l, uint32_t dx, uint32_t weights, struct op_work work);
#endif
