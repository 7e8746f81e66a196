# SPDX-License-Identifier: Apache-2.0
# Policy ilp: an integer program, solved by GLPK.
if HAVE_GLPK
libplanner_a_SOURCES += \
	%D%/ilp.h \
	%D%/ilp_aggregate.c \
	%D%/ilp_choices.c \
	%D%/ilp_exact.c %D%/ilp_exact.h \
	%D%/ilp_exact_solution.c \
	%D%/ilp_schedule.c \
	%D%/ilp_stages.c \
	%D%/policy_ilp.c
endif
EXTRA_DIST += %D%/README.md
