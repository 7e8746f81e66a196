# SPDX-License-Identifier: Apache-2.0
# Is a plan sound?
libsim_a_SOURCES += \
	%D%/check.c %D%/check.h \
	%D%/check_figures.c \
	%D%/check_private.h \
	%D%/check_space.c \
	%D%/check_structure.c \
	%D%/check_values.c
