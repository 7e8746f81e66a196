/* SPDX-License-Identifier: Apache-2.0 */
/* One small plan by hand, and one broken version of it for each message of check: both where and
 * what the message says.  Then sound plans that a checker could take for unsound. */
#include <config.h>
#include "sim/check/check.h"

#include <math.h>
#include <string.h>

#include "tests/reference_check.h"
#include "tests/tap.h"

/* w -conv-> x -bn-> y, s; y -relu-> z, perhaps over y; z changes in `back`, which reads x again; sgd changes w. */
enum { W, X, Y, Z, S, TENSORS };
enum { CONV, BN, RELU, BACK, SGD, OPS };
enum { BW, BX, BY, BZ, BS, BWORK, BX2, BUFFERS };
enum { RUN_CONV, OUT_X, RUN_BN, RUN_RELU, IN_X, RUN_BACK, RUN_SGD, INSTRUCTIONS };
enum { SPARE = 4 };

struct fixture {
	struct tensor tensors[TENSORS];
	struct op ops[OPS];
	struct graph graph;
	struct device device;
	struct buffer buffers[BUFFERS + SPARE], host[1 + SPARE];
	struct place initial[1 + SPARE], final[1 + SPARE];
	uint32_t reads[INSTRUCTIONS + SPARE][2], writes[INSTRUCTIONS + SPARE][2], after[INSTRUCTIONS + SPARE][3];
	struct instruction program[INSTRUCTIONS + SPARE];
	struct plan plan;
};

static const uint32_t ids_w[] = { W }, ids_x[] = { X }, ids_y[] = { Y }, ids_z[] = { Z }, ids_ys[] = { Y, S }, ids_zx[] = { Z, X },
	ids_wz[] = { W, Z }, ids_xw[] = { X, W };
static const struct inplace y_to_z[] = { { Y, Z } };
static const struct alternative no_workspace[] = { { 0, 1 } };

static void
set_run(struct fixture *f, uint32_t i, uint32_t op, uint32_t r0, uint32_t r1, uint32_t w0, uint32_t w1)
{
	f->reads[i][0] = r0;
	f->reads[i][1] = r1;
	f->writes[i][0] = w0;
	f->writes[i][1] = w1;
	f->program[i] = (struct instruction) { .queue = QUEUE_COMPUTE, .op = op, .reads = f->reads[i], .writes = f->writes[i],
	    .workspace = op == CONV ? BWORK : PLAN_NONE, .alternative = PLAN_NONE, .after = f->after[i] };
}

static void
set_transfer(struct fixture *f, uint32_t i, enum queue queue, uint32_t device, uint32_t host, bytes_t at, bytes_t bytes)
{
	f->program[i] = (struct instruction) { .queue = queue, .device_buffer = device, .host_buffer = host, .at_bytes = at, .bytes = bytes,
	    .workspace = PLAN_NONE, .alternative = PLAN_NONE, .after = f->after[i] };
}

static void
add_after(struct fixture *f, uint32_t i, uint32_t id)
{
	f->after[i][f->program[i].after_count++] = id;
}

static void
fixture_init(struct fixture *f)
{
	*f = (struct fixture) {
		.tensors = { { 256, KIND_PARAMETER }, { 512, KIND_ACTIVATION }, { 512, KIND_ACTIVATION }, { 512, KIND_GRADIENT },
		    { 256, KIND_ACTIVATION } },
		.ops = {
			{ .name = "conv", .inputs = ids_w, .input_count = 1, .outputs = ids_x, .output_count = 1, .workspace_bytes = 256,
			    .recomputable = true, .alternatives = no_workspace, .alternative_count = 1 },
			{ .name = "bn", .inputs = ids_x, .input_count = 1, .outputs = ids_ys, .output_count = 2 },
			{ .name = "relu", .inputs = ids_y, .input_count = 1, .outputs = ids_z, .output_count = 1, .inplace = y_to_z,
			    .inplace_count = 1 },
			{ .name = "back", .inputs = ids_zx, .input_count = 2, .outputs = ids_z, .output_count = 1 },
			{ .name = "sgd", .inputs = ids_wz, .input_count = 2, .outputs = ids_w, .output_count = 1 },
		},
		.device = { .name = "test", .memory_bytes = 4096, .reserved_bytes = 1024, .pinned_bytes = 1024 },
		.buffers = { { W, 0, 256 }, { X, 256, 512 }, { Y, 768, 512 }, { Z, 768, 512 }, { S, 1280, 256 }, { PLAN_NONE, 1536, 256 },
		    { X, 256, 512 } },
		.host = { { X, 0, 512 } },
		.initial = { { W, false, BW } },
		.final = { { W, false, BW } },
	};
	f->graph = (struct graph) { .name = "test", .tensor_count = TENSORS, .tensors = f->tensors, .op_count = OPS, .ops = f->ops };
	f->plan = (struct plan) { .graph = &f->graph, .device = &f->device, .arena_bytes = 1792, .host_bytes = 512, .budget_bytes = 2048,
	    .figures = { 1536, 512, 512, 1280, 1536 }, .buffer_count = BUFFERS, .host_count = 1, .initial_count = 1, .final_count = 1,
	    .instruction_count = INSTRUCTIONS, .buffers = f->buffers, .host = f->host, .initial = f->initial, .final = f->final,
	    .program = f->program };
	set_run(f, RUN_CONV, CONV, BW, 0, BX, 0);
	set_transfer(f, OUT_X, QUEUE_OUT, BX, 0, 0, 512);
	set_run(f, RUN_BN, BN, BX, 0, BY, BS);
	set_run(f, RUN_RELU, RELU, BY, 0, BZ, 0);
	set_transfer(f, IN_X, QUEUE_IN, BX2, 0, 0, 512);
	set_run(f, RUN_BACK, BACK, BZ, BX2, BZ, 0);
	set_run(f, RUN_SGD, SGD, BW, BZ, BW, 0);
	add_after(f, OUT_X, RUN_CONV);
	add_after(f, IN_X, OUT_X);
	add_after(f, IN_X, RUN_BN);
	add_after(f, RUN_BACK, IN_X);
}

static void
move_instruction(struct fixture *f, uint32_t from, uint32_t to)
{
	f->program[to] = f->program[from];
	memcpy(f->reads[to], f->reads[from], sizeof(f->reads[to]));
	memcpy(f->writes[to], f->writes[from], sizeof(f->writes[to]));
	memcpy(f->after[to], f->after[from], sizeof(f->after[to]));
	f->program[to].reads = f->reads[to];
	f->program[to].writes = f->writes[to];
	f->program[to].after = f->after[to];
}

/* Take instruction i out; edges to it go, later ids fall by one. */
static void
drop(struct fixture *f, uint32_t i)
{
	for (uint32_t k = i; k + 1 < f->plan.instruction_count; k++)
		move_instruction(f, k + 1, k);
	f->plan.instruction_count--;
	for (uint32_t k = 0; k < f->plan.instruction_count; k++) {
		uint32_t n = 0;

		for (uint32_t j = 0; j < f->program[k].after_count; j++)
			if (f->after[k][j] != i)
				f->after[k][n++] = f->after[k][j] - (f->after[k][j] > i);
		f->program[k].after_count = n;
	}
}

/* Make room for a new instruction before i. */
static void
insert(struct fixture *f, uint32_t i)
{
	for (uint32_t k = f->plan.instruction_count++; k > i; k--) {
		move_instruction(f, k - 1, k);
		for (uint32_t j = 0; j < f->program[k].after_count; j++)
			f->after[k][j] += f->after[k][j] >= i;
	}
}

static uint32_t
new_buffer(struct fixture *f, uint32_t tensor, bytes_t offset, bytes_t bytes)
{
	f->buffers[f->plan.buffer_count] = (struct buffer) { tensor, offset, bytes };
	return f->plan.buffer_count++;
}

static void
swap_ids(uint32_t *x, uint32_t *y)
{
	uint32_t old = *x;

	*x = *y;
	*y = old;
}

static void
new_host(struct fixture *f, uint32_t tensor, bytes_t offset, bytes_t bytes)
{
	f->host[f->plan.host_count++] = (struct buffer) { tensor, offset, bytes };
	f->plan.host_bytes = f->plan.host_bytes > offset + bytes ? f->plan.host_bytes : offset + bytes;
}

static void
ends_in_other_host(struct fixture *f)
{
	new_host(f, W, 512, 256);
	new_host(f, W, 768, 256);
	f->initial[0] = (struct place) { W, true, 1 };
	f->final[0] = (struct place) { W, true, 2 };
}

static void
rerun_conv_over_x(struct fixture *f)
{
	insert(f, RUN_RELU);
	set_run(f, RUN_RELU, CONV, BW, 0, BX, 0);
}

static void
persistent_s(struct fixture *f)
{
	f->tensors[S].kind = KIND_STATE;
	f->initial[f->plan.initial_count++] = f->final[f->plan.final_count++] = (struct place) { S, false, BS };
}

/* The mask is read after the step. */
static void
result_s(struct fixture *f)
{
	f->tensors[S].kind = KIND_RESULT;
	f->final[f->plan.final_count++] = (struct place) { S, false, BS };
}

static void
two_initial(struct fixture *f)
{
	persistent_s(f);
	f->buffers[BS].offset_bytes = 0;
}

static void
two_final(struct fixture *f)
{
	persistent_s(f);
	f->final[0].buffer = new_buffer(f, W, 0, 1536);
	f->final[1].buffer = new_buffer(f, S, 1280, 256);
}

static void
two_inputs(struct fixture *f)
{
	f->ops[BN].inputs = ids_xw;
	f->ops[BN].input_count = 2;
	f->plan.arena_bytes = 2048;
	f->reads[RUN_BN][0] = new_buffer(f, X, 1536, 512);
	f->reads[RUN_BN][1] = new_buffer(f, W, 1536, 256);
}

static void
host_clash(struct fixture *f)
{
	new_host(f, S, 256, 256);
	insert(f, IN_X);
	set_transfer(f, IN_X, QUEUE_OUT, BS, 1, 0, 256);
	add_after(f, IN_X, RUN_BN);
}

/* z leaves before `back` changes it, returns elsewhere, and sgd reads that. */
static void
stale(struct fixture *f)
{
	uint32_t b = new_buffer(f, Z, 1280, 512);

	new_host(f, Z, 512, 512);
	insert(f, 4);
	set_transfer(f, 4, QUEUE_OUT, BZ, 1, 0, 512);
	add_after(f, 4, RUN_RELU);
	insert(f, 5);
	set_transfer(f, 5, QUEUE_IN, b, 1, 0, 512);
	add_after(f, 5, 4);
	add_after(f, 7, 4);
	add_after(f, 8, 5);
	f->reads[8][1] = b;
}

/* w lives on the host, and comes for the step; nobody takes it back. */
static void
home_on_host(struct fixture *f)
{
	new_host(f, W, 512, 256);
	f->initial[0] = f->final[0] = (struct place) { W, true, 1 };
	insert(f, 0);
	set_transfer(f, 0, QUEUE_IN, BW, 1, 0, 256);
	add_after(f, 1, 0);
}

/* A row breaks the plan by a statement, and says where and what the message must be. */
#define CASES(ROW) \
	ROW(budget_over_device, f->plan.budget_bytes = 3073, "budget_bytes", \
	    "expected at most the device's 3072 bytes, reserved ones not counted, got 3073") \
	ROW(all_is_reserved, f->device.reserved_bytes = 5000, "budget_bytes", \
	    "expected at most the device's 0 bytes, reserved ones not counted, got 2048") \
	ROW(arena_over_budget, f->plan.budget_bytes = 1791, "arena_bytes", "expected at most the budget of 1791 bytes, got 1792") \
	ROW(pinned, f->device.pinned_bytes = 511, "host_bytes", "expected at most the 511 bytes that the device's host can pin, got 512") \
	ROW(time_nan, f->plan.predicted.step_time_us = NAN, "predicted.step_time_us", "expected a time, got nan") \
	ROW(time_negative, f->plan.bound_time_us = -1, "bounds.bound_time_us", "expected a time, got -1") \
	ROW(buffer_unknown_tensor, f->buffers[BS].tensor = 9, "buffers[4].tensor", "unknown tensor 9, the graph has 5") \
	ROW(host_workspace, f->host[0].tensor = PLAN_NONE, "host[0].tensor", "expected a tensor: only device memory holds workspace") \
	ROW(misaligned, f->buffers[BS].offset_bytes = 1281, "buffers[4].offset_bytes", "misaligned: expected a multiple of 256, got 1281") \
	ROW(host_misaligned, f->host[0].offset_bytes = 64, "host[0].offset_bytes", "misaligned: expected a multiple of 256, got 64") \
	ROW(out_of_arena, f->buffers[BWORK].offset_bytes = 1792, "buffers[5]", "256 bytes at 1792 are outside the arena of 1792 bytes") \
	ROW(out_of_arena_by_sum, f->buffers[BWORK].offset_bytes = UINT64_MAX - 255, "buffers[5]", \
	    "256 bytes at 18446744073709551360 are outside the arena of 1792 bytes") \
	ROW(out_of_host_pool, f->plan.host_bytes = 511, "host[0]", "512 bytes at 0 are outside the host pool of 511 bytes") \
	ROW(buffer_too_small, f->buffers[BX].bytes = 256, "buffers[1].bytes", "too small: tensor 1 has 512 bytes, got 256") \
	ROW(place_unknown_tensor, f->initial[0].tensor = 5, "initial[0]", "unknown tensor 5, the graph has 5") \
	ROW(place_transient, f->final[0].tensor = X, "final[0]", "tensor 1 (activation) is transient: it has no place after the step") \
	ROW(place_twice, f->initial[f->plan.initial_count++] = f->initial[0], "initial[1]", \
	    "a second place for tensor 0, which [0] names already") \
	ROW(place_unknown_buffer, f->initial[0].buffer = 7, "initial[0]", "unknown buffer 7 as place of tensor 0, there are 7") \
	ROW(place_unknown_host, (f->initial[0].on_host = true, f->initial[0].buffer = 1), "initial[0]", \
	    "unknown host buffer 1 as place of tensor 0, there are 1") \
	ROW(place_wrong_buffer, f->final[0].buffer = BX, "final[0]", "buffer 1 is not made for tensor 0") \
	ROW(no_place_before, f->plan.initial_count = 0, "initial", "no place for tensor 0 (parameter) before the step") \
	ROW(no_place_after, f->plan.final_count = 0, "final", "no place for tensor 0 (parameter) after the step") \
	ROW(ends_on_other_side, (f->host[0].tensor = W, f->final[0] = (struct place) { W, true, 0 }), "final[0]", \
	    "tensor 0 ends on the host, but begins on the device") \
	ROW(ends_elsewhere, f->final[0].buffer = new_buffer(f, W, 1536, 256), "final[0]", "tensor 0 ends at offset 1536, but begins at 0") \
	ROW(ends_in_other_host, ends_in_other_host(f), "final[0]", \
	    "tensor 0 ends in host buffer 2, but begins in 1") \
	ROW(unknown_queue, f->program[OUT_X].queue = (enum queue)3, "program[1]", "unknown queue 3") \
	ROW(after_unknown, f->after[OUT_X][0] = 7, "program[1].after[0]", "unknown instruction 7, the program has 7") \
	ROW(after_itself, f->after[IN_X][1] = IN_X, "program[4].after[1]", "waits for itself") \
	ROW(after_later, f->after[OUT_X][0] = RUN_BN, "program[1].after[0]", "waits for instruction 2, which is later in the program") \
	ROW(after_own_queue, f->after[RUN_BACK][0] = RUN_RELU, "program[5].after[0]", "waits for instruction 3 of its own queue 'compute'") \
	ROW(unknown_op, f->program[RUN_SGD].op = 5, "program[6].op", "unknown op 5, the graph has 5") \
	ROW(rerun, (insert(f, RUN_RELU), set_run(f, RUN_RELU, BN, BX, 0, BY, BS)), "program[3].op", \
	    "op 1 'bn' runs again, but is not recomputable") \
	ROW(out_of_order, (set_run(f, RUN_BN, RELU, BY, 0, BZ, 0), set_run(f, RUN_RELU, BN, BX, 0, BY, BS)), "program[2].op", \
	    "op 2 'relu' runs before op 1 'bn': first runs are in the graph's order") \
	ROW(missing, drop(f, RUN_RELU), "program[4]", "op 2 'relu' is missing: expected it before op 3") \
	ROW(last_missing, drop(f, RUN_SGD), "program", "op 4 'sgd' is missing") \
	ROW(nothing, (f->plan.instruction_count = 0, f->plan.buffer_count = BUFFERS), "program", "op 0 'conv' is missing") \
	ROW(no_buffers, f->plan.buffer_count = 0, "initial[0]", "unknown buffer 0 as place of tensor 0, there are 0") \
	ROW(unknown_alternative, f->program[RUN_CONV].alternative = 1, "program[0].alternative", "unknown alternative 1, 'conv' has 1") \
	ROW(no_workspace, f->program[RUN_CONV].workspace = PLAN_NONE, "program[0].workspace", \
	    "'conv' needs a workspace of 256 bytes, got none") \
	ROW(workspace_for_nothing, f->program[RUN_CONV].alternative = 0, "program[0].workspace", "'conv' needs no workspace, got buffer 5") \
	ROW(workspace_unknown, f->program[RUN_CONV].workspace = 7, "program[0].workspace", "unknown buffer 7, the plan has 7") \
	ROW(workspace_tensor, f->program[RUN_CONV].workspace = BS, "program[0].workspace", \
	    "expected a workspace buffer, got buffer 4 for tensor 4") \
	ROW(workspace_small, f->buffers[BWORK].bytes = 255, "program[0].workspace", \
	    "'conv' needs a workspace of 256 bytes, buffer 5 has 255") \
	ROW(read_unknown, f->reads[RUN_BN][0] = 7, "program[2].reads[0]", "unknown buffer 7, the plan has 7") \
	ROW(read_workspace, f->reads[RUN_BN][0] = BWORK, "program[2].reads[0]", "expected a buffer for tensor 1, got workspace buffer 5") \
	ROW(read_wrong, f->reads[RUN_BACK][1] = BY, "program[5].reads[1]", \
	    "wrong tensor: 'back' reads tensor 1 here, buffer 2 is for tensor 2") \
	ROW(write_wrong, f->writes[RUN_RELU][0] = BY, "program[3].writes[0]", \
	    "wrong tensor: 'relu' writes tensor 3 here, buffer 2 is for tensor 2") \
	ROW(outputs_swapped, swap_ids(&f->writes[RUN_BN][0], &f->writes[RUN_BN][1]), "program[2].writes[0]", \
	    "outputs of 'bn' swapped: expected a buffer for tensor 2, got buffer 4 for its output tensor 4") \
	ROW(out_of_place, f->writes[RUN_BACK][0] = new_buffer(f, Z, 1280, 512), "program[5].reads[0]", \
	    "'back' changes tensor 3 in place, but reads buffer 3 and writes buffer 7") \
	ROW(transfer_unknown, f->program[OUT_X].device_buffer = 7, "program[1].from", "unknown buffer 7, the plan has 7") \
	ROW(transfer_unknown_host, f->program[IN_X].host_buffer = 1, "program[4].from", "unknown host buffer 1, the plan has 1") \
	ROW(transfer_workspace, f->program[IN_X].device_buffer = BWORK, "program[4].to", "expected a tensor to move, got workspace buffer 5") \
	ROW(transfer_two_tensors, f->program[OUT_X].device_buffer = BY, "program[1].to", \
	    "host buffer 0 is for tensor 1, device buffer 2 for tensor 2") \
	ROW(transfer_too_long, f->program[OUT_X].at_bytes = 1, "program[1].bytes", "512 bytes at 1 are not within tensor 1, which has 512") \
	ROW(transfer_huge, f->program[OUT_X].at_bytes = UINT64_MAX - 255, "program[1].bytes", \
	    "512 bytes at 18446744073709551360 are not within tensor 1, which has 512") \
	ROW(offload_too_early, f->program[OUT_X].after_count = 0, "program[1].from", \
	    "buffer 1 (tensor 1) is read before program[0] (run of 'conv'), which writes it, has certainly ended: " \
	    "no queue and no 'after' orders them") \
	ROW(read_during_fetch, f->program[RUN_BACK].after_count = 0, "program[5].reads[1]", \
	    "buffer 6 (tensor 1) is read before program[4] (fetch), which writes it, has certainly ended: no queue and no 'after' orders them") \
	ROW(fetch_during_offload, f->after[IN_X][0] = RUN_CONV, "program[4].from", \
	    "host buffer 0 (tensor 1) is read before program[1] (offload), which writes it, has certainly ended: " \
	    "no queue and no 'after' orders them") \
	ROW(fetch_into_memory_in_use, f->program[IN_X].after_count = 1, "program[4].to", \
	    "buffer 6 (tensor 1) takes bytes of buffer 1 (tensor 1) before program[2] (run of 'bn') has certainly ended: " \
	    "no queue and no 'after' orders that before program[4] (fetch)") \
	ROW(write_during_offload, rerun_conv_over_x(f), "program[3].writes[0]", \
	    "buffer 1 (tensor 1) is written before program[1] (offload), which reads it, has certainly ended: no " \
	    "queue and no 'after' orders them") \
	ROW(overlap, f->buffers[BS].offset_bytes = 512, "program[2].writes[1]", \
	    "buffer 4 (tensor 4) shares bytes with buffer 1 (tensor 1) in one run of 'bn': no 'inplace' permission " \
	    "lets this output replace this input") \
	ROW(overlap_in_time, f->buffers[BX2].offset_bytes = 768, "program[4].to", \
	    "buffer 6 (tensor 1) overlaps buffer 3 (tensor 3) in space and time: the latter is still used by program[6] (run of 'sgd'), " \
	    "the former from program[4] (fetch) on") \
	ROW(over_persistent_before, (f->final[0].buffer = new_buffer(f, W, 0, 256), f->buffers[BX2].offset_bytes = 0), "program[4].to", \
	    "buffer 6 (tensor 1) lies over buffer 0 (tensor 0), whose tensor is there since the step's beginning and " \
	    "is still used by program[6] (run of 'sgd')") \
	ROW(over_persistent_after, f->buffers[BX2].offset_bytes = 0, "program[4].to", \
	    "buffer 6 (tensor 1) lies over buffer 0 (tensor 0), whose tensor has its final place there") \
	ROW(two_initial, two_initial(f), "initial[1]", \
	    "buffer 4 (tensor 4) shares bytes with buffer 0 (tensor 0): both are places before the step") \
	ROW(two_final, two_final(f), "final[1]", \
	    "buffer 8 (tensor 4) shares bytes with buffer 7 (tensor 0): both are places after the step") \
	ROW(run_workspace, f->buffers[BWORK].offset_bytes = 512, "program[0].writes[0]", \
	    "buffer 1 (tensor 1) shares bytes with buffer 5 (workspace) in one run of 'conv': a workspace and another operand of one run") \
	ROW(run_outputs, f->buffers[BS].offset_bytes = 1024, "program[2].writes[1]", \
	    "buffer 4 (tensor 4) shares bytes with buffer 2 (tensor 2) in one run of 'bn': two outputs of one run") \
	ROW(run_inputs, two_inputs(f), "program[2].reads[1]", \
	    "buffer 8 (tensor 0) shares bytes with buffer 7 (tensor 1) in one run of 'bn': two inputs of one run in " \
	    "different buffers") \
	ROW(run_offset, f->buffers[BZ].offset_bytes = 1024, "program[3].writes[0]", \
	    "buffer 3 (tensor 3) shares bytes with buffer 2 (tensor 2) in one run of 'relu': an output may replace this input, but only " \
	    "at the same offset") \
	ROW(run_permission, f->ops[RELU].inplace_count = 0, "program[3].writes[0]", \
	    "buffer 3 (tensor 3) shares bytes with buffer 2 (tensor 2) in one run of 'relu': no 'inplace' permission lets this output " \
	    "replace this input") \
	ROW(host_clash, host_clash(f), "program[4].to", \
	    "host buffer 1 (tensor 4) overlaps host buffer 0 (tensor 1) in space and time: the latter is still used by program[5] (fetch), " \
	    "the former from program[4] (offload) on") \
	ROW(not_there, (drop(f, IN_X), f->buffers[BX2].offset_bytes = 1280), "program[4].reads[1]", \
	    "expected version 1 of tensor 1 (made by op 0 'conv') in buffer 6, which is not there: found version 1 of " \
	    "tensor 4 (made by op 1 'bn')") \
	ROW(stale, stale(f), "program[8].reads[1]", \
	    "expected version 2 of tensor 3 (made by op 3 'back') in buffer 7, got a stale version 1") \
	ROW(later, (insert(f, 7), set_run(f, 7, CONV, BW, 0, BX2, 0)), "program[7].reads[0]", \
	    "expected version 0 of tensor 0 (its value before the step) in buffer 0, got a later version 1") \
	ROW(in_part, f->program[OUT_X].bytes = 256, "program[5].reads[1]", \
	    "expected version 1 of tensor 1 (made by op 0 'conv') in buffer 6, got only 256 of its 512 bytes: at byte 256 is nothing") \
	ROW(part_elsewhere, (f->program[IN_X].bytes = 256, f->buffers[BX2].offset_bytes = 1280, f->program[IN_X].at_bytes = 256), \
	    "program[5].reads[1]", "expected version 1 of tensor 1 (made by op 0 'conv') in buffer 6, got only 256 of its 512 bytes: " \
	    "at byte 0 is version 1 of tensor 4 (made by op 1 'bn')") \
	ROW(final_value, home_on_host(f), "final[0]", \
	    "expected final version 1 of tensor 0 (made by op 4 'sgd') in host buffer 1, got a stale version 0") \
	ROW(result_without_place, f->tensors[S].kind = KIND_RESULT, "final", "no place for tensor 4 (result) after the step") \
	ROW(result_before, (result_s(f), f->initial[f->plan.initial_count++] = f->final[1]), "initial[1]", \
	    "tensor 4 (result) is made by the step: it has no place before the step") \
	ROW(result_in_other_buffer, (result_s(f), f->final[1].buffer = BX), "final[1]", "buffer 1 is not made for tensor 4") \
	ROW(over_result, (result_s(f), f->buffers[BX2].offset_bytes = 1280), "program[4].to", \
	    "buffer 6 (tensor 1) lies over buffer 4 (tensor 4), whose tensor has its final place there") \
	ROW(result_not_copied, (result_s(f), new_host(f, S, 512, 256), f->final[1] = (struct place) { S, true, 1 }), "final[1]", \
	    "expected final version 1 of tensor 4 (made by op 1 'bn') in host buffer 1, which is not there: found nothing") \
	ROW(peak, f->plan.figures.peak_bytes++, "figures.peak_bytes", "expected 1536, which follows from the graph and the program, got 1537") \
	ROW(offload_bytes, f->plan.figures.offload_bytes--, "figures.offload_bytes", \
	    "expected 512, which follows from the graph and the program, got 511") \
	ROW(fetch_bytes, f->plan.figures.fetch_bytes = 0, "figures.fetch_bytes", "expected 512, which follows from the graph and the program, got 0") \
	ROW(bound, f->plan.figures.bound_bytes = 1281, "bounds.bound_bytes", "expected 1280, which follows from the graph and the program, got 1281") \
	ROW(resident_bound, f->plan.figures.resident_bound_bytes = 0, "bounds.resident_bound_bytes", \
	    "expected 1536, which follows from the graph and the program, got 0")

#define ROW(name, statement, path, text) static void break_##name(struct fixture *f) { statement; }
CASES(ROW)
#undef ROW
#define ROW(name, statement, path, text) { #name, break_##name, path, text },
static const struct { const char *name; void (*breaks)(struct fixture *f); const char *path, *text; } cases[] = { CASES(ROW) };
#undef ROW

static void
test_messages(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena a = ARENA_INIT;
		struct err e = ERR_INIT;
		struct fixture f;

		fixture_init(&f);
		cases[i].breaks(&f);
		ok(check_plan(&f.plan, &a, &e) < 0 && e.code == ERR_NO, "%s is refused", cases[i].name);
		is_string(e.path, cases[i].path, "%s: where", cases[i].name);
		is_string(e.text, cases[i].text, "%s: what", cases[i].name);
		arena_free(&a);
	}
}

/* Sound variations. */

static void
as_it_is(struct fixture *f)
{
	(void)f;
}

/* x was overwritten by nobody, so it need not be fetched: the later stay reads what the earlier one left. */
static void
left_in_memory(struct fixture *f)
{
	drop(f, IN_X);
	add_after(f, RUN_BACK - 1, OUT_X);
}

static void
other_algorithm(struct fixture *f)
{
	f->program[RUN_CONV].alternative = 0;
	f->program[RUN_CONV].workspace = PLAN_NONE;
}

static void
recomputed(struct fixture *f)
{
	drop(f, IN_X);
	drop(f, OUT_X);
	insert(f, 3);
	set_run(f, 3, CONV, BW, 0, BX2, 0);
	f->buffers[BX2].offset_bytes = 256;
}

static void
more_edges_than_needed(struct fixture *f)
{
	add_after(f, RUN_BACK, OUT_X);
	add_after(f, RUN_BACK, IN_X);
}

static void
unused_buffers(struct fixture *f)
{
	new_buffer(f, W, 0, 1792);
	new_buffer(f, PLAN_NONE, 256, 0);
}

static void
buffer_longer_than_tensor(struct fixture *f)
{
	f->plan.arena_bytes = 2048;
	f->buffers[BWORK].bytes = 512;
}

static void
nothing_in_s(struct fixture *f)
{
	f->tensors[S].bytes = f->buffers[BS].bytes = 0;
	f->buffers[BS].offset_bytes = 768;	/* in y's bytes, of which it takes none */
}

/* The mask ends the step on the host; its bytes on the device are free then. */
static void
result_on_host(struct fixture *f)
{
	result_s(f);
	new_host(f, S, 512, 256);
	f->final[1] = (struct place) { S, true, 1 };
	insert(f, RUN_RELU);
	set_transfer(f, RUN_RELU, QUEUE_OUT, BS, 1, 0, 256);
	add_after(f, RUN_RELU, RUN_BN);
	f->plan.figures.offload_bytes += 256;
}

static void
home_on_host_and_back(struct fixture *f)
{
	uint32_t last = INSTRUCTIONS + 1;

	home_on_host(f);
	insert(f, last);
	set_transfer(f, last, QUEUE_OUT, BW, 1, 0, 256);
	add_after(f, last, last - 1);
}

static void
in_uneven_parts(struct fixture *f)
{
	f->program[OUT_X].bytes = 200;
	insert(f, OUT_X + 1);
	set_transfer(f, OUT_X + 1, QUEUE_OUT, BX, 0, 200, 312);
	add_after(f, OUT_X + 1, RUN_CONV);
	f->after[IN_X + 1][0] = OUT_X + 1;
	f->program[IN_X + 1].bytes = 511;
	insert(f, IN_X + 2);
	set_transfer(f, IN_X + 2, QUEUE_IN, BX2, 0, 511, 1);
	f->after[RUN_BACK + 2][0] = IN_X + 2;
}

/* Only the second half of x leaves and returns; z takes its place meanwhile, the first half stays. */
static void
half_leaves(struct fixture *f)
{
	f->program[OUT_X].at_bytes = f->program[IN_X].at_bytes = 256;
	f->program[OUT_X].bytes = f->program[IN_X].bytes = 256;
	f->tensors[S].bytes = 256;
	insert(f, IN_X);	/* a rerun of conv elsewhere uses the free half as its workspace */
	set_run(f, IN_X, CONV, BW, 0, new_buffer(f, X, 1280, 512), 0);
	f->program[IN_X].workspace = new_buffer(f, PLAN_NONE, 512, 256);
	add_after(f, IN_X, OUT_X);
	add_after(f, IN_X + 1, IN_X);
}

/* Memory that holds parts of two tensors leaves as one, returns as one, and both parts are good. */
static void
mixture(struct fixture *f)
{
	uint32_t b = new_buffer(f, X, 256, 512);

	f->program[IN_X].at_bytes = 0;
	f->program[IN_X].bytes = 300;
	f->program[IN_X].after_count = 2;
	insert(f, IN_X + 1);			/* half fetched, half left: leave and return as a whole, twice */
	set_transfer(f, IN_X + 1, QUEUE_OUT, BX2, 1, 0, 512);
	add_after(f, IN_X + 1, IN_X);
	insert(f, IN_X + 2);
	set_transfer(f, IN_X + 2, QUEUE_IN, b, 1, 0, 512);
	add_after(f, IN_X + 2, IN_X + 1);
	f->after[RUN_BACK + 2][0] = IN_X + 2;
	f->reads[RUN_BACK + 2][1] = b;
	new_host(f, X, 512, 512);
}

#define SOUND_ROW(name) { #name, name }
static const struct { const char *name; void (*change)(struct fixture *f); } variations[] = {
	SOUND_ROW(as_it_is), SOUND_ROW(left_in_memory), SOUND_ROW(other_algorithm), SOUND_ROW(recomputed),
	SOUND_ROW(more_edges_than_needed), SOUND_ROW(unused_buffers), SOUND_ROW(buffer_longer_than_tensor), SOUND_ROW(nothing_in_s),
	SOUND_ROW(result_s), SOUND_ROW(result_on_host), SOUND_ROW(home_on_host_and_back), SOUND_ROW(in_uneven_parts), SOUND_ROW(half_leaves), SOUND_ROW(mixture),
};

static void
test_sound(void)
{
	for (size_t i = 0; i < sizeof(variations) / sizeof(*variations); i++) {
		struct arena a = ARENA_INIT;
		struct err e = ERR_INIT;
		struct fixture f;

		fixture_init(&f);
		variations[i].change(&f);
		if (i > 0)
			f.plan.figures = reference_figures(&f.plan, &a);
		if (!ok(check_plan(&f.plan, &a, &e) == 0, "%s is sound", variations[i].name))
			diag("%s: %s", e.path, e.text);
		is_string(verdict_names[reference_check(&f.plan, &a)], "sound", "%s: the reference agrees", variations[i].name);
		arena_free(&a);
	}
}

/* A tensor comes back in every second piece, and then goes to and fro as a whole, again and again. */
static void
test_many_pieces(void)
{
	enum { PIECES = 1000, TIMES = 600, COUNT = 2 + PIECES + 2 * TIMES };
	static struct instruction program[COUNT];
	static uint32_t before[COUNT];
	static const uint32_t id[] = { 0 };
	struct tensor x = { PIECES * 128, KIND_ACTIVATION };
	struct op op = { .name = "op", .outputs = id, .output_count = 1 };
	struct graph g = { .name = "pieces", .tensor_count = 1, .tensors = &x, .op_count = 1, .ops = &op };
	struct device d = { .memory_bytes = 1 << 20, .pinned_bytes = 1 << 20 };
	struct buffer buffers[] = { { 0, 0, x.bytes }, { 0, 128000, x.bytes } }, host[] = { { 0, 0, x.bytes }, { 0, 128000, x.bytes } };
	struct plan p = { .graph = &g, .device = &d, .arena_bytes = 1 << 20, .budget_bytes = 1 << 20, .host_bytes = 1 << 20, .buffer_count = 2,
	    .host_count = 2, .buffers = buffers, .host = host, .program = program, .instruction_count = COUNT };
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;

	for (uint32_t i = 0; i < COUNT; i++) {
		bool out = i == 1 || (i >= 2 + PIECES && i % 2 == 0), piece = i >= 2 && i < 2 + PIECES;

		before[i] = i - 1;
		program[i] = (struct instruction) { .queue = i == 0 ? QUEUE_COMPUTE : out ? QUEUE_OUT : QUEUE_IN, .writes = id,
		    .workspace = PLAN_NONE, .alternative = PLAN_NONE, .device_buffer = i == 1 ? 0 : 1, .host_buffer = i == 1 || piece ? 0 : 1,
		    .at_bytes = piece ? (i - 2) * 128 : 0, .bytes = piece ? 64 : x.bytes, .after = &before[i],
		    .after_count = i == 0 || (piece && i > 2) ? 0 : 1 };
	}
	ok(check_plan(&p, &a, &e) < 0, "memory in too many pieces is refused");
	is_string(e.text, "memory is in too many pieces to follow", "with a message");
	arena_free(&a);
}

int
main(void)
{
	test_messages();
	test_many_pieces();
	test_sound();
	return tap_done();
}
