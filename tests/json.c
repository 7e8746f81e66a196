/* SPDX-License-Identifier: Apache-2.0 */
/* Strict reading of JSON: wrong keys, types and ranges with their place and text, limits on input; and the writer's layout. */
#include <config.h>
#include "src/base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/tap.h"

static const char *const colours[] = { "red", "green", NULL };

/* One of each type of field. */
struct all {
	bytes_t bytes;
	uint32_t id, positive;
	double real, time;
	bool flag, flag_seen;
	const char *string;
	int colour;
	struct json_ids ids;
	json_t *object, *array, *any;
};

static int
read_all(struct all *v, const char *text, struct arena *a, struct err *e)
{
	const struct json_field fields[] = {
		{ "bytes", JSON_F_BYTES, &v->bytes, .required = true },
		{ "id", JSON_F_ID, &v->id, .required = false },
		{ "positive", JSON_F_POSITIVE, &v->positive, .required = false },
		{ "real", JSON_F_REAL, &v->real, .required = false },
		{ "time", JSON_F_TIME, &v->time, .required = false },
		{ "flag", JSON_F_BOOL, &v->flag, .seen = &v->flag_seen },
		{ "string", JSON_F_STRING, &v->string, .required = false },
		{ "colour", JSON_F_CHOICE, &v->colour, .choices = colours },
		{ "ids", JSON_F_IDS, &v->ids, .required = false },
		{ "object", JSON_F_OBJECT, &v->object, .required = false },
		{ "array", JSON_F_ARRAY, &v->array, .required = false },
		{ "any", JSON_F_ANY, &v->any, .required = false },
		{ .key = NULL }
	};
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	int rc;

	*v = (struct all) { .positive = 77, .colour = -1 };
	rc = json_read_fields(root, fields, a, e);
	json_decref(root);
	return rc;
}

static const struct { const char *json, *path, *text; } bad[] = {
	{ "[]", "", "expected an object, got an array" },
	{ "{}", "", "expected the key 'bytes', got none" },
	{ "{\"bytes\":1,\"byte\":1}", "", "unknown key 'byte'; did you mean 'bytes'?" },
	{ "{\"bytes\":1,\"X-note\":1}", "", "unknown key 'X-note'" },
	{ "{\"bytes\":-1}", "bytes", "expected a whole number from 0 to 4611686018427387904, got -1" },
	{ "{\"bytes\":4611686018427387905}", "bytes",
	    "expected a whole number from 0 to 4611686018427387904, got 4611686018427387905" },
	{ "{\"bytes\":1.0}", "bytes", "expected a whole number, got a real number" },
	{ "{\"bytes\":null}", "bytes", "expected a whole number, got null" },
	{ "{\"bytes\":1,\"id\":4294967295}", "id", "expected a whole number from 0 to 4294967294, got 4294967295" },
	{ "{\"bytes\":1,\"positive\":0}", "positive", "expected a whole number from 1 to 2147483647, got 0" },
	{ "{\"bytes\":1,\"real\":-0.5}", "real", "expected a number from 0 to 1e+18, got -0.5" },
	{ "{\"bytes\":1,\"real\":1e19}", "real", "expected a number from 0 to 1e+18, got 1e+19" },
	{ "{\"bytes\":1,\"real\":\"1\"}", "real", "expected a number, got a string" },
	{ "{\"bytes\":1,\"time\":1e13}", "time", "expected a number from 0 to 1e+12, got 1e+13" },
	{ "{\"bytes\":1,\"flag\":1}", "flag", "expected true or false, got a whole number" },
	{ "{\"bytes\":1,\"string\":true}", "string", "expected a string, got a boolean" },
	{ "{\"bytes\":1,\"colour\":\"blue\"}", "colour", "expected one of 'red', 'green', got 'blue'" },
	{ "{\"bytes\":1,\"colour\":2}", "colour", "expected a string, got a whole number" },
	{ "{\"bytes\":1,\"ids\":{}}", "ids", "expected an array, got an object" },
	{ "{\"bytes\":1,\"ids\":[0,-1]}", "ids[1]", "expected a whole number from 0 to 4294967294, got -1" },
	{ "{\"bytes\":1,\"ids\":[0,1,\"2\"]}", "ids[2]", "expected a whole number, got a string" },
	{ "{\"bytes\":1,\"object\":[]}", "object", "expected an object, got an array" },
	{ "{\"bytes\":1,\"array\":{}}", "array", "expected an array, got an object" },
};

static void
test_fields(void)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct all v;

	ok(read_all(&v, "{\"ids\":[3,4],\"x-note\":{\"a\":1},\"real\":-0.0,\"id\":4294967294,\"bytes\":4611686018427387904,"
	    "\"time\":1,\"string\":\"caf\\u00e9\",\"colour\":\"green\",\"flag\":true}", &a, &e) == 0, "all fields, any order");
	is_uint(v.bytes, BYTES_MAX, "bytes");
	is_uint(v.id, UINT32_MAX - 1, "id");
	is_uint(v.positive, 77, "an absent field keeps its value");
	ok(!signbit(v.real), "no negative zero");
	is_near(v.time, 1, 0, "a whole number is a time, too");
	ok(v.flag && v.flag_seen, "flag and its mark");
	is_string(v.string, "caf\xc3\xa9", "string outlives its document");
	is_uint((uint64_t)v.colour, 1, "choice");
	ok(v.ids.count == 2 && v.ids.ids[0] == 3 && v.ids.ids[1] == 4, "ids");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = (struct err) ERR_INIT;
		ok(read_all(&v, bad[i].json, &a, &e) < 0 && e.code == ERR_INPUT, "refused: %s", bad[i].json);
		is_string(e.path, bad[i].path, "its place");
		is_string(e.text, bad[i].text, "its reason");
	}
	arena_free(&a);
}

/* What write makes, as text that the caller frees. */
static char *
text_of(void (*write)(struct json_out *o))
{
	struct json_out o;
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	json_out_init(&o, out);
	write(&o);
	fclose(out);
	return text;
}

static void
write_sample(struct json_out *o)
{
	json_out_object(o, NULL, true);
	json_out_string(o, "a", "q\"b\\n\n\x01\xc3\xa9 \xff\xc0\x80\xed\xa0\x80 \xf0\x9f\x98\x80");
	json_out_array(o, "empty", true);
	json_out_end_array(o);
	json_out_array(o, "list", true);
	json_out_object(o, NULL, false);
	json_out_uint(o, "id", 0);
	json_out_bool(o, "yes", true);
	json_out_null(o, "none");
	json_out_end_object(o);
	json_out_ids(o, NULL, (uint32_t[]) { 7, 0, 4294967295 }, 3);
	json_out_ids(o, NULL, NULL, 0);
	json_out_end_array(o);
	json_out_uint(o, "max", UINT64_MAX);
	json_out_real(o, "nan", (double)NAN);
	json_out_end_object(o);
	json_out_finish(o);
}

static double real;

static void
write_real(struct json_out *o)
{
	json_out_real(o, NULL, real);
}

/* The shortest of the three forms that reads back, by trial. */
static void
shortest(char text[40], double value)
{
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, 40, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			return;
	}
}

static void
test_reals(void)
{
	static const double fixed[] = {
		0, 1, 9.7, 0.001, 0.0015, 0.1, 1.0 / 3, 27438, 999999999999.999, 1e12, 1e15, 1e18, 5.5e10,
		4.95e14, 1e-7, 123456.789, 0.3 - 0.1, 2.5, 1e300, 5e-324
	};
	bool good = true;
	char want[40], *got;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		real = fixed[i];
		shortest(want, real);
		got = text_of(write_real);
		is_string(got, want, "the number %s", want);
		free(got);
	}
	for (uint64_t i = 1; i < 20000 && good; i++) {
		real = i % 2 == 0 ? (double)(i * 7919) / 1000 : (double)(i * 104729) / 7777;
		shortest(want, real);
		got = text_of(write_real);
		good = strcmp(got, want) == 0 && strtod(got, NULL) == real;
		free(got);
	}
	ok(good, "20000 numbers are the shortest that read back");
}

static void
test_writing(void)
{
	char *text = text_of(write_sample), *again = text_of(write_sample);
	json_t *root;

	is_string(text,
	    "{\n \"a\": \"q\\\"b\\\\n\\u000a\\u0001\xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd "
	    "\xf0\x9f\x98\x80\",\n \"empty\": [],\n \"list\": [\n  {\"id\": 0, \"yes\": true, \"none\": null},\n"
	    "  [7, 0, 4294967295],\n  []\n ],\n \"max\": 18446744073709551615,\n \"nan\": null\n}\n", "a document");
	is_string(again, text, "the same calls make the same bytes");
	memset(strstr(text, "18446744073709551615") + 1, ' ', 19);	/* Jansson's integers end earlier */
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	ok(root != NULL, "what is written can be read");
	json_decref(root);
	free(text);
	free(again);
}

static void
write_hash_me(const void *document, const char *key, struct json_out *o)
{
	json_out_string(o, key, document);
}

static void
read_bad_file(const char *text, size_t size, const char *path, const char *want)
{
	char name[] = "json-test.XXXXXX";
	struct err e = ERR_INIT;
	int fd = mkstemp(name);

	ok(fd >= 0 && write(fd, text, size) == (ssize_t)size && close(fd) == 0 && json_read_file(name, &e) == NULL,
	    "refused: %s", path);
	is_string(e.source, name, "the file is named");
	is_string(e.path, path, "the place");
	ok(e.code == ERR_INPUT && strncmp(e.text, want, strlen(want)) == 0, "the reason: %s", want);
	unlink(name);
}

static void
test_files(void)
{
	enum { DEPTH = 100000 };
	char *deep = malloc(DEPTH);
	struct err e = ERR_INIT;

	read_bad_file("", 0, "", "expected a JSON document, got an empty file");
	read_bad_file("{\"a\":1,", 7, "line 1, column 7", "not valid JSON: ");
	read_bad_file("{\"a\":1,\n\"a\":2}", 14, "line 2, column 3", "not valid JSON: duplicate object key");
	read_bad_file("{\"a\":1} x", 9, "line 1, column 9", "not valid JSON: end of file expected");
	read_bad_file("[1e999]", 7, "line 1, column 6", "not valid JSON: real number overflow");
	read_bad_file("[99999999999999999999]", 22, "line 1, column 21", "not valid JSON: too big integer");
	read_bad_file("[NaN]", 5, "line 1, column 4", "not valid JSON: invalid token");
	read_bad_file("\"\xff\"", 3, "line 1, column 1", "not valid JSON: unable to decode byte 0xff");
	memset(deep, '[', DEPTH);
	read_bad_file(deep, DEPTH, "line 1, column 2049", "not valid JSON: maximum parsing depth");
	free(deep);
	json_max_input = 10;
	read_bad_file("[1,2,3,4,5]", 11, "", "expected at most 10 bytes (--max-input), got 11");
	json_max_input = UINT64_C(256) << 20;
	ok(json_read_file("no-such-file.json", &e) == NULL && e.code == ERR_INPUT, "no file: bad input");
	is_string(e.text, "cannot open: No such file or directory", "and why");
	e = (struct err) ERR_INIT;
	ok(json_read_file("/", &e) == NULL && e.code == ERR_INPUT, "a folder: bad input");
	is_string(e.text, "cannot read: Is a directory", "and why");
}

static const struct { const char *json, *path, *text; } formats[] = {
	{ "[]", "", "expected a layrub-graph document, got an array" },
	{ "{\"version\":1}", "format", "expected 'layrub-graph', got nothing" },
	{ "{\"format\":7,\"version\":1}", "format", "expected 'layrub-graph', got a whole number" },
	{ "{\"format\":\"layrub-plan\",\"version\":1}", "format", "expected 'layrub-graph', got 'layrub-plan'" },
	{ "{\"format\":\"layrub-graph\"}", "version", "expected a version from 1 to 2, got nothing" },
	{ "{\"format\":\"layrub-graph\",\"version\":3}", "version", "expected a version from 1 to 2, got a newer one" },
	{ "{\"format\":\"layrub-graph\",\"version\":0}", "version", "expected a version from 1 to 2, got an older one" },
	{ "{\"format\":\"layrub-graph\",\"version\":\"1\"}", "version", "expected a version from 1 to 2, got a string" },
};

/* A key of version 2 in a document of each version. */
static void
test_versions(void)
{
	uint32_t speed = 0, version = 0;
	const struct json_field fields[] = {
		{ "format", JSON_F_ANY, &(json_t *) { NULL }, .required = true },
		{ "version", JSON_F_ANY, &(json_t *) { NULL }, .required = true },
		{ "speed", JSON_F_POSITIVE, &speed, .since = 2 },
		{ .key = NULL }
	};

	for (uint32_t v = 1; v <= 2; v++) {
		json_t *root = json_pack("{s:s, s:i, s:i}", "format", "f", "version", (int)v, "speed", 7);
		struct err e = ERR_INIT;

		ok(json_check_format(root, "f", 2, &version, &e) == 0 && version == v, "version %d is read", (int)v);
		ok((json_read_fields_of(root, fields, version, NULL, &e) == 0) == (v == 2), "a key of version 2 in version %d", (int)v);
		is_string(e.text, v == 2 ? "" : "the key 'speed' needs \"version\": 2, got 1", "what is said");
		json_decref(root);
	}
	ok(speed == 7, "the key's value");
}

int
main(void)
{
	struct arena a = ARENA_INIT;
	char digest[33];

	test_fields();
	test_writing();
	test_reals();
	test_files();
	test_versions();
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		json_t *root = json_loads(formats[i].json, 0, NULL);
		struct err e = ERR_INIT;

		ok(json_check_format(root, "layrub-graph", 2, NULL, &e) < 0, "refused: %s", formats[i].json);
		is_string(e.path, formats[i].path, "its place");
		is_string(e.text, formats[i].text, "its reason");
		json_decref(root);
	}
	json_digest(digest, write_hash_me, "abc", &a);
	is_string(digest, "09bb03c8bae3ab11f712d65b29c48014", "XXH3-128 of \"abc\", quotes and newline included");
	arena_free(&a);
	return tap_done();
}
