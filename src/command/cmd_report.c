/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_report.c - layrub report: pictures of a plan and its simulation, a placement, or a sweep's results */
#include <config.h>
#include "src/command/command.h"

#include <string.h>
#include <unistd.h>

#include "sim/check/check.h"
#include "sim/report/report.h"
#include "src/command/place_file.h"
#include "src/command/report_measured.h"
#include "src/command/result.h"

static struct { const char *output, *measured; bool keep; } given;

static const struct option_row options[] = {
	{ "output", 'o', OPTION_TEXT, "FILE", &given.output, "draw into this .svg, .png, .pdf or .html file;\n"
	    ".json is a plan's trace for Perfetto, and 'term'\ndraws in the terminal (default: no picture, which\nonly --measured allows)", NULL },
	{ "measured", 0, OPTION_TEXT, "FILE", &given.measured, "compare the simulated step with one that ran: a\ntrace of torch.profiler, as step.report() of the\nPython package makes it (default: no comparison)", NULL },
	{ "keep", 0, OPTION_FLAG, NULL, &given.keep, "leave gnuplot's script with its data beside the\npicture: FILE.gp", NULL },
	OPTION_END
};

static bool
ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && strcmp(s + n - m, suffix) == 0;
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static void
print_measured_json(const struct measured_report *r, const char *input, const char *output)
{
	struct json_out o;

	json_out_begin(&o, stdout);
	json_out_string(&o, "input", input);
	if (output != NULL)
		json_out_string(&o, "output", output);
	measured_to_json(&o, r);
	json_out_end(&o);
}

/* Says where the measured step differs from the simulated one, and draws both if there is a file to draw into. */
static int
draw_measured(struct cli *c, const struct report_to *to, const struct plan *p, const struct sim_result *simulated, struct err *e)
{
	struct sim_result result;
	struct difference difference;
	struct measured_step m;
	const struct measured_report r = { p, simulated, &m, &difference };

	if (measured_read(&m, p, given.measured, &c->arena, e) < 0)
		return -1;
	sim_result_of_spans(&result, p, m.spans, &c->arena);
	difference_init(&difference, p, simulated, &result, &c->arena);
	if (to->path != NULL && report_measured(to, p, simulated, &result, &difference, &c->arena, e) < 0)
		return -1;
	if (c->json)
		print_measured_json(&r, c->operands[0], to->path);
	else
		measured_print(stdout, &r, &c->arena);
	return 0;
}

static int
draw_plan(struct cli *c, const struct report_to *to, struct err *e)
{
	struct sim_result r;
	struct plan p;

	if (begin_plan(&p, c, e) < 0)
		return -1;
	if (check_plan(&p, &c->arena, e) < 0 || simulate(&r, &p, p.device, &c->arena, e) < 0)
		return err_in_file(e, c->operands[0]);
	return given.measured != NULL ? draw_measured(c, to, &p, &r, e) : report_plan(to, &p, &r, &c->arena, e);
}

/* The offsets are given; the bound is the largest sum of bytes alive at once. */
static bytes_t
most_alive(const struct place_problem *p, struct arena *a)
{
	uint32_t end = 0;
	bytes_t *change, most = 0, now = 0;

	for (uint32_t i = 0; i < p->count; i++)
		end = p->items[i].upper > end ? p->items[i].upper : end;
	change = ARENA_NEW(a, bytes_t, (size_t)end + 1);
	for (uint32_t i = 0; i < p->count; i++) {
		change[p->items[i].lower] += p->items[i].bytes;
		change[p->items[i].upper] -= p->items[i].bytes;
	}
	for (uint32_t t = 0; t <= end; t++) {
		now += change[t];
		most = now > most ? now : most;
	}
	return most;
}

static int
draw_placed(struct cli *c, const struct report_to *to, struct err *e)
{
	struct place_file list;
	struct place_problem p;
	struct placed_buffer *buffers;
	struct placed pl;
	uint32_t *owner = NULL;
	char q[48];

	if (place_file_read(&list, c->operands[0], PLACE_ENDS_BY_NAME, &c->arena, e) < 0)
		return -1;
	for (uint32_t i = 0; i < list.problem.count; i++)
		if (list.problem.items[i].fixed == PLACE_FREE) {
			err_set(e, ERR_INPUT, "buffer '%s' has no offset: 'layrub place %s -o PLACED.csv' finds them",
			    err_quote(q, list.rows.all[list.shapes.row_of[i]].id), base_name(c->operands[0]));
			return err_in_file(e, c->operands[0]);
		}
	p = list.problem;
	if (list.problem.first_part != NULL)
		placement_flatten(&p, &owner, &list.problem, false, &c->arena);
	pl = (struct placed){ .title = base_name(c->operands[0]), .count = p.count };
	pl.buffers = buffers = ARENA_NEW(&c->arena, struct placed_buffer, p.count);
	for (uint32_t i = 0; i < p.count; i++) {
		const struct place_item *item = &p.items[i];

		buffers[i] = (struct placed_buffer){ list.rows.all[list.shapes.row_of[owner == NULL ? i : owner[i]]].id, item->lower, item->upper, item->fixed,
		    item->bytes };
		if (item->fixed + item->bytes > pl.arena_bytes)
			pl.arena_bytes = item->fixed + item->bytes;
	}
	pl.bound_bytes = most_alive(&p, &c->arena);
	return report_placed(to, &pl, &c->arena, e);
}

static int
draw_sweep(struct cli *c, const struct report_to *to, struct err *e)
{
	struct sweep s;

	if (sweep_read(&s, c->operands[0], &c->arena, e) < 0)
		return -1;
	if (s.half_written > 0)
		warn("%s: line %" PRIu64 " is half written and is left out", c->operands[0], s.half_written);
	s.title = base_name(c->operands[0]);
	if (strcmp(to->path, "term") == 0)
		sweep_table(stdout, &s, isatty(STDOUT_FILENO), &c->arena);
	return report_sweep(to, &s, &c->arena, e) < 0 ? err_in_file(e, c->operands[0]) : 0;
}

static void
print_json(const struct report_to *to, const char *input)
{
	struct json_out o;

	result_begin(&o, cmd_report.name, stdout);
	json_out_string(&o, "input", input);
	json_out_string(&o, "output", to->path);
	json_out_end(&o);
}

static int
run(struct cli *c, struct err *e)
{
	const char *input = c->operands[0];
	bool placed = ends_with(input, ".csv"), sweep = ends_with(input, ".jsonl") || ends_with(input, ".ndjson");
	struct report_to to = { given.output, given.keep };
	int rc;

	if (given.measured != NULL && (placed || sweep))
		return usage_error(e, "--measured", "expected a plan to lay it over, got '%s'", input);
	if (to.path == NULL && given.measured == NULL)
		return usage_error(e, "--output", "expected a file that ends in .svg, .png, .pdf, .html or .json, or 'term', got none");
	if (to.path != NULL && report_check(&to, !placed && !sweep, e) < 0)
		return -1;
	if (placed)
		rc = draw_placed(c, &to, e);
	else
		rc = sweep ? draw_sweep(c, &to, e) : draw_plan(c, &to, e);
	if (rc < 0)
		return -1;
	if (c->json && given.measured == NULL && strcmp(to.path, "term") != 0)
		print_json(&to, input);
	return 0;
}

const struct command cmd_report = {
	"report", "PLAN|CSV|JSONL", 1, 1, "Draw a plan, a placement or a sweep's results", options, run, FOR_NONE
};
