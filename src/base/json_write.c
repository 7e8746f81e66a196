/* SPDX-License-Identifier: Apache-2.0 */
/* json_write.c - JSON text, one record a line, and the digest of a document */
#include <config.h>
#include "src/base/json.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "src/base/file.h"

void
json_out_init(struct json_out *o, FILE *out)
{
	*o = (struct json_out) { .out = out, .first = true };
}

/* Returns the length of the UTF-8 sequence at s, 0 for none.  Overlong forms and surrogates count as none, because readers refuse
 * them. */
static size_t
utf8_length(const unsigned char *s)
{
	/* By length.  low: the least second byte after the form's smallest lead. */
	static const struct { unsigned char mask, lead, low; } forms[] = {
		{ 0, 1, 0 }, { 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0 }, { 0xf0, 0xe0, 0xa0 }, { 0xf8, 0xf0, 0x90 }
	};
	size_t n;

	for (n = 1; n <= 4; n++)
		if ((s[0] & forms[n].mask) == forms[n].lead)
			break;
	if (n > 4 || s[0] == 0xc0 || s[0] == 0xc1 || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if (n >= 3 && s[0] == forms[n].lead && s[1] < forms[n].low)
		return 0;
	if ((s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static void
put_text(FILE *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		putc_unlocked(s[i], out);
}

/* Writes s in quotes.  A byte that is not UTF-8 becomes U+FFFD, so that the text can be read back; a command line may hold any
 * byte. */
static void
write_string(FILE *out, const char *s)
{
	size_t n;

	putc_unlocked('"', out);
	for (; *s != '\0'; s += n) {
		n = 1;
		if (*s == '"' || *s == '\\') {
			putc_unlocked('\\', out);
			putc_unlocked(*s, out);
		} else if ((unsigned char)*s < ' ') {
			fprintf(out, "\\u%04x", (unsigned)*s);
		} else if ((unsigned char)*s < 0x80) {
			putc_unlocked(*s, out);
		} else if ((n = utf8_length((const unsigned char *)s)) > 0) {
			put_text(out, s, n);
		} else {
			put_text(out, "\xef\xbf\xbd", 3);
			n = 1;
		}
	}
	putc_unlocked('"', out);
}

static void
write_uint(FILE *out, uint64_t value)
{
	char text[20];
	size_t n = sizeof(text);

	do
		text[--n] = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	put_text(out, text + n, sizeof(text) - n);
}

static void
new_line(FILE *out, int depth)
{
	putc_unlocked('\n', out);
	for (int i = 0; i < depth; i++)
		putc_unlocked(' ', out);
}

/* Writes the text before an element: a comma, the line's start, the key. */
static void
lead(struct json_out *o, const char *key)
{
	bool lines = (o->lines >> o->depth & 1) != 0;

	if (!o->first)
		putc_unlocked(',', o->out);
	if (lines && o->depth > 0)
		new_line(o->out, o->depth);
	else if (!o->first)
		putc_unlocked(' ', o->out);
	o->first = false;
	if (key != NULL) {
		write_string(o->out, key);
		put_text(o->out, ": ", 2);
	}
}

static void
open_container(struct json_out *o, const char *key, bool lines, char bracket)
{
	lead(o, key);
	putc_unlocked(bracket, o->out);
	o->depth++;
	assert(o->depth < 64);
	o->lines = (o->lines & ~(UINT64_C(1) << o->depth)) | (uint64_t)lines << o->depth;
	o->first = true;
}

static void
close_container(struct json_out *o, char bracket)
{
	if ((o->lines >> o->depth & 1) != 0 && !o->first)
		new_line(o->out, o->depth - 1);
	putc_unlocked(bracket, o->out);
	o->depth--;
	o->first = false;
}

void
json_out_object(struct json_out *o, const char *key, bool lines)
{
	open_container(o, key, lines, '{');
}

void
json_out_array(struct json_out *o, const char *key, bool lines)
{
	open_container(o, key, lines, '[');
}

void
json_out_end_object(struct json_out *o)
{
	close_container(o, '}');
}

void
json_out_end_array(struct json_out *o)
{
	close_container(o, ']');
}

void
json_out_string(struct json_out *o, const char *key, const char *value)
{
	lead(o, key);
	write_string(o->out, value);
}

void
json_out_uint(struct json_out *o, const char *key, uint64_t value)
{
	lead(o, key);
	write_uint(o->out, value);
}

/* Writes a value of at most three decimals and 15 digits, the common case; false: it has more.  The text reads back as value without
 * a test: k and 1000 are exact, so k / 1000 is the double nearest to the decimal text, which a reader returns.  %.15g prints the same
 * text. */
static bool
write_thousandths(FILE *out, double value)
{
	uint64_t k;
	char digits[3];
	size_t n = 3;

	if (!(value >= 0.001 && value < 1e12))
		return false;
	k = (uint64_t)(value * 1000 + 0.5);
	if ((double)k / 1000 != value)
		return false;
	write_uint(out, k / 1000);
	k %= 1000;
	if (k == 0)
		return true;
	digits[0] = (char)('0' + k / 100);
	digits[1] = (char)('0' + k / 10 % 10);
	digits[2] = (char)('0' + k % 10);
	while (digits[n - 1] == '0')
		n--;
	putc_unlocked('.', out);
	put_text(out, digits, n);
	return true;
}

void
json_out_real(struct json_out *o, const char *key, double value)
{
	char text[40];

	if (!isfinite(value)) {
		json_out_null(o, key);
		return;
	}
	lead(o, key);
	if (write_thousandths(o->out, value))
		return;
	/* 15 digits of text survive reading and writing; 17 digits identify every double. */
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	put_text(o->out, text, strlen(text));
}

void
json_out_bool(struct json_out *o, const char *key, bool value)
{
	lead(o, key);
	put_text(o->out, value ? "true" : "false", value ? 4 : 5);
}

void
json_out_null(struct json_out *o, const char *key)
{
	lead(o, key);
	put_text(o->out, "null", 4);
}

void
json_out_ids(struct json_out *o, const char *key, const uint32_t *ids, uint32_t count)
{
	lead(o, key);
	putc_unlocked('[', o->out);
	for (uint32_t i = 0; i < count; i++) {
		if (i > 0)
			put_text(o->out, ", ", 2);
		write_uint(o->out, ids[i]);
	}
	putc_unlocked(']', o->out);
}

void
json_out_finish(struct json_out *o)
{
	putc_unlocked('\n', o->out);
}

void
json_out_begin(struct json_out *o, FILE *out)
{
	json_out_init(o, out);
	json_out_object(o, NULL, true);
}

void
json_out_end(struct json_out *o)
{
	json_out_end_object(o);
	json_out_finish(o);
}

/* ---- whole documents ---- */

struct json_document { json_write_fn *write; const void *document; };

static int
write_document(FILE *out, void *arg, struct err *e)
{
	const struct json_document *d = arg;
	struct json_out o;

	(void)e;
	json_out_init(&o, out);
	d->write(d->document, NULL, &o);
	json_out_finish(&o);
	return 0;
}

int
json_write_file(const char *path, json_write_fn *write, const void *document, struct err *e)
{
	return file_write(path, write_document, &(struct json_document) { write, document }, e);
}

static ssize_t
hash_bytes(void *state, const char *data, size_t size)
{
	XXH3_128bits_update(state, data, size);
	return (ssize_t)size;
}

void
json_digest(char digest[33], json_write_fn *write, const void *document, struct arena *a)
{
	XXH3_state_t *state = XXH3_createState();
	FILE *out = state == NULL ? NULL : fopencookie(state, "w", (cookie_io_functions_t) { .write = hash_bytes });
	XXH128_canonical_t hash;

	if (out == NULL) {
		XXH3_freeState(state);
		arena_fail(a);
	}
	XXH3_128bits_reset(state);
	setvbuf(out, NULL, _IOFBF, 1 << 16);
	write_document(out, &(struct json_document) { write, document }, NULL);
	fclose(out);
	XXH128_canonicalFromHash(&hash, XXH3_128bits_digest(state));
	XXH3_freeState(state);
	for (size_t i = 0; i < sizeof(hash.digest); i++)
		snprintf(digest + 2 * i, 3, "%02x", hash.digest[i]);
}
