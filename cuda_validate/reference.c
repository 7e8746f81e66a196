/* SPDX-License-Identifier: Apache-2.0 */
/* reference.c - follows the graph's ops by digests, and compares them with a replay's */
#include <config.h>
#include "cuda_validate/reference.h"

#include "cuda_validate/pattern.h"

/* Digests of smaller values are worked out here, because a call to the machine takes longer. */
enum { SMALL_BYTES = 1 << 17 };

uint64_t
reference_initial(uint64_t seed, uint32_t tensor)
{
	return pattern_mix(seed * UINT64_C(0x9e3779b97f4a7c15) + UINT64_C(0x100000000) + tensor);
}

static int
value_digest(const struct reference *r, bytes_t bytes, uint64_t seed, uint64_t *digest, struct err *e)
{
	if (!r->sample && bytes > SMALL_BYTES)
		return r->backend->formula(r->machine, bytes, seed, digest, e);
	*digest = pattern_formula(bytes, seed, r->sample);
	return 0;
}

int
reference_init(struct reference *r, const struct job *job, const struct backend *b, struct machine *m, struct arena *a,
    struct err *e)
{
	const struct graph *g = job->plan->graph;
	size_t inputs = 0;

	*r = (struct reference) { .graph = g, .backend = b, .machine = m, .sample = job->options.sample, .seed = job->options.seed };
	r->now = ARENA_NEW(a, uint64_t, g->tensor_count);
	r->defined = ARENA_NEW(a, bool, g->tensor_count);
	r->input_first = ARENA_NEW(a, size_t, g->op_count);
	for (uint32_t k = 0; k < g->op_count; k++) {
		r->input_first[k] = inputs;
		inputs += g->ops[k].input_count;
	}
	r->read = ARENA_NEW(a, uint64_t, inputs);
	for (uint32_t t = 0; t < g->tensor_count; t++)
		if (kind_is_persistent(g->tensors[t].kind) &&
		    value_digest(r, g->tensors[t].bytes, reference_initial(r->seed, t), &r->now[t], e) < 0)
			return -1;
	return 0;
}

static int
follow_op(struct reference *r, uint32_t k, uint64_t step, struct err *e)
{
	const struct op *o = &r->graph->ops[k];
	uint64_t s = pattern_op(r->seed, k, step);

	for (uint32_t i = 0; i < o->input_count; i++) {
		uint32_t t = o->inputs[i];

		r->read[r->input_first[k] + i] = r->now[t];
		if (r->defined[t] && r->graph->tensors[t].bytes > 0)
			s = pattern_read(s, r->now[t]);
	}
	for (uint32_t j = 0; j < o->output_count; j++) {
		uint32_t t = o->outputs[j];

		if (value_digest(r, r->graph->tensors[t].bytes, pattern_write(s, j), &r->now[t], e) < 0)
			return -1;
		r->defined[t] = true;
	}
	return 0;
}

int
reference_step(struct reference *r, uint64_t step, struct err *e)
{
	for (uint32_t t = 0; t < r->graph->tensor_count; t++)
		r->defined[t] = kind_is_persistent(r->graph->tensors[t].kind);
	for (uint32_t k = 0; k < r->graph->op_count; k++)
		if (follow_op(r, k, step, e) < 0)
			return -1;
	return 0;
}

/* ---- comparing ---- */

static int
compare_reads(const struct reference *r, const struct job *job, uint64_t step, const uint64_t *digests, struct err *e)
{
	char name[48];

	for (uint32_t i = 0; i < job->plan->instruction_count; i++) {
		const struct instruction *in = &job->plan->program[i];
		const struct effect *w = &job->effects[i];

		for (size_t n = w->read_first; n < (size_t)w->read_first + w->read_count; n++) {
			uint32_t input = job->reads[n].input;

			if (digests[n] == r->read[r->input_first[in->op] + input])
				continue;
			err_set(e, ERR_NO, "wrong data in step %" PRIu64 ": op %" PRIu32 " '%s' is the first to read other bytes than "
			    "the graph's order gives, in tensor %" PRIu32, step, in->op, err_quote(name, r->graph->ops[in->op].name),
			    r->graph->ops[in->op].inputs[input]);
			err_at(e, "reads[%" PRIu32 "]", input);
			return err_at(e, "program[%" PRIu32 "]", i);
		}
	}
	return 0;
}

/* Returns the last op that writes a tensor, or PLAN_NONE. */
static uint32_t
last_writer(const struct graph *g, uint32_t tensor)
{
	for (uint32_t k = g->op_count; k > 0; k--)
		if (op_writes(&g->ops[k - 1], tensor))
			return k - 1;
	return PLAN_NONE;
}

static int
final_differs(const struct graph *g, uint32_t place, uint32_t tensor, uint64_t step, struct err *e)
{
	uint32_t k = last_writer(g, tensor);
	char name[48];

	if (k == PLAN_NONE)
		err_set(e, ERR_NO, "wrong data after step %" PRIu64 ": tensor %" PRIu32 ", which no op writes, has changed", step, tensor);
	else
		err_set(e, ERR_NO, "wrong data after step %" PRIu64 ": tensor %" PRIu32 " is not what op %" PRIu32 " '%s' wrote",
		    step, tensor, k, err_quote(name, g->ops[k].name));
	return err_at(e, "final[%" PRIu32 "]", place);
}

int
reference_compare(const struct reference *r, const struct job *job, uint64_t step, struct err *e)
{
	const struct plan *p = job->plan;
	const uint64_t *digests;
	uint64_t got;

	if (r->backend->reads(r->machine, &digests, e) < 0 || compare_reads(r, job, step, digests, e) < 0)
		return -1;
	for (uint32_t k = 0; k < p->final_count; k++) {
		const struct place *f = &p->final[k];
		bytes_t bytes = r->graph->tensors[f->tensor].bytes;
		bytes_t offset = (f->on_host ? p->host : p->buffers)[f->buffer].offset_bytes;

		if (bytes == 0)
			continue;
		if (r->backend->digest(r->machine, f->on_host, offset, bytes, &got, e) < 0)
			return -1;
		if (got != r->now[f->tensor])
			return final_differs(r->graph, k, f->tensor, step, e);
	}
	return 0;
}
