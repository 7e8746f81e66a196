/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate.c - the order of the measurements, and the device document made of them */
#include <config.h>
#include "cuda_validate/calibrate.h"

#include <ctype.h>
#include <string.h>

#include "cuda_validate/calibrate_fit.h"
#include "cuda_validate/calibrate_private.h"
#include "src/base/json.h"
#include "src/documents/lookup.h"

/* Efficiencies of a device that no shipped document describes. */
#define DEFAULT_FLOP_EFFICIENCY 0.6
#define DEFAULT_MEMORY_EFFICIENCY 0.8
#define DEFAULT_GEMM_EFFICIENCY 0.9
enum { RESERVE_MORE = 1 << 26 };	/* bytes for a program's own tables, beside the context */

/* ---- measuring ---- */

static int
open_bench(struct calibration *c, struct bench *b, struct err *e)
{
	bytes_t got;
	size_t left;

	if (cuda_open(&c->prop, e) < 0)
		return -1;
	CUDA_TRY(cudaMemGetInfo(&left, &c->memory_bytes), e);
	c->used_bytes = c->memory_bytes - left;
	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		if (cuda_take(&b->device[dir], "measurement", BENCH_BYTES, &got, e) < 0 || cuda_pin(&b->host[dir], BENCH_BYTES, e) < 0)
			return -1;
		b->taken_bytes += got;
		CUDA_TRY(cudaMemset(b->device[dir], 1, BENCH_BYTES), e);
		memset(b->host[dir], 1, BENCH_BYTES);
		CUDA_TRY(cudaStreamCreateWithFlags(&b->copy[dir], cudaStreamNonBlocking), e);
		CUDA_TRY(cudaEventCreate(&b->ends[dir]), e);
	}
	CUDA_TRY(cudaStreamCreateWithFlags(&b->compute, cudaStreamNonBlocking), e);
	CUDA_TRY(cudaEventCreate(&b->start), e);
	CUDA_TRY(cudaEventCreate(&b->end), e);
	CUDA_TRY(cudaEventCreateWithFlags(&b->mark, cudaEventDisableTiming), e);
	CUDA_TRY(cudaEventCreateWithFlags(&b->busy, cudaEventDisableTiming), e);
	CUDA_TRY(cudaDeviceSynchronize(), e);
	b->gemm = gemm_open(b->compute, &c->gemm_library);
	return 0;
}

static void
close_bench(struct bench *b)
{
	const cudaEvent_t events[] = { b->start, b->end, b->mark, b->busy, b->ends[D2H], b->ends[H2D] };
	const cudaStream_t streams[] = { b->compute, b->copy[D2H], b->copy[H2D] };

	cudaDeviceSynchronize();
	gemm_close(b->gemm);
	for (size_t k = 0; k < sizeof(events) / sizeof(*events); k++)
		if (events[k] != NULL)
			cudaEventDestroy(events[k]);
	for (size_t k = 0; k < sizeof(streams) / sizeof(*streams); k++)
		if (streams[k] != NULL)
			cudaStreamDestroy(streams[k]);
	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		if (b->device[dir] != NULL)
			cudaFree(b->device[dir]);
		if (b->host[dir] != NULL)
			cuda_unpin(b->host[dir], BENCH_BYTES);
	}
}

/* Measures what this process takes beside its buffers: context, kernels, cuBLAS and its workspace.  The driver counts all processes
 * of the GPU, so no other may use it.  Comes last, because code is loaded when it is first used. */
static int
measure_process(struct calibration *c, const struct bench *b, struct err *e)
{
	size_t left, all;

	CUDA_TRY(cudaDeviceSynchronize(), e);
	CUDA_TRY(cudaMemGetInfo(&left, &all), e);
	c->process_bytes = all - left > b->taken_bytes ? all - left - b->taken_bytes : 0;
	return 0;
}

static int
measure_all(struct calibration *c, struct err *e)
{
	struct bench b = { .gemm = NULL };
	int rc = open_bench(c, &b, e);

	if (rc == 0)
		rc = calibrate_link(c, &b, e);
	if (rc == 0)
		rc = calibrate_compute(c, &b, e);
	if (rc == 0)
		rc = calibrate_beside(c, &b, e);
	if (rc == 0)
		rc = calibrate_queues(c, &b, e);
	if (rc == 0)
		rc = measure_process(c, &b, e);
	if (rc == 0)
		calibrate_bus(c);
	close_bench(&b);
	return rc;
}

/* ---- the document ---- */

/* Reads the document that the measured one starts from: `like`, or the shipped device of this GPU.  *found is false
 * without either; d then has common values. */
static int
read_template(struct device *d, const char *like, const char *gpu, bool *found, struct arena *a, struct err *e)
{
	const char **names, *path;
	uint32_t count;

	*found = true;
	if (like != NULL) {
		path = lookup(like, LOOKUP_DEVICE, a, e);
		return path == NULL ? -1 : device_read(d, path, a, e);
	}
	names = lookup_list(LOOKUP_DEVICE, &count, a, e);
	if (names == NULL)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		path = lookup(names[i], LOOKUP_DEVICE, a, e);
		if (path == NULL || device_read(d, path, a, e) < 0)
			return -1;
		if (d->gpu != NULL && strcmp(d->gpu, gpu) == 0)
			return 0;
	}
	*found = false;
	*d = (struct device) { .copy_engines = 2 };
	for (int k = 0; k < CLASS_COUNT; k++) {
		d->compute.flop_efficiency[k] = DEFAULT_FLOP_EFFICIENCY;
		d->compute.memory_efficiency[k] = DEFAULT_MEMORY_EFFICIENCY;
	}
	d->compute.flop_efficiency[CLASS_LINEAR] = DEFAULT_GEMM_EFFICIENCY;
	return 0;
}

/* Returns the document's name: "h100-pcie" for "networks/devices/h100-pcie.json"; for standard output, one made of the
 * driver's name. */
static const char *
document_name(const char *path, const char *gpu, struct arena *a)
{
	const char *slash = strrchr(path, '/'), *from = strcmp(path, "-") == 0 ? gpu : slash == NULL ? path : slash + 1;
	char *name = arena_strdup(a, from), *dot = strstr(name, ".json");

	if (dot != NULL)
		*dot = '\0';
	for (char *p = name; *p != '\0'; p++)
		*p = isalnum((unsigned char)*p) || *p == '.' ? (char)tolower((unsigned char)*p) : '-';
	return name;
}

/* Returns [LOADED_POINTS] the mean times beside the kernels that run here: the time of a step is divided among such kernels. */
static struct curve_point *
loaded_curve(const struct calibration *c, enum direction dir, struct arena *a)
{
	struct curve_point *points = ARENA_NEW(a, struct curve_point, LOADED_POINTS);
	int count = 0;

	for (int load = 0; load < LOAD_COUNT; load++) {
		const struct beside *m = &c->beside[load];

		if (!m->measured)
			continue;
		count++;
		for (int k = 0; k < LOADED_POINTS; k++) {
			points[k].bytes = m->curve[dir][k].bytes;
			points[k].time_us += (m->curve[dir][k].time_us - points[k].time_us) / count;
		}
	}
	return points;
}

static void
fill_link(struct device *d, const struct calibration *c, struct arena *a)
{
	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		struct link_direction *l = &d->link[dir];

		l->latency_us = c->latency_us[dir];
		l->bytes_per_s = c->bytes_per_s[dir];
		l->point_count = CURVE_POINTS;
		l->points = ARENA_NEW(a, struct curve_point, CURVE_POINTS);
		memcpy(l->points, c->curve[dir], sizeof(c->curve[dir]));
		l->loaded_count = LOADED_POINTS;
		l->loaded = loaded_curve(c, (enum direction)dir, a);
	}
	d->duplex_bytes_per_s = c->duplex_bytes_per_s;
	d->copy_engines = c->prop.asyncEngineCount >= 2 ? 2 : 1;
}

/* Fills in the rates of compute.  A measured rate is the peak times the efficiency of its class, so the peak is set such
 * that a large product and a large copy take their measured time.  Other classes keep their proportion to these. */
static void
fill_compute(struct device *d, const struct calibration *c)
{
	for (int math = 0; math < MATH_COUNT; math++)
		if (c->flops[math] > 0)
			d->compute.flops[math] = c->flops[math] / d->compute.flop_efficiency[CLASS_LINEAR];
	d->compute.memory_bytes_per_s = c->memory_bytes_per_s / d->compute.memory_efficiency[CLASS_ELEMENTWISE];
	d->compute.launch_us = c->launch_us;
	d->compute.multiprocessors = (uint32_t)c->prop.multiProcessorCount;
	d->wait_us = c->wait_us;
	fit_classes(d->compute.captured_gap_us, c->memory_gap_us, c->compute_gap_us);
	for (int k = 0; k < CLASS_COUNT; k++)
		d->contention[k] = fit_is_compute_bound((enum op_class)k) ? c->compute_contention : c->memory_contention;
}

static void
fill_memory(struct device *d, const struct calibration *c, bytes_t pinned_bytes)
{
	d->memory_bytes = c->memory_bytes;
	d->reserved_bytes = c->used_bytes + RESERVE_MORE;
	d->process_bytes = c->process_bytes;
	d->pinned_bytes = pinned_bytes > 0 ? pinned_bytes : DEVICE_HOST_ANY;
}

static const char *
source_text(const struct calibration *c, const struct device *like, bool found, struct arena *a)
{
	const char *bus = c->link_speed[0] == '\0' ? "" : arena_printf(a, ", %s x%d, NUMA node %d", c->link_speed, c->link_width, c->numa_node);
	const char *gemm = c->gemm_library == NULL ? "cuBLAS was not found, so rates of products are not measured" :
	    "rates of products of 8192 x 8192 matrices through cuBLAS";

	return arena_printf(a, "Measured by layrub-replay --calibrate on %s%s: link, alone and beside products, attention and device copies, launch, "
	    "waits, captured launches, device memory, "
	    "contention, memory of the process with cuBLAS loaded; %s. "
	    "Efficiencies of classes and workspaces: %s.", c->prop.name, bus, gemm,
	    found ? arena_printf(a, "as in '%s'", like->name) : "common values, not measured");
}

/* ---- the summary ---- */

static double
loaded_rate(const struct beside *m, enum direction dir)
{
	const struct curve_point *last = &m->curve[dir][LOADED_POINTS - 1];

	return (double)last->bytes / last->time_us * 1e6;
}

static void
print_beside(const struct calibration *c, FILE *out)
{
	char x[32], y[32], z[32], t[32];

	for (int load = 0; load < LOAD_COUNT; load++) {
		const struct beside *m = &c->beside[load];

		if (m->measured)
			fprintf(out, "beside %-17s d2h %s, h2d %s, both %s, 64 KiB in %s\n", load_names[load], units_rate(x, loaded_rate(m, D2H)),
			    units_rate(y, loaded_rate(m, H2D)), units_rate(z, m->duplex_bytes_per_s[LOADED_POINTS - 1]),
			    units_time(t, m->curve[D2H][0].time_us));
	}
}

static void
print_summary(const struct calibration *c, FILE *out)
{
	char x[32], y[32];

	fprintf(out, "%-24s %s, compute capability %d.%d\n", "GPU", c->prop.name, c->prop.major, c->prop.minor);
	if (c->link_speed[0] != '\0')
		fprintf(out, "%-24s %s x%d, NUMA node %d\n", "bus", c->link_speed, c->link_width, c->numa_node);
	for (int dir = 0; dir < DIRECTION_COUNT; dir++)
		fprintf(out, "%-24s %s, latency %s, pageable %.1f GB/s\n", direction_names[dir], units_rate(x, c->bytes_per_s[dir]),
		    units_time(y, c->latency_us[dir]), c->pageable_bytes_per_s[dir] / 1e9);
	print_beside(c, out);
	fprintf(out, "%-24s %s\n", "both at once", units_rate(x, c->duplex_bytes_per_s));
	fprintf(out, "%-24s %s\n", "device memory", units_rate(x, c->memory_bytes_per_s));
	for (int math = 0; math < MATH_COUNT; math++)
		if (c->flops[math] > 0)
			fprintf(out, "%-24s %.1f TFLOP/s\n", math_names[math], c->flops[math] / 1e12);
	fprintf(out, "%-24s %s\n", "launch", units_time(x, c->launch_us));
	fprintf(out, "%-24s %.3f us compute-bound, %.3f us memory-bound\n", "less when captured", c->compute_gap_us, c->memory_gap_us);
	fprintf(out, "%-24s %.3f us\n", "wait for a queue", c->wait_us);
	fprintf(out, "%-24s %s of %s\n", "process", units_size(x, c->process_bytes), units_size(y, c->memory_bytes));
	fprintf(out, "%-24s %.3f compute-bound, %.3f memory-bound\n", "slow-down under copies", c->compute_contention, c->memory_contention);
}

/* Writes the copies beside each load: points of bytes, us of a copy out, us of a copy in, and bytes a second both ways at once. */
static void
beside_to_json(const struct calibration *c, struct json_out *o)
{
	json_out_object(o, "beside", false);
	for (int load = 0; load < LOAD_COUNT; load++) {
		const struct beside *m = &c->beside[load];

		if (!m->measured)
			continue;
		json_out_array(o, load_names[load], true);
		for (int k = 0; k < LOADED_POINTS; k++) {
			json_out_array(o, NULL, false);
			json_out_uint(o, NULL, m->curve[D2H][k].bytes);
			json_out_real(o, NULL, m->curve[D2H][k].time_us);
			json_out_real(o, NULL, m->curve[H2D][k].time_us);
			json_out_real(o, NULL, m->duplex_bytes_per_s[k]);
			json_out_end_array(o);
		}
		json_out_end_array(o);
	}
	json_out_end_object(o);
}

static void
summary_to_json(const struct calibration *c, FILE *out)
{
	struct json_out o;

	json_out_init(&o, out);
	json_out_object(&o, NULL, true);
	json_out_string(&o, "gpu", c->prop.name);
	json_out_string(&o, "link_speed", c->link_speed);
	json_out_real(&o, "link_width", c->link_width);
	json_out_real(&o, "numa_node", c->numa_node);
	for (int dir = 0; dir < DIRECTION_COUNT; dir++) {
		json_out_object(&o, direction_names[dir], false);
		json_out_real(&o, "bytes_per_s", c->bytes_per_s[dir]);
		json_out_real(&o, "latency_us", c->latency_us[dir]);
		json_out_real(&o, "pageable_bytes_per_s", c->pageable_bytes_per_s[dir]);
		json_out_end_object(&o);
	}
	json_out_real(&o, "duplex_bytes_per_s", c->duplex_bytes_per_s);
	beside_to_json(c, &o);
	json_out_real(&o, "memory_bytes_per_s", c->memory_bytes_per_s);
	json_out_object(&o, "flops", false);
	for (int math = 0; math < MATH_COUNT; math++)
		if (c->flops[math] > 0)
			json_out_real(&o, math_names[math], c->flops[math]);
	json_out_end_object(&o);
	json_out_real(&o, "launch_us", c->launch_us);
	json_out_real(&o, "compute_captured_gap_us", c->compute_gap_us);
	json_out_real(&o, "memory_captured_gap_us", c->memory_gap_us);
	json_out_real(&o, "wait_us", c->wait_us);
	json_out_uint(&o, "memory_bytes", c->memory_bytes);
	json_out_uint(&o, "process_bytes", c->process_bytes);
	json_out_real(&o, "compute_contention", c->compute_contention);
	json_out_real(&o, "memory_contention", c->memory_contention);
	json_out_end_object(&o);
	json_out_finish(&o);
}

int
calibrate(const char *path, const char *like, bytes_t pinned_bytes, bool json, FILE *out, struct arena *a, struct err *e)
{
	struct calibration *c = ARENA_NEW(a, struct calibration, 1);
	struct device d;
	bool found;

	if (measure_all(c, e) < 0 || read_template(&d, like, c->prop.name, &found, a, e) < 0)
		return -1;
	d.source = source_text(c, &d, found, a);
	d.name = document_name(path, c->prop.name, a);
	d.gpu = c->prop.name;
	fill_link(&d, c, a);
	fill_compute(&d, c);
	fill_memory(&d, c, pinned_bytes);
	if (device_check(&d, e) < 0 || device_write(&d, path, e) < 0)
		return -1;
	if (strcmp(path, "-") == 0)
		return 0;
	if (json)
		summary_to_json(c, out);
	else
		print_summary(c, out);
	return 0;
}
