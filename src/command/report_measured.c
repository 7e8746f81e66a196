/* SPDX-License-Identifier: Apache-2.0 */
/* report_measured.c - where a measured step differs from the simulated one, in words and as JSON */
#include <config.h>
#include "src/command/report_measured.h"

#include <inttypes.h>
#include <math.h>

#include "sim/report/report.h"
#include "src/base/json.h"
#include "src/documents/origin.h"

enum { ROWS_MOST = 8 };

/* ---- in words ---- */

static void
print_row(FILE *out, const char *label, const struct both_us *us)
{
	const double by = us->measured - us->predicted;
	char b1[32], b2[32], b3[32], sign[34];

	snprintf(sign, sizeof(sign), "%c%s", by < 0 ? '-' : '+', units_time(b3, fabs(by)));
	fprintf(out, "%-24.24s %12s %12s %12s", label, units_time(b1, us->predicted), units_time(b2, us->measured), sign);
}

static void
print_parts(FILE *out, const struct difference *d)
{
	fprintf(out, "%-24s %12s %12s %12s\n", "", "simulated", "measured", "difference");
	print_row(out, "step", &d->step);
	fprintf(out, "   %+.1f %%\n", d->step.predicted > 0 ? 100 * (d->step.measured / d->step.predicted - 1) : 0);
	for (int k = 0; k < PART_COUNT; k++)
		if (d->parts[k].predicted > 0 || d->parts[k].measured > 0) {
			print_row(out, part_names[k], &d->parts[k]);
			fputc('\n', out);
		}
}

static double
rate(bytes_t bytes, double us)
{
	return us > 0 ? (double)bytes / us * 1e6 : 0;
}

static void
print_copies(FILE *out, const struct difference *d)
{
	static const char *const names[DIRECTION_COUNT] = { [D2H] = "copies out", [H2D] = "copies in" };
	char b1[32], b2[32], b3[32];

	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		const struct copy_difference *c = &d->copies[dir];

		if (c->count == 0)
			continue;
		print_row(out, names[dir], &c->us);
		fprintf(out, "   %" PRIu32 " of %s: %s, %s\n", c->count, units_size(b1, c->bytes), units_rate(b2, rate(c->bytes, c->us.predicted)),
		    units_rate(b3, rate(c->bytes, c->us.measured)));
	}
}

static void
print_largest(FILE *out, const struct difference *d, const struct plan *p, struct arena *a)
{
	const struct origin *origins = graph_origins(p->graph, a);

	fputs("\nops by name\n", out);
	for (uint32_t i = 0; i < d->op_count && i < ROWS_MOST; i++) {
		print_row(out, d->ops[i].name, &d->ops[i].us);
		fprintf(out, "   %" PRIu32 " runs\n", d->ops[i].runs);
	}
	if (d->wait_count > 0)
		fputs("\nwaits\n", out);
	for (uint32_t i = 0; i < d->wait_count && i < ROWS_MOST; i++) {
		const struct wait_difference *w = &d->waits[i];
		const struct instruction *cause = &p->program[w->cause];

		print_row(out, op_label(&p->graph->ops[p->program[w->waiting].op], a), &w->us);
		fprintf(out, "   for the %s of the %s\n", action_names[cause->queue],
		    tensor_text(p->graph, origins, p->buffers[cause->device_buffer].tensor, a));
	}
}

void
measured_print(FILE *out, const struct measured_report *r, struct arena *a)
{
	const struct measured_step *m = r->measured;

	fprintf(out, "the median of %" PRIu32 " step%s, %s\n\n", m->steps, m->steps == 1 ? "" : "s", m->captured ? "captured" : "op by op");
	print_parts(out, r->difference);
	if (m->missing_copies == 0)
		print_copies(out, r->difference);
	print_largest(out, r->difference, r->plan, a);
	if (m->missing_copies > 0)
		fprintf(out, "\n%" PRIu32 " copies are not in the trace, and no copy is compared\n", m->missing_copies);
	if (m->other_kernels > 0)
		fprintf(out, "\n%" PRIu32 " kernels of the captured step belong to no op\n", m->other_kernels);
}

/* ---- as JSON ---- */

static void
both_to_json(struct json_out *o, const char *key, const struct both_us *us)
{
	json_out_object(o, key, false);
	json_out_real(o, "simulated_us", us->predicted);
	json_out_real(o, "measured_us", us->measured);
	json_out_end_object(o);
}

static void
instructions_to_json(struct json_out *o, const struct measured_report *r)
{
	json_out_array(o, "instructions", true);
	for (uint32_t i = 0; i < r->plan->instruction_count; i++) {
		const struct instruction *in = &r->plan->program[i];

		json_out_object(o, NULL, false);
		json_out_uint(o, "id", i);
		json_out_string(o, "queue", queue_names[in->queue]);
		if (in->queue == QUEUE_COMPUTE)
			json_out_uint(o, "op", in->op);
		else
			json_out_uint(o, "bytes", in->bytes);
		json_out_real(o, "simulated_start_us", r->simulated->spans[i].start_us);
		json_out_real(o, "simulated_end_us", r->simulated->spans[i].end_us);
		json_out_real(o, "measured_start_us", r->measured->spans[i].start_us);
		json_out_real(o, "measured_end_us", r->measured->spans[i].end_us);
		json_out_end_object(o);
	}
	json_out_end_array(o);
}

void
measured_to_json(struct json_out *o, const struct measured_report *r)
{
	const struct difference *d = r->difference;
	const struct measured_step *m = r->measured;

	json_out_uint(o, "steps", m->steps);
	json_out_bool(o, "captured", m->captured);
	json_out_uint(o, "missing_copies", m->missing_copies);
	json_out_uint(o, "other_kernels", m->other_kernels);
	both_to_json(o, "step", &d->step);
	json_out_object(o, "parts", true);
	for (int k = 0; k < PART_COUNT; k++)
		both_to_json(o, part_names[k], &d->parts[k]);
	json_out_end_object(o);
	json_out_object(o, "copies", true);
	for (int dir = 0; dir < DIRECTION_COUNT; dir++)
		both_to_json(o, direction_names[dir], &d->copies[dir].us);
	json_out_end_object(o);
	instructions_to_json(o, r);
}
