/* SPDX-License-Identifier: Apache-2.0 */
/* hybrid_evaluation.h - evaluation of one configuration: a schedule, placed within the budget and simulated */
#ifndef PLANNER_HYBRID_HYBRID_EVALUATION_H
#define PLANNER_HYBRID_HYBRID_EVALUATION_H
#include "planner/hybrid/hybrid_configuration.h"

/* Evaluates h->configuration, with a tighter budget where fragmentation breaks it.  Fills h->schedule and *us: its simulated step time
 * if h->fits, else a lower bound on it that does not beat h->beat_us. */
int hybrid_evaluate(struct hybrid *h, double *us);

/* Makes h->program of h->schedule. */
int hybrid_build(struct hybrid *h, struct err *e);

/* Places and times h->program.  place NULL: no two buffers share a byte, and no placement makes the program faster. */
int hybrid_place(struct hybrid *h, place_fn *place, bytes_t *missing, double *us);

/* Places h->program within the budget, as hard as h->packing says, and times it. */
int hybrid_pack(struct hybrid *h, bytes_t *missing, double *us);

/* Places and times h->program.  If no placement lets it beat h->beat_us, it is not placed, and *us is a lower bound.
 * *missing: bytes of the arena over the budget. */
int hybrid_time(struct hybrid *h, bytes_t *missing, double *us);
#endif
