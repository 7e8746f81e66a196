/* SPDX-License-Identifier: Apache-2.0 */
/* lower_caffe.h - the layers that the `caffe` lowering makes otherwise than `reuse`
 */
#ifndef SRC_NETWORK_LOWER_CAFFE_H
#define SRC_NETWORK_LOWER_CAFFE_H
#include "src/network/emit.h"

/* Emit layer l as Caffe has it; false: it is as in the reuse lowering. */
bool caffe_forward(struct emit *m, const struct layer *l);
bool caffe_backward(struct emit *m, const struct layer *l);

/* One more reader's gradient of a map that has one already. */
void caffe_split(struct emit *m, struct emitted *to, uint32_t comes, bytes_t bytes);
#endif
