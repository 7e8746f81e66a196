/* SPDX-License-Identifier: Apache-2.0 */
/* tensor_names.h - which persistent tensors of two graphs are one and the same
 *
 * A tensor has the name that its document gives.  A persistent tensor without one has the name "LAYER.KIND[i]": it is the i-th tensor of the
 * kind, by id, whose first use is in the layer.  A tensor with neither a name nor a layer is in no other graph.
 */
#ifndef SRC_DOCUMENTS_TENSOR_NAMES_H
#define SRC_DOCUMENTS_TENSOR_NAMES_H
#include "src/documents/graph.h"

#define TENSOR_NONE UINT32_MAX	/* the other graph does not have it */

/* Fills other_of[g->tensor_count]: the id in `other` of each persistent tensor, or TENSOR_NONE.  An input of another size there is another
 * tensor: the batch differs.  ERR_INPUT: the tensor of that name there has another size or is transient, or two tensors of one graph have
 * the same name. */
int tensor_names_match(uint32_t *other_of, const struct graph *g, const struct graph *other, struct arena *a, struct err *e) WARN_UNUSED;

/* Returns the name of tensor t for messages: "tensor 3 ('conv1.parameter[0]')". */
const char *tensor_names_say(const struct graph *g, uint32_t t, struct arena *a);
#endif
