/* SPDX-License-Identifier: Apache-2.0 */
/* report_page_data.c - the data behind the figures of a plan's page: times in ms, bytes, each name once */
#include <config.h>
#include "sim/report/report_draw.h"

#include <inttypes.h>

#include "sim/time/simulate_private.h"

static void
put_names(FILE *out, const struct picture *pic, struct arena *a)
{
	const struct graph *g = pic->plan->graph;

	fputs("\"kinds\":[", out);
	for (int k = 0; k < SIM_KINDS; k++)
		fprintf(out, "%s\"%s\"", k > 0 ? "," : "", sim_kind_name(k));
	fputs("],\n\"ops\":[", out);
	for (uint32_t i = 0; i < g->op_count; i++) {
		if (i > 0)
			fputs(",\n", out);
		page_json_string(out, op_text(&g->ops[i], a));
	}
	fputs("],\n\"tensors\":[", out);
	for (uint32_t t = 0; t < g->tensor_count; t++)
		fprintf(out, "%s%d,%d,%" PRIu32, t > 0 ? "," : "", (int)g->tensors[t].kind, (int)pic->origins[t].how, pic->origins[t].op);
	fputs("],\n", out);
}

static int64_t
tensor_of(const struct plan *p, uint32_t buffer)
{
	return p->buffers[buffer].tensor == PLAN_NONE ? -1 : (int64_t)p->buffers[buffer].tensor;
}

/* Writes for each queue: start, end, then op and 1 for a rerun, or tensor and bytes. */
static void
put_queues(FILE *out, const struct picture *pic, struct arena *a)
{
	const struct plan *p = pic->plan;
	bool *ran = ARENA_NEW(a, bool, p->graph->op_count);
	struct sim_queues q;

	sim_queues_init(&q, p, a);
	fputs("\"queues\":[", out);
	for (int k = 0; k < QUEUE_COUNT; k++) {
		fputs(k > 0 ? "],\n[" : "[", out);
		for (uint32_t i = 0; i < q.count[k]; i++) {
			const struct instruction *in = &p->program[q.ids[k][i]];
			const struct sim_span *s = &pic->result->spans[q.ids[k][i]];

			fprintf(out, "%s%.8g,%.8g,", i > 0 ? "," : "", s->start_us / 1e3, s->end_us / 1e3);
			if (in->queue != QUEUE_COMPUTE) {
				fprintf(out, "%" PRId64 ",%" PRI_BYTES, tensor_of(p, in->device_buffer), in->bytes);
				continue;
			}
			fprintf(out, "%" PRIu32 ",%d", in->op, ran[in->op]);
			ran[in->op] = true;
		}
	}
	fputs("]],\n", out);
}

static void
put_curve(FILE *out, const struct curve *c)
{
	fputc('[', out);
	for (size_t i = 0; i < c->count; i++)
		fprintf(out, "%s%.7g,%.0f", i > 0 ? "," : "", c->steps[i].time_us / 1e3, c->steps[i].value);
	fputc(']', out);
}

void
page_plan_data(FILE *out, const struct picture *pic, struct arena *a)
{
	const struct plan *p = pic->plan;
	bool first = true;

	fputs("<script type=\"application/json\" id=\"data\">\n{", out);
	put_names(out, pic, a);
	put_queues(out, pic, a);
	fputs("\"buffers\":[", out);
	for (uint32_t b = 0; b < p->buffer_count; b++) {
		const struct map_range *s = &pic->ranges[b];

		if (s->to <= s->from)
			continue;
		fprintf(out, "%s%.8g,%.8g,%" PRI_BYTES ",%" PRI_BYTES ",%" PRId64, first ? "" : ",", s->from / 1e3, s->to / 1e3, s->offset,
		    s->bytes, tensor_of(p, b));
		first = false;
	}
	fputs("],\n\"curves\":[", out);
	for (int k = 0; k < SIM_KINDS; k++) {
		if (k > 0)
			fputc(',', out);
		put_curve(out, &pic->kinds[k]);
	}
	fputs("],\n\"host\":", out);
	put_curve(out, &pic->host);
	fputs("}\n</script>\n", out);
}
