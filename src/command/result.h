/* SPDX-License-Identifier: Apache-2.0 */
/* result.h - the known figures of a plan, for people and for programs, under the same names everywhere */
#ifndef SRC_COMMAND_RESULT_H
#define SRC_COMMAND_RESULT_H
#include "src/library/figures.h"

/* Prints "label   value" lines. */
void result_print(const struct figures *f, FILE *out);

struct cli;
struct json_out;
/* Begins the one document of a command's result, with its format, "layrub-COMMAND-result", and version. */
void result_begin(struct json_out *o, const char *command, FILE *out);

/* Writes the figures as members of the object that is open in o. */
void result_to_json(const struct figures *f, struct json_out *o);

/* Prints lines or, with --json, one document. */
void result_show(const struct figures *f, const struct cli *c, FILE *out);
#endif
