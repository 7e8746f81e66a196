/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - fuzz target for plans: read, written, checked, and when sound simulated, explained and drawn */
#include <config.h>
#include <math.h>
#include <string.h>

#include "planner/schedule/lifetimes.h"
#include "sim/check/check.h"
#include "sim/report/explain.h"
#include "sim/report/report_private.h"
#include "sim/report/trace.h"
#include "src/base/json.h"
#include "tests/fuzz/fuzz.h"

/* ---- digests ---- */

struct repair { struct fuzz *f; json_t *root; };

static int
set_digests(void *arg)
{
	struct repair *r = arg;
	struct fuzz *f = r->f;
	json_t *provenance = json_object_get(r->root, "provenance");
	char digest[33];
	struct device d;
	struct graph g;
	char *text;
	size_t n;

	if (graph_from_json(&g, json_object_get(r->root, "graph"), &f->arena, &f->err) < 0 ||
	    device_from_json(&d, json_object_get(r->root, "device"), &f->arena, &f->err) < 0)
		return -1;
	graph_digest(&g, digest, &f->arena);
	json_object_set_new(provenance, "graph_xxh3", json_string(digest));
	device_digest(&d, digest, &f->arena);
	json_object_set_new(provenance, "device_xxh3", json_string(digest));
	n = json_dumpb(r->root, NULL, 0, JSON_COMPACT);
	text = arena_alloc(&f->arena, 1, n + 1);
	json_dumpb(r->root, text, n, JSON_COMPACT);
	fuzz_put(text, n);
	return 0;
}

/* Reads the plan with correct digests: no mutation finds a digest of 128 bits. */
static int
read_repaired(struct fuzz *f, struct plan *p)
{
	struct repair r = { f, NULL };
	int rc;

	f->err = (struct err) ERR_INIT;
	r.root = json_read_file(f->path, &f->err);
	if (r.root == NULL)
		return -1;
	rc = arena_run(&f->arena, set_digests, &r, &f->err);
	json_decref(r.root);
	if (rc < 0)
		return -1;
	rc = plan_read(p, fuzz_output, &f->arena, &f->err);
	fuzz_put("", 0);
	return rc;
}

/* ---- uses of a plan ---- */

static void
tell(struct fuzz *f, const struct plan *p, const struct sim_result *r)
{
	struct timeline t = { "predicted", r };
	struct sim_memory m;
	struct lifetimes l;
	struct explain x;
	struct picture pic;
	uint32_t count;
	size_t size;

	sim_memory(&m, r, p, &f->arena);
	lifetimes_init(&l, p->graph, &f->arena);
	explain_init(&x, p, r, l.peak_op, &f->arena);
	for (uint32_t i = 0; i < p->graph->tensor_count && i < 8; i++)
		explain_story(&x, i, &count, &f->arena);
	EXPECT(f, trace_write("-", p, &t, 1, &f->arena, &f->err) == 0);
	fuzz_written(f, &size);
	picture_init(&pic, p, r, &detail_narrow, &f->arena);
}

static void
time_it(struct fuzz *f, const struct plan *p)
{
	struct sim_result r;

	/* A sound plan may take longer than the largest time. */
	if (simulate(&r, p, p->device, &f->arena, &f->err) < 0) {
		EXPECT(f, f->err.code == ERR_NO);
		f->err = (struct err) ERR_INIT;
		return;
	}
	EXPECT(f, isfinite(r.step_time_us) && r.step_time_us >= 0 && r.stall_time_us >= 0);
	EXPECT(f, r.offload_bytes == p->figures.offload_bytes && r.fetch_bytes == p->figures.fetch_bytes);
	EXPECT(f, r.device_peak_bytes <= p->arena_bytes && r.host_peak_bytes <= p->host_bytes);
	tell(f, p, &r);
}

int
fuzz_case(struct fuzz *f)
{
	struct plan p, again;

	if (plan_read(&p, f->path, &f->arena, &f->err) < 0 &&
	    (strstr(f->err.path, "_xxh3") == NULL || read_repaired(f, &p) < 0))
		return -1;
	fuzz_round_trip(f, &p, &again);
	if (check_plan(&p, &f->arena, &f->err) < 0) {
		EXPECT(f, f->err.code == ERR_NO && f->err.path[0] != '\0');
		/* The check looks at figures last: with correct ones the plan is sound. */
		if (strstr(f->err.text, "which follows from") == NULL)
			return -1;
		f->err = (struct err) ERR_INIT;
		check_figures(&p.figures, &p, &f->arena);
		EXPECT(f, check_plan(&p, &f->arena, &f->err) == 0);
	}
	time_it(f, &p);
	return 0;
}
