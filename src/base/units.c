/* SPDX-License-Identifier: Apache-2.0 */
/* units.c - sizes, rates, times, percentages and counts from text and to text */
#include <config.h>
#include "src/base/units.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit { const char *suffix; double factor; };

/* Limit on rates (bytes/s) and times (us), far above real ones: sums and products stay finite. */
static const double VALUE_MAX = 1e18;

static const struct unit size_units[] = {
	{ "", 1 }, { "B", 1 },
	{ "KiB", 0x1p10 }, { "MiB", 0x1p20 }, { "GiB", 0x1p30 }, { "TiB", 0x1p40 },
	{ "kB", 1e3 }, { "MB", 1e6 }, { "GB", 1e9 }, { "TB", 1e12 }, { NULL, 0 }
};
static const struct unit time_units[] = {
	{ "us", 1 }, { "ms", 1e3 }, { "s", 1e6 }, { NULL, 0 }
};

/* Splits s into its leading decimal number and its unit; 0 or -1.  Only digits, '.' and an exponent count: a sign, "inf" and hex are
 * refused. */
static int
split(const char *s, double *number, const char **unit)
{
	char *end;

	if (*s != '.' && (*s < '0' || *s > '9'))
		return -1;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		return -1;
	*number = strtod(s, &end);
	while (*end == ' ')
		end++;
	*unit = end;
	return isfinite(*number) ? 0 : -1;
}

/* Finds the unit of a suffix, or NULL.  The case of a prefix does not matter; the last letter's does, as b would mean bits. */
static const struct unit *
unit_find(const struct unit *u, const char *suffix, size_t len)
{
	for (; u->suffix != NULL; u++)
		if (strlen(u->suffix) == len && (len == 0 ||
		    (strncasecmp(u->suffix, suffix, len - 1) == 0 && u->suffix[len - 1] == suffix[len - 1])))
			return u;
	return NULL;
}

/* Multiplies into *bytes; false: over BYTES_MAX.  A whole number keeps all its digits, of which a double would keep 53 bits. */
static bool
scale(const char *s, const char *suffix, double number, double factor, bytes_t *bytes)
{
	size_t digits = strspn(s, "0123456789");
	uint64_t whole;

	if (s + digits == suffix || s[digits] == ' ') {
		errno = 0;
		whole = strtoull(s, NULL, 10);
		return errno == 0 && !__builtin_mul_overflow(whole, (uint64_t)factor, bytes) && *bytes <= BYTES_MAX;
	}
	number = round(number * factor);
	if (!(number <= (double)BYTES_MAX))
		return false;
	*bytes = (bytes_t)number;
	return true;
}

int
units_parse_size(const char *s, bytes_t *bytes, struct err *e)
{
	const struct unit *u;
	const char *suffix;
	char q[48];
	double n;

	if (split(s, &n, &suffix) < 0)
		return err_set(e, ERR_INPUT, "expected a size such as 12GiB, got '%s'", err_quote(q, s));
	if (strlen(suffix) == 1 && strchr("kKmMgGtT", *suffix) != NULL)
		return err_set(e, ERR_INPUT, "expected %.*s%ciB (powers of 1024) or %.*s%cB (powers of 1000), got '%s'",
		    (int)strcspn(s, " kKmMgGtT"), s, *suffix & ~32, (int)strcspn(s, " kKmMgGtT"), s, *suffix & ~32,
		    err_quote(q, s));
	u = unit_find(size_units, suffix, strlen(suffix));
	if (u == NULL || (u->factor <= 1 && n != floor(n)))
		return err_set(e, ERR_INPUT, "expected a size such as 12GiB, got '%s'", err_quote(q, s));
	if (!scale(s, suffix, n, u->factor, bytes))
		return err_set(e, ERR_INPUT, "expected a size of at most 4 EiB, got '%s'", err_quote(q, s));
	return 0;
}

int
units_parse_rate(const char *s, double *bytes_per_s, struct err *e)
{
	const struct unit *u;
	const char *suffix;
	size_t len;
	char q[48];
	double n;

	if (split(s, &n, &suffix) == 0 && n > 0) {
		len = strlen(suffix);
		if (len > 2 && strcmp(suffix + len - 2, "/s") == 0 &&
		    (u = unit_find(size_units, suffix, len - 2)) != NULL && n * u->factor <= VALUE_MAX) {
			*bytes_per_s = n * u->factor;
			return 0;
		}
	}
	return err_set(e, ERR_INPUT, "expected a rate such as 16GB/s, got '%s'", err_quote(q, s));
}

int
units_parse_time(const char *s, double *us, struct err *e)
{
	const struct unit *u;
	const char *suffix;
	char q[48];
	double n;

	if (split(s, &n, &suffix) == 0 && (u = unit_find(time_units, suffix, strlen(suffix))) != NULL &&
	    n * u->factor <= VALUE_MAX) {
		*us = n * u->factor;
		return 0;
	}
	return err_set(e, ERR_INPUT, "expected a time such as 20us, 1.5ms or 2s, got '%s'", err_quote(q, s));
}

int
units_parse_percent(const char *s, double *percent, struct err *e)
{
	const char *suffix;
	char q[48];

	if (split(s, percent, &suffix) == 0 && (*suffix == '\0' || strcmp(suffix, "%") == 0))
		return 0;
	return err_set(e, ERR_INPUT, "expected a percentage such as 25%%, got '%s'", err_quote(q, s));
}

int
units_parse_count(const char *s, uint64_t min, uint64_t max, uint64_t *n, struct err *e)
{
	char q[48], *end;

	errno = 0;
	*n = strtoull(s, &end, 10);
	if (*s < '0' || *s > '9' || *end != '\0' || errno != 0 || *n < min || *n > max)
		return err_set(e, ERR_INPUT, "expected a whole number from %" PRIu64 " to %" PRIu64 ", got '%s'",
		    min, max, err_quote(q, s));
	return 0;
}

const char *
units_size(char buf[32], bytes_t bytes)
{
	static const char *const names[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double n = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(buf, 32, "%" PRI_BYTES " B", bytes);
		return buf;
	}
	/* A value that rounds to 1024.0 becomes 1.00 of the next unit. */
	while (n >= 1023.95 && i + 1 < sizeof(names) / sizeof(names[0])) {
		n /= 1024;
		i++;
	}
	snprintf(buf, 32, n < 9.995 ? "%.2f %s" : "%.1f %s", n, names[i]);
	return buf;
}

const char *
units_rate(char buf[32], double bytes_per_s)
{
	snprintf(buf, 32, "%.1f GB/s", bytes_per_s / 1e9);
	return buf;
}

#define HOURS_FROM_US 35999.95e6	/* ten hours; a step of so long is a mistake in its input, or a link that hardly moves */

const char *
units_time(char buf[32], double us)
{
	if (us < 999.95)
		snprintf(buf, 32, "%.1f us", us);
	else if (us < 999950)
		snprintf(buf, 32, us < 9995 ? "%.2f ms" : "%.1f ms", us / 1e3);
	else if (us < HOURS_FROM_US)
		snprintf(buf, 32, us < 9.995e6 ? "%.2f s" : "%.1f s", us / 1e6);
	else
		snprintf(buf, 32, "%.1f h", us / 3.6e9);
	return buf;
}

const char *
units_share(char buf[32], double share)
{
	double tenths = nearbyint(1000 * share);

	if (isfinite(share))
		snprintf(buf, 32, "%.1f %%", tenths == 0 ? 0 : 100 * share);
	else
		snprintf(buf, 32, "n/a");
	return buf;
}
