/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - how long things take, and when to stop */
#ifndef SRC_BASE_CLOCK_H
#define SRC_BASE_CLOCK_H

/* Seconds of a clock that only goes forward. */
double clock_seconds(void);
#endif
