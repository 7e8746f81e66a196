/* SPDX-License-Identifier: Apache-2.0 */
/* err.c - filling, placing and printing an error */
#include <config.h>
#include "src/base/err.h"

#include <stdarg.h>
#include <string.h>

int
(err_set)(struct err *e, enum err_code code, const char *fmt, ...)
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
(err_at)(struct err *e, const char *fmt, ...)
{
	char outer[sizeof(e->path)];
	size_t n, inner = strlen(e->path);
	bool dot = inner > 0 && e->path[0] != '[';
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(outer, sizeof(outer), fmt, ap);
	va_end(ap);
	/* The path loses bytes at its inner end when it is too long. */
	n = strlen(outer);
	if (n + dot + inner > sizeof(outer) - 1)
		inner = n + dot > sizeof(outer) - 1 ? 0 : sizeof(outer) - 1 - n - dot;
	memmove(e->path + n + (inner > 0 ? dot : 0), e->path, inner);
	if (inner > 0 && dot)
		outer[n++] = '.';
	memcpy(e->path, outer, n);
	e->path[n + inner] = '\0';
	return -1;
}

int
(err_in_file)(struct err *e, const char *source)
{
	if (e->source[0] == '\0')
		snprintf(e->source, sizeof(e->source), "%s",
		    strcmp(source, "-") == 0 ? "(standard input)" : source);
	return -1;
}

int
(err_set_reason)(struct err *e, const struct err_reason *r)
{
	if (e->reason.known)
		return -1;
	e->reason = *r;
	e->reason.known = true;
	return -1;
}

int
(err_about)(struct err *e, const char *what, const char *name)
{
	char q[48];

	if (e->subject[0] == '\0')
		snprintf(e->subject, sizeof(e->subject), "%s '%s'", what, err_quote(q, name));
	return -1;
}

const char *
err_line(char line[ERR_LINE], const struct err *e)
{
	const char *const parts[] = { e->source, e->path, e->subject };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i][0] != '\0')
			n += (size_t)snprintf(line + n, ERR_LINE - n, "%s: ", parts[i]);
	snprintf(line + n, ERR_LINE - n, "%s", e->text);
	for (char *s = line; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			*s = '?';
	return line;
}

void
err_print(const struct err *e, const char *program, FILE *out)
{
	char line[ERR_LINE];

	fprintf(out, "%s: %s\n", program, err_line(line, e));
}

const char *
err_quote(char buf[48], const char *s)
{
	size_t n = text_prefix(s, 40);

	for (size_t i = 0; i < n; i++)
		buf[i] = (unsigned char)s[i] < ' ' || s[i] == 127 ? '?' : s[i];
	snprintf(buf + n, sizeof("..."), "%s", s[n] == '\0' ? "" : "...");
	return buf;
}

size_t
text_prefix(const char *s, size_t most)
{
	size_t n = strnlen(s, most);

	while (s[n] != '\0' && n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return n;
}
