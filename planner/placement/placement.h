/* SPDX-License-Identifier: Apache-2.0 */
/* placement.h - the placement problem, its result, and the table of placements
 *
 * A placement gives every buffer an offset.  It is a row of the table: to add one, write place_NAME.c, name it in local.mk, and add a
 * row.  It knows items with sizes and half-open lifetimes, and no graphs.  The problem is dynamic storage allocation (Garey and Johnson
 * 1979, SR2), NP-hard.
 */
#ifndef PLANNER_PLACEMENT_PLACEMENT_H
#define PLANNER_PLACEMENT_PLACEMENT_H
#include <stdbool.h>

#include "src/base/arena.h"
#include "src/base/units.h"
#include "src/base/with_glpk.h"

#define PLACE_FREE UINT64_MAX

struct place_item {
	bytes_t bytes;			/* 0: takes no room */
	uint32_t lower, upper;		/* alive in [lower, upper), lower < upper */
	bytes_t align;			/* of its offset, besides the problem's alignment; 0: none of its own */
	bytes_t fixed;			/* a given offset, or PLACE_FREE */
};

/* A rectangle of an item that is not solid: bytes [at, at + bytes) from the item's offset on, in [lower, upper). */
struct place_part {
	bytes_t at, bytes;
	uint32_t lower, upper;
};

struct place_problem {
	uint32_t count;
	const struct place_item *items;	/* [count] */
	const uint32_t *first_part;	/* NULL: all items are solid; else [count + 1], item i has parts[first_part[i] .. first_part[i + 1] - 1] */
	const struct place_part *parts;	/* inside their item and its life; those of one item share no byte at any time */
	bytes_t align;			/* of every offset and of the arena's size, at least 1 */
	bytes_t capacity;		/* the wanted arena; 0: the smallest */
	const bytes_t *known;		/* NULL, or [count] offsets of a packing that is known; `auto` is never worse */
	bool thorough;			/* `auto` is never worse than another row; false: one of a search's many problems, in less time */
	uint64_t work;			/* for the exact search, in steps of its own; 0: its default */
	double time_limit_s;		/* for the searches; 0: only their node budgets end them */
	uint32_t threads;		/* 0: as OpenMP decides */
	bool (*stopped)(void *user);	/* NULL, or returns true once the search is to end with its best so far (Ctrl-C); any thread */
	void (*progress)(void *user, const char *line);	/* NULL, or told of better arenas and bounds, by the calling thread */
	void *user;			/* the first argument of both */
};

struct place_result {
	bytes_t *offsets;		/* [count], the caller's */
	bytes_t arena_bytes;		/* largest end, aligned */
	bytes_t bound_bytes;		/* no arena can be smaller: proved */
	const char *refused;		/* NULL, or the reason why the placement does not handle this problem */
};

/* Fills r->offsets and r->arena_bytes so that no two items alive at the same time share a byte.  r->bound_bytes comes in as
 * placement_bound(); a row that proves a larger bound raises it.  Ends early at placement_target().  A row that cannot handle a problem sets
 * r->refused; it never handles a part of it. */
typedef void place_fn(struct place_result *r, const struct place_problem *p, struct arena *a);

#define PLACEMENTS(ROW) \
	ROW("auto",         place_auto,          "the best of all: boxing, ejection, orders repaired where they end too high, exact search") \
	ROW("first-fit",    place_first_fit,     "in program order, the lowest offset that is free") \
	ROW("best-fit",     place_best_fit,      "in program order, the tightest hole that is free") \
	ROW("by-size",      place_by_size,       "largest first, into the tightest hole among those placed") \
	ROW("by-area",      place_by_area,       "most bytes times lifetime first, tightest hole") \
	ROW("by-conflicts", place_by_conflicts,  "alive together with the most others first, tightest hole") \
	ROW("boxing",       place_boxing,        "outward from the busiest moment, near-linear, for 10^5 buffers and more") \
	ROW("exact",        place_exact_alone,   "depth-first search for one capacity after another, from the bound up") \
	ROW("hill-climb",   place_hill_climb,    "random swaps in the order, half of them of items at the arena's top")

/* Rows that need GLPK. */
#define PLACEMENTS_ILP(ROW) WITH_GLPK( \
	ROW("ilp",          place_ilp,           "integer program, for a few dozen buffers: a reference"))

struct placement { const char *name; const char *summary; place_fn *place; };
extern const struct placement placements[];	/* ends with a NULL name */

#define ROW(name, fn, summary) place_fn fn;
PLACEMENTS(ROW)
PLACEMENTS_ILP(ROW)
#undef ROW

/* Improves on the arena that is in r already. */
place_fn place_exact;

/* Asks the exact search once for the target, with one strategy and the work of one descent; r as before if that does not reach it. */
place_fn place_descent;

/* place_auto in less time: less work for the orders, no search. */
place_fn place_quickly;

/* Takes the problem's known packing; arena_bytes is UINT64_MAX if there is none, or if it is not sound. */
place_fn place_known;

/* Returns the row of that name; NULL: none. */
const struct placement *placement_find(const char *name);

/* True when the problem asks the search to end. */
bool placement_stopped(const struct place_problem *p);

/* Tells p->progress, where there is one, the arena and the bound so far. */
void placement_tell(const struct place_problem *p, const struct place_result *r);

/* Returns the alignment of an item's offset: the least multiple of its own and the problem's. */
bytes_t place_align(const struct place_problem *p, const struct place_item *it);

/* Returns the greatest common divisor of all alignments: every offset is a multiple of it, so sizes may be rounded up to it. */
bytes_t placement_unit(const struct place_problem *p);

/* Returns the bytes alive at each time, sizes rounded up to the unit: [times + 1], the last one without meaning.  rank maps the
 * problem's times to 0 .. times; NULL: the times as they are. */
bytes_t *placement_load(const struct place_problem *p, const uint32_t *rank, uint32_t times, struct arena *a);

/* Returns the first time of the largest load. */
uint32_t placement_busiest(const bytes_t *load, uint32_t times);

/* Returns the arena at which a row stops improving: the capacity, or the bound where that is larger. */
bytes_t placement_target(const struct place_problem *p, const struct place_result *r);

/* Returns a bound that no arena can go below, the larger of two: the maximum over time of (bytes alive - largest padding of an item alive
 * then), and the largest end of a fixed item. */
bytes_t placement_bound(const struct place_problem *p, struct arena *a);

/* Fills flat with a problem of solid items, one for each part of p, and owner, [flat->count], with the items of p.  whole: a free item is one solid
 * item, with its alignment; else alignments are left out. */
void placement_flatten(struct place_problem *flat, uint32_t **owner, const struct place_problem *p, bool whole, struct arena *a);

/* Runs a row: the bound first, then the placement.  Rows see solid items; "auto" then makes use of the parts (pack_parts.h).  ERR_NO when the
 * row does not handle the problem. */
int placement_run(struct place_result *r, const struct placement *row, const struct place_problem *p,
    struct arena *a, struct err *e) WARN_UNUSED;
#endif
