/* SPDX-License-Identifier: Apache-2.0 */
/* tap.h - the Test Anything Protocol, as much of it as these tests need
 *
 * A test program calls ok() or is_*() for each thing it holds to be true and ends with
 * return tap_done();
 */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H
#include <stdbool.h>
#include <stdint.h>

/* Report one result; returns what it was told, so that a test may stop early. */
bool ok(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool is_uint(uint64_t got, uint64_t want, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool is_near(double got, double want, double tolerance, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
bool is_string(const char *got, const char *want, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A line of explanation. */
void diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void tap_skip(const char *what, const char *why);
/* Print the plan; the exit status. */
int tap_done(void);

/* The file below the project's tests or networks folder ($LAYRUB_TESTS, $LAYRUB_DATA; when unset, as seen from the project's root). */
const char *tests_path(const char *name);
const char *data_path(const char *name);
#endif
