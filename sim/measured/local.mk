# SPDX-License-Identifier: Apache-2.0
# Steps as they ran, from a profiler's trace, beside the simulated ones.
libsim_a_SOURCES += \
	%D%/difference.c %D%/difference.h \
	%D%/kineto.c %D%/kineto.h \
	%D%/measured.c %D%/measured.h
EXTRA_DIST += %D%/README.md
