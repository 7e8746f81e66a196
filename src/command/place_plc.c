/* SPDX-License-Identifier: Apache-2.0 */
/* place_plc.c - records of numbers, and the lines that say the same */
#include <config.h>
#include "src/command/place_plc.h"

#include <inttypes.h>
#include <stdio.h>

enum { PLC_ID, PLC_BIRTH, PLC_DEATH, PLC_SIZE, PLC_HEAP, PLC_OFFSET, PLC_ALIGNMENT, PLC_REQUESTED, PLC_NUMBERS };
enum {
	RECORD = 8 * PLC_NUMBERS,
	LINE = 6 * 21 + 1		/* of six numbers of up to 20 digits, and a NUL */
};

bool
plc_is(const char *bytes, size_t size)
{
	return size > 0 && bytes[0] == '\0';
}

static uint64_t
number_at(const char *record, int k)
{
	const unsigned char *byte = (const unsigned char *)record + 8 * k;
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | byte[i];
	return n;
}

static int
check_record(const char *records, size_t i, struct err *e)
{
	const char *record = records + i * RECORD;

	if (number_at(record, PLC_ID) > UINT32_MAX)
		err_set(e, ERR_INPUT, "expected an id of 32 bits, got %" PRIu64 ": no list of idealloc, or a byte is missing", number_at(record, PLC_ID));
	else if (number_at(record, PLC_HEAP) != number_at(records, PLC_HEAP))
		err_set(e, ERR_INPUT, "expected one heap, got %" PRIu64 " and %" PRIu64, number_at(records, PLC_HEAP), number_at(record, PLC_HEAP));
	else
		return 0;
	return err_at(e, "record %zu", i + 1);
}

/* Writes the line of a record; an alignment of 0 is an empty cell, and a hint out of range none. */
static size_t
put_line(char *line, const char *record)
{
	size_t n = (size_t)snprintf(line, LINE, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",", number_at(record, PLC_ID),
	    number_at(record, PLC_BIRTH), number_at(record, PLC_DEATH), number_at(record, PLC_SIZE));

	if (number_at(record, PLC_ALIGNMENT) > 0)
		n += (size_t)snprintf(line + n, LINE - n, "%" PRIu64, number_at(record, PLC_ALIGNMENT));
	n += (size_t)snprintf(line + n, LINE - n, ",");
	if (number_at(record, PLC_OFFSET) <= BYTES_MAX)
		n += (size_t)snprintf(line + n, LINE - n, "%" PRIu64, number_at(record, PLC_OFFSET));
	n += (size_t)snprintf(line + n, LINE - n, "\n");
	return n;
}

int
plc_to_csv(const char **text, size_t *size, struct arena *a, struct err *e)
{
	static const char header[] = "id,lower,upper,size,alignment,hint\n";
	size_t count = *size / RECORD, n;
	char *made;

	if (*size % RECORD != 0) {
		err_set(e, ERR_INPUT, "expected records of %d bytes, got %zu bytes at the end", RECORD, *size % RECORD);
		return err_at(e, "record %zu", count + 1);
	}
	made = arena_alloc(a, 1, sizeof(header) + count * LINE);
	n = (size_t)snprintf(made, sizeof(header), "%s", header);
	for (size_t i = 0; i < count; i++) {
		if (check_record(*text, i, e) < 0)
			return -1;
		n += put_line(made + n, *text + i * RECORD);
	}
	*text = made;
	*size = n;
	return 0;
}
