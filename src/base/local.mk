# SPDX-License-Identifier: Apache-2.0
# The ground floor: memory, errors, units, strict JSON, files, options.
libcore_a_SOURCES += \
	%D%/arena.c %D%/arena.h \
	%D%/clock.c %D%/clock.h \
	%D%/err.c %D%/err.h \
	%D%/file.c %D%/file.h \
	%D%/json.c %D%/json.h \
	%D%/json_write.c \
	%D%/numbers.c %D%/numbers.h \
	%D%/option.c %D%/option.h \
	%D%/process.c %D%/process.h \
	%D%/spans.c %D%/spans.h \
	%D%/units.c %D%/units.h \
	%D%/with_glpk.h
