/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - parsing documents within a memory limit, and reading objects through tables of fields */
#include <config.h>
#include "src/base/json.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/file.h"
#include "src/base/nearest.h"

bytes_t json_max_input = UINT64_C(256) << 20;

/* Limit on the bytes of a document's tree, estimated from its text.  Trees of our own documents take about 12 times their text, a
 * list of empty objects 80 times.  Tree and text together stay below 10 GB, unless --max-input is over 1 GiB. */
static bytes_t
tree_most(void)
{
	return 8 * (json_max_input > (UINT64_C(1) << 30) ? json_max_input : UINT64_C(1) << 30);
}

/* Bytes that Jansson and malloc take for each sort of value: an object with its table, an array with its first places, a string, a
 * key in its object, and any value with its place in an array. */
enum { OBJECT_BYTES = 240, ARRAY_BYTES = 150, STRING_BYTES = 48, KEY_BYTES = 80, VALUE_BYTES = 56 };

static bytes_t
tree_bytes(const char *text, size_t size)
{
	bytes_t sum = 0;
	size_t i, begin;

	for (i = 0; i < size; i++) {
		switch (text[i]) {
		case '{':
			sum += OBJECT_BYTES;
			break;
		case '[':
			sum += ARRAY_BYTES;
			break;
		case ':':
			sum += KEY_BYTES;
			break;
		case ',':
			sum += VALUE_BYTES;
			break;
		case '"':
			for (begin = i++; i < size && text[i] != '"'; i++)
				i += text[i] == '\\';
			sum += STRING_BYTES + (i - begin);
			break;
		default:
			break;
		}
	}
	return sum;
}

/* Reads the whole stream, at most json_max_input bytes; the caller frees it.  NULL: e is filled. */
static char *
slurp(FILE *in, size_t *size, struct err *e)
{
	size_t room = 1 << 16, n = 0, got;
	char *text = malloc(room), *bigger;

	while (text != NULL) {
		got = fread(text + n, 1, room - n, in);
		n += got;
		if (n > json_max_input) {
			err_set(e, ERR_INPUT, "expected at most %" PRI_BYTES " bytes (--max-input), got more", json_max_input);
			break;
		}
		if (got == 0 && ferror(in)) {
			err_set(e, errno == EISDIR ? ERR_INPUT : ERR_SYSTEM, "cannot read: %s", strerror(errno));
			break;
		}
		if (got == 0) {
			*size = n;
			return text;
		}
		if (n < room)
			continue;
		bigger = realloc(text, room *= 2);
		if (bigger == NULL)
			break;
		text = bigger;
	}
	free(text);
	err_set(e, ERR_SYSTEM, "out of memory");
	return NULL;
}

static json_t *
parse(const char *text, size_t size, struct err *e)
{
	json_error_t je;
	json_t *root;

	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {	/* a byte order mark */
		text += 3;
		size -= 3;
	}
	if (tree_bytes(text, size) > tree_most()) {
		err_set(e, ERR_INPUT, "expected a document that takes at most %" PRI_BYTES " bytes of memory (8 times --max-input, or 8 GiB), got one of about %"
		    PRI_BYTES, tree_most(), tree_bytes(text, size));
		return NULL;
	}
	/* Jansson seldom reports exhausted memory: its scanner takes a failed allocation for the end of a token. */
	errno = 0;
	root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &je);
	if (root != NULL)
		return root;
	if (errno == ENOMEM || json_error_code(&je) == json_error_out_of_memory) {
		err_set(e, ERR_SYSTEM, "out of memory");
		return NULL;
	}
	if (size == 0) {
		err_set(e, ERR_INPUT, "expected a JSON document, got an empty file");
		return NULL;
	}
	err_set(e, ERR_INPUT, "not valid JSON: %s", je.text);
	if (je.line > 0)
		err_at(e, "line %d, column %d", je.line, je.column);
	return NULL;
}

json_t *
json_read_file(const char *path, struct err *e)
{
	FILE *in = file_open(path, json_max_input, e);
	json_t *root = NULL;
	size_t size = 0;
	char *text;

	if (in == NULL) {
		err_in_file(e, path);
		return NULL;
	}
	text = slurp(in, &size, e);
	if (in != stdin)
		fclose(in);
	if (text != NULL)
		root = parse(text, size, e);
	free(text);
	if (root == NULL)
		err_in_file(e, path);
	return root;
}

struct json_reading { json_read_fn *read; void *to; json_t *root; struct arena *a; struct err *e; };

static int
read_parsed(void *arg)
{
	struct json_reading *r = arg;

	return r->read(r->to, r->root, r->a, r->e);
}

static json_t *
parse_text(const struct json_source *s, struct err *e)
{
	if (s->size <= json_max_input)
		return parse(s->text, s->size, e);
	err_set(e, ERR_INPUT, "expected at most %" PRI_BYTES " bytes (--max-input), got %zu", json_max_input, s->size);
	return NULL;
}

int
json_read(const struct json_source *s, json_read_fn *read, void *to, struct arena *a, struct err *e)
{
	json_t *root = s->text == NULL ? json_read_file(s->path, e) : parse_text(s, e);
	int rc = -1;

	/* The jump of exhausted memory ends here, so that the tree is released. */
	if (root != NULL)
		rc = arena_run(a, read_parsed, &(struct json_reading) { read, to, root, a, e }, e);
	json_decref(root);
	return rc == 0 || e->code == ERR_USAGE || s->path == NULL ? rc : err_in_file(e, s->path);
}

int
json_check_format(json_t *root, const char *format, uint32_t newest, uint32_t *version, struct err *e)
{
	const char *got;
	json_t *v;
	char q[48];

	if (!json_is_object(root))
		return err_set(e, ERR_INPUT, "expected a %s document, got %s", format, json_type_name(root));
	v = json_object_get(root, "format");
	got = json_string_value(v);
	if (got == NULL || strcmp(got, format) != 0) {
		if (got == NULL)
			err_set(e, ERR_INPUT, "expected '%s', got %s", format, json_type_name(v));
		else
			err_set(e, ERR_INPUT, "expected '%s', got '%s'", format, err_quote(q, got));
		return err_at(e, "format");
	}
	v = json_object_get(root, "version");
	if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > newest) {
		err_set(e, ERR_INPUT, "expected a version from 1 to %" PRIu32 ", got %s", newest,
		    !json_is_integer(v) ? json_type_name(v) : json_integer_value(v) > newest ? "a newer one" : "an older one");
		return err_at(e, "version");
	}
	if (version != NULL)
		*version = (uint32_t)json_integer_value(v);
	return 0;
}

const char *
json_type_name(const json_t *value)
{
	if (value == NULL)
		return "nothing";
	switch (json_typeof(value)) {
	case JSON_OBJECT:	return "an object";
	case JSON_ARRAY:	return "an array";
	case JSON_STRING:	return "a string";
	case JSON_INTEGER:	return "a whole number";
	case JSON_REAL:		return "a real number";
	case JSON_NULL:		return "null";
	default:		return "a boolean";
	}
}

static int
wrong_type(json_t *value, const char *expected, struct err *e)
{
	return err_set(e, ERR_INPUT, "expected %s, got %s", expected, json_type_name(value));
}

static int
read_whole(json_t *value, json_int_t min, json_int_t max, uint64_t *to, struct err *e)
{
	json_int_t whole = json_integer_value(value);

	if (!json_is_integer(value))
		return wrong_type(value, "a whole number", e);
	if (whole < min || whole > max)
		return err_set(e, ERR_INPUT, "expected a whole number from %" JSON_INTEGER_FORMAT " to %"
		    JSON_INTEGER_FORMAT ", got %" JSON_INTEGER_FORMAT, min, max, whole);
	*to = (uint64_t)whole;
	return 0;
}

static int
read_u32(json_t *value, uint32_t min, uint32_t max, uint32_t *to, struct err *e)
{
	uint64_t whole;

	if (read_whole(value, min, max, &whole, e) < 0)
		return -1;
	*to = (uint32_t)whole;
	return 0;
}

static int
read_real(json_t *value, double max, double *to, struct err *e)
{
	if (!json_is_number(value))
		return wrong_type(value, "a number", e);
	*to = json_number_value(value) + 0.0;	/* turns -0.0 into 0.0, which is written without a sign */
	if (!(*to >= 0 && *to <= max))
		return err_set(e, ERR_INPUT, "expected a number from 0 to %g, got %g", max, *to);
	return 0;
}

static int
read_string(json_t *value, const char **to, struct arena *a, struct err *e)
{
	if (!json_is_string(value))
		return wrong_type(value, "a string", e);
	if (strlen(json_string_value(value)) != json_string_length(value))
		return err_set(e, ERR_INPUT, "expected a string without a NUL character");
	*to = arena_strdup(a, json_string_value(value));
	return 0;
}

static int
read_choice(json_t *value, const char *const *choices, int *to, struct err *e)
{
	char all[256] = "", q[48], near[NEAREST_TEXT];
	struct nearest typed;
	size_t n = 0;

	if (!json_is_string(value))
		return wrong_type(value, "a string", e);
	nearest_init(&typed, json_string_value(value));
	for (int i = 0; choices[i] != NULL; i++) {
		if (strcmp(choices[i], json_string_value(value)) == 0) {
			*to = i;
			return 0;
		}
		nearest_add(&typed, choices[i]);
		if (n < sizeof(all))
			n += (size_t)snprintf(all + n, sizeof(all) - n, "%s'%s'", i == 0 ? "" : ", ", choices[i]);
	}
	return err_set(e, ERR_INPUT, "expected one of %s, got '%s'%s", all, err_quote(q, json_string_value(value)),
	    nearest_text(near, &typed, ""));
}

static int
read_ids(json_t *value, struct json_ids *to, struct arena *a, struct err *e)
{
	uint32_t *ids, n = 0;

	if (!json_is_array(value))
		return wrong_type(value, "an array", e);
	if (json_read_size(value, &n, e) < 0)
		return -1;
	ids = ARENA_NEW(a, uint32_t, n);
	for (uint32_t i = 0; i < n; i++)
		if (read_u32(json_array_get(value, i), 0, UINT32_MAX - 1, &ids[i], e) < 0)
			return err_at(e, "[%" PRIu32 "]", i);
	*to = (struct json_ids) { ids, n };
	return 0;
}

int
json_read_value(json_t *value, const struct json_field *f, struct arena *a, struct err *e)
{
	switch (f->type) {
	case JSON_F_BYTES:
		return read_whole(value, 0, BYTES_MAX, f->to, e);
	case JSON_F_ID:
		return read_u32(value, 0, UINT32_MAX - 1, f->to, e);
	case JSON_F_POSITIVE:
		return read_u32(value, 1, INT32_MAX, f->to, e);
	case JSON_F_REAL:
		return read_real(value, 1e18, f->to, e);
	case JSON_F_TIME:
		return read_real(value, 1e12, f->to, e);
	case JSON_F_BOOL:
		if (!json_is_boolean(value))
			return wrong_type(value, "true or false", e);
		*(bool *)f->to = json_is_true(value);
		break;
	case JSON_F_STRING:
		return read_string(value, f->to, a, e);
	case JSON_F_CHOICE:
		return read_choice(value, f->choices, f->to, e);
	case JSON_F_IDS:
		return read_ids(value, f->to, a, e);
	case JSON_F_OBJECT:
		if (!json_is_object(value))
			return wrong_type(value, "an object", e);
		*(json_t **)f->to = value;
		break;
	case JSON_F_ARRAY:
		if (!json_is_array(value))
			return wrong_type(value, "an array", e);
		*(json_t **)f->to = value;
		break;
	case JSON_F_ANY:
		*(json_t **)f->to = value;
		break;
	}
	return 0;
}

/* Finds the row of key, or NULL.  Documents mostly list their keys in the table's order, so the search begins behind the row found
 * last. */
static const struct json_field *
field_find(const struct json_field *fields, const struct json_field *next, const char *key)
{
	const struct json_field *f;

	if (next->key != NULL && strcmp(next->key, key) == 0)
		return next;
	for (f = fields; f->key != NULL && strcmp(f->key, key) != 0; f++)
		;
	return f->key == NULL ? NULL : f;
}

static int
unknown_key(const char *key, const struct json_field *fields, struct err *e)
{
	char q[48], near[NEAREST_TEXT];
	struct nearest typed;

	nearest_init(&typed, key);
	for (; fields->key != NULL; fields++)
		nearest_add(&typed, fields->key);
	return err_set(e, ERR_INPUT, "unknown key '%s'%s", err_quote(q, key), nearest_text(near, &typed, ""));
}

int
json_read_fields(json_t *obj, const struct json_field *fields, struct arena *a, struct err *e)
{
	return json_read_fields_of(obj, fields, UINT32_MAX, a, e);
}

int
json_read_fields_of(json_t *obj, const struct json_field *fields, uint32_t version, struct arena *a, struct err *e)
{
	const struct json_field *f, *next = fields;
	uint64_t seen = 0;
	const char *key;
	json_t *value;

	if (!json_is_object(obj))
		return wrong_type(obj, "an object", e);
	json_object_foreach(obj, key, value) {
		if (strncmp(key, "x-", 2) == 0)
			continue;
		f = field_find(fields, next, key);
		if (f == NULL)
			return unknown_key(key, fields, e);
		if (f->since > version)
			return err_set(e, ERR_INPUT, "the key '%s' needs \"version\": %" PRIu32 ", got %" PRIu32, key, f->since, version);
		next = f + 1;
		assert(f - fields < 64);
		seen |= UINT64_C(1) << (f - fields);
		if (f->seen != NULL)
			*f->seen = true;
		if (json_read_value(value, f, a, e) < 0)
			return err_at(e, "%s", key);
	}
	for (f = fields; f->key != NULL; f++)
		if (f->required && (seen >> (f - fields) & 1) == 0)
			return err_set(e, ERR_INPUT, "expected the key '%s', got none", f->key);
	return 0;
}

int
json_read_size(json_t *array, uint32_t *count, struct err *e)
{
	size_t n = json_array_size(array);

	if (n > COUNT_MAX)
		return err_set(e, ERR_INPUT, "expected at most %" PRIu32 " elements, got %zu", COUNT_MAX, n);
	*count = (uint32_t)n;
	return 0;
}

int
json_check_id(uint32_t id, uint32_t position, struct err *e)
{
	if (id == position)
		return 0;
	err_set(e, ERR_INPUT, "expected %" PRIu32 ", got %" PRIu32, position, id);
	return err_at(e, "id");
}
