/* SPDX-License-Identifier: Apache-2.0 */
/* Device documents of version 2, and the ranges of a device's values: what is kept, what is refused and why. */
#include <config.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/json.h"
#include "src/documents/device.h"
#include "tests/tap.h"

/* As layrub writes it, but for space. */
#define DEVICE "{\"format\":\"layrub-device\",\"version\":2,\"name\":\"d\",\"gpu\":\"D\",\"source\":\"a test\"," \
	"\"memory_bytes\":8192,\"reserved_bytes\":1024,\"process_bytes\":512,\"compute\":{\"flops\":{\"float32\":1000000000000}," \
	"\"memory_bytes_per_s\":100000000000,\"launch_us\":2.5,\"captured_gap_us\":{\"default\":0.5,\"conv\":0},\"wait_us\":1.25," \
	"\"flop_efficiency\":{\"default\":0.5},\"memory_efficiency\":{\"default\":1},\"kernels\":[{\"name\":\"k\",\"memory\":0.5}]," \
	"\"conv_workspace\":[{\"pass\":\"forward\",\"math\":\"tf32\",\"input\":1}]}," \
	"\"link\":{\"d2h\":{\"latency_us\":10,\"bytes_per_s\":1000000000,\"curve\":[[1000,11],[3000,13]]}," \
	"\"h2d\":{\"latency_us\":10,\"bytes_per_s\":2000000000}," \
	"\"loaded\":{\"d2h\":[[1000,12],[2000,14.5]],\"h2d\":[[512,9]]},\"duplex_bytes_per_s\":2500000000,\"copy_engines\":2}," \
	"\"contention\":{\"default\":1.05,\"conv\":1.5}}"

/* A change of DEVICE, and the error that it must give. */
static const struct device_change { const char *from, *to, *path, *text; } rows[] = {
	{ "\"version\":2", "\"version\":3", "version", "expected a version from 1 to 2, got a newer one" },
	{ "\"version\":2", "\"version\":1", "", "the key 'process_bytes' needs \"version\": 2, got 1" },
	{ "\"process_bytes\":512", "\"process_bytes\":-1", "process_bytes", "expected a whole number from 0 to 4611686018427387904, got -1" },
	{ "\"process_bytes\":512", "\"process_bytes\":8193", "process_bytes", "expected at most memory_bytes, 8192, got 8193" },
	{ "\"process_bytes\":512", "\"process_bytes\":1.5", "process_bytes", "expected a whole number, got a real number" },
	{ "\"default\":0.5,\"conv\":0}", "\"default\":-0.5}", "compute.captured_gap_us.default", "expected a number from 0 to 1e+18, got -0.5" },
	{ "\"default\":0.5,\"conv\":0}", "\"default\":1e13}", "compute.captured_gap_us.default", "expected a number from 0 to 1e+12, got 1e+13" },
	{ "\"conv\":0}", "\"norm\":2e12}", "compute.captured_gap_us.norm", "expected a number from 0 to 1e+12, got 2e+12" },
	{ "\"default\":0.5,\"conv\":0}", "\"conv\":0}", "compute.captured_gap_us", "expected the key 'default' or 'linear', got neither" },
	{ "\"conv\":0}", "\"cnov\":0}", "compute.captured_gap_us", "unknown key 'cnov'; did you mean 'conv'?" },
	{ "{\"default\":0.5,\"conv\":0}", "0.5", "compute.captured_gap_us", "expected an object, got a real number" },
	{ "\"wait_us\":1.25", "\"wait_us\":-1", "compute.wait_us", "expected a number from 0 to 1e+12, got -1" },
	{ "\"wait_us\":1.25", "\"wait_us\":\"1us\"", "compute.wait_us", "expected a number, got a string" },
	{ "[2000,14.5]", "[1000,14.5]", "link.loaded.d2h[1]", "expected more bytes and time than [1000, 12], got [1000, 14.5]" },
	{ "[2000,14.5]", "[2000,12]", "link.loaded.d2h[1]", "expected more bytes and time than [1000, 12], got [2000, 12]" },
	{ "[2000,14.5]", "2000", "link.loaded.d2h[1]", "expected [bytes, us], got a whole number" },
	{ "[[512,9]]", "[[512,-9]]", "link.loaded.h2d[0][1]", "expected a number from 0 to 1e+12, got -9" },
	{ "[[512,9]]", "9", "link.loaded.h2d", "expected an array, got a whole number" },
	{ ",\"h2d\":[[512,9]]", "", "link.loaded", "expected the key 'h2d', got none" },
	{ "\"h2d\":[[512,9]]", "\"h2d\":[],\"both\":[]", "link.loaded", "unknown key 'both'" },
	{ "\"conv\":1.5}}", "\"conv\":1.5},\"host\":{}}", "host", "expected the key 'pinned_bytes', got none" },
	{ "\"conv\":1.5}}", "\"conv\":1.5},\"host\":{\"pinned_bytes\":-1}}", "host.pinned_bytes",
	    "expected a whole number from 0 to 4611686018427387904, got -1" },
};

/* Keys of version 2 put into DEVICE_1, and the error of each. */
#define DEVICE_1 "{\"format\":\"layrub-device\",\"version\":1,\"name\":\"d\",\"gpu\":\"D\",\"source\":\"a test\",\"memory_bytes\":8192," \
	"\"reserved_bytes\":1024,\"compute\":{\"flops\":{\"float32\":1},\"memory_bytes_per_s\":1,\"launch_us\":2.5," \
	"\"flop_efficiency\":{\"default\":0.5},\"memory_efficiency\":{\"default\":1}}," \
	"\"link\":{\"d2h\":{\"latency_us\":10,\"bytes_per_s\":1000000000},\"h2d\":{\"latency_us\":10,\"bytes_per_s\":2000000000}," \
	"\"duplex_bytes_per_s\":2500000000,\"copy_engines\":2},\"contention\":{\"default\":1.05},\"host\":{\"pinned_bytes\":65536}}"

static const struct device_change old[] = {
	{ ",\"compute\"", ",\"process_bytes\":1,\"compute\"", "", "the key 'process_bytes' needs \"version\": 2, got 1" },
	{ "\"launch_us\"", "\"wait_us\":1,\"launch_us\"", "compute", "the key 'wait_us' needs \"version\": 2, got 1" },
	{ "\"launch_us\"", "\"captured_gap_us\":{},\"launch_us\"", "compute", "the key 'captured_gap_us' needs \"version\": 2, got 1" },
	{ "\"duplex", "\"loaded\":{},\"duplex", "link", "the key 'loaded' needs \"version\": 2, got 1" },
	{ ",\"host\":{\"pinned_bytes\":65536}", "", "", "expected the key 'host', got none" },
};

static int
read_text(struct device *d, const char *text, struct arena *a, struct err *e)
{
	return device_read_from(d, &(struct json_source) { .text = text, .size = strlen(text) }, a, e);
}

/* Returns text with its first `from` replaced. */
static char *
changed(const char *text, const struct device_change *b)
{
	const char *at = strstr(text, b->from);
	char *to = malloc(strlen(text) + strlen(b->to) + 1);

	if (at == NULL || to == NULL)
		abort();
	sprintf(to, "%.*s%s%s", (int)(at - text), text, b->to, at + strlen(b->from));
	return to;
}

static void
test_bad(const char *good, const struct device_change *b, size_t count)
{
	for (; count > 0; b++, count--) {
		char *text = changed(good, b);
		struct arena a = ARENA_INIT;
		struct err e = ERR_INIT;
		struct device d;

		ok(read_text(&d, text, &a, &e) < 0 && e.code == ERR_INPUT, "refused: %s -> %s", b->from, b->to);
		is_string(e.path, b->path, "its place");
		is_string(e.text, b->text, "its reason");
		arena_free(&a);
		free(text);
	}
}

static char *
written(const struct device *d)
{
	char *text, *to;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct json_out o;

	if (out == NULL)
		abort();
	json_out_init(&o, out);
	device_to_json(d, NULL, &o);
	json_out_finish(&o);
	fclose(out);
	to = text;
	for (const char *p = text; *p != '\0'; p++)
		if (*p == ' ' ? strncmp(p - 1, "a t", 3) == 0 : *p != '\n')
			*to++ = *p;
	*to = '\0';
	return text;
}

/* Reads text, and checks that it is written as `want`. */
static void
test_kept(const char *text, const char *want, const char *what)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct device d;
	char *got;

	if (!ok(read_text(&d, text, &a, &e) == 0, "%s is read", what)) {
		diag("%s: %s", e.path, e.text);
		return;
	}
	got = written(&d);
	is_string(got, want, "%s is written", what);
	free(got);
	arena_free(&a);
}

static void
test_values(void)
{
	static const struct device_change host = { "\"conv\":1.5}}", "\"conv\":1.5},\"host\":{\"pinned_bytes\":65536}}", NULL, NULL };
	static const struct device_change none = { "{\"default\":0.5,\"conv\":0}", "{\"default\":0}", NULL, NULL };
	static const struct device_change without = { "\"captured_gap_us\":{\"default\":0.5,\"conv\":0},", "", NULL, NULL };
	static const struct device_change newer = { "\"version\":1", "\"version\":2", NULL, NULL };
	static const struct device_change homeless = { ",\"host\":{\"pinned_bytes\":65536}", "", NULL, NULL };
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct device d;
	char *text, *other;

	ok(read_text(&d, DEVICE, &a, &e) == 0, "a device of version 2");
	is_uint(d.process_bytes, 512, "bytes of a process");
	is_near(d.wait_us, 1.25, 0, "a wait");
	is_near(d.compute.captured_gap_us[CLASS_CONV], 0, 0, "a captured gap of a class that is named");
	is_near(d.compute.captured_gap_us[CLASS_POOL], 0.5, 0, "a captured gap of a class that is not");
	is_uint(d.link[D2H].loaded_count, 2, "points of a loaded curve");
	is_near(d.link[D2H].loaded[1].time_us, 14.5, 0, "a time of a loaded curve");
	is_uint(d.link[H2D].loaded[0].bytes, 512, "bytes of the other loaded curve");
	ok(d.pinned_bytes == DEVICE_HOST_ANY, "no host: no limit on pinned memory");
	is_near(device_transfer_us(&d, D2H, 2000), 12, 1e-9, "a transfer takes the time of the curve that is not loaded");
	arena_free(&a);
	test_kept(DEVICE, DEVICE, "version 2");
	test_kept(DEVICE_1, DEVICE_1, "version 1");
	text = changed(DEVICE, &host);
	test_kept(text, text, "version 2 with a host");
	free(text);
	text = changed(DEVICE_1, &newer);
	test_kept(text, DEVICE_1, "version 2 without a key of its own, as version 1:");
	free(text);
	text = changed(DEVICE_1, &newer);
	other = changed(text, &homeless);
	test_kept(other, other, "version 2 for no host alone");
	free(text);
	free(other);
	text = changed(DEVICE, &none);
	other = changed(DEVICE, &without);
	test_kept(text, other, "a captured gap of 0, as an absent one:");
	free(text);
	free(other);
}

/* ---- devices made in memory ---- */

static struct device sample;
static struct curve_point points[2];
static struct kernel_efficiency kernel;
static struct conv_rule rule;

static void
reset(struct arena *a)
{
	struct err e = ERR_INIT;

	if (read_text(&sample, DEVICE, a, &e) < 0)
		abort();
	points[0] = (struct curve_point) { 1000, 12 };
	points[1] = (struct curve_point) { 2000, 14 };
	kernel = (struct kernel_efficiency) { "k", 0.5, 0 };
	rule = (struct conv_rule) { .pass = CONV_FORWARD };
	sample.link[H2D].loaded = points;
	sample.link[H2D].loaded_count = 2;
	sample.compute.kernels = &kernel;
	sample.compute.conv_rules = &rule;
}

static void
test_check(void)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;

	reset(&a);
	ok(device_check(&sample, &e) == 0, "a sound device");
#define REFUSED(change, place, why) \
	reset(&a); \
	e = (struct err) ERR_INIT; \
	change; \
	ok(device_check(&sample, &e) < 0 && e.code == ERR_INPUT, "refused: %s", #change); \
	is_string(e.path, place, "its place"); \
	is_string(e.text, why, "its reason");

	REFUSED(sample.name = NULL, "name", "expected a string, got none")
	REFUSED(sample.gpu = NULL, "gpu", "expected a string, got none")
	REFUSED(sample.source = NULL, "source", "expected a string, got none")
	REFUSED(sample.memory_bytes = BYTES_MAX + 1, "memory_bytes",
	    "expected a whole number from 0 to 4611686018427387904, got 4611686018427387905")
	REFUSED(sample.reserved_bytes = 8192, "reserved_bytes", "expected less than memory_bytes, 8192, got 8192")
	REFUSED(sample.process_bytes = 8193, "process_bytes", "expected at most memory_bytes, 8192, got 8193")
	REFUSED(sample.compute.flops[MATH_FLOAT32] = 0, "compute.flops.float32", "expected a positive number, got 0")
	REFUSED(sample.compute.flops[MATH_TF32] = -1, "compute.flops.tf32", "expected a number from 0 to 1e+18, got -1")
	REFUSED(sample.compute.memory_bytes_per_s = INFINITY, "compute.memory_bytes_per_s", "expected a positive number, got inf")
	REFUSED(sample.compute.launch_us = 2e12, "compute.launch_us", "expected a number from 0 to 1e+12, got 2e+12")
	REFUSED(sample.wait_us = -1, "compute.wait_us", "expected a number from 0 to 1e+12, got -1")
	REFUSED(sample.compute.captured_gap_us[CLASS_NORM] = -1, "compute.captured_gap_us.norm", "expected a number from 0 to 1e+12, got -1")
	REFUSED(sample.compute.flop_efficiency[CLASS_CONV] = 0, "compute.flop_efficiency.conv", "expected a share above 0 and up to 1, got 0")
	REFUSED(sample.compute.memory_efficiency[CLASS_LOSS] = 1.5, "compute.memory_efficiency.loss",
	    "expected a share above 0 and up to 1, got 1.5")
	REFUSED(sample.compute.multiprocessors = UINT32_MAX, "compute.multiprocessors",
	    "expected a whole number from 0 to 2147483647, got 4294967295")
	REFUSED(sample.compute.gemm_tile[1] = 64, "compute.gemm_tile", "expected two whole numbers from 1 to 2147483647, got 0 and 64")
	REFUSED(sample.compute.conv_tile[0] = 8, "compute.conv_tile", "expected two whole numbers from 1 to 2147483647, got 8 and 0")
	REFUSED(kernel.name = NULL, "compute.kernels[0].name", "expected a string, got none")
	REFUSED(kernel.flops = 2, "compute.kernels[0].flops", "expected a share of at most 1, got 2")
	REFUSED(kernel.memory = -1, "compute.kernels[0].memory", "expected a share of at most 1, got -1")
	REFUSED(rule.pass = CONV_PASS_COUNT, "compute.conv_workspace[0].pass", "expected a whole number from 0 to 3, got 4")
	REFUSED(rule.math = MATH_COUNT, "compute.conv_workspace[0].math", "expected a whole number from 0 to 3, got 4")
	REFUSED(rule.weight = 2e6, "compute.conv_workspace[0].weight", "expected a factor of at most 1e+06, got 2e+06")
	REFUSED(rule.fixed_bytes = BYTES_MAX + 1, "compute.conv_workspace[0].fixed_bytes",
	    "expected a whole number from 0 to 4611686018427387904, got 4611686018427387905")
	arena_free(&a);
}

static void
test_check_link(void)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;

	REFUSED(sample.link[D2H].latency_us = -1, "link.d2h.latency_us", "expected a number from 0 to 1e+12, got -1")
	REFUSED(sample.link[H2D].bytes_per_s = 999, "link.h2d.bytes_per_s", "expected 1000 or more, got 999")
	REFUSED(sample.link[D2H].points[1].bytes = 1000, "link.d2h.curve[1]", "expected more bytes and time than [1000, 11], got [1000, 13]")
	REFUSED(points[1].time_us = 12, "link.loaded.h2d[1]", "expected more bytes and time than [1000, 12], got [2000, 12]")
	REFUSED(points[0].time_us = -1, "link.loaded.h2d[0][1]", "expected a number from 0 to 1e+12, got -1")
	REFUSED(points[1].bytes = BYTES_MAX + 1, "link.loaded.h2d[1][0]",
	    "expected a whole number from 0 to 4611686018427387904, got 4611686018427387905")
	REFUSED(sample.duplex_bytes_per_s = 0, "link.duplex_bytes_per_s", "expected 1000 or more, got 0")
	REFUSED(sample.copy_engines = 0, "link.copy_engines", "expected 1 or 2, got 0")
	REFUSED(sample.contention[CLASS_COPY] = 0.5, "contention.copy", "expected a factor of at least 1, got 0.5")
	REFUSED(sample.pinned_bytes = UINT64_MAX, "host.pinned_bytes",
	    "expected a whole number from 0 to 4611686018427387904, got 18446744073709551615")
	e = (struct err) ERR_INIT;
	reset(&a);
	sample.compute.launch_us = NAN;
	ok(device_check(&sample, &e) < 0 && strcmp(e.path, "compute.launch_us") == 0, "refused: a launch that is no number");
	arena_free(&a);
}

int
main(void)
{
	test_values();
	test_bad(DEVICE, rows, sizeof(rows) / sizeof(rows[0]));
	test_bad(DEVICE_1, old, sizeof(old) / sizeof(old[0]));
	test_check();
	test_check_link();
	return tap_done();
}
