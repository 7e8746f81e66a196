/* SPDX-License-Identifier: Apache-2.0 */
/* lookup.h - the file that a NAME stands for
 *
 * A NAME that is a file is that file.  Any other NAME is looked up in the data folder.  That is the first of these that exists:
 * $LAYRUB_DATA; `networks` beside the program or the shared library that this code is in (a tree built in place) or above it (a build
 * folder in the tree); share/layrub/networks one or two folders above it (installed); the folder of `make install`.
 * Networks are NAME.json and caffe/NAME.json; graphs graphs/NAME.graph.json; devices devices/NAME.json.
 */
#ifndef SRC_DOCUMENTS_LOOKUP_H
#define SRC_DOCUMENTS_LOOKUP_H
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/err.h"

enum lookup_what { LOOKUP_NETWORK, LOOKUP_GRAPH, LOOKUP_DEVICE };

/* Returns the path of a document, in the arena.  LOOKUP_NETWORK finds graphs/NAME, too.  NULL with ERR_INPUT names the document
 * and the folder, and the nearest names that exist, if any is near. */
const char *lookup(const char *name, enum lookup_what what, struct arena *a, struct err *e);

/* All names of a kind, sorted. */
const char **lookup_list(enum lookup_what what, uint32_t *count, struct arena *a, struct err *e);
#endif
