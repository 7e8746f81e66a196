# SPDX-License-Identifier: Apache-2.0
# A test in C is one file and one line in C_TESTS; one in shell is one line in
# SHELL_TESTS.  Each prints TAP.  Benchmarks are scripts in BENCHES: never run by check.
TEST_EXTENSIONS = .t .sh
T_LOG_DRIVER  = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(T_LOG_DRIVER)
AM_TESTS_ENVIRONMENT = \
	LAYRUB_TESTS='$(abs_top_srcdir)/tests' LAYRUB_DATA='$(abs_top_srcdir)/networks' \
	LAYRUB='$(abs_top_builddir)/layrub' LAYRUB_CC='$(CC) $(SAN_CFLAGS) $(COVERAGE_CFLAGS) $(CFLAGS)'; \
	export LAYRUB_TESTS LAYRUB_DATA LAYRUB LAYRUB_CC;
# Threads that wait give way to the tests that run beside them.
AM_TESTS_ENVIRONMENT += OMP_WAIT_POLICY=passive; export OMP_WAIT_POLICY;

noinst_LIBRARIES += libtap.a
libtap_a_SOURCES = %D%/tap.c %D%/tap.h %D%/random.h %D%/results.h
TEST_LIBS = libtap.a $(LDADD)

# For the test that compiles: the documents' diffs.
AM_TESTS_ENVIRONMENT += \
	LAYRUB_COMPILE='$(CC) $(CPPFLAGS) $(AM_CFLAGS) $(CFLAGS)' LAYRUB_OBJECTS='$(layrub_OBJECTS)' \
	LAYRUB_TEST_LIBS='$(AM_LDFLAGS) $(LDFLAGS) $(TEST_LIBS) $(LIBS)'; \
	export LAYRUB_COMPILE LAYRUB_OBJECTS LAYRUB_TEST_LIBS;

C_TESTS =
SHELL_TESTS =
C_TESTS += %D%/hybrid.t
%C%_hybrid_t_SOURCES = %D%/hybrid.c
%C%_hybrid_t_LDADD = $(TEST_LIBS)
C_TESTS += %D%/search.t
%C%_search_t_SOURCES = %D%/search.c %D%/random_plan.c %D%/random_plan.h
%C%_search_t_LDADD = $(TEST_LIBS)
C_TESTS += %D%/decisions.t
%C%_decisions_t_SOURCES = %D%/decisions.c
%C%_decisions_t_LDADD = $(TEST_LIBS)
C_TESTS += %D%/schedule.t
%C%_schedule_t_SOURCES = %D%/schedule.c
%C%_schedule_t_LDADD = $(TEST_LIBS)
C_TESTS += %D%/placement.t %D%/placement_optimum.t %D%/parts.t %D%/planner.t
%C%_placement_t_SOURCES = %D%/placement.c
%C%_placement_t_LDADD = $(TEST_LIBS)
%C%_placement_optimum_t_SOURCES = %D%/placement_optimum.c
%C%_placement_optimum_t_LDADD = $(TEST_LIBS)
%C%_parts_t_SOURCES = %D%/parts.c
%C%_parts_t_LDADD = $(TEST_LIBS)
%C%_planner_t_SOURCES = %D%/planner.c
%C%_planner_t_LDADD = $(TEST_LIBS)
C_TESTS += %D%/networks.t
%C%_networks_t_SOURCES = %D%/networks.c
%C%_networks_t_LDADD = $(TEST_LIBS)
C_TESTS += %D%/simulate.t %D%/simulate_random.t
%C%_simulate_t_SOURCES = %D%/simulate.c %D%/toy_plan.c %D%/toy_plan.h
%C%_simulate_t_LDADD = $(TEST_LIBS)
%C%_simulate_random_t_SOURCES = %D%/simulate_random.c %D%/toy_plan.c %D%/toy_plan.h
%C%_simulate_random_t_LDADD = $(TEST_LIBS)
C_TESTS += %D%/measured.t
%C%_measured_t_SOURCES = %D%/measured.c %D%/toy_plan.c %D%/toy_plan.h
%C%_measured_t_LDADD = $(TEST_LIBS)
C_TESTS += %D%/picture.t
%C%_picture_t_SOURCES = %D%/picture.c
%C%_picture_t_LDADD = $(TEST_LIBS)
C_TESTS += %D%/report_data.t
%C%_report_data_t_SOURCES = %D%/report_data.c %D%/toy_plan.c %D%/toy_plan.h
%C%_report_data_t_LDADD = $(TEST_LIBS)
SHELL_TESTS += %D%/report.sh %D%/report_page.sh
SHELL_TESTS += %D%/cli.sh %D%/rooms.sh
EXTRA_DIST += %D%/bad %D%/golden %D%/rooms.list
C_TESTS += %D%/nearest.t
%C%_nearest_t_SOURCES = %D%/nearest.c
%C%_nearest_t_LDADD = $(TEST_LIBS)
C_TESTS += %D%/segment_tree.t
%C%_segment_tree_t_SOURCES = %D%/segment_tree.c
%C%_segment_tree_t_LDADD = $(TEST_LIBS)
C_TESTS += %D%/units.t %D%/json.t %D%/spans.t %D%/documents.t %D%/device.t %D%/calibrate.t %D%/file.t
%C%_file_t_SOURCES = %D%/file.c
%C%_file_t_LDADD = $(TEST_LIBS)
%C%_units_t_SOURCES = %D%/units.c
%C%_units_t_LDADD = $(TEST_LIBS)
%C%_json_t_SOURCES = %D%/json.c
%C%_json_t_LDADD = $(TEST_LIBS)
%C%_spans_t_SOURCES = %D%/spans.c
%C%_spans_t_LDADD = $(TEST_LIBS)
%C%_calibrate_t_SOURCES = %D%/calibrate.c cuda_validate/calibrate_fit.c cuda_validate/calibrate_fit.h
%C%_calibrate_t_LDADD = $(TEST_LIBS)
%C%_device_t_SOURCES = %D%/device.c
%C%_device_t_LDADD = $(TEST_LIBS)
%C%_documents_t_SOURCES = %D%/documents.c
%C%_documents_t_LDADD = $(TEST_LIBS)
SHELL_TESTS += %D%/schemas.sh
C_TESTS += %D%/check.t %D%/mutations.t
%C%_check_t_SOURCES = %D%/check.c %D%/reference_check.c %D%/reference_check.h
%C%_check_t_LDADD = $(TEST_LIBS)
%C%_mutations_t_SOURCES = %D%/mutations.c %D%/mutants.c %D%/mutants_program.c \
	%D%/mutants.h %D%/mutants_private.h %D%/random_plan.c %D%/random_plan.h %D%/reference_check.c %D%/reference_check.h
%C%_mutations_t_LDADD = $(TEST_LIBS)
# What static analysis says of the sources.
EXTRA_DIST += %D%/lint.sh %D%/cppcheck.suppress .clang-tidy .shellcheckrc
.PHONY: lint
lint:
	@$(SHELL) $(srcdir)/%D%/lint.sh $(builddir)
# No bad access and no leak in any of the commands.
EXTRA_DIST += %D%/valgrind.sh
.PHONY: check-valgrind
check-valgrind: layrub$(EXEEXT) layrub-replay$(EXEEXT)
	@$(AM_TESTS_ENVIRONMENT) $(SHELL) $(srcdir)/%D%/valgrind.sh
# What the program answers, as digests: to compare before and after a change that is to change nothing.
EXTRA_DIST += %D%/digests.sh
.PHONY: digests
digests: layrub$(EXEEXT)
	@LAYRUB_DATA='$(abs_top_srcdir)/networks' $(SHELL) $(srcdir)/%D%/digests.sh ./layrub
# More mutants than make check has time for: make mutants N=10000000 SEED=1.
N = 1000000
SEED = 20
.PHONY: mutants
mutants: %D%/mutations.t
	@MUTANTS=$(N) SEED=$(SEED) %D%/mutations.t >%D%/mutants.log || { cat %D%/mutants.log; exit 1; }
	@sed -n -e 's/^ok [0-9]* - //' -e '/ random plans are /p' -e '/ in all: /p' %D%/mutants.log
CLEANFILES += %D%/mutants.log
# Does a test fail when a line of the sources means something else?  All lines of mutate.list, or those that match: make mutate N=PATTERN.
EXTRA_DIST += %D%/mutate.sh %D%/mutate.list
.PHONY: mutate
mutate:
	@CC='$(CC)' $(SHELL) $(srcdir)/%D%/mutate.sh '$(srcdir)' mutate '$(if $(filter command,$(origin N)),$(N))'
C_TESTS += %D%/network.t %D%/network_set.t %D%/lower.t %D%/passes.t %D%/roofline.t %D%/flops.t %D%/layer_counts.t
%C%_network_set_t_SOURCES = %D%/network_set.c
%C%_network_set_t_LDADD = $(TEST_LIBS)
%C%_passes_t_SOURCES = %D%/passes.c %D%/network_text.h
%C%_passes_t_LDADD = $(TEST_LIBS)
%C%_layer_counts_t_SOURCES = %D%/layer_counts.c
%C%_layer_counts_t_LDADD = $(TEST_LIBS)
EXTRA_DIST += %D%/layer_counts.py
%C%_flops_t_SOURCES = %D%/flops.c %D%/network_text.h
%C%_flops_t_LDADD = $(TEST_LIBS)
%C%_network_t_SOURCES = %D%/network.c
%C%_network_t_LDADD = $(TEST_LIBS)
%C%_lower_t_SOURCES = %D%/lower.c %D%/network_text.h
%C%_lower_t_LDADD = $(TEST_LIBS)
%C%_roofline_t_SOURCES = %D%/roofline.c
%C%_roofline_t_LDADD = $(TEST_LIBS)
C_TESTS += %D%/pattern.t
%C%_pattern_t_SOURCES = %D%/pattern.c cuda_validate/pattern.c cuda_validate/pattern.h cuda_validate/pattern_data.h
%C%_pattern_t_LDADD = $(TEST_LIBS)
C_TESTS += %D%/replay_data.t
%C%_replay_data_t_SOURCES = %D%/replay_data.c %D%/toy_plan.c %D%/toy_plan.h \
	cuda_validate/replay.c cuda_validate/prepare.c cuda_validate/reference.c cuda_validate/pattern.c \
	cuda_validate/backend_host.c cuda_validate/measure.c
%C%_replay_data_t_CFLAGS = $(AM_CFLAGS) -pthread
%C%_replay_data_t_LDFLAGS = $(AM_LDFLAGS) -pthread
%C%_replay_data_t_LDADD = $(TEST_LIBS)
SHELL_TESTS += %D%/replay.sh %D%/replay_cuda.sh
EXTRA_DIST += %D%/data

SHELL_TESTS += %D%/limits.sh %D%/place.sh %D%/peak.sh
EXTRA_DIST += %D%/bad-csv

C_TESTS += %D%/policies.t %D%/footprints.t
SHELL_TESTS += %D%/compare.sh
%C%_footprints_t_SOURCES = %D%/footprints.c
%C%_footprints_t_LDADD = $(TEST_LIBS)
%C%_policies_t_SOURCES = %D%/policies.c
%C%_policies_t_LDADD = $(TEST_LIBS)
if HAVE_GLPK
C_TESTS += %D%/ilp.t
%C%_ilp_t_SOURCES = %D%/ilp.c %D%/tiny_step.c %D%/tiny_step.h
%C%_ilp_t_LDADD = $(TEST_LIBS)
endif
C_TESTS += %D%/idle.t %D%/results.t
%C%_results_t_SOURCES = %D%/results.c
%C%_results_t_LDADD = $(TEST_LIBS)
%C%_idle_t_SOURCES = %D%/idle.c
%C%_idle_t_LDADD = $(TEST_LIBS)
C_TESTS += %D%/bounds.t
%C%_bounds_t_SOURCES = %D%/bounds.c
%C%_bounds_t_LDADD = $(TEST_LIBS)
SHELL_TESTS += %D%/policy_cases.sh %D%/floors.sh %D%/homes.sh
C_TESTS += %D%/bound_optimum.t
%C%_bound_optimum_t_SOURCES = %D%/bound_optimum.c %D%/optimum.c %D%/optimum_values.c \
	%D%/optimum_plan.c %D%/optimum.h %D%/optimum_private.h %D%/tiny_step.c %D%/tiny_step.h
%C%_bound_optimum_t_LDADD = $(TEST_LIBS)
C_TESTS += %D%/homes.t
%C%_homes_t_SOURCES = %D%/homes.c %D%/tiny_step.c %D%/tiny_step.h
%C%_homes_t_LDADD = $(TEST_LIBS)
C_TESTS += %D%/reorder.t
%C%_reorder_t_SOURCES = %D%/reorder.c
%C%_reorder_t_LDADD = $(TEST_LIBS)
SHELL_TESTS += %D%/budget_search.sh %D%/plan_options.sh %D%/version2.sh
SHELL_TESTS += %D%/sweep.sh %D%/sweep_jobs.sh %D%/fit.sh %D%/estimates.sh %D%/external.sh
C_TESTS += %D%/sweep_grid.t
%C%_sweep_grid_t_SOURCES = %D%/sweep_grid.c src/command/sweep_grid.c
%C%_sweep_grid_t_LDADD = $(TEST_LIBS)
C_TESTS += %D%/fit_search.t
%C%_fit_search_t_SOURCES = %D%/fit_search.c
%C%_fit_search_t_LDADD = $(TEST_LIBS)
SHELL_TESTS += %D%/faults.sh %D%/interrupts.sh %D%/threads.sh
SHELL_TESTS += %D%/pages.sh %D%/completion.sh
EXTRA_DIST += %D%/help.sh %D%/complete.bash %D%/complete.zsh


SHELL_TESTS += %D%/installed.sh
EXTRA_DIST += %D%/library_layout.awk
C_TESTS += %D%/library.t
%C%_library_t_SOURCES = %D%/library.c
%C%_library_t_CFLAGS = $(AM_CFLAGS) -pthread
%C%_library_t_LDFLAGS = $(AM_LDFLAGS) -pthread -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
%C%_library_t_LDADD = libtap.a liblayrub.a $(JANSSON_LIBS) $(XXHASH_LIBS)
C_TESTS += %D%/library_arrays.t
%C%_library_arrays_t_SOURCES = %D%/library_arrays.c
%C%_library_arrays_t_CFLAGS = $(AM_CFLAGS) -pthread
%C%_library_arrays_t_LDFLAGS = $(AM_LDFLAGS) -pthread
%C%_library_arrays_t_LDADD = libtap.a liblayrub.a $(JANSSON_LIBS) $(XXHASH_LIBS)
C_TESTS += %D%/library_memory.t
%C%_library_memory_t_SOURCES = %D%/library_memory.c %D%/no_memory.h %D%/starve.h
%C%_library_memory_t_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=fopen,--wrap=fdopen \
	-Wl,--wrap=fopencookie,--wrap=open_memstream,--wrap=realpath,--wrap=XXH3_createState
%C%_library_memory_t_LDADD = libtap.a liblayrub.a $(JANSSON_LIBS) $(XXHASH_LIBS)

# The command itself, with allocators in front of the C library's; main.c's main has another name there.
C_TESTS += %D%/no_memory.t
%C%_no_memory_t_SOURCES = %D%/no_memory.c %D%/no_memory.h %D%/starve.h $(layrub_SOURCES)
%C%_no_memory_t_CPPFLAGS = $(AM_CPPFLAGS) -Dmain=layrub_main -include $(srcdir)/%D%/no_memory.h
%C%_no_memory_t_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=fopen,--wrap=fdopen \
	-Wl,--wrap=fopencookie,--wrap=open_memstream,--wrap=realpath,--wrap=XXH3_createState
%C%_no_memory_t_LDADD = $(TEST_LIBS)

# The package for Python; LAYRUB_PYTHON is empty without one.
AM_TESTS_ENVIRONMENT += LAYRUB_PYTHON='$(PYTHON)' LAYRUB_LIBRARY_FILE='$(abs_top_builddir)/$(LIBRARY_SHARED)'; \
	export LAYRUB_PYTHON LAYRUB_LIBRARY_FILE;
SHELL_TESTS += %D%/python.sh %D%/examples.sh

SHELL_TESTS += %D%/accuracy.sh %D%/docs.sh %D%/docs_diffs.sh %D%/docs_links.sh
EXTRA_DIST += %D%/docs.awk %D%/docs.sed

check_PROGRAMS += $(C_TESTS)
TESTS += $(C_TESTS) $(SHELL_TESTS)
EXTRA_DIST += $(SHELL_TESTS) %D%/lib.sh

# One phony target a benchmark; `make bench` runs all of them, one after the other.
EXTRA_PROGRAMS = %D%/measure
%C%_measure_SOURCES = %D%/measure.c
check_PROGRAMS += %D%/hard_lists
%C%_hard_lists_SOURCES = %D%/hard_lists.c
%C%_hard_lists_LDADD = -lm
%C%_measure_LDADD =
EXTRA_DIST += %D%/bench.sh
CLEANFILES += %D%/measure$(EXEEXT)
BENCHES += bench-commands
.PHONY: bench-commands
bench-commands: layrub$(EXEEXT) %D%/measure$(EXEEXT)
	@LAYRUB=./layrub MEASURE=%D%/measure LAYRUB_DATA='$(abs_top_srcdir)/networks' $(SHELL) $(srcdir)/%D%/bench.sh

# Needs lists that do not ship: make bench-placement DATA=FOLDER.
EXTRA_DIST += %D%/bench_placement.sh %D%/bench_supermalloc.py
.PHONY: bench-placement
bench-placement: layrub$(EXEEXT) %D%/measure$(EXEEXT) %D%/hard_lists$(EXEEXT)
	@LAYRUB=./layrub MEASURE=%D%/measure HARD_LISTS=%D%/hard_lists DATA='$(DATA)' $(SHELL) $(srcdir)/%D%/bench_placement.sh

# Not part of `make bench`: they take many minutes.  bench-bounds compares bounds with the optimum of 100,000 random steps.
.PHONY: bench-bounds
bench-bounds: %D%/bound_optimum.t
	@LAYRUB_TESTS='$(abs_top_srcdir)/tests' %D%/bound_optimum.t 20000
EXTRA_DIST += %D%/bench_schedule.sh
.PHONY: bench-schedule
bench-schedule: layrub$(EXEEXT)
	@LAYRUB=./layrub LAYRUB_DATA='$(abs_top_srcdir)/networks' $(SHELL) $(srcdir)/%D%/bench_schedule.sh

EXTRA_DIST += %D%/bench_fit.sh
.PHONY: bench-fit
bench-fit: layrub$(EXEEXT)
	@LAYRUB=./layrub LAYRUB_DATA='$(abs_top_srcdir)/networks' $(SHELL) $(srcdir)/%D%/bench_fit.sh

EXTRA_DIST += %D%/bench_floors.sh
.PHONY: bench-floors
bench-floors: layrub$(EXEEXT)
	@LAYRUB=./layrub LAYRUB_DATA='$(abs_top_srcdir)/networks' $(SHELL) $(srcdir)/%D%/bench_floors.sh

# What has threads, for a build with --enable-tsan.  What other libraries do in theirs is not looked at, but for OpenMP, which
# explains itself to the sanitizer.
THREADED = %D%/library.t %D%/library_arrays.t
THREAD_TESTS = $(THREADED) %D%/threads.sh
.PHONY: check-threads
check-threads: all $(THREADED)
	TSAN_OPTIONS="ignore_noninstrumented_modules=1 exitcode=66 $$TSAN_OPTIONS" $(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(THREAD_TESTS)'

# For a build with --enable-sanitizers, where a test takes several times as long: what reads documents, plans, checks, simulates, draws.
SANITIZER_TESTS = $(C_TESTS) %D%/cli.sh %D%/place.sh %D%/compare.sh %D%/sweep.sh %D%/report.sh %D%/replay.sh %D%/limits.sh
.PHONY: check-sanitizers
check-sanitizers:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(SANITIZER_TESTS)'

# With --enable-coverage: the tests, then which lines they ran; coverage-table is the second half.  Without the faults: hundreds of
# processes under strace, each of which adds to every file of counters, took a third of the time; and without the tests of other
# files than the sources.
EXTRA_DIST += %D%/coverage.sh
NOT_FOR_COVERAGE = %D%/faults.sh %D%/docs_diffs.sh %D%/docs_links.sh %D%/pages.sh %D%/completion.sh %D%/installed.sh %D%/examples.sh
CLEANFILES += coverage.list
.PHONY: coverage coverage-table
coverage:
	-$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(filter-out $(NOT_FOR_COVERAGE), $(TESTS))'
	$(MAKE) $(AM_MAKEFLAGS) coverage-table
coverage-table:
	@$(SHELL) $(srcdir)/%D%/coverage.sh
distclean-local:
	find . \( -name '*.gcda' -o -name '*.gcno' \) -exec rm -f {} +
