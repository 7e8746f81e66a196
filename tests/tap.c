/* SPDX-License-Identifier: Apache-2.0 */
/* tap.c - results, counts and the plan line on standard output */
#include <config.h>
#include "tests/tap.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned count, failed;

static void
result(bool good, const char *fmt, va_list ap)
{
	printf("%sok %u - ", good ? "" : "not ", ++count);
	vprintf(fmt, ap);
	putchar('\n');
	fflush(stdout);
	failed += !good;
}

bool
ok(bool good, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	result(good, fmt, ap);
	va_end(ap);
	return good;
}

bool
is_uint(uint64_t got, uint64_t want, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	result(got == want, fmt, ap);
	va_end(ap);
	if (got != want)
		diag("got %" PRIu64 ", want %" PRIu64, got, want);
	return got == want;
}

bool
is_near(double got, double want, double tolerance, const char *fmt, ...)
{
	bool good = fabs(got - want) <= tolerance;
	va_list ap;

	va_start(ap, fmt);
	result(good, fmt, ap);
	va_end(ap);
	if (!good)
		diag("got %.17g, want %.17g within %g", got, want, tolerance);
	return good;
}

bool
is_string(const char *got, const char *want, const char *fmt, ...)
{
	bool good = strcmp(got, want) == 0;
	va_list ap;

	va_start(ap, fmt);
	result(good, fmt, ap);
	va_end(ap);
	if (!good)
		diag("got '%s', want '%s'", got, want);
	return good;
}

void
diag(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void
tap_skip(const char *what, const char *why)
{
	printf("ok %u - %s # SKIP %s\n", ++count, what, why);
}

int
tap_done(void)
{
	printf("1..%u\n", count);
	return failed == 0 ? 0 : 1;
}

static const char *
path_below(const char *variable, const char *fallback, const char *name)
{
	static char path[4][4096];
	static int next;
	const char *dir = getenv(variable);

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s/%s", dir == NULL ? fallback : dir, name);
	return path[next];
}

const char *
tests_path(const char *name)
{
	return path_below("LAYRUB_TESTS", "tests", name);
}

const char *
data_path(const char *name)
{
	return path_below("LAYRUB_DATA", "networks", name);
}
