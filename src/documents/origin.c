/* SPDX-License-Identifier: Apache-2.0 */
/* origin.c - the op by which a person knows a tensor, and its name in words */
#include <config.h>
#include "src/documents/origin.h"

struct origin *
graph_origins(const struct graph *g, struct arena *a)
{
	struct origin *origins = ARENA_NEW(a, struct origin, g->tensor_count);

	/* Backwards: earlier ops replace later ones; the preferred relation replaces the other one. */
	for (uint32_t k = g->op_count; k-- > 0;) {
		const struct op *o = &g->ops[k];

		for (uint32_t n = 0, t; op_operand(o, n, &t); n++) {
			enum origin_how best = kind_is_persistent(g->tensors[t].kind) ? ORIGIN_READ : ORIGIN_WRITTEN;
			enum origin_how how = n < o->input_count ? ORIGIN_READ : ORIGIN_WRITTEN;

			if (how == best || origins[t].how != best)
				origins[t] = (struct origin) { how, k };
		}
	}
	return origins;
}

const char *
op_text(const struct op *o, struct arena *a)
{
	char name[48], layer[48];

	err_quote(name, o->name);
	return o->layer == NULL ? arena_strdup(a, name) : arena_printf(a, "%s of %s", name, err_quote(layer, o->layer));
}

const char *
op_label(const struct op *o, struct arena *a)
{
	return o->layer == NULL ? o->name : arena_printf(a, "%s %s", o->layer, o->name);
}

const char *
origin_text(const struct graph *g, const struct origin *o, struct arena *a)
{
	if (o->how == ORIGIN_NONE)
		return "";
	return arena_printf(a, "%s %s", o->how == ORIGIN_WRITTEN ? "from" : "read by", op_text(&g->ops[o->op], a));
}

const char *
tensor_text(const struct graph *g, const struct origin *origins, uint32_t tensor, struct arena *a)
{
	const char *kind = kind_names[g->tensors[tensor].kind];

	return origins[tensor].how == ORIGIN_NONE ? kind : arena_printf(a, "%s %s", kind, origin_text(g, &origins[tensor], a));
}
