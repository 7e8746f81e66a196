/* SPDX-License-Identifier: Apache-2.0 */
/* layrub_private.h - the structs behind the handles of layrub.h
 *
 * Each public function that may allocate does its work in a call of guard(), which turns exhausted host memory
 * into an error.  A handle owns one arena; memory that only a call needs lies in an arena of the call's own.
 */
#ifndef SRC_LIBRARY_LAYRUB_PRIVATE_H
#define SRC_LIBRARY_LAYRUB_PRIVATE_H
#include <stdatomic.h>

#include "src/base/arena.h"
#include "src/documents/plan.h"
#include "src/library/figures.h"
#include "src/library/layrub.h"
#include "src/library/task.h"

struct layrub_problem {
	atomic_uint users;	/* references: of the caller, and of every plan made from the problem */
	struct arena arena;
	struct task task;
	/* What a network is read again from, at another size: its name, or its text. */
	struct task_options again;
	const char *name;
	struct json_source text;
	struct layrub_needs needs;
	struct layrub_graph *graph;
	struct layrub_device *device;
	char graph_digest[33];
};

struct layrub_plan {
	struct arena arena;
	struct layrub_problem *problem;	/* owns the graph and the device; NULL: the plan's arena owns them */
	struct plan plan;
	/* The answer of check_plan(): NULL, not known yet; the address of plan_sound; or a fault, from malloc().  The first thread that has
	 * an answer stores it. */
	_Atomic(const struct err *) verdict;
	struct layrub_graph *graph;
	struct layrub_device *device;
	struct layrub_program program;
	char graph_digest[33], device_digest[33];
};
extern const struct err plan_sound;

/* Make the public forms of a graph, a device and a plan.  Arrays are new, in a; strings and id lists are shared. */
struct layrub_graph *view_graph(const struct graph *g, struct arena *a);
struct layrub_device *view_device(const struct device *d, struct arena *a);
void view_program(struct layrub_program *to, const struct plan *p, struct arena *a);

/* Copy a caller's graph or device, checked as a reader checks its document.  ERR_INPUT has the path of the first wrong value. */
int take_graph(struct graph *to, const struct layrub_graph *given, struct arena *a, struct err *e) WARN_UNUSED;
int take_device(struct device *to, const struct layrub_device *given, struct arena *a, struct err *e) WARN_UNUSED;

/* ERR_USAGE if a device is given twice. */
int check_device_options(const char *name, const char *text, const struct layrub_device *data, struct err *e) WARN_UNUSED;

/* Copies a string.  ERR_INPUT: it is required and NULL. */
int take_text(const char **to, const char *from, const char *key, bool required, struct arena *a, struct err *e) WARN_UNUSED;
/* ERR_INPUT unless value < count. */
int take_choice(uint32_t value, uint32_t count, const char *key, struct err *e) WARN_UNUSED;
/* ERR_INPUT if an array of count elements is NULL or too long. */
int take_array(const void *array, uint32_t count, const char *key, struct err *e) WARN_UNUSED;

/* Sets the verdict of a plan that has none, with memory from a: 0 if the plan is sound, else ERR_UNSOUND. */
int plan_verdict(const struct layrub_plan *plan, struct arena *a, struct err *e) WARN_UNUSED;

/* Turns ERR_NO into ERR_UNSOUND.  Returns -1. */
int unsound(struct err *e);

/* Fills `to` with a plan's figures; unknown ones are 0.  r: the simulation that f comes from; NULL: none. */
void view_figures(struct layrub_figures *to, const struct figures *f, uint64_t estimated_ops, const struct sim_result *r);

/* Refuses figures without a size; NULL: they are not wanted. */
int check_figures_size(const struct layrub_figures *figures, struct err *e) WARN_UNUSED;

/* Returns how many op times of the plan's graph are estimates. */
uint64_t count_estimated(const struct plan *p);

/* Copies a caller's options, if from is not NULL, over those at *to, which are `known` bytes long and all zero.  ERR_USAGE: their
 * size cannot be right, or a member that this library does not know is given; name is the struct's. */
int options_copy(void *to, size_t known, const void *from, const char *name, struct err *e) WARN_UNUSED;

/* Copies the result at *from, `known` bytes long, to a caller's struct as far as its size goes; the size stays. */
void result_copy(void *to, const void *from, size_t known);

/* Runs fn(arg) with arena a.  Returns 0, or -1 with *error made from e, which fn fills. */
int guard(struct arena *a, int (*fn)(void *arg), void *arg, struct err *e, struct layrub_error *error);

/* Returns a handle of size bytes, all zero; NULL: *error is filled. */
void *handle_new(size_t size, struct layrub_error *error);
#endif
