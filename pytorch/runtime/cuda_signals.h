/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_signals.h - in a captured step, queues wait for each other by counters in memory
 *
 * Events that are captured become edges of the graph, and CUDA spreads a graph with edges between its queues over dozens of
 * hardware queues.  While many of them wait, the copy that runs loses up to 15 % of its rate, and kernels lose up to 4 %
 * (docs/validation.md).  With counters the graph is three chains without edges between them, one hardware queue each.
 *
 * Every queue has a counter, which the step sets to zero as it begins.  A queue raises its counter to a larger value after an
 * instruction; another queue goes on when the counter is at least that.  Copy engines do both by themselves.  In the compute queue
 * kernels of one thread do it, because a memory operation stops kernels around it for 5 to 30 us, and a kernel for 2 or 3.
 *
 * Chains that wait for each other have to run side by side.  Where they do not (one hardware queue, a debugger), the step would
 * hang, so the first program of a GPU tries it out.
 */
#ifndef PYTORCH_RUNTIME_CUDA_SIGNALS_H
#define PYTORCH_RUNTIME_CUDA_SIGNALS_H
#include "pytorch/runtime/cuda_driver.h"
#include "src/documents/plan.h"

enum { CUDA_SIGNALS_BYTES = 256 * QUEUE_COUNT };	/* of the counters, one for each queue, a line of memory apart */

struct cuda_signals {
	const struct cuda_driver *driver;
	const cuda_stream *streams;	/* [QUEUE_COUNT] not owned */
	const cuda_function *kernels;
	cuda_address counters;		/* 0: there are no signals here */
};

/* Fills s, whose GPU is current.  streams: idle.  Without signals here, s->counters is 0. */
void cuda_signals_open(struct cuda_signals *s, const struct cuda_driver *d, int32_t device, const cuda_stream *streams);
void cuda_signals_close(struct cuda_signals *s);

/* Commands for the streams: all counters to zero, in the compute queue; q's counter to value; q goes on when that of `other` is at
 * least value. */
int cuda_signals_reset(const struct cuda_signals *s, struct err *e) WARN_UNUSED;
int cuda_signals_raise(const struct cuda_signals *s, enum queue q, uint32_t value, struct err *e) WARN_UNUSED;
int cuda_signals_await(const struct cuda_signals *s, enum queue q, enum queue other, uint32_t value, struct err *e) WARN_UNUSED;
#endif
