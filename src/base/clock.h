/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - a clock for durations and deadlines */
#ifndef SRC_BASE_CLOCK_H
#define SRC_BASE_CLOCK_H

/* Returns seconds of the monotonic clock; its zero has no meaning. */
double clock_seconds(void);
#endif
