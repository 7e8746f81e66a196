/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of one plan by hand, against explain's and the report's: peaks, savings, costs, curves, the data in scripts and pages; and charts
 * of a small sweep.
 *
 * Tensors: 0 a parameter of 500 bytes; 1 a map of 20,000 that leaves and returns; 2 and 4 maps of 3,000 and 1,000 that op 1 makes,
 * twice; 3 a map of 30,000 that op 2 makes beside a workspace of 40,000.  The link moves 1000 bytes/us out and 500 in.
 *
 *     us           0      10     20     30            50     60            90   100
 *     compute      | op 0 | op 1 | stall|    op 2     | op 1 |    stall    | op 3 |
 *     out                 |    offload  |
 *     in                                              |        fetch       |
 *
 * In use, in multiples of 256 bytes: 512 of tensor 0 throughout; 20,224 of tensor 1 until 30 and from 50; 3,072 and 1,024 of tensors 2
 * and 4 from 10 to 20 and from 50; 30,208 of tensor 3 from 30; 40,192 of workspace from 30 to 50. */
#include <config.h>
#include "tests/tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/explain.h"
#include "sim/report/report_draw.h"
#include "tests/toy_plan.h"

static void
op_ids(struct toy *b, uint32_t op, uint32_t input_count, const uint32_t *inputs, uint32_t output_count, const uint32_t *outputs)
{
	b->ops[op].inputs = inputs;
	b->ops[op].input_count = input_count;
	b->ops[op].outputs = outputs;
	b->ops[op].output_count = output_count;
}

enum { OP_0, OFFLOAD, OP_1, OP_2, FETCH, OP_1_AGAIN, OP_3 };
enum { B_PARAMETER, B_1, B_2, B_4, B_3, B_WORKSPACE, B_1_AGAIN, B_2_AGAIN, B_4_AGAIN, BUFFERS };

static void
add_operands(struct toy *b)
{
	static uint32_t m0[] = { B_1 }, m1[] = { B_2, B_4 }, m2[] = { B_3 }, m1_again[] = { B_2_AGAIN, B_4_AGAIN },
	    r3[] = { B_1_AGAIN, B_2_AGAIN, B_3, B_4_AGAIN };
	static const uint32_t t1[] = { 1 }, t24[] = { 2, 4 }, t3[] = { 3 }, t1234[] = { 1, 2, 3, 4 };

	op_ids(b, 0, 0, NULL, 1, t1);
	op_ids(b, 1, 0, NULL, 2, t24);
	op_ids(b, 2, 0, NULL, 1, t3);
	op_ids(b, 3, 4, t1234, 0, NULL);
	b->program[OP_0].writes = m0;
	b->program[OP_1].writes = m1;
	b->program[OP_2].writes = m2;
	b->program[OP_2].workspace = B_WORKSPACE;
	b->program[OP_1_AGAIN].writes = m1_again;
	b->program[OP_3].reads = r3;
	b->program[OFFLOAD].device_buffer = B_1;
	b->program[FETCH].device_buffer = B_1_AGAIN;
	b->ops[2].workspace_bytes = 40000;
	b->ops[3].phase = PHASE_BACKWARD;
}

static bool
make(struct toy *b)
{
	static const struct tensor tensors[] = { { 500, KIND_PARAMETER }, { 20000, KIND_ACTIVATION }, { 3000, KIND_ACTIVATION },
		{ 30000, KIND_ACTIVATION }, { 1000, KIND_ACTIVATION } };
	static const struct buffer buffers[BUFFERS] = { [B_PARAMETER] = { 0, 0, 500 }, [B_1] = { 1, 512, 20000 }, [B_2] = { 2, 20736, 3000 },
		[B_4] = { 4, 23808, 1000 }, [B_3] = { 3, 512, 30000 }, [B_WORKSPACE] = { PLAN_NONE, 30720, 40000 },
		[B_1_AGAIN] = { 1, 30720, 20000 }, [B_2_AGAIN] = { 2, 50944, 3000 }, [B_4_AGAIN] = { 4, 54016, 1000 } };

	toy_init(b);
	b->device.link[H2D].bytes_per_s = 5e8;
	b->graph.name = "net";
	b->plan.policy = "hand";
	b->plan.budget_bytes = b->plan.arena_bytes = b->plan.figures.peak_bytes = 70912;
	RUN(b, 10, END);
	toy_move(b, QUEUE_OUT, 20000, OP_0, END);
	RUN(b, 10, END);
	RUN(b, 20, OFFLOAD, END);
	toy_move(b, QUEUE_IN, 20000, OP_2, END);
	toy_run(b, 1, 0, END);
	RUN(b, 10, FETCH, END);
	memcpy(b->tensors, tensors, sizeof(tensors));
	memcpy(b->buffers, buffers, sizeof(buffers));
	b->host[0] = (struct buffer) { 1, 0, 20000 };
	b->graph.tensor_count = 5;
	b->plan.buffer_count = BUFFERS;
	b->plan.host_count = b->plan.initial_count = b->plan.final_count = 1;
	add_operands(b);
	return toy_time(b, "the plan");
}

/* ---- explain ---- */

/* Moments are 1 more than instructions.  At op 2, moment 4, 512 + 30,208 + 40,192 bytes are in use and tensors 1, 2 and 4 away. */
static void
test_explain(struct toy *b)
{
	struct explain x;
	const struct explain_tensor *t;

	if (!make(b))
		return;
	explain_init(&x, &b->plan, &b->result, 2, &b->arena);
	t = x.tensors;
	is_uint(x.peak, 1 + OP_2, "explain: the peak is at op 2");
	is_uint(x.peak_bytes, 512 + 30208 + 40192, "explain: its bytes");
	is_uint(x.peak_kinds[KIND_PARAMETER], 512, "explain: the parameter's");
	is_uint(x.peak_kinds[KIND_ACTIVATION], 30208, "explain: the maps'");
	is_uint(x.peak_kinds[SIM_WORKSPACE], 40192, "explain: the workspace's");
	is_uint(x.in_place_bytes, 0, "explain: nothing is shared in place");
	ok(x.at_peak_count == 3 && x.at_peak[0] == B_WORKSPACE && x.at_peak[1] == B_3 && x.at_peak[2] == B_PARAMETER,
	    "explain: three buffers, the largest first");
	is_uint(t[1].peak_saved, 20224, "explain: what tensor 1 saves at the peak");
	is_uint(t[2].peak_saved, 3072, "explain: tensor 2");
	is_uint(t[4].peak_saved, 1024, "explain: tensor 4");
	is_uint(t[0].peak_saved + t[3].peak_saved, 0, "explain: what is there saves nothing");
	is_uint(t[1].step_saved, 20224, "explain: at the step's peak, which is at op 2, too");
	is_near(t[1].away_us, 20, 1e-9, "explain: tensor 1 is away from 30 to 50");
	is_near(t[2].away_us, 30, 1e-9, "explain: tensor 2 from 20 to 50");
	is_near(t[0].away_us + t[3].away_us, 0, 0, "explain: the others never");
	is_near(t[1].stall_us, 10 + 30, 1e-9, "explain: compute waits 10 for the offload and 30 for the fetch");
	is_near(t[2].rerun_us, 7.5, 1e-9, "explain: of the rerun's 10 us tensor 2 has three quarters");
	is_near(t[4].rerun_us, 2.5, 1e-9, "explain: and tensor 4 one");
	ok(t[1].offloads == 1 && t[1].fetches == 1 && t[1].reruns == 0 && t[2].reruns == 1 && t[2].offloads == 0, "explain: how they moved");
	ok(t[1].offload_bytes == 20000 && t[1].fetch_bytes == 20000, "explain: bytes out and in");
	ok(x.moved_count == 3 && x.moved[0] == 1 && x.moved[1] == 2 && x.moved[2] == 4, "explain: the dearest first");
	explain_init(&x, &b->plan, &b->result, 3, &b->arena);
	is_uint(x.tensors[1].step_saved, 0, "explain: where it is there, at op 3, it saves nothing");
	is_uint(x.tensors[1].peak_saved, 20224, "explain: the plan's own peak is where it was");
}

static void
test_story(struct toy *b)
{
	static const struct { enum explain_what what; uint32_t moment, buffer; double start_us, end_us, wait_us; bool last; } want[] = {
		{ EXPLAIN_WRITE, 1 + OP_0, B_1, 0, 10, 0, false }, { EXPLAIN_OFFLOAD, 1 + OFFLOAD, B_1, 10, 30, 10, true },
		{ EXPLAIN_FETCH, 1 + FETCH, B_1_AGAIN, 50, 90, 30, false }, { EXPLAIN_READ, 1 + OP_3, B_1_AGAIN, 90, 100, 0, true }
	};
	struct explain x;
	struct explain_event *e;
	uint32_t count;

	if (!make(b))
		return;
	explain_init(&x, &b->plan, &b->result, 2, &b->arena);
	e = explain_story(&x, 1, &count, &b->arena);
	is_uint(count, 4, "story: tensor 1 has four events");
	for (uint32_t i = 0; i < count && i < 4; i++) {
		ok(e[i].what == want[i].what && e[i].moment == want[i].moment && e[i].buffer == want[i].buffer && e[i].last == want[i].last &&
		    !e[i].on_host, "story: event %u is '%s'", i, explain_what_names[want[i].what]);
		ok(e[i].start_us == want[i].start_us && e[i].end_us == want[i].end_us && e[i].wait_us == want[i].wait_us,
		    "story: event %u: %g to %g, waited for %g", i, e[i].start_us, e[i].end_us, e[i].wait_us);
	}
	e = explain_story(&x, 2, &count, &b->arena);
	ok(count == 3 && e[0].what == EXPLAIN_WRITE && e[1].what == EXPLAIN_REWRITE && e[2].what == EXPLAIN_READ,
	    "story: tensor 2 is written, made again, read");
}

/* ---- the picture's data ---- */

static void
is_curve(const struct curve *c, const struct curve_step *want, size_t count, const char *what)
{
	is_uint(c->count, count, "picture: %s: steps", what);
	for (size_t i = 0; i < count && i < c->count; i++)
		ok(c->steps[i].time_us == want[i].time_us && c->steps[i].value == want[i].value, "picture: %s: %g from %g us on (got %g from %g)", what,
		    want[i].value, want[i].time_us, c->steps[i].value, c->steps[i].time_us);
}
#define STEPS(...) (const struct curve_step[]) { __VA_ARGS__ }, sizeof((const struct curve_step[]) { __VA_ARGS__ }) / sizeof(struct curve_step)

static void
is_marks(const struct picture *pic, enum mark m, double us, size_t boxes)
{
	is_near(pic->mark_us[m], us, 1e-9, "picture: %s in all", mark_styles[m].name);
	is_uint(pic->marks[m].count, boxes, "picture: boxes of %s", mark_styles[m].name);
}

static const struct detail fine = { 1000, 100000, 100 };	/* a column is 0.1 us, a row less than a byte */

static void
test_curves(struct toy *b)
{
	struct picture pic;

	if (!make(b))
		return;
	picture_init(&pic, &b->plan, &b->result, &fine, &b->arena);
	is_curve(&pic.rate[D2H], STEPS({ 0, 0 }, { 10, 1000 }, { 30, 0 }, { 100, 0 }), "the link out");
	is_curve(&pic.rate[H2D], STEPS({ 0, 0 }, { 50, 500 }, { 90, 0 }, { 100, 0 }), "the link in");
	is_curve(&pic.host, STEPS({ 0, 0 }, { 10, 20224 }, { 90, 0 }, { 100, 0 }), "the host pool");
	/* Each kind on top of those before it; workspace is the last. */
	is_curve(&pic.kinds[KIND_PARAMETER], STEPS({ 0, 512 }, { 100, 512 }), "parameters");
	is_curve(&pic.kinds[KIND_ACTIVATION], STEPS({ 0, 20736 }, { 10, 24832 }, { 20, 20736 }, { 30, 30720 }, { 50, 55040 }, { 100, 512 }, { 100, 512 }),
	    "maps");
	is_curve(&pic.kinds[SIM_WORKSPACE], STEPS({ 0, 20736 }, { 10, 24832 }, { 20, 20736 }, { 30, 70912 }, { 50, 55040 }, { 100, 512 }, { 100, 512 }),
	    "workspace");
	is_uint(pic.kind_most[KIND_PARAMETER], 512, "picture: most of parameters");
	is_uint(pic.kind_most[KIND_ACTIVATION], 54528, "picture: most of maps");
	is_uint(pic.kind_most[SIM_WORKSPACE], 40192, "picture: most of workspace");
	is_uint(pic.top_bytes, 70912, "picture: what the panel reaches");
}

static void
test_marks_and_peak(struct toy *b)
{
	struct picture pic;
	const struct peak *k = &pic.peak;

	if (!make(b))
		return;
	picture_init(&pic, &b->plan, &b->result, &fine, &b->arena);
	is_marks(&pic, MARK_FORWARD, 40, 3);
	is_marks(&pic, MARK_BACKWARD, 10, 1);
	is_marks(&pic, MARK_RERUN, 10, 1);
	is_marks(&pic, MARK_STALL, 40, 2);
	is_marks(&pic, MARK_OFFLOAD, 20, 1);
	is_marks(&pic, MARK_FETCH, 40, 1);
	ok(pic.marks[MARK_STALL].boxes[1].from_us == 60 && pic.marks[MARK_STALL].boxes[1].to_us == 90, "picture: the second stall is from 60 to 90");
	ok(pic.marks[MARK_OFFLOAD].boxes[0].low > 0.5 && pic.marks[MARK_OFFLOAD].boxes[0].high < 1.5 &&
	    pic.marks[MARK_FETCH].boxes[0].high < 0.5, "picture: compute above out above in");
	is_near(k->time_us, 30, 0, "picture: the peak is at 30 us");
	is_uint(k->bytes, 70912, "picture: its bytes");
	ok(k->count == 3 && k->top[0].buffer == B_WORKSPACE && k->top[1].buffer == B_3 && k->top[2].buffer == B_PARAMETER && k->other_count == 0,
	    "picture: what it is made of");
	/* A workspace of 15,872 at op 3 makes the end as full: the peak is the first moment. */
	b->buffers[BUFFERS] = (struct buffer) { PLAN_NONE, 55040, 15872 };
	b->plan.buffer_count = BUFFERS + 1;
	b->program[OP_3].workspace = BUFFERS;
	if (toy_time(b, "two peaks")) {
		picture_init(&pic, &b->plan, &b->result, &fine, &b->arena);
		ok(k->time_us == 30 && k->bytes == 70912, "picture: of two peaks the first");
	}
	ok(pic.origins[0].how == ORIGIN_NONE && pic.origins[1].op == 0 && pic.origins[2].op == 1 && pic.origins[4].op == 1,
	    "picture: origins of the tensors");
}

/* Boxes of the address map: from its buffer's first use to its last, at its offset. */
static void
test_map(struct toy *b)
{
	static const struct { uint32_t buffer; double from, to; } want[] = {
		{ B_PARAMETER, 0, 100 }, { B_1, 0, 30 }, { B_2, 10, 20 }, { B_3, 30, 100 }, { B_WORKSPACE, 30, 50 }, { B_1_AGAIN, 50, 100 }
	};
	struct picture pic;
	double area = 0;

	if (!make(b))
		return;
	picture_init(&pic, &b->plan, &b->result, &fine, &b->arena);
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		const struct map_range *s = &pic.ranges[want[i].buffer];

		ok(s->from == want[i].from && s->to == want[i].to && s->offset == b->buffers[want[i].buffer].offset_bytes,
		    "map: buffer %u from %g to %g us", want[i].buffer, s->from, s->to);
	}
	is_uint(pic.ranges[B_WORKSPACE].group, SIM_WORKSPACE, "map: workspace has a colour of its own");
	is_uint(pic.map.count, BUFFERS, "map: a box a buffer");
	for (int s = 0; s < MAP_SHADES; s++)
		for (size_t i = 0; i < pic.map.groups[SIM_WORKSPACE][s].count; i++) {
			const struct box *x = &pic.map.groups[SIM_WORKSPACE][s].boxes[i];

			area += (x->to_us - x->from_us) * (x->high - x->low);
		}
	is_near(area, 20.0 * (double)pic.ranges[B_WORKSPACE].bytes, 1e-6, "map: the workspace's box");
}

/* ---- what is written ---- */

/* The lines between "$NAME << EOD" and EOD. */
static const char *
block(const char *text, const char *name, struct arena *a)
{
	const char *from = strstr(text, arena_printf(a, "$%s << EOD\n", name)), *to;

	if (from == NULL)
		return "";
	from = strchr(from, '\n') + 1;
	to = strstr(from, "EOD\n");
	return to == NULL ? "" : arena_printf(a, "%.*s", (int)(to - from), from);
}

/* ms and GB/s, both corners of each step. */
static void
is_link(const char *script, const char *what, struct arena *a)
{
	is_string(block(script, "out", a), "0 0\n0.01 0\n0.01 1\n0.03 1\n0.03 0\n0.1 0\n0.1 0\n", "%s: the curve out", what);
	is_string(block(script, "in", a), "0 0\n0.05 0\n0.05 0.5\n0.09 0.5\n0.09 0\n0.1 0\n0.1 0\n", "%s: the curve in", what);
}

static void
test_scripts(struct toy *b)
{
	struct panel_view view = { .panel = PANEL_LINK };
	struct drawing whole = { .format = &gnuplot_svg, .width = 1200, .height = 1220, .font = 12, .id = "x", .label = "x" }, panel = whole;
	struct picture pic;
	char *text;
	size_t size;
	FILE *out;

	if (!make(b))
		return;
	picture_init(&pic, &b->plan, &b->result, &fine, &b->arena);
	picture_titles(&pic, &b->arena);
	whole.what = view.picture = &pic;
	panel.what = &view;
	out = open_memstream(&text, &size);
	picture_script(out, &whole);
	fclose(out);
	is_link(text, "script", &b->arena);
	ok(strstr(text, "'out 19.5 KiB'") != NULL && strstr(text, "'in 19.5 KiB'") != NULL, "script: bytes of the link");
	ok(strstr(text, "'stall 40.0 us'") != NULL && strstr(text, "'recompute 10.0 us'") != NULL, "script: stalls and reruns in the legend");
	free(text);
	out = open_memstream(&text, &size);
	picture_panel_script(out, &panel);
	fclose(out);
	is_link(text, "panel", &b->arena);
	free(text);
	is_string(pic.subtitle, "'step 100.0 us, ideal 50.0 us, overhead 100.0 %, stalls 40.0 us, recomputing 10.0 us'", "subtitle");
}

/* Queue by queue: start and end in ms; op and whether it is a rerun, or tensor and bytes. */
static void
test_page(struct toy *b)
{
	struct picture pic;
	char *text;
	size_t size;
	FILE *out;

	if (!make(b))
		return;
	picture_init(&pic, &b->plan, &b->result, &fine, &b->arena);
	out = open_memstream(&text, &size);
	page_plan_data(out, &pic, &b->arena);
	fclose(out);
	ok(strstr(text, "\"queues\":[[0,0.01,0,0,0.01,0.02,1,0,0.03,0.05,2,0,0.05,0.06,1,1,0.09,0.1,3,0],\n"
	    "[0.01,0.03,1,20000],\n[0.05,0.09,1,20000]]") != NULL, "page: the three queues");
	ok(strstr(text, "\"host\":[0,0,0.01,20224,0.09,0,0.1,0]") != NULL, "page: the host pool");
	ok(strstr(text, "\"tensors\":[0,0,0,4,1,0,4,1,1,4,1,2,4,1,1]") != NULL, "page: kinds and origins of tensors");
	free(text);
}

/* ---- a sweep's charts ---- */

static void
is_points(const struct chart_point *got, size_t got_count, const struct chart_point *want, size_t count, const char *what)
{
	is_uint(got_count, count, "sweep: %s: points", what);
	for (size_t i = 0; i < count && i < got_count; i++)
		ok(got[i].x == want[i].x && fabs(got[i].y - want[i].y) < 1e-9, "sweep: %s: %g at %g (got %g at %g)", what, want[i].y, want[i].x, got[i].y,
		    got[i].x);
}
#define POINTS(...) (const struct chart_point[]) { __VA_ARGS__ }, sizeof((const struct chart_point[]) { __VA_ARGS__ }) / sizeof(struct chart_point)

/* One step of 8 samples whose ideal time is 1 ms.  Of policy a's results the one with 7 GiB is slower than that with 5. */
static void
test_sweep(void)
{
	struct sweep_point points[] = {
		{ "net", "d", "a", 8, 1, 4 * GIB, 3 * GIB, 0, 2000, 1.0, 1500, 1e10, 0, NULL, NULL, NULL }, { "net", "d", "a", 8, 1, 8 * GIB, 7 * GIB, 0, 1600, 0.6, 1100, 1e10, 0, NULL, NULL, NULL },
		{ "net", "d", "a", 8, 1, 6 * GIB, 5 * GIB, 0, 1500, 0.5, 1200, 1e10, 0, NULL, NULL, NULL }, { "net", "d", "b", 8, 1, 4 * GIB, 4 * GIB, 0, 1800, 0.8, 1500, 1e10, 0, NULL, NULL, NULL }
	};
	const struct sweep sweep = { .count = 4, .points = points };
	const struct chart_data *d;
	struct sweep_picture pic;
	struct arena a = ARENA_INIT;

	sweep_picture_init(&pic, &sweep, &a);
	d = &pic.charts[CHART_PARETO];
	if (ok(d->count == 2 && strcmp(d->series[0].name, "a") == 0 && strcmp(d->series[1].name, "b") == 0, "sweep: a series a policy")) {
		is_points(d->series[0].points, d->series[0].count, POINTS({ 3, 2 }, { 5, 1.5 }), "frontier of a, GiB and ms");
		is_points(d->series[1].points, d->series[1].count, POINTS({ 4, 1.8 }), "frontier of b");
	}
	is_points(d->bound, d->bound_count, POINTS({ 4, 1.5 }, { 6, 1.2 }, { 8, 1.1 }), "the bound, by budget");
	d = &pic.charts[CHART_BUDGET];
	if (ok(d->count == 2, "sweep: budgets: a series a policy"))
		is_points(d->series[0].points, d->series[0].count, POINTS({ 4, 100 }, { 6, 50 }, { 8, 60 }), "budget against overhead in per cent");
	is_points(d->bound, d->bound_count, POINTS({ 4, 50 }, { 6, 20 }, { 8, 10 }), "the bound as overhead");
	/* Of three budgets at one batch each is a series: 8 samples in 1.5 ms are 5333 a second. */
	d = &pic.charts[CHART_BATCH];
	ok(d->flat && d->count == 4, "sweep: one batch is nothing to see");
	is_points(d->series[1].points, d->series[1].count, POINTS({ 8, 8000 / 1.5 }), "throughput");
	/* A step of two passes has 16 samples. */
	for (size_t i = 0; i < 4; i++)
		points[i].passes = 2;
	sweep_picture_init(&pic, &sweep, &a);
	is_points(d->series[1].points, d->series[1].count, POINTS({ 8, 16000 / 1.5 }), "throughput of two passes");
	is_string(pic.plain_title, "net on d, batch 8 x 2, 4 results", "sweep: the title tells the passes");
	arena_free(&a);
}

int
main(void)
{
	static struct toy b;

	test_explain(&b);
	test_story(&b);
	test_curves(&b);
	test_marks_and_peak(&b);
	test_map(&b);
	test_scripts(&b);
	test_page(&b);
	test_sweep();
	arena_free(&b.arena);
	return tap_done();
}
