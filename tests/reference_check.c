/* SPDX-License-Identifier: Apache-2.0 */
/* reference_check.c - the two rules of soundness decided slowly: byte by byte, over the whole order of instructions */
#include <config.h>
#include "tests/reference_check.h"

#include <math.h>
#include <string.h>

const char *const verdict_names[VERDICT_COUNT] = { "sound", "structure", "space", "values", "figures" };

/* Structure. */

static bool
buffer_good(const struct plan *p, const struct buffer *b, bool host)
{
	bytes_t pool = host ? p->host_bytes : p->arena_bytes;

	if (b->tensor == PLAN_NONE && host)
		return false;
	if (b->tensor != PLAN_NONE && (b->tensor >= p->graph->tensor_count || b->bytes < p->graph->tensors[b->tensor].bytes))
		return false;
	return b->offset_bytes % 256 == 0 && b->offset_bytes <= pool && b->bytes <= pool && b->offset_bytes + b->bytes <= pool;
}

static const struct place *
place_of(const struct place *places, uint32_t count, uint32_t tensor, uint32_t *found)
{
	const struct place *one = NULL;

	*found = 0;
	for (uint32_t i = 0; i < count; i++)
		if (places[i].tensor == tensor) {
			one = &places[i];
			++*found;
		}
	return one;
}

static bool
place_good(const struct plan *p, const struct place *place)
{
	if (place->buffer >= (place->on_host ? p->host_count : p->buffer_count))
		return false;
	return (place->on_host ? p->host : p->buffers)[place->buffer].tensor == place->tensor;
}

static bool
places_good(const struct plan *p)
{
	for (uint32_t i = 0; i < p->initial_count; i++)
		if (p->initial[i].tensor >= p->graph->tensor_count)
			return false;
	for (uint32_t i = 0; i < p->final_count; i++)
		if (p->final[i].tensor >= p->graph->tensor_count)
			return false;
	for (uint32_t t = 0; t < p->graph->tensor_count; t++) {
		uint32_t first_count, last_count, want = p->graph->tensors[t].kind <= KIND_INPUT, wanted_last = want || p->graph->tensors[t].kind == KIND_RESULT;
		const struct place *first = place_of(p->initial, p->initial_count, t, &first_count);
		const struct place *last = place_of(p->final, p->final_count, t, &last_count);

		if (first_count != want || last_count != wanted_last)
			return false;
		if (wanted_last == 1 && !place_good(p, last))
			return false;
		if (want == 0)
			continue;
		if (!place_good(p, first) || !place_good(p, last) || first->on_host != last->on_host)
			return false;
		if (first->on_host ? first->buffer != last->buffer :
		    p->buffers[first->buffer].offset_bytes != p->buffers[last->buffer].offset_bytes)
			return false;
	}
	return true;
}

static bool
operand_good(const struct plan *p, uint32_t id, uint32_t tensor)
{
	return id < p->buffer_count && p->buffers[id].tensor == tensor;
}

static bool
run_good(const struct plan *p, uint32_t i)
{
	const struct instruction *in = &p->program[i];
	const struct op *o;
	bytes_t need;

	if (in->op >= p->graph->op_count)
		return false;
	o = &p->graph->ops[in->op];
	if (in->alternative != PLAN_NONE && in->alternative >= o->alternative_count)
		return false;
	need = in->alternative == PLAN_NONE ? o->workspace_bytes : o->alternatives[in->alternative].workspace_bytes;
	if ((need > 0) != (in->workspace != PLAN_NONE))
		return false;
	if (need > 0 && (!operand_good(p, in->workspace, PLAN_NONE) || p->buffers[in->workspace].bytes < need))
		return false;
	for (uint32_t k = 0; k < o->input_count; k++)
		if (!operand_good(p, in->reads[k], o->inputs[k]))
			return false;
	for (uint32_t k = 0; k < o->output_count; k++) {
		if (!operand_good(p, in->writes[k], o->outputs[k]))
			return false;
		for (uint32_t l = 0; l < o->input_count; l++)
			if (o->inputs[l] == o->outputs[k] && in->reads[l] != in->writes[k])
				return false;
	}
	return true;
}

static bool
transfer_good(const struct plan *p, const struct instruction *in)
{
	uint32_t tensor;

	if (in->device_buffer >= p->buffer_count || in->host_buffer >= p->host_count)
		return false;
	tensor = p->buffers[in->device_buffer].tensor;
	return tensor != PLAN_NONE && tensor == p->host[in->host_buffer].tensor && in->bytes <= BYTES_MAX && in->at_bytes <= BYTES_MAX &&
	    in->at_bytes + in->bytes <= p->graph->tensors[tensor].bytes;
}

/* Take all runs' ops: each op occurs, first occurrences rise, one occurrence if not recomputable. */
static bool
runs_good(const struct plan *p, struct arena *a)
{
	uint32_t *runs = ARENA_NEW(a, uint32_t, p->graph->op_count), next = 0;

	for (uint32_t i = 0; i < p->instruction_count; i++) {
		const struct instruction *in = &p->program[i];

		if (in->queue != QUEUE_COMPUTE)
			continue;
		if (runs[in->op]++ == 0 && in->op != next++)
			return false;
	}
	for (uint32_t k = 0; k < p->graph->op_count; k++)
		if (runs[k] == 0 || (runs[k] > 1 && !p->graph->ops[k].recomputable))
			return false;
	return true;
}

static bool
structure_good(const struct plan *p, struct arena *a)
{
	const double times[] = { p->bound_time_us, p->predicted.ideal_time_us, p->predicted.step_time_us,
	    p->predicted.stall_time_us, p->predicted.recompute_time_us };

	if (p->arena_bytes > p->budget_bytes || p->budget_bytes + p->device->reserved_bytes > p->device->memory_bytes ||
	    p->host_bytes > p->device->pinned_bytes)
		return false;
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
		if (!isfinite(times[i]) || times[i] < 0)
			return false;
	for (uint32_t i = 0; i < p->buffer_count; i++)
		if (!buffer_good(p, &p->buffers[i], false))
			return false;
	for (uint32_t i = 0; i < p->host_count; i++)
		if (!buffer_good(p, &p->host[i], true))
			return false;
	if (!places_good(p))
		return false;
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		const struct instruction *in = &p->program[i];

		for (uint32_t k = 0; k < in->after_count; k++)
			if (in->after[k] >= i || p->program[in->after[k]].queue == in->queue)
				return false;
		if (in->queue == QUEUE_COMPUTE ? !run_good(p, i) : !transfer_good(p, in))
			return false;
	}
	return runs_good(p, a);
}

/* Space. */

/* One access: at 0 (the beginning), i + 1 (instruction i), or instruction_count + 1 (the end). */
struct reference_access {
	uint32_t at, buffer;
	bool host, write, operand;	/* operand: of a run, not its workspace */
};

struct touches { struct reference_access *list; size_t count, capacity; struct arena *arena; };

static void
touch(struct touches *t, uint32_t at, uint32_t buffer, bool host, bool write, bool operand)
{
	*ARENA_PUSH(t->arena, t->list, t->count, t->capacity) = (struct reference_access) { at, buffer, host, write, operand };
}

static void
find_touches(struct touches *t, const struct plan *p)
{
	for (uint32_t i = 0; i < p->initial_count; i++)
		touch(t, 0, p->initial[i].buffer, p->initial[i].on_host, true, false);
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		const struct instruction *in = &p->program[i];

		if (in->queue == QUEUE_COMPUTE) {
			for (uint32_t k = 0; k < p->graph->ops[in->op].input_count; k++)
				touch(t, i + 1, in->reads[k], false, false, true);
			for (uint32_t k = 0; k < p->graph->ops[in->op].output_count; k++)
				touch(t, i + 1, in->writes[k], false, true, true);
			if (in->workspace != PLAN_NONE)
				touch(t, i + 1, in->workspace, false, true, false);
		} else {
			touch(t, i + 1, in->device_buffer, false, in->queue == QUEUE_IN, false);
			touch(t, i + 1, in->host_buffer, true, in->queue == QUEUE_OUT, false);
		}
	}
	for (uint32_t i = 0; i < p->final_count; i++)
		touch(t, p->instruction_count + 1, p->final[i].buffer, p->final[i].on_host, false, false);
}

/* before[x * n + y]: x has ended before y begins. */
static bool *
find_before(const struct plan *p, struct arena *a)
{
	uint32_t n = p->instruction_count + 2;
	bool *before = ARENA_NEW(a, bool, (size_t)n * n);

	for (uint32_t i = 1; i < n; i++)
		before[0 * n + i] = true;
	for (uint32_t i = 0; i + 1 < n; i++)
		before[i * n + n - 1] = true;
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		for (uint32_t j = 0; j < i; j++)
			if (p->program[j].queue == p->program[i].queue)
				before[(j + 1) * n + i + 1] = true;
		for (uint32_t k = 0; k < p->program[i].after_count; k++)
			before[(p->program[i].after[k] + 1) * n + i + 1] = true;
	}
	for (uint32_t k = 0; k < n; k++)
		for (uint32_t i = 0; i < n; i++)
			for (uint32_t j = 0; before[i * n + k] && j < n; j++)
				before[i * n + j] |= before[k * n + j];
	return before;
}

static bool
share_bytes(const struct buffer *x, const struct buffer *y)
{
	return x->bytes > 0 && y->bytes > 0 && x->offset_bytes < y->offset_bytes + y->bytes &&
	    y->offset_bytes < x->offset_bytes + x->bytes;
}

static bool
replaces(const struct plan *p, const struct reference_access *in, const struct reference_access *out)
{
	const struct buffer *x = &p->buffers[in->buffer], *y = &p->buffers[out->buffer];

	return !in->host && in->at == out->at && in->operand && out->operand && !in->write && out->write &&
	    x->offset_bytes == y->offset_bytes && op_may_share(&p->graph->ops[p->program[in->at - 1].op], x->tensor, y->tensor);
}

/* Every access to buffer x before every one to y, but for what inplace allows. */
static bool
all_before(const struct plan *p, const struct touches *t, const bool *before, bool host, uint32_t x, uint32_t y)
{
	uint32_t n = p->instruction_count + 2;

	for (size_t i = 0; i < t->count; i++) {
		const struct reference_access *tx = &t->list[i];

		if (tx->host != host || tx->buffer != x)
			continue;
		for (size_t j = 0; j < t->count; j++) {
			const struct reference_access *ty = &t->list[j];

			if (ty->host == host && ty->buffer == y && !before[tx->at * n + ty->at] && !replaces(p, tx, ty))
				return false;
		}
	}
	return true;
}

static bool
space_good(const struct plan *p, struct arena *a)
{
	struct touches t = { .arena = a };
	const bool *before = find_before(p, a);
	uint32_t n = p->instruction_count + 2;

	find_touches(&t, p);
	for (size_t i = 0; i < t.count; i++)
		for (size_t j = i + 1; j < t.count; j++) {
			const struct reference_access *x = &t.list[i], *y = &t.list[j];

			if (x->host != y->host || x->buffer != y->buffer || !(x->write || y->write) || x->at == y->at)
				continue;
			if (!before[x->at * n + y->at] && !before[y->at * n + x->at])
				return false;
		}
	for (int host = 0; host < 2; host++) {
		const struct buffer *buffers = host ? p->host : p->buffers;
		uint32_t count = host ? p->host_count : p->buffer_count;

		for (uint32_t x = 0; x < count; x++)
			for (uint32_t y = x + 1; y < count; y++)
				if (share_bytes(&buffers[x], &buffers[y]) && !all_before(p, &t, before, host, x, y) &&
				    !all_before(p, &t, before, host, y, x))
					return false;
	}
	return true;
}

/* Values. */

/* One unit of memory: unit `index` of a value.  Value 0 is nothing, t + 1 tensor t's value before the step,
 * the others are made by ops. */
struct byte_cell { uint32_t value, index; };

struct replayed {
	const struct plan *p;
	bytes_t unit;			/* divides every offset and size */
	struct byte_cell *memory[2];
	uint32_t *wanted;		/* [op_count + 1][tensor_count] value before op k; the last row: after the step */
};

static bytes_t
gcd(bytes_t x, bytes_t y)
{
	return y == 0 ? x : gcd(y, x % y);
}

static bytes_t
find_unit(const struct plan *p)
{
	bytes_t u = gcd(p->arena_bytes, p->host_bytes);

	for (uint32_t i = 0; i < p->buffer_count; i++)
		u = gcd(gcd(u, p->buffers[i].offset_bytes), p->buffers[i].bytes);
	for (uint32_t i = 0; i < p->host_count; i++)
		u = gcd(gcd(u, p->host[i].offset_bytes), p->host[i].bytes);
	for (uint32_t i = 0; i < p->graph->tensor_count; i++)
		u = gcd(u, p->graph->tensors[i].bytes);
	for (uint32_t i = 0; i < p->instruction_count; i++)
		if (p->program[i].queue != QUEUE_COMPUTE)
			u = gcd(gcd(u, p->program[i].at_bytes), p->program[i].bytes);
	return u == 0 ? 1 : u;
}

static uint32_t
value_of_output(const struct graph *g, uint32_t op, uint32_t output)
{
	return 1 + g->tensor_count + op * 100 + output;
}

static void
find_wanted(struct replayed *m, struct arena *a)
{
	const struct graph *g = m->p->graph;
	uint32_t n = g->tensor_count;

	m->wanted = ARENA_NEW(a, uint32_t, (size_t)(g->op_count + 1) * n);
	for (uint32_t t = 0; t < n; t++)
		m->wanted[t] = kind_is_persistent(g->tensors[t].kind) ? t + 1 : 0;
	for (uint32_t k = 0; k < g->op_count; k++) {
		memcpy(&m->wanted[(k + 1) * n], &m->wanted[k * n], n * sizeof(*m->wanted));
		for (uint32_t j = 0; j < g->ops[k].output_count; j++)
			m->wanted[(k + 1) * n + g->ops[k].outputs[j]] = value_of_output(g, k, j);
	}
}

static void
put(struct replayed *m, bool host, bytes_t offset, bytes_t bytes, uint32_t value)
{
	for (bytes_t i = 0; i < bytes / m->unit; i++)
		m->memory[host][offset / m->unit + i] = (struct byte_cell) { value, value == 0 ? 0 : (uint32_t)i };
}

static bool
holds(const struct replayed *m, bool host, uint32_t buffer, uint32_t value)
{
	const struct buffer *b = host ? &m->p->host[buffer] : &m->p->buffers[buffer];

	for (bytes_t i = 0; value != 0 && i < m->p->graph->tensors[b->tensor].bytes / m->unit; i++) {
		struct byte_cell c = m->memory[host][b->offset_bytes / m->unit + i];

		if (c.value != value || c.index != i)
			return false;
	}
	return true;
}

static bool
run_holds(struct replayed *m, const struct instruction *in)
{
	const struct plan *p = m->p;
	const struct op *o = &p->graph->ops[in->op];

	for (uint32_t k = 0; k < o->input_count; k++)
		if (!holds(m, false, in->reads[k], m->wanted[in->op * p->graph->tensor_count + o->inputs[k]]))
			return false;
	if (in->workspace != PLAN_NONE)
		put(m, false, p->buffers[in->workspace].offset_bytes, p->buffers[in->workspace].bytes, 0);
	for (uint32_t k = 0; k < o->output_count; k++)
		put(m, false, p->buffers[in->writes[k]].offset_bytes, p->graph->tensors[o->outputs[k]].bytes,
		    value_of_output(p->graph, in->op, k));
	return true;
}

static void
move(struct replayed *m, const struct instruction *in)
{
	struct byte_cell *device = &m->memory[0][(m->p->buffers[in->device_buffer].offset_bytes + in->at_bytes) / m->unit];
	struct byte_cell *host = &m->memory[1][(m->p->host[in->host_buffer].offset_bytes + in->at_bytes) / m->unit];
	size_t bytes = in->bytes / m->unit * sizeof(struct byte_cell);

	if (in->queue == QUEUE_OUT)
		memcpy(host, device, bytes);
	else
		memcpy(device, host, bytes);
}

static bool
values_good(const struct plan *p, struct arena *a)
{
	struct replayed m = { .p = p, .unit = find_unit(p) };

	m.memory[0] = ARENA_NEW(a, struct byte_cell, p->arena_bytes / m.unit + 1);
	m.memory[1] = ARENA_NEW(a, struct byte_cell, p->host_bytes / m.unit + 1);
	find_wanted(&m, a);
	for (uint32_t i = 0; i < p->initial_count; i++)
		put(&m, p->initial[i].on_host, (p->initial[i].on_host ? p->host : p->buffers)[p->initial[i].buffer].offset_bytes,
		    p->graph->tensors[p->initial[i].tensor].bytes, p->initial[i].tensor + 1);
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		if (p->program[i].queue != QUEUE_COMPUTE)
			move(&m, &p->program[i]);
		else if (!run_holds(&m, &p->program[i]))
			return false;
	}
	for (uint32_t i = 0; i < p->final_count; i++)
		if (!holds(&m, p->final[i].on_host, p->final[i].buffer,
		    m.wanted[p->graph->op_count * p->graph->tensor_count + p->final[i].tensor]))
			return false;
	return true;
}

/* Figures. */

static bytes_t
least(bytes_t x, bytes_t y)
{
	return x < y ? x : y;
}

/* At one moment: all buffers between first and last use, less what an output took over. */
static bytes_t
bytes_at(const struct plan *p, const struct touches *t, uint32_t at, const uint32_t *first, const uint32_t *last)
{
	bytes_t sum = 0;

	for (uint32_t i = 0; i < p->buffer_count; i++)
		if (first[i] <= at && at <= last[i])
			sum += bytes_align(p->buffers[i].bytes, 256);
	for (size_t j = 0; j < t->count; j++) {
		const struct reference_access *y = &t->list[j];
		bytes_t most = 0;

		if (y->at != at || !y->write || y->host)
			continue;
		for (size_t i = 0; i < t->count; i++) {
			const struct reference_access *x = &t->list[i];
			bool also = false;

			if (x->host || !replaces(p, x, y) || last[x->buffer] != at || first[y->buffer] != at)
				continue;
			for (size_t k = 0; k < t->count; k++)	/* an input that is written too, an output that is read too */
				also |= t->list[k].at == at && !t->list[k].host && ((t->list[k].buffer == x->buffer && t->list[k].write) ||
				    (t->list[k].buffer == y->buffer && !t->list[k].write));
			if (!also && least(p->buffers[x->buffer].bytes, p->buffers[y->buffer].bytes) > most)
				most = least(p->buffers[x->buffer].bytes, p->buffers[y->buffer].bytes);
		}
		sum -= bytes_align(most, 256);
	}
	return sum;
}

/* Is tensor t on the device during op k if no tensor whose value the next step or a reader needs ever leaves it? */
static bool
stays(const struct graph *g, uint32_t t, uint32_t k)
{
	bool written = false;

	for (uint32_t i = 0; i <= k; i++)
		written |= op_writes(&g->ops[i], t);
	return kind_is_persistent(g->tensors[t].kind) || (g->tensors[t].kind == KIND_RESULT && written);
}

static bytes_t
bound_of(const struct graph *g, uint32_t op, bool resident)
{
	const struct op *o = &g->ops[op];
	bytes_t sum = 0, workspace = o->workspace_bytes;

	for (uint32_t i = 0; i < o->alternative_count; i++)
		workspace = least(workspace, o->alternatives[i].workspace_bytes);
	for (uint32_t t = 0; t < g->tensor_count; t++)
		if (op_reads(o, t) || op_writes(o, t) || (resident && stays(g, t, op)))
			sum += g->tensors[t].bytes;
	for (uint32_t j = 0; j < o->output_count; j++) {
		bytes_t most = 0;

		for (uint32_t t = 0; t < g->tensor_count; t++)
			if (op_may_share(o, t, o->outputs[j]) && least(g->tensors[t].bytes, g->tensors[o->outputs[j]].bytes) > most)
				most = least(g->tensors[t].bytes, g->tensors[o->outputs[j]].bytes);
		sum -= most;
	}
	return sum + workspace;
}

struct plan_figures
reference_figures(const struct plan *p, struct arena *a)
{
	struct plan_figures f = { 0 };
	struct touches t = { .arena = a };
	uint32_t *first = ARENA_NEW(a, uint32_t, p->buffer_count), *last = ARENA_NEW(a, uint32_t, p->buffer_count);

	find_touches(&t, p);
	for (uint32_t i = 0; i < p->buffer_count; i++)
		first[i] = UINT32_MAX;
	for (size_t i = 0; i < t.count; i++)
		if (!t.list[i].host) {
			uint32_t b = t.list[i].buffer;

			first[b] = t.list[i].at < first[b] ? t.list[i].at : first[b];
			last[b] = t.list[i].at > last[b] ? t.list[i].at : last[b];
		}
	for (uint32_t at = 0; at < p->instruction_count + 2; at++) {
		bytes_t bytes = bytes_at(p, &t, at, first, last);

		f.peak_bytes = bytes > f.peak_bytes ? bytes : f.peak_bytes;
	}
	for (uint32_t i = 0; i < p->instruction_count; i++) {
		f.offload_bytes += p->program[i].queue == QUEUE_OUT ? p->program[i].bytes : 0;
		f.fetch_bytes += p->program[i].queue == QUEUE_IN ? p->program[i].bytes : 0;
	}
	for (uint32_t k = 0; k < p->graph->op_count; k++) {
		bytes_t all = bound_of(p->graph, k, false), resident = bound_of(p->graph, k, true);

		f.bound_bytes = all > f.bound_bytes ? all : f.bound_bytes;
		f.resident_bound_bytes = resident > f.resident_bound_bytes ? resident : f.resident_bound_bytes;
	}
	return f;
}

enum verdict
reference_check(const struct plan *p, struct arena *a)
{
	struct plan_figures f;

	if (!structure_good(p, a))
		return BAD_STRUCTURE;
	if (!space_good(p, a))
		return BAD_SPACE;
	if (!values_good(p, a))
		return BAD_VALUES;
	f = reference_figures(p, a);
	return memcmp(&f, &p->figures, sizeof(f)) == 0 ? SOUND : BAD_FIGURES;
}
