/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_graph.c - fill nodes of a captured graph become kernels */
#include <config.h>
#include "pytorch/runtime/cuda_graph.h"

#include <stdlib.h>

#include "pytorch/runtime/cuda_kernels.h"

enum { MOST_BYTES = 1 << 20, WORD = 4, BLOCK = 256 };

/* The value that every word of the fill gets. */
static uint32_t
word_of(const struct cuda_fill *f)
{
	return f->element_bytes == 1 ? (f->value & 0xff) * 0x01010101u : f->element_bytes == 2 ? (f->value & 0xffff) * 0x00010001u : f->value;
}

static bool
is_small(const struct cuda_fill *f)
{
	return f->rows <= 1 && f->width > 0 && f->width <= MOST_BYTES / f->element_bytes && f->to % WORD == 0 &&
	    f->width * f->element_bytes % WORD == 0;
}

/* The nodes before or after one, as list() gives them.  The caller frees *found. */
static bool
neighbours(cuda_result (*list)(cuda_node node, cuda_node *found, size_t *count), cuda_node node, cuda_node **found, size_t *count)
{
	*found = NULL;
	*count = 0;
	if (list(node, NULL, count) != 0)
		return false;
	*found = calloc(*count + 1, sizeof(**found));
	return *found != NULL && list(node, *found, count) == 0;
}

/* Gives a node the edges of another one. */
static bool
join(const struct cuda_driver *d, cuda_graph graph, cuda_node old, cuda_node made)
{
	cuda_node *before = NULL, *after = NULL;
	size_t before_count, after_count;
	bool is_joined = neighbours(d->node_before, old, &before, &before_count) && neighbours(d->node_after, old, &after, &after_count);

	for (size_t k = 0; is_joined && k < before_count; k++)
		is_joined = d->graph_add_edges(graph, &before[k], &made, 1) == 0;
	for (size_t k = 0; is_joined && k < after_count; k++)
		is_joined = d->graph_add_edges(graph, &made, &after[k], 1) == 0;
	free(before);
	free(after);
	return is_joined;
}

/* Returns whether a kernel has taken the place of the node.  What the driver refuses to take apart stays. */
static bool
replace(const struct cuda_driver *d, cuda_graph graph, cuda_function fill, cuda_node node)
{
	struct cuda_fill f;
	struct cuda_kernel kernel = { .function = fill, .grid = { 1, 1, 1 }, .block = { BLOCK, 1, 1 } };
	uint32_t value, words;
	cuda_node made;
	int type;

	if (d->node_type(node, &type) != 0 || type != CUDA_NODE_FILL || d->node_fill(node, &f) != 0 || !is_small(&f))
		return false;
	value = word_of(&f);
	words = (uint32_t)(f.width * f.element_bytes / WORD);
	kernel.grid[0] = (words + BLOCK - 1) / BLOCK;
	kernel.arguments = (void *[]) { &f.to, &value, &words };
	if (d->graph_add_kernel(&made, graph, NULL, 0, &kernel) != 0)
		return false;
	if (!join(d, graph, node, made)) {
		(void)d->graph_drop_node(made);
		return false;
	}
	return d->graph_drop_node(node) == 0;	/* where it stays, memory is filled twice */
}

static int
replace_all(const struct cuda_driver *d, cuda_graph graph, int32_t device, uint32_t *replaced, struct err *e)
{
	const cuda_function *kernels;
	cuda_node *nodes;
	size_t count = 0;
	cuda_result rc;

	if (cuda_kernels(d, device, &kernels, e) < 0)
		return -1;
	CUDA_CALL(d, graph_nodes, (graph, NULL, &count), e);
	nodes = calloc(count + 1, sizeof(*nodes));
	if (nodes == NULL)
		return err_set(e, ERR_SYSTEM, "out of memory");
	rc = d->graph_nodes(graph, nodes, &count);
	for (size_t k = 0; k < count && rc == 0; k++)
		*replaced += replace(d, graph, kernels[CUDA_KERNEL_FILL], nodes[k]);
	free(nodes);
	return rc == 0 ? 0 : cuda_failed(d, "graph_nodes", rc, e);
}

int
cuda_graph_fill_by_kernels(void *graph, int32_t device, uint32_t *replaced, struct err *e)
{
	const struct cuda_driver *d = cuda_driver(e);
	int rc;

	*replaced = 0;
	if (d == NULL || cuda_enter(d, device, e) < 0)
		return -1;
	rc = replace_all(d, graph, device, replaced, e);
	cuda_leave(d);
	return rc;
}
