/* SPDX-License-Identifier: Apache-2.0 */
/* fit_devices.h - layrub fit without --device: which of the devices that ship fit a step, least memory first */
#ifndef SRC_COMMAND_FIT_DEVICES_H
#define SRC_COMMAND_FIT_DEVICES_H
#include "src/command/command.h"

/* Evaluates the step of the first operand, as the given planning options say, on every device, and prints those that fit it.
 * most_overhead: of a plan, as in struct fit_problem.  ERR_NO: none fits. */
int fit_devices(struct cli *c, double most_overhead, struct err *e) WARN_UNUSED;
#endif
