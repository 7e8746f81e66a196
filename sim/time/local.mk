# SPDX-License-Identifier: Apache-2.0
# How long a step takes, and how full memory gets.
libsim_a_SOURCES += \
	%D%/jitter.c %D%/jitter.h \
	%D%/memory.c \
	%D%/simulate.c %D%/simulate.h \
	%D%/simulate_private.h \
	%D%/what_if.c %D%/what_if.h
