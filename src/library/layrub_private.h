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
	struct layrub_needs needs;
	struct layrub_graph *graph;
};

struct layrub_plan {
	struct arena arena;
	struct layrub_problem *problem;	/* owns the graph and the device; NULL: the plan's arena owns them */
	struct plan plan;
	bool sound;			/* the plan has passed check_plan() */
	struct layrub_graph *graph;
	struct layrub_program program;
};

/* Make the public forms of a graph and of a plan.  Arrays are new, in a; strings and id lists are shared. */
struct layrub_graph *view_graph(const struct graph *g, struct arena *a);
void view_program(struct layrub_program *to, const struct plan *p, struct arena *a);

/* Fills `to` with a plan's figures; unknown ones are 0.  r: the simulation that f comes from; NULL: none. */
void view_figures(struct layrub_figures *to, const struct figures *f, const struct sim_result *r);

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
