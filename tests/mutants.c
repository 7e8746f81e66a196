/* SPDX-License-Identifier: Apache-2.0 */
/* Mutations of memory: buffers, places, limits, figures. */
#include <config.h>
#include "tests/mutants.h"

#include <math.h>
#include <string.h>

#include "tests/mutants_private.h"

void
mutant_init(struct mutant *m, const struct plan *p, struct random *r, struct arena *a)
{
	*m = (struct mutant) { *p, *p->graph, *p->device, r, a };
	m->plan.graph = &m->graph;
	m->plan.device = &m->device;
	m->plan.buffers = duplicate(a, p->buffers, p->buffer_count * sizeof(*p->buffers));
	m->plan.host = duplicate(a, p->host, p->host_count * sizeof(*p->host));
	m->plan.initial = duplicate(a, p->initial, p->initial_count * sizeof(*p->initial));
	m->plan.final = duplicate(a, p->final, p->final_count * sizeof(*p->final));
	m->plan.program = duplicate(a, p->program, p->instruction_count * sizeof(*p->program));
	m->graph.ops = duplicate(a, p->graph->ops, p->graph->op_count * sizeof(*p->graph->ops));
}

bool
mutant_shift_buffer(struct mutant *m)
{
	struct buffer *b = pick_buffer(m);

	b->offset_bytes = nudge(m, b->offset_bytes, 256 * (1 + random_below(m->r, 3)));
	return true;
}

bool
mutant_shift_buffer_re_edge(struct mutant *m)
{
	return re_edge(m, mutant_shift_buffer(m));
}

bool
mutant_stack_buffers(struct mutant *m)
{
	pick_buffer(m)->offset_bytes = pick_buffer(m)->offset_bytes;
	return true;
}

bool
mutant_stack_buffers_re_edge(struct mutant *m)
{
	return re_edge(m, mutant_stack_buffers(m));
}

bool
mutant_stack_persistent(struct mutant *m)
{
	const struct place *places = random_one_in(m->r, 2) ? m->plan.initial : m->plan.final;
	const struct place *place = &places[random_below(m->r, m->plan.initial_count)];
	struct buffer *b = pick_buffer(m);

	if (place->on_host || b == &m->plan.buffers[place->buffer])
		return false;
	b->offset_bytes = m->plan.buffers[place->buffer].offset_bytes;
	return true;
}

/* All buffers of the tensors that stay where they are move together. */
bool
mutant_stack_places(struct mutant *m)
{
	const struct place *x = &m->plan.initial[random_below(m->r, m->plan.initial_count)];
	const struct place *y = &m->plan.initial[random_below(m->r, m->plan.initial_count)];

	if (x->on_host || y->on_host || x == y)
		return false;
	m->plan.buffers[x->buffer].offset_bytes = m->plan.buffers[y->buffer].offset_bytes;
	for (uint32_t i = 0; i < m->plan.final_count; i++)
		if (m->plan.final[i].tensor == x->tensor)
			m->plan.buffers[m->plan.final[i].buffer].offset_bytes = m->plan.buffers[y->buffer].offset_bytes;
	return true;
}

bool
mutant_misalign_buffer(struct mutant *m)
{
	pick_buffer(m)->offset_bytes += 64 * (1 + random_below(m->r, 3));
	return true;
}

bool
mutant_misalign_host(struct mutant *m)
{
	if (m->plan.host_count == 0)
		return false;
	m->plan.host[random_below(m->r, m->plan.host_count)].offset_bytes += 128;
	return true;
}

bool
mutant_shift_host(struct mutant *m)
{
	struct buffer *b;

	if (m->plan.host_count == 0)
		return false;
	b = &m->plan.host[random_below(m->r, m->plan.host_count)];
	b->offset_bytes = nudge(m, b->offset_bytes, 256);
	return true;
}

bool
mutant_stack_host(struct mutant *m)
{
	if (m->plan.host_count < 2)
		return false;
	m->plan.host[random_below(m->r, m->plan.host_count)].offset_bytes = m->plan.host[random_below(m->r, m->plan.host_count)].offset_bytes;
	return true;
}

bool
mutant_stack_host_re_edge(struct mutant *m)
{
	return re_edge(m, mutant_stack_host(m));
}

bool
mutant_shrink_buffer(struct mutant *m)
{
	struct buffer *b = pick_buffer(m);

	if (b->bytes == 0)
		return false;
	b->bytes -= 64;
	return true;
}

bool
mutant_grow_buffer(struct mutant *m)
{
	pick_buffer(m)->bytes += 64 * (1 + random_below(m->r, 6));
	return true;
}

bool
mutant_grow_host(struct mutant *m)
{
	if (m->plan.host_count == 0)
		return false;
	m->plan.host[random_below(m->r, m->plan.host_count)].bytes += 64 * (1 + random_below(m->r, 6));
	return true;
}

bool
mutant_huge_buffer(struct mutant *m)
{
	struct buffer *b = m->plan.host_count > 0 && random_one_in(m->r, 3) ?
	    &m->plan.host[random_below(m->r, m->plan.host_count)] : pick_buffer(m);

	*(random_one_in(m->r, 2) ? &b->bytes : &b->offset_bytes) = random_one_in(m->r, 2) ? BYTES_MAX : UINT64_MAX - 255;
	return true;
}

bool
mutant_change_buffer_tensor(struct mutant *m)
{
	uint32_t t = random_below(m->r, m->graph.tensor_count + 2);

	pick_buffer(m)->tensor = t < m->graph.tensor_count ? t : t == m->graph.tensor_count ? PLAN_NONE : t;
	return true;
}

bool
mutant_change_host_tensor(struct mutant *m)
{
	uint32_t t = random_below(m->r, m->graph.tensor_count + 2);

	if (m->plan.host_count == 0)
		return false;
	m->plan.host[random_below(m->r, m->plan.host_count)].tensor = t < m->graph.tensor_count ? t :
	    t == m->graph.tensor_count ? PLAN_NONE : t;
	return true;
}

static struct place *
pick_place(struct mutant *m)
{
	if (random_one_in(m->r, 2))
		return &m->plan.initial[random_below(m->r, m->plan.initial_count)];
	return &m->plan.final[random_below(m->r, m->plan.final_count)];
}

bool
mutant_change_place(struct mutant *m)
{
	struct place *place = pick_place(m);
	uint32_t to = place->on_host ? sibling(m, m->plan.host, m->plan.host_count, place->buffer) :
	    sibling(m, m->plan.buffers, m->plan.buffer_count, place->buffer);

	if (to == PLAN_NONE)
		return false;
	place->buffer = to;
	return re_edge(m, true);
}

bool
mutant_change_both_places(struct mutant *m)
{
	uint32_t i = random_below(m->r, m->plan.initial_count), to;
	struct place *place = &m->plan.initial[i];

	to = place->on_host ? sibling(m, m->plan.host, m->plan.host_count, place->buffer) :
	    sibling(m, m->plan.buffers, m->plan.buffer_count, place->buffer);
	if (to == PLAN_NONE)
		return false;
	m->plan.initial[i].buffer = m->plan.final[i].buffer = to;
	return re_edge(m, true);
}

/* A last stay that only the end looks at, and that may be longer than needed. */
bool
mutant_own_final_stays(struct mutant *m)
{
	struct buffer *buffers = ARENA_NEW(m->a, struct buffer, m->plan.buffer_count + m->plan.final_count);
	uint32_t old = m->plan.buffer_count;

	memcpy(buffers, m->plan.buffers, old * sizeof(*buffers));
	m->plan.buffers = buffers;
	for (uint32_t i = 0; i < m->plan.final_count; i++) {
		struct place *place = &m->plan.final[i];

		if (place->on_host)
			continue;
		buffers[m->plan.buffer_count] = buffers[place->buffer];
		buffers[m->plan.buffer_count].bytes += random_one_in(m->r, 2) ? 0 : 256 * random_below(m->r, 6);
		place->buffer = m->plan.buffer_count++;
	}
	return m->plan.buffer_count > old;
}

bool
mutant_random_place(struct mutant *m)
{
	pick_place(m)->buffer = random_below(m->r, m->plan.buffer_count + 2);
	return true;
}

bool
mutant_turn_place(struct mutant *m)
{
	struct place *place = pick_place(m);

	place->on_host = !place->on_host;
	for (uint32_t i = 0; i < m->plan.buffer_count; i++)	/* one that holds the tensor, where there is one */
		if (!place->on_host && m->plan.buffers[i].tensor == place->tensor)
			place->buffer = i;
	for (uint32_t i = 0; i < m->plan.host_count; i++)
		if (place->on_host && m->plan.host[i].tensor == place->tensor)
			place->buffer = i;
	return true;
}

bool
mutant_place_of_transient(struct mutant *m)
{
	bool initial = random_one_in(m->r, 2);
	uint32_t t = m->graph.tensor_count - 1;

	*(initial ? &m->plan.initial[m->plan.initial_count++] : &m->plan.final[m->plan.final_count++]) = (struct place) { t, false, 0 };
	return true;
}

bool
mutant_place_twice(struct mutant *m)
{
	if (random_one_in(m->r, 2))
		m->plan.initial[m->plan.initial_count] = m->plan.initial[random_below(m->r, m->plan.initial_count)], m->plan.initial_count++;
	else
		m->plan.final[m->plan.final_count] = m->plan.final[random_below(m->r, m->plan.final_count)], m->plan.final_count++;
	return true;
}

bool
mutant_drop_place(struct mutant *m)
{
	if (random_one_in(m->r, 2))
		m->plan.initial_count--;
	else
		m->plan.final_count--;
	return true;
}

bool
mutant_place_of_unknown(struct mutant *m)
{
	pick_place(m)->tensor = m->graph.tensor_count;
	return true;
}

bool
mutant_small_arena(struct mutant *m)
{
	if (m->plan.arena_bytes < 64)
		return false;
	m->plan.arena_bytes -= 64;
	return true;
}

bool
mutant_small_host_pool(struct mutant *m)
{
	if (m->plan.host_bytes < 64)
		return false;
	m->plan.host_bytes -= 64;
	return true;
}

bool
mutant_small_budget(struct mutant *m)
{
	if (m->plan.arena_bytes == 0)
		return false;
	m->plan.budget_bytes = m->plan.arena_bytes - 1;
	return true;
}

bool
mutant_small_device(struct mutant *m)
{
	m->device.memory_bytes = m->plan.budget_bytes + m->device.reserved_bytes - 1;
	return true;
}

bool
mutant_small_pinned(struct mutant *m)
{
	if (m->plan.host_bytes == 0)
		return false;
	m->device.pinned_bytes = m->plan.host_bytes - 1;
	return true;
}

bool
mutant_wrong_figure(struct mutant *m)
{
	struct plan_figures *f = &m->plan.figures;
	bytes_t *all[] = { &f->peak_bytes, &f->offload_bytes, &f->fetch_bytes, &f->bound_bytes, &f->resident_bound_bytes };
	bytes_t *one = all[random_below(m->r, 5)];

	*one = nudge(m, *one, 1 + 255 * random_below(m->r, 2));
	return true;
}

bool
mutant_wrong_time(struct mutant *m)
{
	static const double wrong[] = { NAN, INFINITY, -1 };
	struct plan_predicted *t = &m->plan.predicted;
	double *all[] = { &m->plan.bound_time_us, &t->ideal_time_us, &t->step_time_us, &t->stall_time_us, &t->recompute_time_us };

	*all[random_below(m->r, 5)] = wrong[random_below(m->r, 3)];
	return true;
}

#define ROW(fn, name, always, ...) { name, mutant_##fn, always, __VA_ARGS__ },
const struct mutation mutations[] = { MUTATIONS(ROW) { NULL, NULL, false, ANY } };
#undef ROW
