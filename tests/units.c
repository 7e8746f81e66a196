/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, rates, times and percentages: parsed to exact values or refused with a reason, and printed. */
#include <config.h>
#include "src/base/units.h"

#include <math.h>
#include <string.h>

#include "tests/tap.h"

enum what { SIZE, RATE, TIME, PERCENT };

static const struct { enum what what; const char *text; double value; } good[] = {
	{ SIZE, "0", 0 }, { SIZE, "65536", 65536 }, { SIZE, "12GiB", 12 * 0x1p30 }, { SIZE, "12GB", 12e9 },
	{ SIZE, "12 GB", 12e9 }, { SIZE, "1.5KiB", 1536 }, { SIZE, "512MiB", 0x1p29 }, { SIZE, "1TB", 1e12 },
	{ SIZE, ".5MB", 5e5 }, { SIZE, "7B", 7 }, { SIZE, "3kB", 3000 }, { SIZE, "3KB", 3000 },
	{ SIZE, "4611686018427387904", 0x1p62 }, { SIZE, "2e3MB", 2e9 },
	{ RATE, "16GB/s", 16e9 }, { RATE, "1.5 GiB/s", 1.5 * 0x1p30 }, { RATE, "100B/s", 100 },
	{ TIME, "20us", 20 }, { TIME, "1.5ms", 1500 }, { TIME, "2s", 2e6 }, { TIME, "0s", 0 },
	{ PERCENT, "25", 25 }, { PERCENT, "25%", 25 }, { PERCENT, "2.5 %", 2.5 }, { PERCENT, "0", 0 },
};

static const struct { enum what what; const char *text, *error; } bad[] = {
	{ SIZE, "", "expected a size such as 12GiB, got ''" },
	{ SIZE, "12G", "expected 12GiB (powers of 1024) or 12GB (powers of 1000), got '12G'" },
	{ SIZE, "1.5 m", "expected 1.5MiB (powers of 1024) or 1.5MB (powers of 1000), got '1.5 m'" },
	{ SIZE, "-1", "expected a size such as 12GiB, got '-1'" },
	{ SIZE, "+1", "expected a size such as 12GiB, got '+1'" },
	{ SIZE, " 1", "expected a size such as 12GiB, got ' 1'" },
	{ SIZE, "nan", "expected a size such as 12GiB, got 'nan'" },
	{ SIZE, "inf", "expected a size such as 12GiB, got 'inf'" },
	{ SIZE, "0x10", "expected a size such as 12GiB, got '0x10'" },
	{ SIZE, "1e999", "expected a size such as 12GiB, got '1e999'" },
	{ SIZE, "12Gb", "expected a size such as 12GiB, got '12Gb'" },
	{ SIZE, "12 GB ", "expected a size such as 12GiB, got '12 GB '" },
	{ SIZE, "1.5", "expected a size such as 12GiB, got '1.5'" },
	{ SIZE, "12GB/s", "expected a size such as 12GiB, got '12GB/s'" },
	{ SIZE, "4611686018427387905", "expected a size of at most 4 EiB, got '4611686018427387905'" },
	{ SIZE, "99999999999999999999", "expected a size of at most 4 EiB, got '99999999999999999999'" },
	{ SIZE, "1e30", "expected a size of at most 4 EiB, got '1e30'" },
	{ SIZE, "12\nGB", "expected a size such as 12GiB, got '12?GB'" },
	{ RATE, "16GB", "expected a rate such as 16GB/s, got '16GB'" },
	{ RATE, "16Gb/s", "expected a rate such as 16GB/s, got '16Gb/s'" },
	{ RATE, "0GB/s", "expected a rate such as 16GB/s, got '0GB/s'" },
	{ RATE, "16/s", "expected a rate such as 16GB/s, got '16/s'" },
	{ RATE, "1e300GB/s", "expected a rate such as 16GB/s, got '1e300GB/s'" },
	{ TIME, "20", "expected a time such as 20us, 1.5ms or 2s, got '20'" },
	{ TIME, "-2s", "expected a time such as 20us, 1.5ms or 2s, got '-2s'" },
	{ TIME, "1e308s", "expected a time such as 20us, 1.5ms or 2s, got '1e308s'" },
	{ PERCENT, "-1%", "expected a percentage such as 25%, got '-1%'" },
	{ PERCENT, "25 percent", "expected a percentage such as 25%, got '25 percent'" },
};

static int
parse(enum what what, const char *text, double *value, struct err *e)
{
	bytes_t bytes = 0;
	int rc;

	switch (what) {
	case RATE:	return units_parse_rate(text, value, e);
	case TIME:	return units_parse_time(text, value, e);
	case PERCENT:	return units_parse_percent(text, value, e);
	default:	break;
	}
	rc = units_parse_size(text, &bytes, e);
	*value = (double)bytes;
	return rc;
}

static void
count_is(const char *text, int rc, uint64_t value)
{
	struct err e = ERR_INIT;
	uint64_t n = 0;

	ok(units_parse_count(text, 1, 100, &n, &e) == rc && (rc < 0 || n == value), "count '%s'", text);
}

int
main(void)
{
	char buf[32];
	bytes_t bytes = 0;
	struct err last = ERR_INIT;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct err e = ERR_INIT;
		double value = -1;

		ok(parse(good[i].what, good[i].text, &value, &e) == 0, "'%s' is understood", good[i].text);
		is_near(value, good[i].value, 0, "'%s' has its value", good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = ERR_INIT;
		double value;

		ok(parse(bad[i].what, bad[i].text, &value, &e) < 0 && e.code == ERR_INPUT, "bad %zu is refused", i);
		is_string(e.text, bad[i].error, "bad %zu says why", i);
	}
	ok(units_parse_size("9007199254740993", &bytes, &last) == 0, "a size beyond 53 bits");
	is_uint(bytes, UINT64_C(9007199254740993), "keeps its last digit");
	count_is("1", 0, 1);
	count_is("100", 0, 100);
	count_is("0", -1, 0);
	count_is("101", -1, 0);
	count_is("", -1, 0);
	count_is("-1", -1, 0);
	count_is("5x", -1, 0);
	count_is("18446744073709551617", -1, 0);
	is_string(units_size(buf, 0), "0 B", "0 bytes");
	is_string(units_size(buf, 1023), "1023 B", "1023 bytes");
	is_string(units_size(buf, 1536), "1.50 KiB", "1536 bytes");
	is_string(units_size(buf, 1048575), "1.00 MiB", "1 MiB less one byte");
	is_string(units_size(buf, UINT64_C(12) << 30), "12.0 GiB", "12 GiB");
	is_string(units_size(buf, UINT64_MAX), "16.0 EiB", "the largest number of bytes");
	is_string(units_rate(buf, 16e9), "16.0 GB/s", "a rate");
	is_string(units_time(buf, 61.24), "61.2 us", "microseconds");
	is_string(units_time(buf, 999.99), "1.00 ms", "a millisecond less a bit");
	is_string(units_time(buf, 61242.5), "61.2 ms", "milliseconds");
	is_string(units_time(buf, 1.5e6), "1.50 s", "seconds");
	is_string(units_time(buf, 2504191.2e6), "695.6 h", "hours");
	is_string(units_share(buf, 0.123), "12.3 %", "a share");
	is_string(units_share(buf, -0.0004), "0.0 %", "a share that rounds to nothing has no sign");
	is_string(units_share(buf, -0.0006), "-0.1 %", "one that does not has its sign");
	is_string(units_share(buf, NAN), "n/a", "a share of nothing");
	return tap_done();
}
