/* SPDX-License-Identifier: Apache-2.0 */
/* result.c - figures as lines and as JSON */
#include <config.h>
#include "src/command/result.h"

#include <stddef.h>

#include "src/command/command.h"

/* True: a plan of a budget far above the bound has no reason to come near to it. */
static bool
says_nothing(const struct figures *f, const struct figure_row *row)
{
	static const double near = 1;	/* twice the bound */

	return row->at == offsetof(struct figures, bytes_gap) && f->bytes_gap > near;
}

void
result_print(const struct figures *f, FILE *out)
{
	char buf[32];

	for (const struct figure_row *row = figure_rows; row->name != NULL; row++) {
		if (row->label == NULL || !figure_is_known(f, row) || says_nothing(f, row))
			continue;
		switch (row->type) {
		case FIGURE_TEXT:
			text_row(out, row->label, "%s", figure_text(f, row));
			break;
		case FIGURE_COUNT:
			text_row(out, row->label, "%" PRIu64, figure_count(f, row));
			break;
		case FIGURE_BYTES:
			text_row(out, row->label, "%s", units_size(buf, figure_count(f, row)));
			break;
		case FIGURE_RATIO:
			text_row(out, row->label, "%.3f", figure_real(f, row));
			break;
		case FIGURE_PERCENT:
			text_row(out, row->label, "%s", units_share(buf, figure_real(f, row)));
			break;
		case FIGURE_TIME:
			text_row(out, row->label, "%s", units_time(buf, figure_real(f, row)));
			break;
		case FIGURE_SECONDS:
			text_row(out, row->label, "%s", units_time(buf, 1e6 * figure_real(f, row)));
		}
	}
}

void
result_begin(struct json_out *o, const char *command, FILE *out)
{
	char format[64];

	snprintf(format, sizeof(format), "layrub-%s-result", command);
	json_out_begin(o, out);
	json_out_string(o, "format", format);
	json_out_uint(o, "version", 1);
}

void
result_to_json(const struct figures *f, struct json_out *o)
{
	for (const struct figure_row *row = figure_rows; row->name != NULL; row++) {
		if (!figure_is_known(f, row))
			continue;
		switch (row->type) {
		case FIGURE_TEXT:
			json_out_string(o, row->name, figure_text(f, row));
			break;
		case FIGURE_COUNT:
		case FIGURE_BYTES:
			json_out_uint(o, row->name, figure_count(f, row));
			break;
		default:
			json_out_real(o, row->name, figure_real(f, row));
		}
	}
}

void
result_show(const struct figures *f, const struct cli *c, FILE *out)
{
	struct json_out o;

	if (!c->json) {
		result_print(f, out);
		return;
	}
	result_begin(&o, c->command->name, out);
	result_to_json(f, &o);
	json_out_end(&o);
}
