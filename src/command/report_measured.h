/* SPDX-License-Identifier: Apache-2.0 */
/* report_measured.h - where a measured step differs from the simulated one, for `layrub report --measured` */
#ifndef SRC_COMMAND_REPORT_MEASURED_H
#define SRC_COMMAND_REPORT_MEASURED_H
#include <stdio.h>

#include "sim/measured/difference.h"
#include "sim/measured/measured.h"

struct measured_report {
	const struct plan *plan;
	const struct sim_result *simulated;
	const struct measured_step *measured;
	const struct difference *difference;
};

void measured_print(FILE *out, const struct measured_report *r, struct arena *a);

/* Adds members to the document that is open: parts, copies, and every instruction's start and end in both timelines. */
struct json_out;
void measured_to_json(struct json_out *o, const struct measured_report *r);
#endif
