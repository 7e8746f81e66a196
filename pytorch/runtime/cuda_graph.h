/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_graph.h - makes a captured step ready to be instantiated */
#ifndef PYTORCH_RUNTIME_CUDA_GRAPH_H
#define PYTORCH_RUNTIME_CUDA_GRAPH_H
#include <stdint.h>

#include "src/base/err.h"

/* Replaces the nodes of graph (CUgraph) that fill at most 1 MiB of memory by kernels that do the same.  A captured step has
 * hundreds: libraries clear counters before a kernel.  *replaced: how many nodes.  An error leaves the graph as it is. */
int cuda_graph_fill_by_kernels(void *graph, int32_t device, uint32_t *replaced, struct err *e) WARN_UNUSED;
#endif
