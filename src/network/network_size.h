/* SPDX-License-Identifier: Apache-2.0 */
/* network_size.h - changes of a network document's sequence length or image size, wherever the document repeats them
 *
 * The sequence is the size, over 1, of the first input of whole numbers with one dimension.  Inputs and reshapes that have it, and parameters that
 * begin with it (position embeddings), change with it.  The image is the first input [channels, height, width] of real numbers.
 * Inputs that have its height and width change with it.  Where a convolution cuts it into patches and a reshape counts them, the reshape
 * and the parameters that begin with that count, or with one more (a class token), change, too.
 */
#ifndef SRC_NETWORK_NETWORK_SIZE_H
#define SRC_NETWORK_NETWORK_SIZE_H
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/err.h"

struct json_t;

/* Sets the sequence length and the height and width of the image; 0: as they are.  Fails if the document has no such input. */
int network_size(struct json_t *root, uint32_t seq, uint32_t image, struct err *e) WARN_UNUSED;
#endif
