/* SPDX-License-Identifier: Apache-2.0 */
/* result.h - the known figures of a plan, for people and for programs, under the same names everywhere */
#ifndef SRC_COMMAND_RESULT_H
#define SRC_COMMAND_RESULT_H
#include "src/library/figures.h"

/* "label   value" lines. */
void result_print(const struct figures *f, FILE *out);

/* Members of the object that is open in o. */
struct json_out;
void result_to_json(const struct figures *f, struct json_out *o);

/* Either of the two, as --json says; the members stand in an object of their own. */
void result_show(const struct figures *f, bool json, FILE *out);
#endif
