/* SPDX-License-Identifier: Apache-2.0 */
/* Largest batches and gradient accumulation, by hand.
 *
 * The device takes 1 us a byte (FLOPs are free) and 10 us a launch.  The network is a product of 64 by 64 values without bias and a loss;
 * a sample and its logits have 256 bytes each, its label 8, the weight and its gradient 16,384.  At batch m:
 *
 *     linear                   256 m + 16,384 + 256 m     and a launch
 *     softmax-loss             256 m + 8 m + 256 m + 4
 *     softmax-loss-backward    256 m + 8 m + 256 m
 *     linear-backward-weight   256 m + 256 m + 16,384
 *     sgd-update               3 x 16,384
 *
 * so a pass takes 2064 m + 32,772 + 4 launches, the update 49,152 + 1 launch, and adding one gradient to another as much as the update.
 *
 * Memory, in multiples of 256 bytes: weight 16,384, samples 256 m, labels 256.  The loss adds logits and probabilities (or these and the
 * logits' gradient), 512 m, and 256 of its own.  The weight's gradient, 16,384, is there beside the logits' gradient, 256 m, and with
 * accumulation over the whole step. */
#include <config.h>
#include "src/library/fit_search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/tap.h"

static const char network[] = "{'format':'layrub-network','version':1,'name':'n','batch':8,'layers':["
	"{'name':'x','type':'input','shape':[64]},{'name':'f','type':'linear','features':64,'bias':false},"
	"{'name':'y','type':'input','shape':[1],'dtype':'int64'},{'name':'l','type':'cross-entropy','inputs':['f','y']}]}";
static const char device[] = "{'format':'layrub-device','version':1,'name':'d','gpu':'d','source':'by hand','memory_bytes':1073741824,"
	"'reserved_bytes':0,'compute':{'flops':{'float32':1e18},'memory_bytes_per_s':1e6,'launch_us':10,'flop_efficiency':{'default':1},"
	"'memory_efficiency':{'default':1}},'link':{'d2h':{'latency_us':0,'bytes_per_s':1e9},'h2d':{'latency_us':0,'bytes_per_s':1e9},"
	"'duplex_bytes_per_s':2e9,'copy_engines':2},'contention':{'default':1},'host':{'pinned_bytes':1073741824}}";

static char network_path[] = "/tmp/layrub-fit-XXXXXX", device_path[] = "/tmp/layrub-fit-XXXXXX";

static double pass_us(double m) { return 2064 * m + 32772 + 4 * 10; }
static const double update_us = 49152 + 10, add_us = 49152 + 10;
static const bytes_t fixed_bytes = 16384 + 256;		/* weight and labels */

/* ' stands for ". */
static bool
put(char *path, const char *text)
{
	int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (f == NULL)
		return false;
	for (; *text != '\0'; text++)
		fputc(*text == '\'' ? '"' : *text, f);
	return fclose(f) == 0;
}

static bool
never(void *user)
{
	(void)user;
	return false;
}

static struct task task;

static struct fit_problem
problem(bytes_t budget)
{
	return (struct fit_problem) { .task = &task, .most_overhead = 0.25, .request = { .budget_bytes = budget, .stopped = never } };
}

static void
test_times(void)
{
	const struct fit_problem p = problem(1 << 30);
	struct err e = ERR_INIT;
	struct fit_evaluation t;

	if (!ok(fit_evaluate(&t, &p, FIT_RESIDENT, 5, &e) == 0, "batch 5 is planned %s: %s", e.path, e.text))
		return;
	is_near(t.ideal_time_us, pass_us(5) + update_us, 1e-6, "batch 5: the step's time");
	is_near(t.update_time_us, update_us, 1e-6, "batch 5: the update's");
	is_near(t.overhead, 0, 1e-12, "batch 5: nothing is slower");
	is_uint(t.gradient_bytes, 16384, "batch 5: gradients of parameters");
	/* Weight, gradient, samples and the gradient of the logits, labels. */
	is_uint(t.figures.peak_bytes, fixed_bytes + 16384 + 2 * 5 * 256, "batch 5: peak");
}

/* Room for 3 samples beside a gradient that stays: 8 samples are 3 micro-steps of 3.  Two gradients are added to the first. */
static void
test_accumulation(void)
{
	static const struct { uint32_t room, batch, micro_batch, micro_steps; } rows[] = {
		{ 3, 8, 3, 3 }, { 3, 9, 3, 3 }, { 3, 10, 3, 4 }, { 4, 8, 4, 2 }, { 1, 2, 1, 2 }, { 5, 12, 4, 3 }
	};
	struct fit_accumulation f;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct fit_problem p = problem(fixed_bytes + 16384 + 256 + 3 * 256 * rows[i].room);
		double steps = rows[i].micro_steps;

		if (!ok(fit_accumulate(&f, &p, rows[i].batch, &task.device, &e) == 0, "batch %u with room for %u %s", rows[i].batch, rows[i].room, e.text))
			continue;
		is_uint(f.micro_batch, rows[i].micro_batch, "batch %u with room for %u: the micro-batch", rows[i].batch, rows[i].room);
		is_uint(f.micro_steps, rows[i].micro_steps, "batch %u with room for %u: micro-steps", rows[i].batch, rows[i].room);
		is_near(f.step_time_us, steps * pass_us(rows[i].micro_batch) + (steps - 1) * add_us + update_us, 1e-6,
		    "batch %u with room for %u: passes, adds and one update", rows[i].batch, rows[i].room);
	}
}

/* All resident: weight, gradient, labels and 512 bytes a sample, up to a batch at which the loss takes more. */
static void
test_largest(void)
{
	struct err e = ERR_INIT;
	struct fit_evaluation best;

	for (uint32_t m = 1; m < 12; m += 3) {
		const struct fit_problem p = problem(fixed_bytes + 16384 + 512 * m + 500);

		ok(fit_largest(&best, &p, FIT_RESIDENT, FIT_BATCH_MAX, &e) == 0, "room for %u is searched %s", m, e.text);
		is_uint(best.batch, m, "room for %u: the largest batch", m);
	}
}

int
main(void)
{
	const struct task_options o = { .device = device_path };
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;

	if (ok(put(network_path, network) && put(device_path, device), "documents are written") &&
	    ok(task_read(&task, network_path, &o, &a, &e) == 0, "and read %s", e.text)) {
		test_times();
		test_accumulation();
		test_largest();
	}
	unlink(network_path);
	unlink(device_path);
	arena_free(&a);
	return tap_done();
}
