/* SPDX-License-Identifier: Apache-2.0 */
/* lower_reuse.c - the lowering `reuse`: ops as small as memory reuse asks for, each map dead as early as possible */
#include <config.h>
#include "src/network/lower.h"

const struct lowering lowering_reuse = {
	.name = "reuse",
	.summary = "split where memory can be used again: convolution backward is filter, then data",
	.takes_over_inputs = true,
	.pool_index = DTYPE_INT32,
};
