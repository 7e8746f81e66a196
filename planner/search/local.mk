# SPDX-License-Identifier: Apache-2.0
# Local search over the fates of idle intervals, and its evaluator.
libplanner_a_SOURCES += \
	%D%/evaluator.c %D%/evaluator.h \
	%D%/timeline.c %D%/timeline.h
