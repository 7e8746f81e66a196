/* SPDX-License-Identifier: Apache-2.0 */
/* mutants.h - ways to break a plan, and what check may say of each
 *
 * A mutation changes its own copy of a plan, which must have been sound or at least have sound structure.  To add
 * one, write mutant_NAME() and add a row.
 */
#ifndef TESTS_MUTANTS_H
#define TESTS_MUTANTS_H
#include "src/documents/plan.h"
#include "tests/random_plan.h"

enum { MAX_INSTRUCTIONS = 400 };	/* in a plan that is broken */

/* All messages of check: what to look for in the text, and whose rule it is. */
#define MESSAGES(ROW) \
	ROW(BUDGET,         STRUCTURE, "reserved ones not counted") \
	ROW(ARENA,          STRUCTURE, "expected at most the budget") \
	ROW(PINNED,         STRUCTURE, "host can pin") \
	ROW(TIME,           STRUCTURE, "expected a time") \
	ROW(HOST_WORKSPACE, STRUCTURE, "only device memory holds workspace") \
	ROW(UNKNOWN_TENSOR, STRUCTURE, "unknown tensor") \
	ROW(MISALIGNED,     STRUCTURE, "misaligned") \
	ROW(OUT_ARENA,      STRUCTURE, "are outside the arena") \
	ROW(OUT_HOST,       STRUCTURE, "are outside the host pool") \
	ROW(SMALL,          STRUCTURE, "too small: tensor") \
	ROW(TRANSIENT,      STRUCTURE, "is transient: it has no place") \
	ROW(RESULT_BEFORE,  STRUCTURE, "is made by the step: it has no place") \
	ROW(SECOND_PLACE,   STRUCTURE, "a second place for tensor") \
	ROW(UNKNOWN_PLACE,  STRUCTURE, "as place of tensor") \
	ROW(PLACE_TENSOR,   STRUCTURE, "is not made for tensor") \
	ROW(NO_PLACE,       STRUCTURE, "no place for tensor") \
	ROW(OTHER_SIDE,     STRUCTURE, "but begins on the") \
	ROW(OTHER_HOST,     STRUCTURE, ", but begins in ") \
	ROW(OTHER_OFFSET,   STRUCTURE, ", but begins at ") \
	ROW(UNKNOWN_AFTER,  STRUCTURE, "unknown instruction") \
	ROW(AFTER_ITSELF,   STRUCTURE, "waits for itself") \
	ROW(AFTER_LATER,    STRUCTURE, "which is later in the program") \
	ROW(AFTER_OWN,      STRUCTURE, "of its own queue") \
	ROW(UNKNOWN_OP,     STRUCTURE, "unknown op") \
	ROW(OP_AGAIN,       STRUCTURE, "runs again, but is not recomputable") \
	ROW(OP_ORDER,       STRUCTURE, "first runs are in the graph's order") \
	ROW(OP_MISSING,     STRUCTURE, "' is missing") \
	ROW(ALTERNATIVE,    STRUCTURE, "unknown alternative") \
	ROW(NO_WORKSPACE,   STRUCTURE, "bytes, got none") \
	ROW(WORKSPACE_TOO,  STRUCTURE, "needs no workspace") \
	ROW(WORKSPACE_TENSOR, STRUCTURE, "expected a workspace buffer") \
	ROW(WORKSPACE_SMALL, STRUCTURE, "needs a workspace of ") \
	ROW(UNKNOWN_HOST,   STRUCTURE, "unknown host buffer") \
	ROW(UNKNOWN_BUFFER, STRUCTURE, "unknown buffer") \
	ROW(OPERAND_WORKSPACE, STRUCTURE, "got workspace buffer") \
	ROW(SWAPPED,        STRUCTURE, "swapped: expected") \
	ROW(WRONG_TENSOR,   STRUCTURE, "wrong tensor") \
	ROW(IN_PLACE,       STRUCTURE, "in place, but reads buffer") \
	ROW(TWO_TENSORS,    STRUCTURE, ", device buffer ") \
	ROW(PART,           STRUCTURE, "are not within tensor") \
	ROW(READ_AFTER_WRITE, SPACE,   "which writes it, has certainly ended") \
	ROW(WRITE_AFTER_READ, SPACE,   "which reads it, has certainly ended") \
	ROW(TWO_INITIAL,    SPACE,     "both are places before the step") \
	ROW(TWO_FINAL,      SPACE,     "both are places after the step") \
	ROW(OVER_FINAL,     SPACE,     "whose tensor has its final place there") \
	ROW(OVER_INITIAL,   SPACE,     "since the step's beginning and is still used") \
	ROW(OVERLAP,        SPACE,     "in space and time") \
	ROW(TAKES,          SPACE,     "no 'after' orders that before") \
	ROW(RUN_WORKSPACE,  SPACE,     "a workspace and another operand of one run") \
	ROW(RUN_OUTPUTS,    SPACE,     "two outputs of one run") \
	ROW(RUN_INPUTS,     SPACE,     "two inputs of one run") \
	ROW(RUN_OFFSET,     SPACE,     "but only at the same offset") \
	ROW(RUN_PERMISSION, SPACE,     "no 'inplace' permission") \
	ROW(STALE,          VALUES,    "got a stale version") \
	ROW(LATER,          VALUES,    "got a later version") \
	ROW(IN_PART,        VALUES,    "got only ") \
	ROW(ABSENT,         VALUES,    "which is not there") \
	ROW(FIGURE,         FIGURES,   "which follows from the graph and the program")

#define ROW(id, rule, text) M_##id,
enum message { MESSAGES(ROW) M_COUNT };
#undef ROW

struct mutant {
	struct plan plan;
	struct graph graph;
	struct device device;
	struct random *r;
	struct arena *a;
};

/* m becomes a copy of p; what a mutation changes in m is not shared with p. */
void mutant_init(struct mutant *m, const struct plan *p, struct random *r, struct arena *a);

/* False: this plan offers nothing to break that way. */
typedef bool mutate_fn(struct mutant *m);

struct mutation {
	const char *name;
	mutate_fn *mutate;
	bool always;			/* no such mutant is sound */
	enum message may[26];		/* what check may say: ends with the first M_COUNT; {M_COUNT}: no limit */
};
extern const struct mutation mutations[];	/* ends with a NULL name */

#define ANY { M_COUNT }
#define ONLY(...) { __VA_ARGS__, M_COUNT }
#define UNORDERED M_READ_AFTER_WRITE, M_WRITE_AFTER_READ, M_TAKES
#define OVERLAPS M_OVERLAP, M_OVER_INITIAL, M_OVER_FINAL, M_TAKES, M_RUN_WORKSPACE, M_RUN_OUTPUTS, M_RUN_INPUTS, M_RUN_PERMISSION, \
	M_RUN_OFFSET, M_TWO_INITIAL, M_TWO_FINAL
#define LOST M_STALE, M_LATER, M_IN_PART, M_ABSENT

#define MUTATIONS(ROW) \
	ROW(drop_edge, "drop an edge", false, ONLY(UNORDERED)) \
	ROW(drop_edges, "drop an instruction's edges", false, ONLY(UNORDERED)) \
	ROW(drop_all_edges, "drop all edges", false, ONLY(UNORDERED)) \
	ROW(add_edge, "add an edge", false, ONLY(M_COUNT)) \
	ROW(edge_to_itself, "an edge to itself", true, ONLY(M_AFTER_ITSELF)) \
	ROW(edge_to_later, "an edge to a later one", true, ONLY(M_AFTER_LATER)) \
	ROW(edge_in_queue, "an edge within a queue", true, ONLY(M_AFTER_OWN)) \
	ROW(edge_to_unknown, "an edge to nowhere", true, ONLY(M_UNKNOWN_AFTER)) \
	ROW(shift_buffer, "shift a buffer", false, ONLY(M_OUT_ARENA, M_OTHER_OFFSET, OVERLAPS, LOST)) \
	ROW(shift_buffer_re_edge, "shift a buffer, new edges", false, ONLY(M_OUT_ARENA, M_OTHER_OFFSET, OVERLAPS, LOST)) \
	ROW(stack_buffers, "a buffer on another", false, ONLY(M_OUT_ARENA, M_OTHER_OFFSET, OVERLAPS, LOST)) \
	ROW(stack_buffers_re_edge, "a buffer on another, new edges", false, ONLY(M_OUT_ARENA, M_OTHER_OFFSET, OVERLAPS, LOST)) \
	ROW(stack_persistent, "a buffer on a persistent place", false, ONLY(M_OUT_ARENA, M_OTHER_OFFSET, OVERLAPS, LOST)) \
	ROW(stack_places, "two persistent places in one", false, ONLY(M_OUT_ARENA, M_OTHER_OFFSET, OVERLAPS, LOST)) \
	ROW(misalign_buffer, "misalign a buffer", true, ONLY(M_MISALIGNED)) \
	ROW(misalign_host, "misalign a host buffer", true, ONLY(M_MISALIGNED)) \
	ROW(shift_host, "shift a host buffer", false, ONLY(M_OUT_HOST, OVERLAPS)) \
	ROW(stack_host, "a host buffer on another", false, ONLY(M_OUT_HOST, OVERLAPS)) \
	ROW(stack_host_re_edge, "a host buffer on another, new edges", false, ONLY(M_OUT_HOST, OVERLAPS)) \
	ROW(shrink_buffer, "shrink a buffer", false, ONLY(M_SMALL, M_WORKSPACE_SMALL)) \
	ROW(grow_buffer, "grow a buffer", false, ONLY(M_OUT_ARENA, OVERLAPS, LOST)) \
	ROW(grow_host, "grow a host buffer", false, ONLY(M_OUT_HOST, OVERLAPS)) \
	ROW(huge_buffer, "a huge buffer", true, ONLY(M_OUT_ARENA, M_OUT_HOST)) \
	ROW(change_buffer_tensor, "another tensor for a buffer", false, ONLY(M_UNKNOWN_TENSOR, M_SMALL, M_PLACE_TENSOR, \
	    M_OPERAND_WORKSPACE, M_WORKSPACE_TENSOR, M_SWAPPED, M_WRONG_TENSOR, M_TWO_TENSORS, M_ABSENT, M_IN_PART)) \
	ROW(change_host_tensor, "another tensor for a host buffer", false, ONLY(M_UNKNOWN_TENSOR, M_HOST_WORKSPACE, M_SMALL, \
	    M_PLACE_TENSOR, M_TWO_TENSORS)) \
	ROW(swap_neighbours, "swap neighbours", false, ONLY(M_AFTER_LATER, M_OP_ORDER, OVERLAPS, M_READ_AFTER_WRITE, \
	    M_WRITE_AFTER_READ, LOST)) \
	ROW(swap_neighbours_re_edge, "swap neighbours, new edges", false, ONLY(M_OP_ORDER, OVERLAPS, LOST)) \
	ROW(swap_instructions, "swap two instructions", false, ONLY(M_AFTER_LATER, M_OP_ORDER, OVERLAPS, M_READ_AFTER_WRITE, \
	    M_WRITE_AFTER_READ, LOST)) \
	ROW(move_instruction, "move an instruction", false, ONLY(M_AFTER_LATER, M_OP_ORDER, OVERLAPS, M_READ_AFTER_WRITE, \
	    M_WRITE_AFTER_READ, LOST)) \
	ROW(move_instruction_re_edge, "move an instruction, new edges", false, ONLY(M_OP_ORDER, OVERLAPS, LOST)) \
	ROW(swap_runs_without_ids, "swap two runs", false, ONLY(M_OP_ORDER, OVERLAPS, LOST)) \
	ROW(duplicate_instruction, "an instruction twice", false, ONLY(M_OP_AGAIN, OVERLAPS, LOST)) \
	ROW(drop_fetch, "drop a fetch", false, ONLY(UNORDERED, LOST)) \
	ROW(drop_fetch_re_edge, "drop a fetch, new edges", false, ONLY(LOST)) \
	ROW(drop_offload, "drop an offload", false, ONLY(UNORDERED, LOST)) \
	ROW(drop_offload_re_edge, "drop an offload, new edges", false, ONLY(LOST)) \
	ROW(drop_run, "drop a run", false, ONLY(M_OP_MISSING, M_OP_ORDER, UNORDERED, LOST)) \
	ROW(drop_rerun, "drop a rerun", false, ONLY(LOST)) \
	ROW(retarget_read, "read another buffer", false, ONLY(M_OPERAND_WORKSPACE, M_WRONG_TENSOR, \
	    M_IN_PLACE, UNORDERED, OVERLAPS, LOST)) \
	ROW(retarget_read_sibling, "read another stay", false, ONLY(M_IN_PLACE, OVERLAPS, LOST)) \
	ROW(retarget_write, "write another buffer", false, ONLY(M_OPERAND_WORKSPACE, M_WRONG_TENSOR, M_SWAPPED, M_IN_PLACE, \
	    M_READ_AFTER_WRITE, M_WRITE_AFTER_READ, OVERLAPS, LOST)) \
	ROW(retarget_write_sibling, "write another stay", false, ONLY(M_IN_PLACE, OVERLAPS, LOST)) \
	ROW(retarget_in_place, "read and write another stay", false, ONLY(OVERLAPS, LOST)) \
	ROW(split_in_place, "in place, but out of place", true, ONLY(M_IN_PLACE)) \
	ROW(swap_outputs, "swap outputs", true, ONLY(M_SWAPPED)) \
	ROW(unknown_operand, "an unknown operand", true, ONLY(M_UNKNOWN_BUFFER)) \
	ROW(unknown_transfer, "an unknown transfer buffer", true, ONLY(M_UNKNOWN_BUFFER, M_UNKNOWN_HOST)) \
	ROW(change_workspace, "another workspace", false, ONLY(M_UNKNOWN_BUFFER, M_NO_WORKSPACE, M_WORKSPACE_TOO, \
	    M_WORKSPACE_TENSOR, M_WORKSPACE_SMALL, OVERLAPS, UNORDERED, LOST)) \
	ROW(change_workspace_sibling, "another workspace that is one", false, ONLY(M_WORKSPACE_SMALL, OVERLAPS, LOST)) \
	ROW(change_alternative, "another alternative", false, ONLY(M_ALTERNATIVE, M_NO_WORKSPACE, M_WORKSPACE_TOO, M_WORKSPACE_SMALL)) \
	ROW(unknown_alternative, "an unknown alternative", true, ONLY(M_ALTERNATIVE)) \
	ROW(change_op, "another op", true, ANY) \
	ROW(unknown_op, "an unknown op", true, ONLY(M_UNKNOWN_OP)) \
	ROW(not_recomputable, "rerun what must not", true, ONLY(M_OP_AGAIN)) \
	ROW(no_permission, "no inplace permission", false, ONLY(M_RUN_PERMISSION)) \
	ROW(shift_transfer, "shift a transfer", false, ONLY(M_PART, LOST)) \
	ROW(shrink_transfer, "shrink a transfer", false, ONLY(LOST)) \
	ROW(trim_transfer, "trim a transfer", false, ONLY(LOST)) \
	ROW(odd_transfer, "an odd byte less", false, ONLY(LOST)) \
	ROW(grow_transfer, "grow a transfer", false, ONLY(M_PART, LOST)) \
	ROW(huge_transfer, "a huge transfer", true, ONLY(M_PART)) \
	ROW(turn_transfer, "turn a transfer round", false, ONLY(OVERLAPS, LOST)) \
	ROW(retarget_transfer, "transfer another buffer", false, ONLY(M_TWO_TENSORS, M_OPERAND_WORKSPACE, \
	    M_READ_AFTER_WRITE, M_WRITE_AFTER_READ, OVERLAPS, LOST)) \
	ROW(retarget_transfer_sibling, "transfer another stay", false, ONLY(OVERLAPS, LOST)) \
	ROW(change_place, "another stay as place", false, ONLY(M_OTHER_HOST, M_OTHER_OFFSET, OVERLAPS, LOST)) \
	ROW(change_both_places, "another stay as both places", false, ONLY(M_OTHER_HOST, M_OTHER_OFFSET, OVERLAPS, LOST)) \
	ROW(own_final_stays, "last stays of their own", false, ONLY(M_OUT_ARENA, OVERLAPS, LOST)) \
	ROW(random_place, "any buffer as place", false, ONLY(M_UNKNOWN_PLACE, M_PLACE_TENSOR, M_OTHER_HOST, \
	    M_OTHER_OFFSET, OVERLAPS, UNORDERED, LOST)) \
	ROW(turn_place, "a place on the other side", false, ONLY(M_UNKNOWN_PLACE, M_PLACE_TENSOR, M_OTHER_SIDE, M_TWO_FINAL, M_OVER_FINAL, LOST)) \
	ROW(place_of_transient, "a place for a transient tensor", true, ONLY(M_TRANSIENT, M_RESULT_BEFORE, M_SECOND_PLACE)) \
	ROW(place_twice, "a place twice", true, ONLY(M_SECOND_PLACE)) \
	ROW(drop_place, "drop a place", true, ONLY(M_NO_PLACE)) \
	ROW(place_of_unknown, "a place for an unknown tensor", true, ONLY(M_UNKNOWN_TENSOR)) \
	ROW(small_arena, "a smaller arena", true, ONLY(M_OUT_ARENA)) \
	ROW(small_host_pool, "a smaller host pool", true, ONLY(M_OUT_HOST)) \
	ROW(small_budget, "a smaller budget", true, ONLY(M_ARENA)) \
	ROW(small_device, "a smaller device", true, ONLY(M_BUDGET)) \
	ROW(small_pinned, "less pinned memory", true, ONLY(M_PINNED)) \
	ROW(wrong_figure, "a wrong figure", true, ONLY(M_FIGURE)) \
	ROW(wrong_time, "a wrong time", true, ONLY(M_TIME))

#define ROW(fn, name, always, ...) mutate_fn mutant_##fn;
MUTATIONS(ROW)
#undef ROW
#endif
