# SPDX-License-Identifier: Apache-2.0
# The checker: soundness of a plan.
libsim_a_SOURCES += \
	%D%/check.c %D%/check.h \
	%D%/check_figures.c \
	%D%/check_homes.c %D%/check_homes.h \
	%D%/check_private.h \
	%D%/check_space.c \
	%D%/check_structure.c \
	%D%/check_values.c
EXTRA_DIST += %D%/README.md
