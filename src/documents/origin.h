/* SPDX-License-Identifier: Apache-2.0 */
/* origin.h - the op by which a person knows a tensor, and its name in words
 *
 * A persistent tensor is known by the first op that reads it, because its writer is its update.  A transient tensor is
 * known by the first op that writes it.
 */
#ifndef SRC_DOCUMENTS_ORIGIN_H
#define SRC_DOCUMENTS_ORIGIN_H
#include "src/documents/graph.h"

/* The data of a report's page holds these numbers, so their order is fixed. */
enum origin_how { ORIGIN_NONE, ORIGIN_WRITTEN, ORIGIN_READ };

struct origin {
	enum origin_how how;	/* ORIGIN_NONE: no op touches the tensor */
	uint32_t op;
};

/* [tensor_count] */
struct origin *graph_origins(const struct graph *g, struct arena *a);

/* "conv of stem", or "conv" without a layer; each name as err_quote() shortens it. */
const char *op_text(const struct op *o, struct arena *a);

/* "stem conv": the layer first, for labels that are cut at their end. */
const char *op_label(const struct op *o, struct arena *a);

/* "from conv of stem" or "read by conv of stem"; "" where no op touches the tensor. */
const char *origin_text(const struct graph *g, const struct origin *o, struct arena *a);

/* "activation from conv of stem"; the kind alone where no op touches the tensor. */
const char *tensor_text(const struct graph *g, const struct origin *origins, uint32_t tensor, struct arena *a);
#endif
