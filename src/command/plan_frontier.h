/* SPDX-License-Identifier: Apache-2.0 */
/* plan_frontier.h - layrub plan --frontier: a table and a picture of step time against memory */
#ifndef SRC_COMMAND_PLAN_FRONTIER_H
#define SRC_COMMAND_PLAN_FRONTIER_H
#include "planner/frontier.h"
#include "src/command/command.h"

/* ERR_USAGE: there is no frontier to draw, or the file's name ends in no format of pictures. */
int frontier_check_picture(const char *picture, bool frontier, struct err *e) WARN_UNUSED;

/* Prints f to out, as JSON if c asks for that.  picture: NULL, or where to draw it. */
int frontier_show(const struct frontier *f, const char *picture, struct cli *c, FILE *out, struct err *e) WARN_UNUSED;
#endif
