/* SPDX-License-Identifier: Apache-2.0 */
/* tensor_names.c - the names of a graph's tensors, sorted, and two sorted lists side by side */
#include <config.h>
#include "src/documents/tensor_names.h"

#include <stdlib.h>
#include <string.h>

/* A tensor, and its name or the layer of its first use. */
struct tensor_name { const char *name; enum kind kind; uint32_t id; };

static int
by_name(const void *x, const void *y)
{
	const struct tensor_name *p = x, *q = y;
	int order = strcmp(p->name, q->name);

	if (order != 0)
		return order;
	if (p->kind != q->kind)
		return p->kind < q->kind ? -1 : 1;
	return p->id < q->id ? -1 : p->id > q->id;
}

/* Fills layer[t] with the layer of the first op that uses t, or NULL. */
static void
find_layers(const char **layer, const struct graph *g, struct arena *a)
{
	bool *seen = ARENA_NEW(a, bool, g->tensor_count);

	for (uint32_t k = 0; k < g->op_count; k++)
		FOR_EACH_OPERAND(&g->ops[k], t) {
			if (!seen[t])
				layer[t] = g->ops[k].layer;
			seen[t] = true;
		}
}

/* Returns the tensors of g that have names, sorted. */
static struct tensor_name *
named_tensors(const struct graph *g, uint32_t *count, struct arena *a)
{
	struct tensor_name *all = ARENA_NEW(a, struct tensor_name, g->tensor_count);
	const char **layer = ARENA_NEW(a, const char *, g->tensor_count), *last = NULL;
	uint32_t n = 0, ordinal = 0;

	find_layers(layer, g, a);
	for (uint32_t t = 0; t < g->tensor_count; t++)
		if (graph_tensor_name(g, t) == NULL && layer[t] != NULL && kind_is_persistent(g->tensors[t].kind))
			all[n++] = (struct tensor_name) { layer[t], g->tensors[t].kind, t };
	if (n > 1)
		qsort(all, n, sizeof(*all), by_name);
	for (uint32_t i = 0; i < n; i++) {
		ordinal = i > 0 && strcmp(last, all[i].name) == 0 && all[i - 1].kind == all[i].kind ? ordinal + 1 : 0;
		last = all[i].name;
		all[i].name = arena_printf(a, "%s.%s[%" PRIu32 "]", last, kind_names[all[i].kind], ordinal);
	}
	for (uint32_t t = 0; t < g->tensor_count; t++)
		if (graph_tensor_name(g, t) != NULL)
			all[n++] = (struct tensor_name) { graph_tensor_name(g, t), g->tensors[t].kind, t };
	if (n > 1)
		qsort(all, n, sizeof(*all), by_name);
	*count = n;
	return all;
}

static int
check_distinct(const struct tensor_name *all, uint32_t count, const char *where, struct err *e)
{
	for (uint32_t i = 1; i < count; i++)
		if (strcmp(all[i - 1].name, all[i].name) == 0)
			return err_set(e, ERR_INPUT, "%s has the name '%s' twice: tensors %" PRIu32 " and %" PRIu32, where, all[i].name, all[i - 1].id,
			    all[i].id);
	return 0;
}

/* Sets *other_of for two tensors of the same name, of which at least one is persistent. */
static int
match(uint32_t *other_of, const struct graph *g, const struct tensor_name *x, const struct graph *other, const struct tensor_name *y, struct err *e)
{
	const struct tensor *t = &g->tensors[x->id], *u = &other->tensors[y->id];

	if (kind_is_persistent(t->kind) != kind_is_persistent(u->kind))
		return err_set(e, ERR_INPUT, "tensor %" PRIu32 " '%s' is %s here, and %s there", x->id, x->name, kind_names[t->kind], kind_names[u->kind]);
	if (t->bytes == u->bytes)
		*other_of = y->id;
	else if (t->kind != KIND_INPUT || u->kind != KIND_INPUT)
		return err_set(e, ERR_INPUT, "tensor %" PRIu32 " '%s' has %" PRI_BYTES " bytes here, and %" PRI_BYTES " bytes there", x->id, x->name, t->bytes, u->bytes);
	return 0;
}

int
tensor_names_match(uint32_t *other_of, const struct graph *g, const struct graph *other, struct arena *a, struct err *e)
{
	uint32_t count, other_count;
	const struct tensor_name *x = named_tensors(g, &count, a), *y = named_tensors(other, &other_count, a);

	for (uint32_t t = 0; t < g->tensor_count; t++)
		other_of[t] = TENSOR_NONE;
	if (check_distinct(x, count, "the graph", e) < 0 || check_distinct(y, other_count, "the other graph", e) < 0)
		return -1;
	for (uint32_t i = 0, j = 0; i < count && j < other_count;) {
		int order = strcmp(x[i].name, y[j].name);

		if (order == 0 && (kind_is_persistent(x[i].kind) || kind_is_persistent(y[j].kind)) &&
		    match(&other_of[x[i].id], g, &x[i], other, &y[j], e) < 0)
			return -1;
		i += order <= 0;
		j += order >= 0;
	}
	return 0;
}

const char *
tensor_names_say(const struct graph *g, uint32_t t, struct arena *a)
{
	uint32_t count;
	const struct tensor_name *all = named_tensors(g, &count, a);

	for (uint32_t i = 0; i < count; i++)
		if (all[i].id == t)
			return arena_printf(a, "tensor %" PRIu32 " ('%s')", t, all[i].name);
	return arena_printf(a, "tensor %" PRIu32 " (%s)", t, kind_names[g->tensors[t].kind]);
}
