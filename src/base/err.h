/* SPDX-License-Identifier: Apache-2.0 */
/* err.h - an error: its class, its text, its file, and its place in the file
 *
 * Library code never prints and never exits: it returns -1 and fills a struct err.  The innermost frame sets the text (err_set).  Each
 * frame on the way out may set the place (err_at puts its words in front of the path).  The frame that knows the file names it
 * (err_in_file), and the frame that knows what stands at the place says so (err_about).  The first error wins.  All return -1, so a failure path is one return statement.
 */
#ifndef SRC_BASE_ERR_H
#define SRC_BASE_ERR_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define WARN_UNUSED __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

enum err_code {
	ERR_NONE,
	ERR_INPUT,	/* bad input: exit status 2 */
	ERR_USAGE,	/* the options are wrong, whatever the input: exit status 2 */
	ERR_NO,		/* understood, and the answer is no: exit status 1 */
	ERR_UNSOUND,	/* the plan is not sound: ERR_NO of check_plan(), told apart from other ERR_NO; exit status 1 */
	ERR_SYSTEM	/* I/O, memory, GPU: exit status 3 */
};

/* The reason why no plan fits, as data.  Ids are those of the graph. */
enum { ERR_TENSORS = 8 };
#define ERR_NO_OP UINT32_MAX
struct err_reason {
	bool known;		/* set by err_set_reason() */
	uint32_t op;		/* ERR_NO_OP: none */
	uint32_t tensor_count;
	uint32_t tensors[ERR_TENSORS];
	uint64_t missing_bytes;	/* of the budget, or of a changed device's memory; 0: not known */
};

struct err {
	enum err_code code;
	char source[256];	/* file the data came from, or "" */
	char path[256];		/* place inside it, or "" */
	char subject[64];	/* the name of the thing at the place, "layer 'conv1'", or "" */
	char text[1024];	/* what is wrong */
	struct err_reason reason;
};
#define ERR_INIT { .code = ERR_NONE }
enum { ERR_LINE = sizeof(struct err) };

int err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
int err_at(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
int err_in_file(struct err *e, const char *source);
int err_about(struct err *e, const char *what, const char *name);

/* Adds the reason to the error that err_set has set; the first reason stays. */
int err_set_reason(struct err *e, const struct err_reason *r);

/* The value that all err_ functions above return, visible to compilers and analysers that see only the caller. */
static inline int
err_failed(void)
{
	return -1;
}
#define err_set(...) (err_set(__VA_ARGS__), err_failed())
#define err_at(...) (err_at(__VA_ARGS__), err_failed())
#define err_in_file(...) (err_in_file(__VA_ARGS__), err_failed())
#define err_about(...) (err_about(__VA_ARGS__), err_failed())
#define err_set_reason(...) (err_set_reason(__VA_ARGS__), err_failed())

/* Writes one line, "SOURCE: PATH: SUBJECT: TEXT", without the parts that are empty and without its end.  Control bytes are '?', because file
 * names and quoted input may hold any byte. */
const char *err_line(char line[ERR_LINE], const struct err *e);

/* Prints the line with "PROGRAM: " before it. */
void err_print(const struct err *e, const char *program, FILE *out);

/* Returns foreign text in a form fit for a message, in buf: at most 40 bytes of s, "..." in place of the rest, control bytes as '?'. */
const char *err_quote(char buf[48], const char *s);

/* Returns the length of the longest prefix of s that has at most `most` bytes and splits no UTF-8 character. */
size_t text_prefix(const char *s, size_t most);
#endif
