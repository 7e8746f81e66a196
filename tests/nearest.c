/* SPDX-License-Identifier: Apache-2.0 */
/* The names that are offered for a mistyped one: begun, contained, or a few edits away, in either case. */
#include <config.h>
#include "src/base/nearest.h"

#include <string.h>

#include "tests/tap.h"

static const char *const devices[] = { "a100-40g", "a100-80g", "gtx1080ti", "h100", "h200", "p100", "rtx4090", "v100" };

static const struct { const char *typed, *offered; } rows[] = {
	{ "A100", "; did you mean 'a100-40g' or 'a100-80g'?" },		/* and not h100 or p100, one edit away */
	{ "h10", "; did you mean 'h100'?" },
	{ "H100-SXM5", "; did you mean 'h100'?" },
	{ "4090", "; did you mean 'rtx4090'?" },
	{ "gtx1080", "; did you mean 'gtx1080ti'?" },
	{ "rtx409O", "; did you mean 'rtx4090'?" },
	{ "mi300x", "" },
	{ "", "" },
};

int
main(void)
{
	char text[NEAREST_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nearest n;

		nearest_init(&n, rows[i].typed);
		for (size_t k = 0; k < sizeof(devices) / sizeof(devices[0]); k++)
			for (int twice = 0; twice < 2; twice++)
				nearest_add(&n, devices[k]);	/* a name is offered once */
		is_string(nearest_text(text, &n, ""), rows[i].offered, "near '%s'", rows[i].typed);
		nearest_in_table(text, &n, "devices");
		ok(strstr(text, "'layrub list devices' shows all") != NULL, "and where all are");
	}
	return tap_done();
}
