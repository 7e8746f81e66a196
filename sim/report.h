/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - pictures of a plan and its simulation, drawn by gnuplot
 *
 * gnuplot runs as a process that is fed script and data on its standard input;
 * no shell string is built.  The format follows from the file's suffix (.svg .png).
 */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H
#include "sim/simulate.h"

/* Draw memory over time stacked by kind with budget, peak and bound lines, the three queues with stalls marked, and
 * link use.  The file is written whole or not at all.  ERR_SYSTEM when gnuplot is missing (names the package) or dies;
 * ERR_INPUT for an unknown suffix. */
int report_plan(const char *path, const struct plan *p, const struct sim_result *r, struct arena *a, struct err *e) WARN_UNUSED;
#endif
