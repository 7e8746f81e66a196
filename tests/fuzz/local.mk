# SPDX-License-Identifier: Apache-2.0
# A fuzz target is one file and three lines.  With --enable-fuzzing the compiler's fuzzer drives them, else main.c
# runs them on files: make check replays what fuzzers have found.
FUZZ_TARGETS =
FUZZ_SHARED = %D%/fuzz.c %D%/plans.c %D%/fuzz.h
if FUZZING
FUZZ_SHARED += %D%/mutate_json.c
else
FUZZ_SHARED += %D%/main.c
endif
WITH_FUZZER = $(AM_LDFLAGS) $(FUZZ_ENGINE)
FUZZ_TARGETS += %D%/network %D%/graph %D%/device
%C%_network_SOURCES = %D%/network.c $(FUZZ_SHARED)
%C%_network_LDFLAGS = $(WITH_FUZZER)
%C%_graph_SOURCES = %D%/graph.c $(FUZZ_SHARED)
%C%_graph_LDFLAGS = $(WITH_FUZZER)
%C%_device_SOURCES = %D%/device.c $(FUZZ_SHARED)
%C%_device_LDFLAGS = $(WITH_FUZZER)
FUZZ_TARGETS += %D%/plan %D%/csv %D%/results
%C%_plan_SOURCES = %D%/plan.c $(FUZZ_SHARED)
%C%_plan_LDFLAGS = $(WITH_FUZZER)
%C%_csv_SOURCES = %D%/csv.c src/command/place_file.c src/command/place_csv.c src/command/place_cells.c src/command/place_plc.c \
	src/command/place_shapes.c $(FUZZ_SHARED)
%C%_csv_LDFLAGS = $(WITH_FUZZER)
%C%_results_SOURCES = %D%/results.c src/command/sweep_file.c $(FUZZ_SHARED)
%C%_results_LDFLAGS = $(WITH_FUZZER)
check_PROGRAMS += $(FUZZ_TARGETS)
SHELL_TESTS += %D%/regress.sh
EXTRA_DIST += %D%/regress %D%/run.sh %D%/seeds.py %D%/build.sh %D%/mutate_json.c %D%/main.c

# Fuzz every target for FUZZ_SECONDS in a build of its own in ./fuzz; again goes on from what was found.
# make fuzz FUZZ_TARGET=plan FUZZ_SECONDS=3600
FUZZ_SECONDS = 1800
FUZZ_TARGET =
.PHONY: fuzz fuzz-short fuzz-targets
fuzz-targets: $(FUZZ_TARGETS)
fuzz:
	@$(SHELL) $(srcdir)/%D%/build.sh $(srcdir) fuzz || { test $$? = 77; exit; }; \
	cd fuzz && $(SHELL) $(abs_srcdir)/%D%/run.sh . $(FUZZ_SECONDS) $(FUZZ_TARGET)
# The same cases each time, so that what fails has changed.
fuzz-short:
	@FUZZ_SEED=1 FUZZ_RUNS=5000 $(MAKE) fuzz FUZZ_SECONDS=60
clean-local: clean-fuzz
clean-fuzz:
	-rm -rf fuzz
