/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c - a replay's times beside the simulator's, as a table and as JSON */
#include <config.h>
#include "cuda_validate/measure.h"

#include <math.h>
#include <string.h>

#include "src/base/json.h"
#include "src/base/numbers.h"

static const enum queue queue_of[DIRECTION_COUNT] = { [D2H] = QUEUE_OUT, [H2D] = QUEUE_IN };

/* Finds median, least and most of the timed steps. */
static void
sum_up_steps(struct measures *m, struct arena *a)
{
	uint32_t n = m->replay->job.options.steps;
	double *t = ARENA_NEW(a, double, n);

	memcpy(t, m->replay->step_us, n * sizeof(*t));
	m->step_time_us = numbers_median(t, n);
	m->least_us = t[0];
	m->most_us = t[n - 1];
}

static void
sum_up_link(struct measures *m)
{
	const struct sim_result *got = &m->replay->timeline, *want = &m->predicted;

	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		bytes_t bytes = dir == D2H ? want->offload_bytes : want->fetch_bytes;
		double busy = got->busy_us[queue_of[dir]];

		m->rate[dir] = m->rate_share[dir] = NAN;
		if (!m->replay->has_spans || bytes == 0 || busy <= 0)
			continue;
		m->rate[dir] = (double)bytes / busy * 1e6;
		m->rate_share[dir] = want->busy_us[queue_of[dir]] / busy;
	}
}

int
measure(struct measures *m, const struct replay *r, const struct device *d, struct arena *a, struct err *e)
{
	struct device alone = *d;
	struct sim_result contended;

	*m = (struct measures) { .replay = r, .time_error = NAN };
	for (int c = 0; c < CLASS_COUNT; c++)
		alone.contention[c] = 1;
	if (simulate(&m->predicted, r->job.plan, &alone, a, e) < 0 || simulate(&contended, r->job.plan, d, a, e) < 0)
		return -1;
	m->contended_us = contended.step_time_us;
	sum_up_steps(m, a);
	sum_up_link(m);
	if (r->job.options.traced && m->step_time_us > 0)
		m->time_error = m->predicted.step_time_us / m->step_time_us - 1;
	return 0;
}

/* ---- for people ---- */

enum { LABEL_WIDTH = 20, COLUMN_WIDTH = 14 };

static void
row(FILE *out, const char *label, const char *measured, const char *predicted, double error)
{
	fprintf(out, "%-*s %*s %*s", LABEL_WIDTH, label, COLUMN_WIDTH, measured, COLUMN_WIDTH, predicted);
	if (!isnan(error))
		fprintf(out, " %+8.2f %%", 100 * error);
	fputc('\n', out);
}

static void
time_row(FILE *out, const char *label, double measured, double predicted, bool compare)
{
	char x[32], y[32];

	row(out, label, units_time(x, measured), compare ? units_time(y, predicted) : "-",
	    compare && measured > 0 ? predicted / measured - 1 : NAN);
}

static void
bytes_row(FILE *out, const char *label, bytes_t planned, bytes_t driver)
{
	char x[32], y[32];

	row(out, label, driver == 0 ? "-" : units_size(x, driver), units_size(y, planned), NAN);
}

void
measure_print(const struct measures *m, FILE *out)
{
	const struct replay *r = m->replay;
	const struct plan *p = r->job.plan;
	bool compare = r->job.options.traced;
	char name[48], x[32], y[32], q[48];

	fprintf(out, "%-*s %s\n", LABEL_WIDTH, "graph", err_quote(q, p->graph->name));
	fprintf(out, "%-*s %s (%s)\n", LABEL_WIDTH, "back end", r->backend->name, r->device);
	fprintf(out, "%-*s right, %s of each tensor touched\n", LABEL_WIDTH, "data",
	    r->job.options.sample ? "a sample" : "every word");
	fprintf(out, "%-*s %" PRIu32 " after one to warm up\n\n", LABEL_WIDTH, "steps", r->job.options.steps);
	row(out, "", "measured", "predicted", NAN);
	time_row(out, "step time", m->step_time_us, m->predicted.step_time_us, compare);
	for (int k = 0; r->has_spans && k < QUEUE_COUNT; k++) {
		snprintf(name, sizeof(name), "%s busy", queue_names[k]);
		time_row(out, name, r->timeline.busy_us[k], m->predicted.busy_us[k], compare);
	}
	for (int dir = 0; dir < DIRECTION_COUNT; dir++)
		if (!isnan(m->rate[dir])) {
			units_rate(y, m->rate[dir] * m->rate_share[dir]);
			row(out, dir == D2H ? "offload rate" : "fetch rate", units_rate(x, m->rate[dir]), y, m->rate_share[dir] - 1);
		}
	bytes_row(out, "arena", p->arena_bytes, r->memory.arena_bytes);
	bytes_row(out, "pool", p->host_bytes, r->memory.host_bytes);
	fprintf(out, "\n%-*s %s to %s\n", LABEL_WIDTH, "steps took", units_time(x, m->least_us), units_time(y, m->most_us));
	if (compare)
		fprintf(out, "%-*s %s (replayed ops do not slow down under copies)\n", LABEL_WIDTH, "with contention",
		    units_time(x, m->contended_us));
	if (r->launch_gap_us > 0)
		fprintf(out, "%-*s %s\n", LABEL_WIDTH, "launch gap", units_time(x, r->launch_gap_us));
}

/* ---- for programs ---- */

static void
known_real(struct json_out *o, const char *key, double value)
{
	if (!isnan(value))
		json_out_real(o, key, value);
}

static void
busy_to_json(struct json_out *o, const char *key, const double busy_us[QUEUE_COUNT])
{
	json_out_object(o, key, false);
	for (int k = 0; k < QUEUE_COUNT; k++)
		json_out_real(o, queue_names[k], busy_us[k]);
	json_out_end_object(o);
}

static void
figures_to_json(const struct measures *m, struct json_out *o)
{
	const struct replay *r = m->replay;

	json_out_uint(o, "arena_bytes", r->job.plan->arena_bytes);
	json_out_uint(o, "host_bytes", r->job.plan->host_bytes);
	if (r->memory.arena_bytes > 0)
		json_out_uint(o, "driver_arena_bytes", r->memory.arena_bytes);
	if (r->memory.host_bytes > 0)
		json_out_uint(o, "driver_host_bytes", r->memory.host_bytes);
	json_out_uint(o, "steps", r->job.options.steps);
	json_out_real(o, "ideal_time_us", m->predicted.ideal_time_us);
	json_out_real(o, "step_time_us", m->step_time_us);
	json_out_real(o, "step_time_least_us", m->least_us);
	json_out_real(o, "step_time_most_us", m->most_us);
	json_out_real(o, "predicted_step_time_us", m->predicted.step_time_us);
	json_out_real(o, "contended_step_time_us", m->contended_us);
	known_real(o, "time_error", m->time_error);
	known_real(o, "offload_bytes_per_s", m->rate[D2H]);
	known_real(o, "fetch_bytes_per_s", m->rate[H2D]);
	known_real(o, "offload_rate_share", m->rate_share[D2H]);
	known_real(o, "fetch_rate_share", m->rate_share[H2D]);
	if (r->has_spans)
		busy_to_json(o, "busy_us", r->timeline.busy_us);
	busy_to_json(o, "predicted_busy_us", m->predicted.busy_us);
	if (r->launch_gap_us > 0)
		json_out_real(o, "launch_gap_us", r->launch_gap_us);
}

void
measure_to_json(const struct measures *m, const char *plan, const char *device, bool lines, FILE *out)
{
	const struct replay *r = m->replay;
	const struct plan *p = r->job.plan;
	struct json_out o;

	json_out_init(&o, out);
	json_out_object(&o, NULL, lines);
	json_out_string(&o, "plan", plan);
	json_out_string(&o, "graph", p->graph->name);
	json_out_string(&o, "policy", p->policy);
	json_out_uint(&o, "budget_bytes", p->budget_bytes);
	json_out_string(&o, "backend", r->backend->name);
	json_out_string(&o, "gpu", r->device);
	json_out_string(&o, "device", device);
	json_out_string(&o, "touch", r->job.options.sample ? "sample" : "all");
	json_out_string(&o, "time", r->job.options.traced ? "traced" : "none");
	json_out_bool(&o, "capture", r->job.options.capture);
	json_out_bool(&o, "data_ok", true);
	figures_to_json(m, &o);
	json_out_end_object(&o);
	json_out_finish(&o);
}
