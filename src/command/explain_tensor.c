/* SPDX-License-Identifier: Apache-2.0 */
/* explain_tensor.c - the story of one tensor */
#include <config.h>
#include "src/command/explain_view.h"

#include "src/command/command.h"
#include "src/command/result.h"

static void
print_event(const struct view *v, const struct explain_event *e, struct arena *a)
{
	const struct plan *p = v->plan;
	bool copy = e->what == EXPLAIN_OFFLOAD || e->what == EXPLAIN_FETCH;
	const struct buffer *b = e->on_host ? &p->host[e->buffer] : &p->buffers[e->buffer];
	char from[32], to[32], size[32], wait[32];
	const char *text;

	if (copy)
		text = arena_printf(a, "%s until %s", units_size(size, e->bytes), units_time(to, e->end_us));
	else
		text = e->what == EXPLAIN_BEGIN || e->what == EXPLAIN_END ? "" : arena_printf(a, "by %s", moment_name(p, e->moment, a));
	text = arena_printf(a, "%-10s %s%s%s buffer %" PRIu32 " at %" PRI_BYTES, explain_what_names[e->what], text,
	    *text == '\0' ? "" : ",", e->on_host ? " host" : "", e->buffer, b->offset_bytes);
	if (e->wait_us > 0)
		text = arena_printf(a, "%s; compute waits %s for it", text, units_time(wait, e->wait_us));
	text_row(stdout, units_time(from, e->start_us), "%s%s", text, e->last && e->what != EXPLAIN_END ? "; then gone" : "");
}

static void
print_story(const struct view *v, uint32_t id, struct arena *a)
{
	const struct explain_tensor *t = &v->x.tensors[id];
	struct explain_event *events;
	char text[32], more[32];
	uint32_t count;

	events = explain_story(&v->x, id, &count, a);
	text_row(stdout, "tensor", "%" PRIu32 ", %s", id, tensor_text(v->plan->graph, v->origins, id, a));
	text_row(stdout, "bytes", "%s", units_size(text, v->plan->graph->tensors[id].bytes));
	text_row(stdout, "away", "%s of %s", units_time(text, t->away_us), units_time(more, v->sim.step_time_us));
	text_row(stdout, "saves", "%s at the plan's peak, %s at the step's", units_size(text, t->peak_saved), units_size(more, t->step_saved));
	text_row(stdout, "costs", "%s of waiting, %s of running again", units_time(text, t->stall_us), units_time(more, t->rerun_us));
	putchar('\n');
	for (uint32_t i = 0; i < count; i++)
		print_event(v, &events[i], a);
}

static void
story_to_json(const struct view *v, uint32_t id, struct arena *a)
{
	struct explain_event *events;
	struct json_out o;
	uint32_t count;

	events = explain_story(&v->x, id, &count, a);
	result_begin(&o, "explain", stdout);
	explain_figures_to_json(&o, v, id);
	json_out_array(&o, "events", true);
	for (uint32_t i = 0; i < count; i++) {
		const struct explain_event *e = &events[i];

		json_out_object(&o, NULL, false);
		json_out_string(&o, "what", explain_what_names[e->what]);
		json_out_string(&o, "by", moment_name(v->plan, e->moment, a));
		json_out_uint(&o, e->on_host ? "host_buffer" : "buffer", e->buffer);
		json_out_real(&o, "start_us", e->start_us);
		json_out_real(&o, "end_us", e->end_us);
		if (e->what == EXPLAIN_OFFLOAD || e->what == EXPLAIN_FETCH) {
			json_out_uint(&o, "bytes", e->bytes);
			json_out_real(&o, "stall_time_us", e->wait_us);
		}
		json_out_end_object(&o);
	}
	json_out_end_array(&o);
	json_out_end(&o);
}

void
explain_tensor(const struct view *v, uint32_t tensor, bool json, struct arena *a)
{
	json ? story_to_json(v, tensor, a) : print_story(v, tensor, a);
}
