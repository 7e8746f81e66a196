/* SPDX-License-Identifier: Apache-2.0 */
/* check_homes.h - decides whether two plans serve one set of persistent tensors
 *
 * Steps of two sound plans may then follow each other in any order, in one arena and one pool, without moving anything between them:
 *
 *  - A tensor that both graphs have (tensor_names.h) has the same place in both: the same offset in the arena or in the pool.
 *  - No buffer of one plan touches the place of a tensor that only the other has.
 *
 * An input that only one of them has is the exception: it need not survive a step of the other, because a batch is written before each step.
 */
#ifndef SIM_CHECK_CHECK_HOMES_H
#define SIM_CHECK_CHECK_HOMES_H
#include "src/documents/plan.h"

/* The persistent tensors of a plan, and of the one that gives the homes. */
struct shared_homes {
	uint32_t shared, own, others;	/* that both have; that only one of them has */
	bytes_t shared_bytes;
};

/* Fills s for two sound plans.  ERR_NO with the place in plan p: they do not serve one set of tensors.  ERR_INPUT: their tensors do not
 * match. */
int check_homes(struct shared_homes *s, const struct plan *p, const struct plan *other, struct arena *a, struct err *e) WARN_UNUSED;
#endif
