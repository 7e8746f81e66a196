/* SPDX-License-Identifier: Apache-2.0 */
/* place_plc.h - idealloc's binary lists (.plc) as text
 *
 * A list is one record after the other.  A record has eight numbers of 64 bits, the highest byte first: id (of 32 bits), birth, death, size, heap,
 * offset, alignment (0: none) and requested size.  A life ends just before its death.  The offset is one that idealloc or the traced program
 * chose, so it becomes a hint.  The requested size says what of the size is padding, and is not needed.
 */
#ifndef SRC_COMMAND_PLACE_PLC_H
#define SRC_COMMAND_PLACE_PLC_H
#include <stdbool.h>

#include "src/base/arena.h"
#include "src/base/units.h"

/* True for a file that begins as a record does, with a NUL byte, which is in no text. */
bool plc_is(const char *bytes, size_t size);

/* Replaces the records by a text (place_file.h), in the arena.  ERR_INPUT: the last record is cut off, an id has more than 32 bits, or there are
 * several heaps. */
int plc_to_csv(const char **text, size_t *size, struct arena *a, struct err *e) WARN_UNUSED;
#endif
