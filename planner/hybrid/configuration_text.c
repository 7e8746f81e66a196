/* SPDX-License-Identifier: Apache-2.0 */
/* configuration_text.c - the default configuration of the hybrid search, and the text that names a configuration */
#include <config.h>
#include "planner/hybrid/hybrid_configuration.h"

#include <math.h>

const struct configuration configuration_default = {
	.share = 0, .order = BY_SPAN, .checkpoints = 14, .homes = 0, .hold = 0, .gradients = false, .look_ahead = 8, .squeeze = 1
};

static const char *const order_names[ORDERS] = { "span-and-cost", "checkpoints-first", "span" };

/* Returns a number of at least 0 with up to 9 decimals; a point is its decimal separator in every locale. */
static const char *
number_text(double value, struct arena *a)
{
	uint64_t parts = (uint64_t)llround(value * 1e9), whole = parts / 1000000000, rest = parts % 1000000000;
	int decimals = 9;

	if (rest == 0)
		return arena_printf(a, "%" PRIu64, whole);
	for (; rest % 10 == 0; rest /= 10)
		decimals--;
	return arena_printf(a, "%" PRIu64 ".%0*" PRIu64, whole, decimals, rest);
}

const char *
configuration_text(const struct configuration *c, struct arena *a)
{
	const struct configuration *d = &configuration_default;
	const struct { const char *name; double value, usual; const char *const *names; } parameters[] = {
		{ "share", c->share, d->share, NULL }, { "order", c->order, d->order, order_names },
		{ "checkpoints", c->checkpoints, d->checkpoints, NULL },
		{ "homes", c->homes, d->homes, NULL }, { "hold", c->hold, d->hold, NULL },
		{ "gradients", c->gradients, d->gradients, NULL },
		{ "look_ahead", c->look_ahead, d->look_ahead, NULL },
		{ "squeeze", c->squeeze, d->squeeze, NULL },
	};
	const char *text = "";

	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
		double value = parameters[i].value;

		if (fabs(value - parameters[i].usual) < 1e-9)
			continue;
		text = arena_printf(a, "%s%s%s=%s", text, *text == '\0' ? "" : " ", parameters[i].name,
		    parameters[i].names != NULL ? parameters[i].names[(int)value] : number_text(value, a));
	}
	return *text == '\0' ? "default" : text;
}
