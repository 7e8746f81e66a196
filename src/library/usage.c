/* SPDX-License-Identifier: Apache-2.0 */
/* usage.c - mistakes of usage */
#include <config.h>
#include "src/library/usage.h"

#include <stdarg.h>

int
usage_error(struct err *e, const char *option, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(e, ERR_USAGE, "%s", text);
	return usage_at(e, option);
}

int
usage_unknown(struct err *e, const char *option, const char *name)
{
	char q[48];

	return usage_error(e, option, "there is no '%s'", err_quote(q, name));
}

int
usage_at(struct err *e, const char *option)
{
	e->code = ERR_USAGE;
	return option == NULL ? -1 : err_at(e, "%s", option);
}
