/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "src/err.h"

#include <stdarg.h>
#include <string.h>

int
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	if (e->code != ERR_NONE)
		return -1;
	e->code = code;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -1;
}

int
err_at(struct err *e, const char *fmt, ...)
{
	char inner[sizeof(e->path)];
	va_list ap;
	int n;

	memcpy(inner, e->path, sizeof(inner));
	va_start(ap, fmt);
	n = vsnprintf(e->path, sizeof(e->path), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(e->path) && inner[0] != '\0')
		snprintf(e->path + n, sizeof(e->path) - (size_t)n, "%s%s",
		    inner[0] == '[' ? "" : ".", inner);
	return -1;
}

int
err_in_file(struct err *e, const char *source)
{
	if (e->source[0] == '\0')
		snprintf(e->source, sizeof(e->source), "%s",
		    strcmp(source, "-") == 0 ? "(standard input)" : source);
	return -1;
}

void
err_print(const struct err *e, const char *program, FILE *out)
{
	fprintf(out, "%s: ", program);
	if (e->source[0] != '\0')
		fprintf(out, "%s: ", e->source);
	if (e->path[0] != '\0')
		fprintf(out, "%s: ", e->path);
	fprintf(out, "%s\n", e->text);
}

const char *
err_quote(char buf[48], const char *s)
{
	size_t i;

	for (i = 0; i < 40 && s[i] != '\0'; i++)
		buf[i] = (unsigned char)s[i] < ' ' || s[i] == 127 ? '?' : s[i];
	if (s[i] != '\0') {
		memcpy(buf + i, "...", 3);
		i += 3;
	}
	buf[i] = '\0';
	return buf;
}
