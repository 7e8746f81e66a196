# SPDX-License-Identifier: Apache-2.0
# The checker, the simulator and the pictures know plans, not planners.
noinst_LIBRARIES += libsim.a
libsim_a_SOURCES = \
	%D%/check.c %D%/check.h %D%/check_space.c %D%/check_values.c %D%/check_private.h \
	%D%/simulate.c %D%/simulate.h %D%/memory.c \
	%D%/report.c %D%/report.h
