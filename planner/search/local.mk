# SPDX-License-Identifier: Apache-2.0
# Local search over the fates of idle intervals, and its evaluator.
EXTRA_DIST += %D%/README.md
libplanner_a_SOURCES += \
	%D%/evaluator.c %D%/evaluator.h \
	%D%/local_search.c %D%/local_search.h \
	%D%/packing.c %D%/packing.h \
	%D%/search_constants.h \
	%D%/timeline.c %D%/timeline.h
