# SPDX-License-Identifier: Apache-2.0
# The ground floor: memory, errors, units, strict JSON, files, options.
libcore_a_SOURCES += \
	%D%/arena.c %D%/arena.h \
	%D%/bit_tree.c %D%/bit_tree.h \
	%D%/clock.c %D%/clock.h \
	%D%/err.c %D%/err.h \
	%D%/file.c %D%/file.h \
	%D%/filter.c %D%/filter.h \
	%D%/host_memory.c %D%/host_memory.h \
	%D%/json.c %D%/json.h \
	%D%/json_write.c \
	%D%/lower_bound.h \
	%D%/nearest.c %D%/nearest.h \
	%D%/numbers.c %D%/numbers.h \
	%D%/option.c %D%/option.h \
	%D%/process.c %D%/process.h \
	%D%/random.h \
	%D%/rank.c %D%/rank.h \
	%D%/segment_tree.c %D%/segment_tree.h \
	%D%/skip.h \
	%D%/spans.c %D%/spans.h \
	%D%/threads.h \
	%D%/units.c %D%/units.h \
	%D%/with_glpk.h
EXTRA_DIST += %D%/README.md
