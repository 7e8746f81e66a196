/* SPDX-License-Identifier: Apache-2.0 */
/* starve.h - allocators in front of the C library's, one of whose calls fails (ALLOCATORS in no_memory.h; --wrap in local.mk) */
#ifndef TESTS_STARVE_H
#define TESTS_STARVE_H
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "tests/no_memory.h"

static unsigned long asked, fail_at;	/* fail_at 0: never */
static bool and_later;

static bool
fails(void)
{
	unsigned long n = __atomic_add_fetch(&asked, 1, __ATOMIC_RELAXED);

	if (fail_at == 0 || n < fail_at || (n > fail_at && !and_later))
		return false;
	errno = ENOMEM;
	return true;
}

/* The rows of ALLOCATORS, each in front of the function that it is named for. */
#define ROW(type, name, parameters, arguments) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		return fails() ? NULL : __real_##name arguments; \
	}
ALLOCATORS(ROW)
#undef ROW
#endif
