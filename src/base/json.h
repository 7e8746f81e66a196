/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - strict reading and deterministic writing of our documents
 *
 * Reading: Jansson parses a document.  Each of its objects is then read through a table of fields: keys, types, destinations.  An
 * unknown key, a missing one, a wrong type and a value out of range are errors with their place.  Keys that begin with "x-" are
 * skipped.  Strings and arrays are copied into the arena, so the json_t tree can be released at once.
 *
 * Writing: struct json_out streams text with one record a line and each number in the shortest form that reads back the same.  The
 * same calls give the same bytes.
 */
#ifndef SRC_BASE_JSON_H
#define SRC_BASE_JSON_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/base/units.h"

/* Limit on the bytes of an input (--max-input); larger files are refused unread. */
extern bytes_t json_max_input;

/* Parses a whole file ("-": standard input).  The caller owns the result: json_decref.  NULL: e names file, line and column. */
json_t *json_read_file(const char *path, struct err *e) WARN_UNUSED;

/* The source of a document: a file, or text in memory. */
struct json_source {
	const char *path;	/* "-": standard input; of a text: its name in messages, or NULL */
	const char *text;	/* [size], or NULL: read path */
	size_t size;
};

/* Fills `to` from a parsed document; everything that `to` keeps is copied into a. */
typedef int json_read_fn(void *to, json_t *root, struct arena *a, struct err *e);

/* Parses and reads a document, and releases the tree, also when memory runs out.  e names the source, except for ERR_USAGE, which is
 * no fault of the document. */
int json_read(const struct json_source *s, json_read_fn *read, void *to, struct arena *a, struct err *e) WARN_UNUSED;

/* Refuses a root that is not an object with "format": format and a "version" of 1..newest.  Sets *version unless it is NULL. */
int json_check_format(json_t *root, const char *format, uint32_t newest, uint32_t *version, struct err *e) WARN_UNUSED;

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
	uint32_t since;			/* the version of the document that brought the key; 0: the first */
};

/* Reads one object by its table.  a may be NULL when no field needs memory. */
int json_read_fields(json_t *obj, const struct json_field *fields, struct arena *a, struct err *e) WARN_UNUSED;

/* The same for an object of a document of a version.  A key of a later version is an error that says so. */
int json_read_fields_of(json_t *obj, const struct json_field *fields, uint32_t version, struct arena *a, struct err *e) WARN_UNUSED;

/* Reads one value by a field's type; the field's key has no effect. */
int json_read_value(json_t *value, const struct json_field *field, struct arena *a, struct err *e) WARN_UNUSED;

/* Reads the size of an array; more than COUNT_MAX is an error. */
int json_read_size(json_t *array, uint32_t *count, struct err *e) WARN_UNUSED;

/* Refuses a record whose "id" is not its position in its array. */
int json_check_id(uint32_t id, uint32_t position, struct err *e) WARN_UNUSED;

/* Returns the type of a value in words for messages: "an object", "a string" ... */
const char *json_type_name(const json_t *value);

/* A stream of JSON text.  Errors of the FILE are sticky; file.h reports them when it closes the file. */
struct json_out {
	FILE *out;
	int depth;		/* of open objects and arrays */
	uint64_t lines;		/* bit d: the container at depth d puts one element a line */
	bool first;		/* nothing yet in the innermost container */
};

void json_out_init(struct json_out *o, FILE *out);
/* Opens a container; with `lines` each of its elements is on a line of its own.  key is NULL inside an array. */
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
/* Ends the document with a newline. */
void json_out_finish(struct json_out *o);
/* Begin and end a document that is one object, one member a line. */
void json_out_begin(struct json_out *o, FILE *out);
void json_out_end(struct json_out *o);

/* Computes XXH3-128 of the text that write makes of document, newline included, as 32 hex digits; `xxh128sum` prints the same for
 * the file.  write must not allocate. */
typedef void json_write_fn(const void *document, const char *key, struct json_out *o);
void json_digest(char digest[33], json_write_fn *write, const void *document, struct arena *a);

/* Writes the document's text to path, whole or not at all (file.h). */
int json_write_file(const char *path, json_write_fn *write, const void *document, struct err *e) WARN_UNUSED;
#endif
