/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "src/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Jansson's parser calls a function for each character, which is most of the time of
 * reading a plan of 12 MB.  This one makes the same tree from the plain subset that machines write: strings
 * of printable ASCII without escapes, numbers without a sign, no null, no duplicate key, little nesting.  At anything else, errors first of all, it gives up, and Jansson reads the text: what is
 * accepted, and what an error says, is Jansson's alone. */
struct scan {
	const char *at, *end;
	int depth;
	char word[256];		/* the key or number being read, NUL-terminated */
};

enum { DEPTH = 32 };

static json_t *parse_value(struct scan *s);

static void
skip_space(struct scan *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
		s->at++;
}

/* Past c, which may stand behind space. */
static bool
take(struct scan *s, char c)
{
	skip_space(s);
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

/* The plain string that begins here; its length, or SIZE_MAX. */
static size_t
plain_string(struct scan *s, const char **text)
{
	const char *from;

	if (!take(s, '"'))
		return SIZE_MAX;
	from = s->at;
	while (s->at < s->end && *s->at >= ' ' && *s->at < 127 && *s->at != '"' && *s->at != '\\')
		s->at++;
	if (s->at == s->end || *s->at != '"')
		return SIZE_MAX;
	*text = from;
	return (size_t)(s->at++ - from);
}

static json_t *
parse_object(struct scan *s)
{
	json_t *object = json_object(), *value;
	const char *key;
	size_t n;

	if (take(s, '}'))
		return object;
	do {
		n = plain_string(s, &key);
		if (n >= sizeof(s->word) || !take(s, ':'))
			goto give_up;
		value = parse_value(s);
		if (value == NULL)
			goto give_up;
		memcpy(s->word, key, n);
		s->word[n] = '\0';
		if (json_object_get(object, s->word) != NULL) {
			json_decref(value);
			goto give_up;
		}
		if (json_object_set_new_nocheck(object, s->word, value) < 0)
			goto give_up;
	} while (take(s, ','));
	if (take(s, '}'))
		return object;
give_up:
	json_decref(object);
	return NULL;
}

static json_t *
parse_array(struct scan *s)
{
	json_t *array = json_array(), *value;

	if (take(s, ']'))
		return array;
	do {
		value = parse_value(s);
		if (value == NULL || json_array_append_new(array, value) < 0)
			goto give_up;
	} while (take(s, ','));
	if (take(s, ']'))
		return array;
give_up:
	json_decref(array);
	return NULL;
}

static size_t
digits(struct scan *s)
{
	const char *from = s->at;

	while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		s->at++;
	return (size_t)(s->at - from);
}

/* What strtod makes of the number at from, which ends where s stands. */
static json_t *
long_number(struct scan *s, const char *from)
{
	size_t n = (size_t)(s->at - from);
	double value;
	char *end;

	if (n >= sizeof(s->word))
		return NULL;
	memcpy(s->word, from, n);
	s->word[n] = '\0';
	value = strtod(s->word, &end);
	/* Another locale's strtod stops at the point: Jansson knows how to deal with it. */
	return end == s->word + n && isfinite(value) ? json_real(value) : NULL;
}

/* A whole number of up to 18 digits, or a real one.  With up to 15 digits and no exponent, digits and power of
 * ten are exact, so that their quotient is the nearest double, as strtod would have it. */
static json_t *
parse_number(struct scan *s)
{
	static const double tens[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
	const char *from = s->at;
	size_t whole = digits(s), fraction = 0;
	json_int_t n = 0;
	bool exponent = false;

	if (whole == 0 || whole > 18 || (whole > 1 && *from == '0'))
		return NULL;
	if (s->at < s->end && *s->at == '.') {
		s->at++;
		fraction = digits(s);
		if (fraction == 0)
			return NULL;
	}
	if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
		exponent = true;
		s->at++;
		if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
			s->at++;
		if (digits(s) == 0)
			return NULL;
	}
	if (exponent || (fraction > 0 && whole + fraction > 15))
		return long_number(s, from);
	for (; from < s->at; from++)
		if (*from != '.')
			n = n * 10 + (*from - '0');
	return fraction == 0 ? json_integer(n) : json_real((double)n / tens[fraction]);
}

static bool
take_word(struct scan *s, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n) != 0)
		return false;
	s->at += n;
	return true;
}

static json_t *
parse_value(struct scan *s)
{
	json_t *value = NULL;
	const char *text;
	size_t n;

	skip_space(s);
	if (s->at == s->end || s->depth == DEPTH)
		return NULL;
	s->depth++;
	if (*s->at == '"') {
		n = plain_string(s, &text);
		value = n == SIZE_MAX ? NULL : json_stringn_nocheck(text, n);
	} else if (take(s, '{')) {
		value = parse_object(s);
	} else if (take(s, '[')) {
		value = parse_array(s);
	} else if (*s->at >= '0' && *s->at <= '9') {
		value = parse_number(s);
	} else if (take_word(s, "true")) {
		value = json_true();
	} else if (take_word(s, "false")) {
		value = json_false();
	}
	s->depth--;
	return value;
}

json_t *
json_parse_plain(const char *text, size_t size)
{
	struct scan s = { .at = text, .end = text + size };
	json_t *root;

	skip_space(&s);
	if (s.at == s.end || (*s.at != '{' && *s.at != '['))
		return NULL;
	root = parse_value(&s);
	skip_space(&s);
	if (root == NULL || s.at == s.end)
		return root;
	json_decref(root);
	return NULL;
}
