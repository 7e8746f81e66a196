/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that any simulation must obey, and the definitions of rates and of occupancy applied
 * interval by interval, on random programs. */
#include <config.h>
#include "tests/tap.h"

#include <math.h>
#include <string.h>

#include "tests/toy_plan.h"

static uint64_t random_state;

static uint32_t
draw(uint32_t n)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 33) % n;
}

static void
random_program(struct toy *b, uint64_t seed)
{
	toy_init(b);
	random_state = seed * 7919 + 1;
	for (int dir = 0; dir < DIRECTION_COUNT; dir++)
		b->device.link[dir] = (struct link_direction){ .latency_us = draw(3) * 2.5, .bytes_per_s = 1e6 * (200 + draw(1000)) };
	b->device.duplex_bytes_per_s = 1e6 * (300 + draw(1500));
	b->device.copy_engines = 1 + draw(2);
	b->device.contention[CLASS_CONV] = 1 + draw(5) / 4.0;
	b->device.contention[CLASS_NORM] = 1 + draw(5) / 4.0;
	b->graph.tensor_count = 8;
	b->plan.buffer_count = b->plan.host_count = 12;
	for (uint32_t k = 0; k < 12; k++) {
		b->tensors[k % 8] = (struct tensor){ 1, (enum kind)(k % KIND_COUNT) };
		b->buffers[k] = (struct buffer){ draw(9) == 0 ? PLAN_NONE : draw(8), 0, draw(3) * 100 };
		b->host[k] = (struct buffer){ draw(8), 0, 300 };
		if (draw(4) == 0)
			b->initial[b->plan.initial_count++] = (struct place){ 0, draw(2), k };
		if (draw(4) == 0)
			b->final[b->plan.final_count++] = (struct place){ 0, draw(2), k };
	}
	for (uint32_t n = 1 + draw(MOST - 1), id = 0; id < n; id++) {
		struct instruction in = { .queue = (enum queue)draw(3), .op = id, .workspace = PLAN_NONE, .alternative = PLAN_NONE };

		b->ops[id] = (struct op){ .name = "op", .class = draw(2) ? CLASS_CONV : CLASS_NORM, .time_us = draw(8) * 3.7 };
		b->graph.op_count++;
		in.bytes = draw(6) * 1777;
		in.device_buffer = draw(12);
		in.host_buffer = draw(12);
		in.reads = in.writes = b->held[id];
		b->held[id][0] = draw(12);
		b->ops[id].inputs = b->ops[id].outputs = b->ids[id];
		b->ops[id].input_count = draw(2);
		b->ops[id].output_count = draw(2);
		if (draw(3) == 0)
			in.workspace = draw(12);
		in.after = b->after[id];
		while (id > 0 && in.after_count < MOST_EDGES && draw(3) > 0) {
			uint32_t other = id - 1 - draw(id < 9 ? id : 9);

			if (b->program[other].queue != in.queue)
				b->after[id][in.after_count++] = other;
			else if (draw(2))
				break;
		}
		b->program[id] = in;
		b->plan.instruction_count++;
	}
}

/* When the transfer begins to move bytes; its rate alone in bytes/us. */
static double
moves_from(const struct toy *b, uint32_t id)
{
	const struct instruction *in = &b->program[id];

	return b->result.spans[id].start_us + b->device.link[in->queue - 1].latency_us;
}

static double
alone(const struct toy *b, uint32_t id)
{
	return b->device.link[b->program[id].queue - 1].bytes_per_s / 1e6;
}

/* The transfer of queue q that moves bytes at t, or PLAN_NONE. */
static uint32_t
moving_at(const struct toy *b, enum queue q, double t)
{
	for (uint32_t id = 0; id < b->plan.instruction_count; id++)
		if (b->program[id].queue == q && b->program[id].bytes > 0 && moves_from(b, id) < t && t < b->result.spans[id].end_us)
			return id;
	return PLAN_NONE;
}

/* The work that instruction id does in a stretch of time in which nothing begins or ends: bytes
 * or microseconds of compute. */
static double
work(const struct toy *b, uint32_t id, double from, double to)
{
	double t = (from + to) / 2, sum, factor;
	uint32_t out = moving_at(b, QUEUE_OUT, t), in = moving_at(b, QUEUE_IN, t);

	if (b->program[id].queue == QUEUE_COMPUTE) {
		factor = b->device.contention[b->ops[b->program[id].op].class] - 1;
		factor *= ((out != PLAN_NONE) + (in != PLAN_NONE)) / 2.0;
		return (to - from) / (1 + factor);
	}
	if (id != out && id != in)
		return 0;
	sum = (out == PLAN_NONE ? 0 : alone(b, out)) + (in == PLAN_NONE ? 0 : alone(b, in));
	factor = out != PLAN_NONE && in != PLAN_NONE ? fmin(1, b->device.duplex_bytes_per_s / 1e6 / sum) : 1;
	return (to - from) * alone(b, id) * factor;
}

/* Every moment at which something begins, begins to move, or ends, in order. */
static uint32_t
moments(const struct toy *b, double *times)
{
	uint32_t n = 0, i;

	for (uint32_t id = 0; id < b->plan.instruction_count; id++) {
		double t[3] = { b->result.spans[id].start_us, b->result.spans[id].end_us, b->result.spans[id].end_us };

		if (b->program[id].queue != QUEUE_COMPUTE)
			t[2] = moves_from(b, id);
		for (int k = 0; k < 3; k++) {
			for (i = n++; i > 0 && times[i - 1] > t[k]; i--)
				times[i] = times[i - 1];
			times[i] = t[k];
		}
	}
	return n;
}

/* The work done in the spans is the work that there was: from the definition, interval by interval. */
static bool
work_is_right(const struct toy *b)
{
	double times[3 * MOST];
	uint32_t n = moments(b, times);

	for (uint32_t id = 0; id < b->plan.instruction_count; id++) {
		const struct instruction *in = &b->program[id];
		const struct sim_span *s = &b->result.spans[id];
		double want = in->queue == QUEUE_COMPUTE ? b->ops[in->op].time_us : (double)in->bytes, done = 0;

		for (uint32_t i = 0; i + 1 < n; i++)
			if (times[i] >= s->start_us && times[i + 1] <= s->end_us && times[i + 1] > times[i])
				done += work(b, id, times[i], times[i + 1]);
		if (fabs(done - want) > 1e-6)
			return false;
		if (in->queue != QUEUE_COMPUTE && in->bytes == 0 && fabs(s->end_us - moves_from(b, id)) > 1e-9)
			return false;
	}
	return true;
}

/* The moment from which an instruction could have started but for the copy engine. */
static double
ready_at(const struct toy *b, uint32_t id)
{
	const struct instruction *in = &b->program[id];
	double t = 0;

	for (uint32_t k = 0; k < id; k++)
		if (b->program[k].queue == in->queue)
			t = b->result.spans[k].end_us;
	for (uint32_t i = 0; i < in->after_count; i++)
		t = fmax(t, b->result.spans[in->after[i]].end_us);
	return t;
}

/* In order, after what it waits for, and with two engines not a moment later. */
static bool
starts_are_right(const struct toy *b)
{
	for (uint32_t id = 0; id < b->plan.instruction_count; id++) {
		const struct sim_span *s = &b->result.spans[id];
		double ready = ready_at(b, id);

		if (s->start_us < ready || s->end_us < s->start_us || s->end_us > b->result.step_time_us)
			return false;
		if (s->start_us > ready && (b->device.copy_engines == 2 || b->program[id].queue == QUEUE_COMPUTE))
			return false;
	}
	return true;
}

/* With one engine no two transfers overlap; what waits starts when another ends; and none that was
 * ready later goes first. */
static bool
engine_is_right(const struct toy *b)
{
	const struct sim_span *spans = b->result.spans;

	for (uint32_t i = 0; b->device.copy_engines == 1 && i < b->plan.instruction_count; i++) {
		double ready = ready_at(b, i);
		bool handed = spans[i].start_us <= ready;

		if (b->program[i].queue == QUEUE_COMPUTE)
			continue;
		for (uint32_t k = 0; k < b->plan.instruction_count; k++) {
			if (k == i || b->program[k].queue == QUEUE_COMPUTE)
				continue;
			if (fmin(spans[i].end_us, spans[k].end_us) > fmax(spans[i].start_us, spans[k].start_us))
				return false;
			if (spans[k].start_us >= ready && spans[k].start_us < spans[i].start_us && ready_at(b, k) > ready)
				return false;
			if (spans[k].end_us == spans[i].start_us)
				handed = true;
		}
		if (!handed)
			return false;
	}
	return true;
}

static bool
sums_are_right(const struct toy *b)
{
	const struct sim_result *r = &b->result;
	double runs = 0, queues[QUEUE_COUNT] = { 0 }, stalls = 0;

	for (uint32_t id = 0; id < b->plan.instruction_count; id++) {
		const struct instruction *in = &b->program[id];

		if (in->queue == QUEUE_COMPUTE)
			runs += b->ops[in->op].time_us;
		else
			queues[in->queue] += device_transfer_us(&b->device, in->queue == QUEUE_OUT ? D2H : H2D, in->bytes);
	}
	for (uint32_t k = 0; k < r->stall_count; k++) {
		const struct sim_stall *s = &r->stalls[k];

		stalls += s->end_us - s->start_us;
		if (s->end_us <= s->start_us || s->cause == PLAN_NONE || b->program[s->cause].queue == QUEUE_COMPUTE
		    || r->spans[s->cause].end_us != s->end_us)
			return false;
	}
	if (b->device.copy_engines == 1 && r->step_time_us < queues[QUEUE_OUT] + queues[QUEUE_IN] - 1e-6)
		return false;
	return r->step_time_us >= runs - 1e-6 && r->step_time_us >= queues[QUEUE_OUT] - 1e-6
	    && r->step_time_us >= queues[QUEUE_IN] - 1e-6 && fabs(stalls - r->stall_time_us) < 1e-6
	    && fabs(r->stall_time_us + r->busy_us[QUEUE_COMPUTE] - r->step_time_us) < 1e-6;
}

static bool
uses(const struct toy *b, uint32_t id, uint32_t buffer, bool host)
{
	const struct instruction *in = &b->program[id];
	const struct op *o = &b->ops[in->op];

	if (in->queue != QUEUE_COMPUTE)
		return (host ? in->host_buffer : in->device_buffer) == buffer;
	return !host && ((o->input_count > 0 && in->reads[0] == buffer) || (o->output_count > 0 && in->writes[0] == buffer)
	    || in->workspace == buffer);
}

static bool
listed(const struct place *places, uint32_t count, uint32_t buffer, bool host)
{
	for (uint32_t i = 0; i < count; i++)
		if (places[i].on_host == host && places[i].buffer == buffer)
			return true;
	return false;
}

/* Does a buffer count at t?  From the header's words. */
static bool
in_use(const struct toy *b, uint32_t buffer, bool host, double t)
{
	bool before = listed(b->initial, b->plan.initial_count, buffer, host);
	bool after = listed(b->final, b->plan.final_count, buffer, host);
	double from = INFINITY, to = -INFINITY;

	for (uint32_t id = 0; id < b->plan.instruction_count; id++) {
		if (!uses(b, id, buffer, host))
			continue;
		from = fmin(from, b->result.spans[id].start_us);
		to = fmax(to, b->result.spans[id].end_us);
	}
	if (before && (after || to >= 0))
		from = 0;
	if (after && from < INFINITY)
		to = b->result.step_time_us;
	return from < t && t < to;
}

static bool
memory_is_right(struct toy *b)
{
	double times[3 * MOST];
	uint32_t n = moments(b, times), row = 0;
	bytes_t peak = 0, host_peak = 0;
	struct sim_memory m;

	sim_memory(&m, &b->result, &b->plan, &b->arena);
	for (uint32_t i = 0; i + 1 < n; i++) {
		double t = (times[i] + times[i + 1]) / 2;
		bytes_t bytes[SIM_KINDS] = { 0 }, host = 0, sum = 0;

		if (times[i + 1] - times[i] < 1e-9)
			continue;
		for (uint32_t k = 0; k < 12; k++) {
			uint32_t tensor = b->buffers[k].tensor;

			if (in_use(b, k, false, t))
				bytes[tensor == PLAN_NONE ? (int)SIM_WORKSPACE : (int)b->tensors[tensor].kind] += bytes_align(b->buffers[k].bytes, 256);
			if (in_use(b, k, true, t))
				host += 512;
		}
		while (row + 1 < m.count && m.time_us[row + 1] <= t)
			row++;
		if (memcmp(bytes, m.bytes[row], sizeof(bytes)) != 0 || host != m.host_bytes[row])
			return false;
		for (int k = 0; k < SIM_KINDS; k++)
			sum += bytes[k];
		peak = sum > peak ? sum : peak;
		host_peak = host > host_peak ? host : host_peak;
	}
	for (row = 1; row < m.count; row++)
		if (m.time_us[row] <= m.time_us[row - 1])
			return false;
	return b->result.step_time_us <= 0 || (peak == b->result.device_peak_bytes && host_peak == b->result.host_peak_bytes);
}

static bool
same_twice(struct toy *b)
{
	struct sim_result first = b->result, *second = &b->result;

	if (!toy_time(b, "again"))
		return false;
	return first.step_time_us == second->step_time_us && first.stall_time_us == second->stall_time_us
	    && first.device_peak_bytes == second->device_peak_bytes && first.stall_count == second->stall_count
	    && memcmp(first.spans, second->spans, b->plan.instruction_count * sizeof(*first.spans)) == 0;
}

static void
test_random(struct toy *b)
{
	static const struct { const char *name; bool (*holds)(const struct toy *); } rules[] = {
		{ "the work in each span is the work there was", work_is_right },
		{ "starts follow queue order and after", starts_are_right },
		{ "one engine moves one thing at a time", engine_is_right },
		{ "stall + busy = step, step >= every queue alone", sums_are_right },
	};
	enum { RULES = sizeof(rules) / sizeof(rules[0]), SEEDS = 1000 };
	uint64_t broken[RULES + 2] = { 0 };

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		random_program(b, seed);
		if (!toy_time(b, "random program"))
			return;
		for (int k = 0; k < RULES; k++)
			if (!rules[k].holds(b) && broken[k] == 0)
				broken[k] = seed;
		if (!memory_is_right(b) && broken[RULES] == 0)
			broken[RULES] = seed;
		if (!same_twice(b) && broken[RULES + 1] == 0)
			broken[RULES + 1] = seed;
		arena_free(&b->arena);
	}
	for (int k = 0; k < RULES; k++)
		is_uint(broken[k], 0, "%d random programs: %s (first seed that breaks it)", (int)SEEDS, rules[k].name);
	is_uint(broken[RULES], 0, "%d random programs: memory over time", (int)SEEDS);
	is_uint(broken[RULES + 1], 0, "%d random programs: the same result twice", (int)SEEDS);
}

int
main(void)
{
	static struct toy b;

	test_random(&b);
	arena_free(&b.arena);
	return tap_done();
}
