/* SPDX-License-Identifier: Apache-2.0 */
/* lower_framework.c - the lowering `framework`: the ops and the saved tensors of PyTorch's autograd in eager mode
 *
 * Source: traces of PyTorch 2.11, against which tests/lower.c holds peaks and times (docs/accuracy.md).
 */
#include <config.h>
#include "src/network/lower.h"

const struct lowering lowering_framework = {
	.name = "framework",
	.summary = "fused and saved as PyTorch does",
	.code_attributes = true,
	.parts_are_views = true,
	.packed_gradients_apart = true,
	.conv_backward_fused = true,
	.bias_gradient_apart = true,
	.biased_data_first = true,
	.statistics_fused = true,
	.holds_for_shape = true,
	.loss_by_steps = true,
	.update_by_steps = true,
	.pool_index = DTYPE_INT64,
};
