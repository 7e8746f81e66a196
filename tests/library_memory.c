/* SPDX-License-Identifier: Apache-2.0 */
/* library_memory.c - the promise of the library about lack of memory, for problems made from arrays
 *
 * A session builds a problem, plans with a quick policy and with hybrid, checks, simulates, fits, writes and places.  Each of its
 * allocations fails in turn, alone and together with all later ones.  Every session ends with LAYRUB_SYSTEM or with the usual answer, the
 * process goes on, and no memory is left.  The linker sends the allocations of our code and of xxHash here (local.mk); `threads` is 1,
 * because OpenMP ends the process when it has no memory.  LAYRUB_ALL=1 tries every allocation, otherwise every fifth.
 */
#include <config.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined __GLIBC__ && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
#include <malloc.h>
#endif

#include "src/library/layrub.h"
#include "tests/starve.h"
#include "tests/tap.h"

enum { LAYERS = 8, TENSORS = 4 * LAYERS + 1, OPS = 3 * LAYERS, ITEMS = 20 };

/* ---- allocations ---- */

#if defined __GLIBC__ && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33) && !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
#define HAS_COUNT 1
#else
#define HAS_COUNT 0
#endif

/* Starts the program anew without glibc's cache of freed blocks, which mallinfo2() takes for allocated. */
static void
leave_cache(char **argv)
{
	if (!HAS_COUNT || getenv("GLIBC_TUNABLES") != NULL || setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1) != 0)
		return;
	execv("/proc/self/exe", argv);
}

/* Returns the bytes that are allocated in the process; 0 where that is not known.  Sanitizers look for leaks themselves. */
static size_t
allocated(void)
{
#if HAS_COUNT
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
#else
	return 0;
#endif
}

/* ---- the session ---- */

static struct layrub_tensor tensors[TENSORS];
static struct layrub_op ops[OPS];
static uint32_t ids[OPS][5];
static struct layrub_graph graph = LAYRUB_GRAPH_INIT;
static struct layrub_device device = LAYRUB_DEVICE_INIT;
static struct layrub_item items[ITEMS];

static void
add_op(const char *name, uint32_t phase, uint32_t inputs, uint32_t outputs)
{
	uint32_t *id = ids[graph.op_count];

	ops[graph.op_count++] = (struct layrub_op) { .name = name, .phase = phase, .input_count = inputs, .inputs = id,
	    .output_count = outputs, .outputs = id + inputs, .time_us = LAYRUB_UNKNOWN_TIME, .flops = 4e9 };
}

/* A chain of layers: tensors of layer i are its parameters, its map, and the gradients of both. */
static void
fill(void)
{
	const uint32_t input = 4 * LAYERS;

	graph.name = "chain";
	graph.tensors = tensors;
	graph.tensor_count = TENSORS;
	graph.ops = ops;
	tensors[input] = (struct layrub_tensor) { 4 << 20, LAYRUB_INPUT };
	for (uint32_t i = 0; i < LAYERS; i++) {
		tensors[4 * i] = (struct layrub_tensor) { 1 << 20, LAYRUB_PARAMETER };
		tensors[4 * i + 1] = (struct layrub_tensor) { (UINT64_C(4) + i % 5) << 20, LAYRUB_ACTIVATION };
		tensors[4 * i + 2] = (struct layrub_tensor) { (UINT64_C(4) + i % 5) << 20, LAYRUB_GRADIENT };
		tensors[4 * i + 3] = (struct layrub_tensor) { 1 << 20, LAYRUB_GRADIENT };
		memcpy(ids[graph.op_count], (const uint32_t []) { i == 0 ? input : 4 * i - 3, 4 * i, 4 * i + 1 }, 3 * sizeof(uint32_t));
		add_op("linear", LAYRUB_FORWARD, 2, 1);
	}
	for (uint32_t i = LAYERS; i-- > 0;) {
		memcpy(ids[graph.op_count], (const uint32_t []) { i + 1 == LAYERS ? 4 * i + 1 : 4 * i + 6, i == 0 ? input : 4 * i - 3, 4 * i,
		    4 * i + 2, 4 * i + 3 }, 5 * sizeof(uint32_t));
		add_op("linear-backward", LAYRUB_BACKWARD, 3, 2);
		memcpy(ids[graph.op_count], (const uint32_t []) { 4 * i, 4 * i + 3, 4 * i }, 3 * sizeof(uint32_t));
		add_op("sgd-update", LAYRUB_UPDATE, 2, 1);
	}
	device.name = device.gpu = device.source = "made up";
	device.memory_bytes = UINT64_C(1) << 30;
	device.pinned_bytes = LAYRUB_UNLIMITED;
	device.flops[LAYRUB_FLOAT32] = 1e13;
	device.memory_bytes_per_s = 1e12;
	device.flop_efficiency[0] = device.memory_efficiency[0] = device.contention[0] = 1;
	device.link[0] = device.link[1] = (struct layrub_link) { .latency_us = 5, .bytes_per_s = 2e10 };
	device.duplex_bytes_per_s = 3e10;
	device.copy_engines = 2;
	for (uint32_t i = 0; i < ITEMS; i++)
		items[i] = (struct layrub_item) { .lower = i * 37 % 50, .upper = i * 37 % 50 + 3 + i * i % 23, .bytes = 256 * (1 + i * i % 91) };
}

/* The answer of a session. */
struct session_answer {
	char *text[2];			/* of the plans */
	size_t size[2];
	uint64_t offsets[ITEMS];
	double step_time_us, fit_us;
	bool whole;
};

static bool
plan_into(struct session_answer *w, int which, const struct layrub_problem *p, const char *policy, struct layrub_error *e)
{
	const struct layrub_plan_options o = { .size = sizeof(o), .policy = policy, .budget_percent = 60, .threads = 1 };
	struct layrub_plan *plan = layrub_plan_make(p, &o, e);
	struct layrub_figures f = LAYRUB_FIGURES_INIT;
	struct layrub_timeline *t = NULL;
	bool good = plan != NULL && layrub_plan_check(plan, p, e) == 0 && layrub_plan_simulate(plan, NULL, &f, &t, e) == 0;

	if (good)
		w->text[which] = layrub_plan_text(plan, &w->size[which], e);
	w->step_time_us += f.step_time_us;
	layrub_timeline_free(t);
	layrub_plan_free(plan);
	return w->text[which] != NULL;
}

static void
session(struct session_answer *w, struct layrub_error *e)
{
	const struct layrub_problem_options on = { .size = sizeof(on), .device_data = &device };
	const struct layrub_place_options exact = { .size = sizeof(exact), .placement = "exact", .threads = 1 };
	const struct layrub_fit_options fit = { .size = sizeof(fit), .threads = 1, .budget_percent = 60, .policy = "layrub", .slowdown_percent = 1e6 };
	struct layrub_fit_result fitted = LAYRUB_FIT_RESULT_INIT;
	struct layrub_problem *p = layrub_problem_build(&graph, &on, e);

	*w = (struct session_answer) { .whole = false };
	w->whole = p != NULL && plan_into(w, 0, p, "capuchin", e) && plan_into(w, 1, p, "hybrid", e) &&
	    layrub_fit(p, &fit, &fitted, e) == 0 && layrub_place(items, ITEMS, &exact, w->offsets, NULL, e) == 0;
	w->fit_us = fitted.own.step_time_us;
	layrub_problem_free(p);
}

static void
forget(struct session_answer *w)
{
	free(w->text[0]);
	free(w->text[1]);
}

/* NULL: as it should be. */
static const char *
fault_of(const struct session_answer *w, const struct session_answer *usual, const struct layrub_error *e)
{
	if (!w->whole)
		return e->code == LAYRUB_SYSTEM && strstr(e->text, "emory") != NULL ? NULL : "another error";
	for (int i = 0; i < 2; i++)
		if (w->size[i] != usual->size[i] || memcmp(w->text[i], usual->text[i], w->size[i]) != 0)
			return "another plan";
	if (memcmp(&w->step_time_us, &usual->step_time_us, sizeof(double)) != 0 || memcmp(&w->fit_us, &usual->fit_us, sizeof(double)) != 0)
		return "another time";
	return memcmp(w->offsets, usual->offsets, sizeof(w->offsets)) != 0 ? "other offsets" : NULL;
}

static void
starve(const struct session_answer *usual, unsigned long all, bool later)
{
	unsigned long wrong = 0, refused = 0, did_without = 0, leaks = 0, step = getenv("LAYRUB_ALL") == NULL ? 5 : 1;

	and_later = later;
	for (unsigned long at = 1; at <= all; at += step) {
		struct layrub_error e = LAYRUB_ERROR_INIT;
		size_t before = allocated();
		struct session_answer w;
		const char *fault;

		asked = 0;
		fail_at = at;
		session(&w, &e);
		fail_at = 0;
		fault = fault_of(&w, usual, &e);
		refused += !w.whole;
		did_without += w.whole;
		if (fault != NULL && wrong++ < 8)
			diag("allocation %lu: %s: code %u, %s", at, fault, (unsigned)e.code, e.text);
		forget(&w);
		if (allocated() != before && leaks++ < 8)
			diag("allocation %lu: %zu bytes before, %zu after", at, before, allocated());
	}
	ok(wrong == 0 && leaks == 0, "%s of %lu allocations fails, %s: %lu LAYRUB_SYSTEM, %lu usual answers, %lu wrong, %lu leaks",
	    step == 1 ? "each" : "every fifth", all,
	    later ? "with all later ones" : "alone", refused, did_without, wrong, leaks);
}

static bool done;

/* The library never exits: a session must not get here. */
static void
at_exit(void)
{
	if (!done)
		printf("not ok - the process ended at allocation %lu\n", fail_at);
}

int
main(int argc, char **argv)
{
	struct layrub_error e = LAYRUB_ERROR_INIT;
	struct session_answer usual, again;
	unsigned long all;

	(void)argc;
	leave_cache(argv);
	atexit(at_exit);
	fill();
	session(&usual, &e);
	asked = 0;
	session(&again, &e);
	all = asked;
	if (!ok(usual.whole && again.whole && fault_of(&again, &usual, &e) == NULL && all > 100, "a session of %lu allocations", all))
		diag("code %u, %s: %s", (unsigned)e.code, e.path, e.text);
	forget(&again);
	starve(&usual, all, false);
	starve(&usual, all, true);
	forget(&usual);
	done = true;
	return tap_done();
}
