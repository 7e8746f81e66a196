/* SPDX-License-Identifier: Apache-2.0 */
/* device.h - a profile of a GPU and of its link to the host
 *
 * Every number of a device comes from its "layrub-device" document, none from code.  The roofline (roofline.h) turns
 * compute into op times; the simulator turns link and contention into transfer times.
 */
#ifndef SRC_DOCUMENTS_DEVICE_H
#define SRC_DOCUMENTS_DEVICE_H
#include <stdbool.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/base/units.h"
#include "src/documents/graph.h"

enum { DEVICE_VERSION = 2 };	/* of the "layrub-device" document */

#define DEVICE_HOST_ANY BYTES_MAX	/* pinned_bytes of a device without a limit */

enum direction { D2H, H2D, DIRECTION_COUNT };	/* offload, fetch */
extern const char *const direction_names[DIRECTION_COUNT + 1];	/* "d2h" "h2d" */

struct curve_point { bytes_t bytes; double time_us; };

struct link_direction {
	double latency_us;		/* without a curve, a transfer takes latency + bytes / rate */
	double bytes_per_s;
	uint32_t point_count;		/* of the measured curve; 0: none */
	struct curve_point *points;	/* [point_count] sizes and times rising */
	uint32_t loaded_count;		/* of the curve measured while compute is busy; 0: none */
	struct curve_point *loaded;	/* [loaded_count] likewise */
};

/* Passes of a convolution; BACKWARD is filter and data in one op. */
enum conv_pass { CONV_FORWARD, CONV_BACKWARD, CONV_BACKWARD_FILTER, CONV_BACKWARD_DATA, CONV_PASS_COUNT };
extern const char *const conv_pass_names[CONV_PASS_COUNT + 1];	/* "forward" "backward" "backward-filter" "backward-data" */

/* A rule for the workspace of a convolution in one pass and one math type: the copies that a library makes to change the
 * layout, and partial sums.  A rule holds for every kernel, or only for 1 x 1 kernels of stride 1 on images whose pixel
 * count is a multiple of pixel_multiple.  The smallest workspace of all rules that hold is taken; no rule holds: no workspace. */
struct conv_rule {
	enum conv_pass pass;
	enum math math;
	bool pointwise;			/* only 1 x 1 kernels of stride 1 */
	uint32_t pixel_multiple;	/* 0 or 1: any image */
	double input, output, weight;	/* factors on the bytes of each */
	double weight_per_sample;	/* factor on the weight's bytes times the batch */
	bytes_t fixed_bytes;
};

/* The efficiency of one kernel, where that of its class is wrong.  name is a lowered op's name ("max-pool-backward"). */
struct kernel_efficiency {
	const char *name;
	double flops, memory;		/* in place of the class's; 0: the class's */
};

struct device {
	const char *name;
	const char *gpu;		/* the driver's name for it: "NVIDIA H200" */
	const char *source;		/* a measurement, or a datasheet */
	bytes_t memory_bytes;		/* all, as the driver reports it */
	bytes_t reserved_bytes;		/* taken by the driver's context and by libraries */
	bytes_t process_bytes;		/* what a process was measured to take beside its arena; 0: not known */
	struct {
		double flops[MATH_COUNT];		/* peak FLOP/s; 0: not supported */
		double memory_bytes_per_s;
		double launch_us;			/* added to the time of each op */
		double captured_gap_us[CLASS_COUNT];	/* by which an op takes less inside a captured step; all 0: not known */
		double flop_efficiency[CLASS_COUNT];	/* share of flops that is reached, 0..1 */
		double memory_efficiency[CLASS_COUNT];	/* share of the bandwidth that is reached, 0..1 */
		uint32_t multiprocessors;		/* 0: not known, every kernel fills them */
		uint32_t gemm_tile[2];			/* rows and columns of a product that one multiprocessor makes; 0: any */
		uint32_t conv_tile[2];			/* channels in and out are padded to multiples of these; 0: no padding */
		uint32_t kernel_count, conv_rule_count;
		struct kernel_efficiency *kernels;	/* [kernel_count] */
		struct conv_rule *conv_rules;		/* [conv_rule_count] */
	} compute;
	struct link_direction link[DIRECTION_COUNT];
	double duplex_bytes_per_s;	/* both directions together */
	double wait_us;			/* of one queue for an event of another; 0: not known */
	uint32_t copy_engines;		/* 1: one transfer at a time, either way; 2: one each way */
	double contention[CLASS_COUNT];	/* time factor >= 1 of an op while both directions copy;
					 * half of the excess while one does */
	bytes_t pinned_bytes;		/* the most host memory that a plan's pool may pin; DEVICE_HOST_ANY: no limit */
};

/* Returns the default budget: the device's memory minus the reserved bytes. */
static inline bytes_t
device_budget(const struct device *d)
{
	return d->memory_bytes - d->reserved_bytes;
}

/* Returns the microseconds of one transfer alone on the link.  Between points of a curve the time is interpolated linearly.  A smaller
 * transfer takes the first point's time; a larger one goes on at the rate between the last two points. */
double device_transfer_us(const struct device *d, enum direction dir, bytes_t bytes);

/* Returns the microseconds of one transfer while compute is busy: those of the loaded curve, and at least those alone.  A transfer that
 * is smaller than the curve's first takes as much more as that one does. */
double device_busy_us(const struct device *d, enum direction dir, bytes_t bytes);

/* Returns the part of a transfer's microseconds in which the link moves none of its bytes: what it takes beyond its bytes at the
 * link's rate; without a loaded curve the document's latency, which may be more than the transfer takes. */
double device_latency_us(const struct device *d, enum direction dir, bytes_t bytes);

/* Contents of a list of numbers by op class: shares above 0 and up to 1, factors of at least 1, or microseconds. */
enum class_range { CLASS_SHARES, CLASS_FACTORS, CLASS_TIMES };

/* Refuses one number of such a list; key is its place. */
int device_check_class(const char *key, double value, enum class_range range, struct err *e) WARN_UNUSED;

/* Refuses a device with a value out of its range: ERR_INPUT, with the place that the value has in a document.  The reader calls it; a
 * device that was made in memory needs it before it is used. */
int device_check(const struct device *d, struct err *e) WARN_UNUSED;

int device_read(struct device *d, const char *path, struct arena *a, struct err *e) WARN_UNUSED;
struct json_source;
int device_read_from(struct device *d, const struct json_source *s, struct arena *a, struct err *e) WARN_UNUSED;
struct json_t;
int device_from_json(struct device *d, struct json_t *root, struct arena *a, struct err *e) WARN_UNUSED;
/* Returns the lowest version of a "layrub-device" document that holds the device. */
uint32_t device_version(const struct device *d);
struct json_out;
void device_to_json(const struct device *d, const char *key, struct json_out *o);
int device_write(const struct device *d, const char *path, struct err *e) WARN_UNUSED;
void device_digest(const struct device *d, char digest[33], struct arena *a);
#endif
