/* SPDX-License-Identifier: Apache-2.0 */
/* layer_groups.h - tensors grouped by what makes them: one op name in one place of a repeated block
 *
 * Layers whose names differ only in their first whole number between dots are one: "h.0.act" and "h.7.act" are "h.0,7.act".
 */
#ifndef SIM_REPORT_LAYER_GROUPS_H
#define SIM_REPORT_LAYER_GROUPS_H
#include "src/documents/origin.h"

struct name_group {
	const char *what;		/* "activation from gelu of h.0-2,7.act" */
	const char *layers;		/* "h.0-2,7.act"; "": the ops have no layer, or no op touches the tensors */
	uint32_t class;			/* the caller's */
	const uint32_t *members;	/* [count] positions in the caller's list, rising */
	uint32_t count;
};

/* Groups tensors[count] by kind, op and layer; members of a group have one class.  Groups come in the order of their names. */
struct name_group *layer_groups(const struct graph *g, const struct origin *origins, const uint32_t *tensors, const uint32_t *classes,
    uint32_t count, uint32_t *group_count, struct arena *a);

/* True: the op is of the layer, whose name may be a pattern of fnmatch() or the beginning of the names of a block ("h.3"). */
bool layer_matches(const struct op *o, const char *layer);
#endif
