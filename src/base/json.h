/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - strict reading and deterministic writing of our documents
 *
 * Reading: a document is parsed by Jansson, and each of its objects is then read
 * through a table of fields that says which keys there are, of what type, and
 * where the values go.  An unknown key, a missing one, a wrong type or a value out of
 * range is an error with its place; keys that begin with "x-" are skipped.
 * Strings and arrays are copied into the arena, so the json_t tree can go at once.
 *
 * Writing: struct json_out streams text with one record a line, numbers in
 * their shortest form that reads back the same.  Same calls, same bytes.
 */
#ifndef SRC_BASE_JSON_H
#define SRC_BASE_JSON_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/base/units.h"

/* Inputs larger than this are refused unread (--max-input). */
extern bytes_t json_max_input;

/* Parse a whole file ("-": standard input).  Fills e with the file's name, line
 * and column.  The caller owns the result: json_decref. */
json_t *json_read_file(const char *path, struct err *e) WARN_UNUSED;

/* Where a document comes from: a file, or text that is in memory already. */
struct json_source {
	const char *path;	/* "-": standard input; of a text: what messages call it, or NULL */
	const char *text;	/* [size], or NULL: read path */
	size_t size;
};

/* What becomes of a parsed document: fill `to`, copying what stays into a. */
typedef int json_read_fn(void *to, json_t *root, struct arena *a, struct err *e);

/* Parse, read, release the tree, also when memory runs out.  e names the source,
 * but not for ERR_USAGE, which is no fault of the document. */
int json_read(const struct json_source *s, json_read_fn *read, void *to, struct arena *a, struct err *e) WARN_UNUSED;

/* Refuse anything but an object whose "format" is format and whose "version" is
 * 1..version. */
int json_check_format(json_t *root, const char *format, int version, struct err *e) WARN_UNUSED;

enum json_field_type {
	JSON_F_BYTES,	/* bytes_t: a whole number 0..BYTES_MAX */
	JSON_F_ID,	/* uint32_t: a whole number 0..UINT32_MAX-1 */
	JSON_F_POSITIVE,/* uint32_t: a whole number 1..INT32_MAX */
	JSON_F_REAL,	/* double: 0 <= x <= 1e18 */
	JSON_F_TIME,	/* double: microseconds, 0 <= x <= 1e12 */
	JSON_F_BOOL,	/* bool */
	JSON_F_STRING,	/* const char *, in the arena, no NUL inside */
	JSON_F_CHOICE,	/* int: index into the NULL-terminated const char *const choices[] */
	JSON_F_IDS,	/* struct json_ids: array of ids, in the arena */
	JSON_F_OBJECT,	/* json_t *, borrowed from the parent */
	JSON_F_ARRAY,	/* json_t *, borrowed from the parent */
	JSON_F_ANY	/* json_t *, borrowed from the parent */
};

struct json_ids { const uint32_t *ids; uint32_t count; };

struct json_field {
	const char *key;		/* NULL ends the table */
	enum json_field_type type;
	void *to;			/* unchanged when the key is absent */
	bool required;
	const char *const *choices;	/* for JSON_F_CHOICE */
	bool *seen;			/* set when the key is present; may be NULL */
};

/* Read one object by its table.  a may be NULL when no field needs it. */
int json_read_fields(json_t *obj, const struct json_field *fields, struct arena *a, struct err *e) WARN_UNUSED;

/* One value by a field's type (its key is not looked at). */
int json_read_value(json_t *value, const struct json_field *field, struct arena *a, struct err *e) WARN_UNUSED;

/* The size of an array, at most COUNT_MAX. */
int json_read_size(json_t *array, uint32_t *count, struct err *e) WARN_UNUSED;

/* The "id" of a record equals its position in its array. */
int json_check_id(uint32_t id, uint32_t position, struct err *e) WARN_UNUSED;

/* "an object", "a string" ...: what a value is, for messages. */
const char *json_type_name(const json_t *value);

/* A stream of JSON text.  Errors of the stream are sticky and are reported by
 * whoever closes it (file.h). */
struct json_out {
	FILE *out;
	int depth;		/* of open objects and arrays */
	uint64_t lines;		/* bit d: the container at depth d puts one element a line */
	bool first;		/* nothing yet in the innermost container */
};

void json_out_init(struct json_out *o, FILE *out);
/* Open a container; with lines each of its elements stands on a line of its own.
 * key is NULL inside an array. */
void json_out_object(struct json_out *o, const char *key, bool lines);
void json_out_array(struct json_out *o, const char *key, bool lines);
void json_out_end_object(struct json_out *o);
void json_out_end_array(struct json_out *o);
void json_out_string(struct json_out *o, const char *key, const char *value);
void json_out_uint(struct json_out *o, const char *key, uint64_t value);
void json_out_real(struct json_out *o, const char *key, double value);	/* NaN and infinity: null */
void json_out_bool(struct json_out *o, const char *key, bool value);
void json_out_null(struct json_out *o, const char *key);
void json_out_ids(struct json_out *o, const char *key, const uint32_t *ids, uint32_t count);
/* Close the document with a newline. */
void json_out_finish(struct json_out *o);

/* XXH3-128 of the text that write makes of document, newline included, as 32 hex
 * digits: what `xxh128sum` says of the file.  write does not allocate. */
typedef void json_write_fn(const void *document, const char *key, struct json_out *o);
void json_digest(char digest[33], json_write_fn *write, const void *document, struct arena *a);

/* Put the document's text at path, whole or not at all (file.h). */
int json_write_file(const char *path, json_write_fn *write, const void *document, struct err *e) WARN_UNUSED;
#endif
