/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_signals.c - the commands that raise and await counters */
#include <config.h>
#include "pytorch/runtime/cuda_signals.h"

#include "pytorch/runtime/cuda_kernels.h"
#include "pytorch/runtime/cuda_probe.h"

enum { APART = CUDA_SIGNALS_BYTES / QUEUE_COUNT };

static cuda_address
counter_of(const struct cuda_signals *s, enum queue q)
{
	return s->counters + (cuda_address)q * APART;
}

void
cuda_signals_open(struct cuda_signals *s, const struct cuda_driver *d, int32_t device, const cuda_stream *streams)
{
	struct err e = ERR_INIT;

	*s = (struct cuda_signals) { .driver = d, .streams = streams };
	if (cuda_kernels(d, device, &s->kernels, &e) == 0 && cuda_probe(s, device) &&
	    d->memory_take(&s->counters, CUDA_SIGNALS_BYTES) != 0)
		s->counters = 0;
}

void
cuda_signals_close(struct cuda_signals *s)
{
	if (s->counters != 0)
		(void)s->driver->memory_give(s->counters);
	s->counters = 0;
}

int
cuda_signals_reset(const struct cuda_signals *s, struct err *e)
{
	CUDA_CALL(s->driver, stream_fill, (s->counters, 0, CUDA_SIGNALS_BYTES / sizeof(uint32_t), s->streams[QUEUE_COMPUTE]), e);
	return 0;
}

static int
launch(const struct cuda_signals *s, cuda_function kernel, cuda_address at, uint32_t value, struct err *e)
{
	void *arguments[] = { &at, &value };

	CUDA_CALL(s->driver, stream_launch, (kernel, 1, 1, 1, 1, 1, 1, 0, s->streams[QUEUE_COMPUTE], arguments, NULL), e);
	return 0;
}

int
cuda_signals_raise(const struct cuda_signals *s, enum queue q, uint32_t value, struct err *e)
{
	if (q == QUEUE_COMPUTE)
		return launch(s, s->kernels[CUDA_KERNEL_RAISE], counter_of(s, q), value, e);
	CUDA_CALL(s->driver, stream_write, (s->streams[q], counter_of(s, q), value, 0), e);
	return 0;
}

int
cuda_signals_await(const struct cuda_signals *s, enum queue q, enum queue other, uint32_t value, struct err *e)
{
	if (q == QUEUE_COMPUTE)
		return launch(s, s->kernels[CUDA_KERNEL_AWAIT], counter_of(s, other), value, e);
	CUDA_CALL(s->driver, stream_await, (s->streams[q], counter_of(s, other), value, CUDA_AT_LEAST), e);
	return 0;
}
