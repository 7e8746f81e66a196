/* SPDX-License-Identifier: Apache-2.0 */
/* explain_view.h - what the answers of explain are made from, and their printers */
#ifndef SRC_COMMAND_EXPLAIN_VIEW_H
#define SRC_COMMAND_EXPLAIN_VIEW_H
#include "sim/report/explain_groups.h"
#include "src/command/explain_more.h"

struct view {
	const struct plan *plan;
	struct sim_result sim;
	struct explain x;
	struct more more;
	const struct origin *origins;	/* [tensor_count] */
	uint32_t *next_use;		/* [buffer_count] first run at or after the peak that uses it; PLAN_NONE: none */
	struct moved_group *moved;	/* [moved_count] dearest first */
	struct peak_group *at_peak;	/* [at_peak_count] largest first */
	struct near_peak *near;		/* [near_count] in program order */
	uint32_t moved_count, at_peak_count, near_count;
};

/* Fills v, but for `more`, for a plan that has passed check_plan(). */
int view_init(struct view *v, const struct plan *p, struct arena *a, struct err *e) WARN_UNUSED;

/* Returns a moment in words: "op 3 (conv of stem)", "fetch of tensor 7". */
const char *moment_name(const struct plan *p, uint32_t moment, struct arena *a);
/* Returns the reason why a buffer is on the device at the peak. */
const char *why_here(const struct view *v, uint32_t buffer, struct arena *a);

/* The whole plan, one tensor, the layers that match a name; for people or for programs. */
void explain_print(const struct view *v, struct arena *a);
void explain_to_json(const struct view *v, struct arena *a);
void explain_tensor(const struct view *v, uint32_t tensor, bool json, struct arena *a);
int explain_layer(const struct view *v, const char *layer, bool json, struct arena *a, struct err *e) WARN_UNUSED;

struct json_out;
/* Writes one tensor's figures as members of the open object. */
void explain_figures_to_json(struct json_out *o, const struct view *v, uint32_t tensor);
#endif
