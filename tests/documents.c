/* SPDX-License-Identifier: Apache-2.0 */
/* Graph, device and plan documents: what is refused and why, and that writing and
 * reading are each other's inverse. */
#include <config.h>
#include "src/documents/plan.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/json.h"
#include "tests/tap.h"

#define GRAPH "{\"format\":\"layrub-graph\",\"version\":1,\"name\":\"g\",\"source\":\"a test\"," \
	"\"measured\":{\"device\":\"d\",\"step_time_us\":9.5,\"peak_bytes\":4096,\"resident_bytes\":512},\"tensors\":[" \
	"{\"id\":0,\"bytes\":512,\"kind\":\"parameter\"},{\"id\":1,\"bytes\":1024,\"kind\":\"activation\"}," \
	"{\"id\":2,\"bytes\":0,\"kind\":\"activation\"},{\"id\":3,\"bytes\":1024,\"kind\":\"gradient\"}],\"ops\":[" \
	"{\"name\":\"convolution\",\"layer\":\"c1\",\"phase\":\"forward\",\"inputs\":[0],\"outputs\":[1,2],\"workspace_bytes\":64,\"time_us\":1.5}," \
	"{\"name\":\"threshold_backward\",\"phase\":\"backward\",\"inputs\":[1,2],\"outputs\":[3],\"inplace\":[[1,3]],\"workspace_bytes\":0," \
	"\"time_us\":2,\"alternatives\":[{\"workspace_bytes\":256,\"time_us\":1}]}," \
	"{\"name\":\"add_.Tensor\",\"class\":\"elementwise\",\"phase\":\"update\",\"inputs\":[3,0],\"outputs\":[0]," \
	"\"workspace_bytes\":0,\"time_us\":0.5,\"recomputable\":true}]}"

/* The keys of version 2. */
#define GRAPH2 "{\"format\":\"layrub-graph\",\"version\":2,\"name\":\"g\",\"op_times\":\"captured\",\"tensors\":[" \
	"{\"id\":0,\"bytes\":512,\"kind\":\"parameter\",\"name\":\"w\"},{\"id\":1,\"bytes\":1024,\"kind\":\"activation\"}," \
	"{\"id\":2,\"bytes\":4,\"kind\":\"result\"}],\"ops\":[" \
	"{\"name\":\"linear\",\"source\":\"m.py:12\",\"phase\":\"forward\",\"inputs\":[0],\"outputs\":[1,2],\"workspace_bytes\":64,\"flops\":2000," \
	"\"memory_bytes\":1536,\"math\":\"tf32\",\"alternatives\":[{\"workspace_bytes\":256,\"time_us\":1}]}," \
	"{\"name\":\"relu\",\"phase\":\"forward\",\"inputs\":[1],\"outputs\":[1],\"workspace_bytes\":0,\"time_us\":2.5,\"estimated\":true}," \
	"{\"name\":\"sgd\",\"phase\":\"update\",\"inputs\":[1,0],\"outputs\":[0],\"workspace_bytes\":0,\"time_us\":0.5}]}"

#define DEVICE "{\"format\":\"layrub-device\",\"version\":1,\"name\":\"d\",\"gpu\":\"D\",\"source\":\"a test\"," \
	"\"memory_bytes\":8192,\"reserved_bytes\":1024,\"compute\":{\"flops\":{\"float32\":1000000000000,\"tf32\":2000000000000},\"memory_bytes_per_s\":100000000000," \
	"\"launch_us\":2.5,\"multiprocessors\":8,\"gemm_tile\":[128,64],\"flop_efficiency\":{\"default\":0.5,\"conv\":0.75},\"memory_efficiency\":{\"default\":1}," \
	"\"kernels\":[{\"name\":\"max-pool-backward\",\"memory\":0.25}],\"conv_workspace\":[{\"pass\":\"forward\",\"math\":\"tf32\"," \
	"\"pointwise\":true,\"pixel_multiple\":4,\"input\":1,\"weight\":2,\"fixed_bytes\":16}]}," \
	"\"link\":{\"d2h\":{\"latency_us\":10,\"bytes_per_s\":1000000000,\"curve\":[[1000,11],[3000,13]]}," \
	"\"h2d\":{\"latency_us\":10,\"bytes_per_s\":2000000000},\"duplex_bytes_per_s\":2500000000,\"copy_engines\":2}," \
	"\"contention\":{\"default\":1.05,\"conv\":1.5},\"host\":{\"pinned_bytes\":65536}}"

/* The digests are put in by the test: they are those of GRAPH and DEVICE. */
#define PLAN "{\"format\":\"layrub-plan\",\"version\":1,\"tool\":\"t\",\"provenance\":{\"graph_xxh3\":\"%s\",\"device_xxh3\":\"%s\"," \
	"\"policy\":\"p\",\"placement\":\"b\",\"options\":\"\",\"batch\":4,\"status\":\"gap\"},\"arena_bytes\":4096,\"host_bytes\":1024,\"budget_bytes\":7168," \
	"\"bounds\":{\"bound_bytes\":2112,\"resident_bound_bytes\":2112,\"bound_time_us\":4},\"figures\":{\"peak_bytes\":4096,\"offload_bytes\":1024,\"fetch_bytes\":1024}," \
	"\"predicted\":{\"ideal_time_us\":4,\"step_time_us\":30.5,\"stall_time_us\":26.5,\"recompute_time_us\":0},\"buffers\":[" \
	"{\"id\":0,\"tensor\":0,\"offset_bytes\":0,\"bytes\":512},{\"id\":1,\"tensor\":1,\"offset_bytes\":512,\"bytes\":1024}," \
	"{\"id\":2,\"tensor\":2,\"offset_bytes\":1536,\"bytes\":0},{\"id\":3,\"offset_bytes\":1536,\"bytes\":256}," \
	"{\"id\":4,\"tensor\":1,\"offset_bytes\":2048,\"bytes\":1024},{\"id\":5,\"tensor\":3,\"offset_bytes\":3072,\"bytes\":1024}]," \
	"\"host\":[{\"id\":0,\"tensor\":1,\"offset_bytes\":0,\"bytes\":1024}],\"initial\":[{\"tensor\":0,\"buffer\":0}],\"final\":[{\"tensor\":0,\"host\":0}]," \
	"\"program\":[{\"id\":0,\"queue\":\"compute\",\"do\":\"run\",\"op\":0,\"reads\":[0],\"writes\":[1,2],\"workspace\":3}," \
	"{\"id\":1,\"queue\":\"out\",\"do\":\"offload\",\"from\":1,\"to\":0,\"after\":[0]}," \
	"{\"id\":2,\"queue\":\"in\",\"do\":\"fetch\",\"from\":0,\"to\":4,\"at_bytes\":256,\"after\":[1]}," \
	"{\"id\":3,\"queue\":\"in\",\"do\":\"fetch\",\"from\":0,\"to\":4,\"bytes\":256}," \
	"{\"id\":4,\"queue\":\"compute\",\"do\":\"run\",\"op\":1,\"reads\":[4,2],\"writes\":[5],\"workspace\":3,\"alternative\":0,\"after\":[3]}," \
	"{\"id\":5,\"queue\":\"compute\",\"do\":\"run\",\"op\":2,\"reads\":[5,0],\"writes\":[0]}],\"graph\":" GRAPH ",\"device\":" DEVICE "}"

static char plan_text[sizeof(PLAN) + 128];

struct bad { const char *from, *to, *path, *text; };

static const struct bad bad_graphs[] = {
	{ "\"tensors\"", "\"tensor\"", "", "unknown key 'tensor'; did you mean 'tensors'?" },
	{ ",\"source\":\"a test\"", ",\"batch\":1", "", "unknown key 'batch'" },
	{ "\"name\":\"g\",", "", "", "expected the key 'name', got none" },
	{ "\"version\":1", "\"version\":3", "version", "expected a version from 1 to 2, got a newer one" },
	{ "layrub-graph", "layrub-plan", "format", "expected 'layrub-graph', got 'layrub-plan'" },
	{ "\"step_time_us\":9.5", "\"step_time_us\":0", "measured.step_time_us", "expected a positive time, got 0" },
	{ ",\"resident_bytes\":512", "", "measured", "expected the key 'resident_bytes', got none" },
	{ "{\"id\":3", "{\"id\":7", "tensors[3].id", "expected 3, got 7" },
	{ "{\"id\":1", "{\"id\":0", "tensors[1].id", "expected 1, got 0" },
	{ "\"bytes\":1024", "\"bytes\":-4", "tensors[1].bytes", "expected a whole number from 0 to 4611686018427387904, got -4" },
	{ "\"bytes\":1024", "\"bytes\":4611686018427387904", "tensors[1].bytes",
	    "expected tensors and workspace of at most 4611686018427387904 bytes together, got more" },
	{ "\"kind\":\"activation\"", "\"kind\":\"map\"", "tensors[1].kind",
	    "expected one of 'parameter', 'state', 'optimizer', 'input', 'activation', 'gradient', 'result', got 'map'" },
	{ "\"kind\":\"activation\"}", "\"kind\":\"activation\",\"x\":1}", "tensors[1]", "unknown key 'x'" },
	{ "{\"id\":0,\"bytes\":512,\"kind\":\"parameter\"}", "[]", "tensors[0]", "expected an object, got an array" },
	{ "\"phase\":\"forward\"", "\"phase\":\"sideways\"", "ops[0].phase",
	    "expected one of 'forward', 'backward', 'update', got 'sideways'" },
	{ "\"inputs\":[0]", "\"inputs\":[4]", "ops[0].inputs[0]", "expected a tensor id below 4, got 4" },
	{ "\"inputs\":[1,2]", "\"inputs\":[1,99]", "ops[1].inputs[1]", "expected a tensor id below 4, got 99" },
	{ "\"inputs\":[1,2]", "\"inputs\":[1,-1]", "ops[1].inputs[1]", "expected a whole number from 0 to 4294967294, got -1" },
	{ "\"outputs\":[1,2]", "\"outputs\":[1,9]", "ops[0].outputs[1]", "expected a tensor id below 4, got 9" },
	{ "\"outputs\":[1,2]", "\"outputs\":[1,1]", "ops[0].outputs[1]", "expected each output once, got 1 again" },
	{ "[[1,3]]", "[[0,3]]", "ops[1].inplace[0]", "expected an input that the op does not write, got 0" },
	{ "[[1,3]]", "[[1,3],[1,2]]", "ops[1].inplace[1]", "expected an output that the op does not read, got 2" },
	{ "[[1,3]]", "[[1,999]]", "ops[1].inplace[0]", "expected an output that the op does not read, got 999" },
	{ "[[1,3]]", "[[1]]", "ops[1].inplace[0]", "expected [input, output], got 1 ids" },
	{ "[[1,3]]", "[1,3]", "ops[1].inplace[0]", "expected an array, got a whole number" },
	{ "\"outputs\":[0],", "\"outputs\":[0],\"inplace\":[[0,0]],", "ops[2].inplace[0]",
	    "expected an input that the op does not write, got 0" },
	{ "\"workspace_bytes\":64", "\"workspace_bytes\":4611686018427387904", "ops[0].workspace_bytes",
	    "expected tensors and workspace of at most 4611686018427387904 bytes together, got more" },
	{ "\"workspace_bytes\":256", "\"workspace_bytes\":4611686018427387000", "ops[1].alternatives[0].workspace_bytes",
	    "expected tensors and workspace of at most 4611686018427387904 bytes together, got more" },
	{ "\"time_us\":1.5", "\"time_us\":1e13", "ops[0].time_us", "expected a number from 0 to 1e+12, got 1e+13" },
	{ "\"time_us\":1.5", "\"time_us\":null", "ops[0].time_us", "expected a number, got null" },
	{ "\"time_us\":1}", "\"time_us\":-1}", "ops[1].alternatives[0].time_us", "expected a number from 0 to 1e+12, got -1" },
	{ ",\"time_us\":1.5", "", "ops[0]", "expected the key 'time_us', got none" },
	{ "\"layer\":\"c1\"", "\"class\":\"convolution\"", "ops[0].class",
	    "expected one of 'conv', 'linear', 'norm', 'activation', 'pool', 'elementwise', 'attention', 'embedding', "
	    "'loss', 'update', 'copy', 'other', got 'convolution'; did you mean 'conv'?" },
	{ "\"layer\":\"c1\"", "\"recomputable\":1", "ops[0].recomputable", "expected true or false, got a whole number" },
};

static const struct bad bad_graphs2[] = {
	{ "\"captured\"", "\"guessed\"", "op_times", "expected one of 'launched', 'captured', got 'guessed'" },
	{ "\"version\":2", "\"version\":1", "", "the key 'op_times' needs \"version\": 2, got 1" },
	{ "\"version\":2,\"name\":\"g\",\"op_times\":\"captured\"", "\"version\":1,\"name\":\"g\"", "tensors[0]", "the key 'name' needs \"version\": 2, got 1" },
	{ "\"version\":2,\"name\":\"g\",\"op_times\":\"captured\",\"tensors\":[{\"id\":0,\"bytes\":512,\"kind\":\"parameter\",\"name\":\"w\"}",
	    "\"version\":1,\"name\":\"g\",\"tensors\":[{\"id\":0,\"bytes\":512,\"kind\":\"parameter\"}", "tensors[2].kind",
	    "the kind 'result' needs \"version\": 2, got 1" },
	{ "\"name\":\"w\"", "\"name\":7", "tensors[0].name", "expected a string, got a whole number" },
	{ "\"outputs\":[1,2]", "\"outputs\":[1]", "tensors[2]", "expected an op that writes the result, got none" },
	{ "\"inputs\":[0],\"outputs\":[1,2]", "\"inputs\":[0,2],\"outputs\":[1,2]", "ops[0].inputs[1]",
	    "expected a tensor with a value, got result 2 before its first write" },
	{ "\"source\":\"m.py:12\"", "\"source\":12", "ops[0].source", "expected a string, got a whole number" },
	{ "\"flops\":2000", "\"flops\":-1", "ops[0].flops", "expected a number from 0 to 1e+18, got -1" },
	{ "\"flops\":2000", "\"flops\":2e18", "ops[0].flops", "expected a number from 0 to 1e+18, got 2e+18" },
	{ "\"memory_bytes\":1536", "\"memory_bytes\":1.5", "ops[0].memory_bytes", "expected a whole number, got a real number" },
	{ "\"math\":\"tf32\"", "\"math\":\"int8\"", "ops[0].math",
	    "expected one of 'float32', 'tf32', 'bfloat16', 'float16', got 'int8'" },
	{ "\"estimated\":true", "\"estimated\":1", "ops[1].estimated", "expected true or false, got a whole number" },
	{ "\"flops\":2000", "\"estimated\":false", "ops[0]", "expected the key 'time_us' of an op that is not estimated, got none" },
	{ "{\"workspace_bytes\":256,\"time_us\":1}", "{\"workspace_bytes\":256}", "ops[0].alternatives[0]",
	    "expected the key 'time_us', got none" },
};

/* One op of version 1 with a key of version 2. */
static const struct { const char *key, *value; } new_keys[] = {
	{ "source", "\"m.py:12\"" }, { "estimated", "true" }, { "flops", "1" }, { "memory_bytes", "1" }, { "math", "\"tf32\"" }
};

static const struct bad bad_devices[] = {
	{ "\"gpu\":\"D\",", "", "", "expected the key 'gpu', got none" },
	{ "\"reserved_bytes\":1024", "\"reserved_bytes\":8192", "reserved_bytes",
	    "expected less than memory_bytes, 8192, got 8192" },
	{ "\"float32\":1000000000000", "\"float32\":0", "compute.flops.float32", "expected a positive number, got 0" },
	{ "\"float32\":1000000000000,", "", "compute.flops", "expected the key 'float32', got none" },
	{ "\"tf32\":2000000000000", "\"int8\":2e12", "compute.flops", "unknown key 'int8'" },
	{ "\"memory_bytes_per_s\":100000000000", "\"memory_bytes_per_s\":0", "compute.memory_bytes_per_s", "expected a positive number, got 0" },
	{ "\"default\":0.5", "\"default\":1.5", "compute.flop_efficiency.default", "expected a share above 0 and up to 1, got 1.5" },
	{ "\"conv\":0.75", "\"conv\":0", "compute.flop_efficiency.conv", "expected a share above 0 and up to 1, got 0" },
	{ "\"conv\":0.75", "\"cnov\":0.75", "compute.flop_efficiency", "unknown key 'cnov'; did you mean 'conv'?" },
	{ "\"default\":1}", "\"conv\":1}", "compute.memory_efficiency", "expected the key 'default' or 'linear', got neither" },
	{ "[128,64]", "[128]", "compute.gemm_tile", "expected two whole numbers, got an array" },
	{ "[128,64]", "[128,0]", "compute.gemm_tile[1]", "expected a whole number from 1 to 2147483647, got 0" },
	{ "\"memory\":0.25", "\"memory\":25", "compute.kernels[0].memory", "expected a share of at most 1, got 25" },
	{ "\"pass\":\"forward\"", "\"pass\":\"up\"", "compute.conv_workspace[0].pass",
	    "expected one of 'forward', 'backward', 'backward-filter', 'backward-data', got 'up'" },
	{ "\"weight\":2", "\"weight\":2e9", "compute.conv_workspace[0].weight", "expected a factor of at most 1e+06, got 2e+09" },
	{ "\"bytes_per_s\":2000000000", "\"bytes_per_s\":0", "link.h2d.bytes_per_s", "expected 1000 or more, got 0" },
	{ "[3000,13]", "[1000,13]", "link.d2h.curve[1]", "expected more bytes and time than [1000, 11], got [1000, 13]" },
	{ "[3000,13]", "[3000,11]", "link.d2h.curve[1]", "expected more bytes and time than [1000, 11], got [3000, 11]" },
	{ "[3000,13]", "[3000]", "link.d2h.curve[1]", "expected [bytes, us], got an array" },
	{ "[3000,13]", "[3000,\"13\"]", "link.d2h.curve[1][1]", "expected a number, got a string" },
	{ "\"duplex_bytes_per_s\":2500000000", "\"duplex_bytes_per_s\":0", "link.duplex_bytes_per_s", "expected 1000 or more, got 0" },
	{ "\"copy_engines\":2", "\"copy_engines\":3", "link.copy_engines", "expected 1 or 2, got 3" },
	{ "\"conv\":1.5", "\"conv\":0.5", "contention.conv", "expected a factor of at least 1, got 0.5" },
	{ "\"pinned_bytes\":65536", "\"pinned_bytes\":-1", "host.pinned_bytes",
	    "expected a whole number from 0 to 4611686018427387904, got -1" },
};

static const struct bad bad_plans[] = {
	{ "\"tool\":\"t\",", "", "", "expected the key 'tool', got none" },
	{ "\"version\":1", "\"version\":3", "version", "expected a version from 1 to 2, got a newer one" },
	{ "-graph\",\"version\":1", "-graph\",\"version\":2", "graph.version", "expected at most the version of the plan, 1, got 2" },
	{ "\"host_bytes\":1024", "\"host_bytes\":\"1 KiB\"", "host_bytes", "expected a whole number, got a string" },
	{ "\"policy\":\"p\"", "\"policy\":\"p\",\"configuration\":\"c\"", "provenance", "the key 'configuration' needs \"version\": 2, got 1" },
	{ "\"layrub-plan\",\"version\":1", "\"layrub-plan\",\"version\":3", "version", "expected a version from 1 to 2, got a newer one" },
	{ "\"batch\":4", "\"batch\":0", "provenance.batch", "expected a whole number from 1 to 2147483647, got 0" },
	{ "\"status\":\"gap\"", "\"status\":\"good\"", "provenance.status",
	    "expected one of 'optimal', 'gap', 'time-limit', 'heuristic', got 'good'" },
	{ "\"resident_bound_bytes\":2112,", "", "bounds", "expected the key 'resident_bound_bytes', got none" },
	{ "\"peak_bytes\":4096,\"offload", "\"peak_bytes\":-1,\"offload", "figures.peak_bytes",
	    "expected a whole number from 0 to 4611686018427387904, got -1" },
	{ "\"stall_time_us\":26.5", "\"stall_time_us\":-1", "predicted.stall_time_us", "expected a number from 0 to 1e+18, got -1" },
	{ "{\"id\":2,\"tensor\":2", "{\"id\":9,\"tensor\":2", "buffers[2].id", "expected 2, got 9" },
	{ "{\"id\":2,\"tensor\":2", "{\"id\":2,\"tensor\":4", "buffers[2].tensor", "expected a tensor id below 4, got 4" },
	{ "\"bytes\":256},{\"id\":4", "\"bytes\":4611686018427387904},{\"id\":4", "buffers[3].bytes",
	    "expected at most 4611686018427387904 bytes together, got more" },
	{ "\"offset_bytes\":512", "\"offset_bytes\":512.5", "buffers[1].offset_bytes", "expected a whole number, got a real number" },
	{ "\"host\":[{\"id\":0", "\"host\":[{\"id\":1", "host[0].id", "expected 0, got 1" },
	{ "{\"tensor\":0,\"buffer\":0}", "{\"tensor\":0}", "initial[0]", "expected one of the keys 'buffer' and 'host', got none" },
	{ "{\"tensor\":0,\"buffer\":0}", "{\"tensor\":0,\"buffer\":0,\"host\":0}", "initial[0]",
	    "expected one of the keys 'buffer' and 'host', got both" },
	{ "{\"tensor\":0,\"buffer\":0}", "{\"tensor\":0,\"buffer\":6}", "initial[0].buffer", "expected a buffer id below 6, got 6" },
	{ "{\"tensor\":0,\"host\":0}", "{\"tensor\":0,\"host\":1}", "final[0].host", "expected a host id below 1, got 1" },
	{ "{\"tensor\":0,\"host\":0}", "{\"tensor\":5,\"host\":0}", "final[0].tensor", "expected a tensor id below 4, got 5" },
	{ "{\"id\":1,\"queue\":\"out\"", "{\"id\":2,\"queue\":\"out\"", "program[1].id", "expected 1, got 2" },
	{ "\"queue\":\"out\"", "\"queue\":\"in\"", "program[1].queue", "expected 'out' for 'offload', got 'in'" },
	{ "\"queue\":\"out\"", "\"queue\":\"copy\"", "program[1].queue", "expected one of 'compute', 'out', 'in', got 'copy'" },
	{ "\"do\":\"offload\"", "\"do\":\"swap\"", "program[1].do", "expected one of 'run', 'offload', 'fetch', got 'swap'" },
	{ "\"do\":\"offload\"", "\"do\":\"run\"", "program[1]", "unknown key 'from'" },
	{ "\"from\":1,\"to\":0", "\"from\":1,\"op\":0", "program[1]", "unknown key 'op'" },
	{ "\"from\":1,\"to\":0", "\"from\":6,\"to\":0", "program[1].from", "expected a buffer id below 6, got 6" },
	{ "\"from\":1,\"to\":0", "\"from\":1,\"to\":1", "program[1].to", "expected a host id below 1, got 1" },
	{ "\"from\":0,\"to\":4", "\"from\":1,\"to\":4", "program[2].from", "expected a host id below 1, got 1" },
	{ "\"from\":0,\"to\":4", "\"from\":0,\"to\":6", "program[2].to", "expected a buffer id below 6, got 6" },
	{ "\"bytes\":256}", "\"bytes\":4611686018427387904}", "buffers[3].bytes",
	    "expected at most 4611686018427387904 bytes together, got more" },
	{ "\"to\":4,\"bytes\":256", "\"to\":4,\"bytes\":4611686018427387904", "program[3].bytes",
	    "expected at most 4611686018427387904 bytes together, got more" },
	{ "\"op\":1", "\"op\":3", "program[4].op", "expected an op id below 3, got 3" },
	{ "\"op\":1,", "", "program[4]", "expected the key 'op', got none" },
	{ "\"reads\":[4,2]", "\"reads\":[4]", "program[4].reads", "expected 2 buffers, one for each input of the op, got 1" },
	{ "\"writes\":[5]", "\"writes\":[5,5]", "program[4].writes", "expected 1 buffers, one for each output of the op, got 2" },
	{ "\"reads\":[4,2]", "\"reads\":[4,6]", "program[4].reads[1]", "expected a buffer id below 6, got 6" },
	{ "\"workspace\":3,\"alternative\"", "\"workspace\":6,\"alternative\"", "program[4].workspace", "expected a buffer id below 6, got 6" },
	{ "\"alternative\":0", "\"alternative\":1", "program[4].alternative", "expected an index below 1, got 1" },
	{ "\"after\":[3]", "\"after\":[6]", "program[4].after[0]", "expected an instruction id below 6, got 6" },
	{ "\"tensors\":[{\"id\":0", "\"tensors\":[{\"id\":1", "graph.tensors[0].id", "expected 0, got 1" },
	{ "\"latency_us\":10", "\"latency_us\":-10", "device.link.d2h.latency_us", "expected a number from 0 to 1e+12, got -10" },
};

/* A stretch of text into a new file of a fixed name, which each test overwrites. */
static const char scratch[] = "documents-test.tmp", scratch2[] = "documents-test2.tmp";

static void
put(const char *text)
{
	FILE *out = fopen(scratch, "wb");

	if (out == NULL || fputs(text, out) < 0 || fclose(out) != 0)
		abort();
}

static char *
get(const char *path)
{
	FILE *in = fopen(path, "rb");
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (in == NULL || out == NULL)
		abort();
	for (int c; (c = getc(in)) != EOF;)
		putc(c, out);
	fclose(in);
	fclose(out);
	return text;
}

enum what { A_GRAPH, A_DEVICE, A_PLAN };

struct parsed_document {
	enum what what;
	struct graph graph;
	struct device device;
	struct plan plan;
	struct arena a;
};

static int
read_it(struct parsed_document *d, const char *path, struct err *e)
{
	switch (d->what) {
	case A_GRAPH:	return graph_read(&d->graph, path, &d->a, e);
	case A_DEVICE:	return device_read(&d->device, path, &d->a, e);
	default:	return plan_read(&d->plan, path, &d->a, e);
	}
}

static int
write_it(struct parsed_document *d, const char *path, struct err *e)
{
	switch (d->what) {
	case A_GRAPH:	return graph_write(&d->graph, path, e);
	case A_DEVICE:	return device_write(&d->device, path, e);
	default:	return plan_write(&d->plan, path, &d->a, e);
	}
}

static void
test_bad(enum what what, const char *good, const struct bad *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct parsed_document d = { .what = what };
		struct err e = ERR_INIT;
		const char *at = strstr(good, rows[i].from);
		char *text = malloc(strlen(good) + strlen(rows[i].to) + 1);

		if (at == NULL)
			abort();
		sprintf(text, "%.*s%s%s", (int)(at - good), good, rows[i].to, at + strlen(rows[i].from));
		put(text);
		free(text);
		ok(read_it(&d, scratch, &e) < 0 && e.code == ERR_INPUT, "refused: %s -> %s", rows[i].from, rows[i].to);
		is_string(e.source, scratch, "its file");
		is_string(e.path, rows[i].path, "its place");
		is_string(e.text, rows[i].text, "its reason");
		arena_free(&d.a);
	}
}

/* Each key of version 2 is refused in a document of version 1. */
static void
test_new_keys(void)
{
	for (size_t i = 0; i < sizeof(new_keys) / sizeof(new_keys[0]); i++) {
		char to[64], text[96];
		const struct bad row = { "\"layer\":\"c1\"", to, "ops[0]", text };

		snprintf(to, sizeof(to), "\"%s\":%s", new_keys[i].key, new_keys[i].value);
		snprintf(text, sizeof(text), "the key '%s' needs \"version\": 2, got 1", new_keys[i].key);
		test_bad(A_GRAPH, GRAPH, &row, 1);
	}
}

/* A document that is cut off anywhere is refused and leaks nothing. */
static void
test_truncated(enum what what, const char *good)
{
	size_t n = strlen(good), accepted = 0;
	char *text = strdup(good);

	for (size_t i = n; i-- > 0;) {
		struct parsed_document d = { .what = what };
		struct err e = ERR_INIT;

		text[i] = '\0';
		if (i % 7 != 0)
			continue;
		put(text);
		accepted += read_it(&d, scratch, &e) == 0;
		arena_free(&d.a);
	}
	is_uint(accepted, 0, "no document that was cut off is taken");
	free(text);
}

static void
drop_space(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++)
		if (*text != ' ' && *text != '\n')
			*to++ = *text;
	*to = '\0';
}

/* The samples are as layrub writes them, but for space: nothing is lost on the way. */
static void
test_kept(const char *sample, const char *name)
{
	char *written = get(scratch2), *want = strdup(sample);

	drop_space(written);
	drop_space(want);
	is_string(written, want, "%s: everything is written", name);
	free(written);
	free(want);
}

/* read -> write -> read -> write: the second text, which stays in scratch2, is the first. */
static void
test_round(enum what what, const char *path, const char *name)
{
	struct parsed_document one = { .what = what }, two = { .what = what };
	struct err e = ERR_INIT;
	char *first, *second;

	ok(read_it(&one, path, &e) == 0 && write_it(&one, scratch, &e) == 0, "%s is read and written", name);
	if (e.code != ERR_NONE)
		diag("%s: %s", e.path, e.text);
	ok(read_it(&two, scratch, &e) == 0 && write_it(&two, scratch2, &e) == 0, "%s is read again and written", name);
	if (e.code == ERR_NONE) {
		first = get(scratch);
		second = get(scratch2);
		ok(strcmp(first, second) == 0, "%s: the same bytes", name);
		free(first);
		free(second);
	}
	arena_free(&one.a);
	arena_free(&two.a);
}

/* Memory that runs out anywhere is an error, and leaks nothing. */
static void
test_memory(enum what what, const char *good)
{
	bool refused = true, done = false;

	put(good);
	for (size_t limit = 1; limit < 1 << 20 && !done; limit += 1 << 14) {
		struct parsed_document d = { .what = what, .a = { .limit = limit } };
		struct err e = ERR_INIT;

		done = read_it(&d, scratch, &e) == 0;
		refused = refused && (done || e.code == ERR_SYSTEM);
		arena_free(&d.a);
	}
	ok(refused && done, "memory that runs out is reported");
}

static void
test_graph_values(void)
{
	struct graph g;
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	char digest[33], again[33];

	put(GRAPH);
	if (!ok(graph_read(&g, scratch, &a, &e) == 0, "the sample graph"))
		return;
	is_uint(g.op_count, 3, "ops");
	is_uint(g.ops[0].class, CLASS_CONV, "class from the name");
	is_uint(g.ops[1].class, CLASS_ACTIVATION, "class of a backward name");
	is_uint(g.ops[2].class, CLASS_ELEMENTWISE, "class as given");
	ok(g.ops[0].recomputable && g.ops[1].recomputable, "recomputable by default in forward and backward");
	ok(g.ops[2].phase == PHASE_UPDATE && g.ops[2].recomputable && !op_recomputable_default(&g, &g.ops[2]), "recomputable as given");
	ok(op_may_share(&g.ops[1], 1, 3) && !op_may_share(&g.ops[1], 2, 3), "inplace");
	is_string(g.ops[0].layer, "c1", "layer");
	is_near(g.ops[1].alternatives[0].time_us, 1, 0, "alternative");
	graph_digest(&g, digest, &a);
	g.ops[0].recomputable = false;
	graph_digest(&g, again, &a);
	ok(strcmp(digest, again) != 0, "another graph, another digest");
	/* A forward op that writes a persistent tensor. */
	g.ops[2].phase = PHASE_FORWARD;
	ok(!op_recomputable_default(&g, &g.ops[2]), "not recomputable when it writes a parameter");
	g.op_count = 0;
	ok(graph_check(&g, &e) < 0 && strcmp(e.path, "ops") == 0, "a graph without ops is refused");
	arena_free(&a);
}

/* The keys of version 2, the version that is written, and the check of a graph in memory. */
static void
test_graph2_values(void)
{
	struct graph g;
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;

	put(GRAPH2);
	if (!ok(graph_read(&g, scratch, &a, &e) == 0, "the sample graph of version 2"))
		return;
	is_uint(g.op_times, OP_TIMES_CAPTURED, "how times were measured");
	is_string(graph_tensor_name(&g, 0), "w", "the name of a tensor");
	ok(graph_tensor_name(&g, 1) == NULL, "a tensor without a name");
	is_string(g.ops[0].source, "m.py:12", "source");
	is_near(g.ops[0].flops, 2000, 0, "flops");
	is_uint(g.ops[0].memory_bytes, 1536, "memory_bytes");
	is_uint(g.ops[0].math, MATH_TF32, "math");
	is_uint(g.ops[1].math, MATH_FLOAT32, "float32 by default");
	ok(!op_has_time(&g.ops[0]) && g.ops[0].estimated, "an op without a time is to be estimated");
	ok(g.ops[1].estimated && g.ops[1].time_us == 2.5, "an estimated time");
	ok(!g.ops[2].estimated && g.ops[2].source == NULL && g.ops[2].flops <= 0, "a measured time");
	is_uint(graph_estimated_count(&g), 1, "estimated times");
	is_uint(graph_untimed_count(&g), 1, "ops without a time");
	ok(graph_check_times(&g, &e) < 0 && strcmp(e.path, "ops[0].time_us") == 0, "a graph without a time is not complete");
	g.ops[0] = (struct op) { .name = "n", .time_us = 1 };
	is_uint(g.tensors[2].kind, KIND_RESULT, "kind");
	g.tensors[2].kind = KIND_ACTIVATION;
	ok(graph_check_times(&g, &e) == 0, "with times it is");
	is_uint(graph_version(&g), 2, "an estimate needs version 2");
	g.ops[1].estimated = false;
	is_uint(graph_version(&g), 2, "so do how times were measured");
	g.op_times = OP_TIMES_UNKNOWN;
	is_uint(graph_version(&g), 2, "so do names of tensors");
	g.tensor_names = NULL;
	is_uint(graph_version(&g), 1, "none needs version 1");
	g.tensors[2].kind = KIND_RESULT;
	is_uint(graph_version(&g), 2, "a result needs version 2");
	g.tensors[2].kind = KIND_ACTIVATION;
	g.ops[0].time_us = NAN;
	ok(graph_check(&g, &e) < 0, "only an estimated op may be without a time");
	g.ops[0].estimated = true;
	ok(graph_check(&g, &e) == 0, "as this one is");
	g.ops[0].flops = NAN;
	ok(graph_check(&g, &e) < 0, "FLOPs are a number");
	arena_free(&a);
}

/* Returns text with `from` replaced by `to` everywhere. */
static char *
replaced(const char *text, const char *from, const char *to)
{
	char *got;
	size_t size;
	FILE *out = open_memstream(&got, &size);

	if (out == NULL)
		abort();
	for (const char *at; (at = strstr(text, from)) != NULL; text = at + strlen(from))
		fprintf(out, "%.*s%s", (int)(at - text), text, to);
	fputs(text, out);
	fclose(out);
	return got;
}

/* A plan of version 2 with a graph of version 2: it may hold version 1's content, and each op has a time. */
static void
test_plan_version(void)
{
	char *graph = replaced(plan_text, "-graph\",\"version\":1", "-graph\",\"version\":2");
	char *plan = replaced(graph, "-plan\",\"version\":1", "-plan\",\"version\":2"), *untimed = replaced(plan, ",\"time_us\":1.5", "");
	struct parsed_document d = { .what = A_PLAN };
	struct err e = ERR_INIT;

	put(plan);
	ok(read_it(&d, scratch, &e) == 0 && write_it(&d, scratch2, &e) == 0, "a plan of version 2");
	test_kept(plan_text, "written in the lowest version");
	put(untimed);
	ok(read_it(&d, scratch, &e) < 0, "a plan without a time is refused");
	is_string(e.path, "graph.ops[0].time_us", "its place");
	is_string(e.text, "expected the time of the op, got none", "its reason");
	free(graph);
	free(plan);
	free(untimed);
	arena_free(&d.a);
}

static void
test_plan_values(void)
{
	struct plan p;
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;

	put(plan_text);
	if (!ok(plan_read(&p, scratch, &a, &e) == 0, "the sample plan")) {
		diag("%s: %s", e.path, e.text);
		return;
	}
	is_uint(p.buffers[3].tensor, PLAN_NONE, "a workspace has no tensor");
	ok(!p.initial[0].on_host && p.final[0].on_host, "places");
	is_uint(p.program[1].bytes, 1024, "absent bytes are the whole tensor");
	is_uint(p.program[2].bytes, 768, "behind at_bytes they are the rest");
	is_uint(p.program[3].bytes, 256, "bytes");
	is_uint(p.program[0].alternative, PLAN_NONE, "no alternative");
	is_uint(p.program[4].alternative, 0, "an alternative");
	is_uint(p.batch, 4, "batch");
	is_near(p.bound_time_us, 4, 0, "bound_time_us");
	arena_free(&a);
}

static void
test_plan_digest(void)
{
	static const struct { const char *key, *what; } of[] = { { "graph_xxh3", "graph" }, { "device_xxh3", "device" } };

	for (size_t i = 0; i < 2; i++) {
		char *text = strdup(plan_text), *digest = strstr(strstr(text, of[i].key), ":\"") + 2;
		struct parsed_document d = { .what = A_PLAN };
		struct err e = ERR_INIT;
		char want[256], path[64];

		snprintf(want, sizeof(want), "expected the digest of the %s in this plan, %.32s, got 'x%.31s'", of[i].what,
		    digest, digest + 1);
		snprintf(path, sizeof(path), "provenance.%s", of[i].key);
		*digest = 'x';
		put(text);
		ok(read_it(&d, scratch, &e) < 0, "a wrong digest of the %s is refused", of[i].what);
		is_string(e.path, path, "its place");
		is_string(e.text, want, "its reason");
		arena_free(&d.a);
		free(text);
	}
}

/* The name of a configuration needs version 2, and version 2 without one is written as version 1. */
static void
test_configuration(void)
{
	static const struct { const char *version, *configuration, *written; } rows[] = {
		{ "\"version\":2", ",\"configuration\":\"share=0.8 hold=0.1\"", "\"version\":2" }, { "\"version\":2", "", "\"version\":1" }
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *at = strstr(plan_text, "\"version\":1") + 11, *policy = strstr(plan_text, "\"policy\":\"p\"") + 12;
		char text[2][sizeof(plan_text) + 128];
		struct parsed_document d = { .what = A_PLAN };
		struct err e = ERR_INIT;

		for (int k = 0; k < 2; k++)
			sprintf(text[k], "%.*s%s%.*s%s%s", (int)(at - 11 - plan_text), plan_text, k == 0 ? rows[i].version : rows[i].written,
			    (int)(policy - at), at, rows[i].configuration, policy);
		put(text[0]);
		ok(read_it(&d, scratch, &e) == 0 && (d.plan.configuration != NULL) == (i == 0), "a plan of version 2");
		ok(write_it(&d, scratch2, &e) == 0, "is written");
		test_kept(text[1], "a plan of version 2");
		arena_free(&d.a);
	}
}

static void
test_device_values(void)
{
	struct device d;
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;

	put(DEVICE);
	if (!ok(device_read(&d, scratch, &a, &e) == 0, "the sample device")) {
		diag("%s: %s", e.path, e.text);
		return;
	}
	is_near(d.compute.flop_efficiency[CLASS_CONV], 0.75, 0, "a class that is named");
	is_near(d.compute.flop_efficiency[CLASS_POOL], 0.5, 0, "a class that is not");
	is_near(d.contention[CLASS_CONV], 1.5, 0, "contention");
	is_uint(device_budget(&d), 7168, "budget");
	is_near(device_transfer_us(&d, H2D, 0), 10, 0, "no bytes: latency");
	is_near(device_transfer_us(&d, H2D, 2000000), 1010, 1e-9, "latency and rate");
	is_near(device_transfer_us(&d, D2H, 0), 11, 0, "below the curve: its first time");
	is_near(device_transfer_us(&d, D2H, 1000), 11, 0, "a point");
	is_near(device_transfer_us(&d, D2H, 1500), 11.5, 1e-9, "between points");
	is_near(device_transfer_us(&d, D2H, 3000), 13, 1e-9, "the last point");
	is_near(device_transfer_us(&d, D2H, 5000), 15, 1e-9, "past the last point at the last rate");
	d.link[D2H].point_count = 1;
	is_near(device_transfer_us(&d, D2H, 2000), 12, 1e-9, "past the only point at the link's rate");
	arena_free(&a);
}

static void
test_classes(void)
{
	static const struct { const char *name; enum op_class class; } names[] = {
		{ "aten::convolution.default", CLASS_CONV }, { "convolution_backward", CLASS_CONV },
		{ "cudnn_batch_norm_backward", CLASS_NORM }, { "native_layer_norm", CLASS_NORM }, { "relu_", CLASS_ACTIVATION },
		{ "threshold_backward", CLASS_ACTIVATION }, { "addmm", CLASS_LINEAR }, { "bmm.out", CLASS_LINEAR },
		{ "_scaled_dot_product_efficient_attention_backward", CLASS_ATTENTION }, { "embedding_dense_backward", CLASS_EMBEDDING },
		{ "nll_loss_forward", CLASS_LOSS }, { "_log_softmax_backward_data", CLASS_LOSS }, { "_softmax", CLASS_ACTIVATION },
		{ "max_pool2d_with_indices_backward", CLASS_POOL }, { "_adaptive_avg_pool2d", CLASS_POOL }, { "cat", CLASS_COPY },
		{ "copy_", CLASS_COPY }, { "_to_copy", CLASS_COPY }, { "add_.Tensor", CLASS_ELEMENTWISE }, { "_foreach_add_.List", CLASS_ELEMENTWISE },
		{ "pow.Tensor_Scalar", CLASS_ELEMENTWISE }, { "native_dropout_backward", CLASS_ELEMENTWISE }, { "", CLASS_OTHER }, { "_", CLASS_OTHER },
		{ "_backward", CLASS_OTHER }, { "my_own_op", CLASS_OTHER },
		{ "a_name_that_is_longer_than_every_name_that_any_framework_has_ever_used", CLASS_OTHER },
		/* scaled dot-product attention in its forms */
		{ "_scaled_dot_product_flash_attention", CLASS_ATTENTION }, { "_scaled_dot_product_cudnn_attention_backward", CLASS_ATTENTION },
		{ "aten::_scaled_dot_product_attention_math.default", CLASS_ATTENTION },
		{ "_scaled_dot_product_fused_attention_overrideable_backward", CLASS_ATTENTION },
		{ "_flash_attention_forward", CLASS_ATTENTION }, { "flash_attn::_flash_attn_varlen_backward", CLASS_ATTENTION },
		/* optimizers, lists, library kernels */
		{ "_fused_adamw_", CLASS_UPDATE }, { "_fused_sgd_.tensor_lr", CLASS_UPDATE }, { "_amp_foreach_non_finite_check_and_unscale_", CLASS_UPDATE },
		{ "_foreach_copy_", CLASS_COPY }, { "_foreach_addcdiv_.ScalarList", CLASS_ELEMENTWISE }, { "_cudnn_rnn_backward", CLASS_LINEAR },
		{ "_thnn_fused_lstm_cell_backward_impl", CLASS_ELEMENTWISE }, { "_native_batch_norm_legit_no_training", CLASS_NORM },
		{ "_embedding_bag_forward_only", CLASS_EMBEDDING }, { "extern_kernels.mm", CLASS_LINEAR }, { "extern_kernels.addmm", CLASS_LINEAR },
		{ "extern_kernels.convolution", CLASS_CONV }, { "extern_kernels._mm_plus_mm", CLASS_LINEAR },
		{ "torch.ops.aten.convolution_backward.default", CLASS_CONV }, { "prims.convert_element_type.default", CLASS_COPY },
		/* Inductor's kernels, by what they fuse */
		{ "triton.triton_poi_fused__to_copy_expand_unsqueeze_2", CLASS_COPY },
		{ "triton_poi_fused__unsafe_view_clone_expand_transpose_unsqueeze_view_6", CLASS_COPY },
		{ "triton_poi_fused__to_copy__unsafe_view_add_bmm_cat_cos_mul_neg_sin_slice_transpose_unsqueeze_view_4", CLASS_ELEMENTWISE },
		{ "triton_poi_fused__unsafe_view_mul_silu_silu_backward_view_2", CLASS_ACTIVATION },
		{ "triton_red_fused__log_softmax__to_copy__unsafe_view_prepare_softmax_online_view_13", CLASS_LOSS },
		{ "triton_red_fused__log_softmax__log_softmax_backward_data__to_copy_add_arange_clone_eq_expand_nll_loss_backward_"
		  "nll_loss_forward_scalar_tensor_slice_view_where_0", CLASS_LOSS },
		{ "triton_red_fused__to_copy_add_embedding_mean_mul_pow_rsqrt_0", CLASS_EMBEDDING },
		{ "triton_poi_fused_embedding_dense_backward_12", CLASS_EMBEDDING },
		{ "triton_per_fused_add_native_layer_norm_native_layer_norm_backward_7", CLASS_NORM },
		{ "triton_poi_fused__native_batch_norm_legit_functional_convolution_relu_3", CLASS_NORM },
		{ "triton_poi_fused_convolution_0", CLASS_ELEMENTWISE }, { "triton_poi_fused_max_pool2d_with_indices_relu_4", CLASS_POOL },
		{ "triton_tem_fused_addmm_relu_t_1", CLASS_LINEAR }, { "triton_tem_fused_convolution_5", CLASS_CONV },
		{ "triton_tem_fused_flex_attention_0", CLASS_ATTENTION }, { "cpp_fused_add_native_layer_norm_2", CLASS_NORM },
		{ "triton_for_fused_0", CLASS_OTHER }, { "triton_my_own_kernel", CLASS_OTHER }, { "triton_poi_fused_", CLASS_OTHER },
	};
	bool good = true;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		is_uint(op_class_of(names[i].name, PHASE_FORWARD), names[i].class, "class of '%s'", names[i].name);
	for (const struct op_class_row *r = op_class_rows; r->name != NULL; r++)
		if (op_class_of(r->name, PHASE_BACKWARD) != r->class) {
			diag("'%s' is not found", r->name);
			good = false;
		}
	ok(good, "every name of the table is found");
	is_uint(op_class_of("convolution", PHASE_UPDATE), CLASS_UPDATE, "phase update is class update");
}

static void
test_graph(const char *file)
{
	struct graph g;
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	char path[256];
	bool known = true;

	snprintf(path, sizeof(path), "graphs/%s", file);
	test_round(A_GRAPH, data_path(path), file);
	if (!ok(graph_read(&g, data_path(path), &a, &e) == 0, "%s: read", file))
		return;
	for (uint32_t i = 0; i < g.op_count; i++)
		known = known && g.ops[i].class != CLASS_OTHER;
	ok(known, "%s: every op has a class", file);
	arena_free(&a);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every document of a folder below networks/, sorted; the number of them. */
static unsigned
each(const char *folder, void (*test)(const char *file))
{
	char *names[64];
	unsigned n = 0;
	DIR *dir = opendir(data_path(folder));
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL && n < 64)
		if (strstr(entry->d_name, ".json") != NULL)
			names[n++] = strdup(entry->d_name);
	if (dir != NULL)
		closedir(dir);
	qsort(names, n, sizeof(names[0]), by_text);
	for (unsigned i = 0; i < n; i++) {
		test(names[i]);
		free(names[i]);
	}
	return n;
}

static void
test_device(const char *file)
{
	char path[256];

	snprintf(path, sizeof(path), "devices/%s", file);
	test_round(A_DEVICE, data_path(path), file);
}

/* The sample plan, with the digests that its graph and device have. */
static void
make_plan(void)
{
	struct parsed_document d = { .what = A_GRAPH };
	struct err e = ERR_INIT;
	char graph[33] = "", device[33] = "";

	put(GRAPH);
	if (graph_read(&d.graph, scratch, &d.a, &e) == 0)
		graph_digest(&d.graph, graph, &d.a);
	put(DEVICE);
	if (device_read(&d.device, scratch, &d.a, &e) == 0)
		device_digest(&d.device, device, &d.a);
	snprintf(plan_text, sizeof(plan_text), PLAN, graph, device);
	arena_free(&d.a);
}

int
main(void)
{
	static const struct { enum what what; const char *text, *name; } samples[] = {
		{ A_GRAPH, GRAPH, "sample graph" }, { A_GRAPH, GRAPH2, "sample graph of version 2" }, { A_DEVICE, DEVICE, "sample device" }, { A_PLAN, plan_text, "sample plan" }
	};

	make_plan();
	test_graph_values();
	test_graph2_values();
	test_plan_version();
	test_device_values();
	test_plan_values();
	test_plan_digest();
	test_configuration();
	test_classes();
	test_bad(A_GRAPH, GRAPH, bad_graphs, sizeof(bad_graphs) / sizeof(bad_graphs[0]));
	test_bad(A_GRAPH, GRAPH2, bad_graphs2, sizeof(bad_graphs2) / sizeof(bad_graphs2[0]));
	test_new_keys();
	test_bad(A_DEVICE, DEVICE, bad_devices, sizeof(bad_devices) / sizeof(bad_devices[0]));
	test_bad(A_PLAN, plan_text, bad_plans, sizeof(bad_plans) / sizeof(bad_plans[0]));
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		test_truncated(samples[i].what, samples[i].text);
		test_memory(samples[i].what, samples[i].text);
		put(samples[i].text);
		test_round(samples[i].what, scratch, samples[i].name);
		test_kept(samples[i].text, samples[i].name);
	}
	ok(each("graphs", test_graph) >= 7, "at least the seven traces");
	ok(each("devices", test_device) >= 10, "at least the ten devices");
	unlink(scratch);
	unlink(scratch2);
	return tap_done();
}
