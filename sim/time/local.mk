# SPDX-License-Identifier: Apache-2.0
# The simulator: time and occupancy of a step.
libsim_a_SOURCES += \
	%D%/clock.c %D%/clock.h \
	%D%/jitter.c %D%/jitter.h \
	%D%/memory.c \
	%D%/simulate.c %D%/simulate.h \
	%D%/simulate_private.h \
	%D%/what_if.c %D%/what_if.h
EXTRA_DIST += %D%/README.md
