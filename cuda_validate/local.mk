# SPDX-License-Identifier: Apache-2.0
# layrub-replay: no planner and no GLPK.  The host back end is always built; CUDA adds its files.
bin_PROGRAMS += layrub-replay
layrub_replay_SOURCES = \
	%D%/main.c %D%/replay.c %D%/replay.h %D%/prepare.c %D%/reference.c %D%/reference.h \
	%D%/pattern.c %D%/pattern.h %D%/pattern_data.h %D%/backend_host.c %D%/measure.c %D%/measure.h
layrub_replay_CPPFLAGS = $(AM_CPPFLAGS)
layrub_replay_CFLAGS   = $(AM_CFLAGS) -pthread
layrub_replay_LDFLAGS  = $(AM_LDFLAGS) -pthread
layrub_replay_LDADD    = libsim.a libcore.a $(JANSSON_LIBS) $(XXHASH_LIBS) $(CODE_COVERAGE_LIBS)
