# SPDX-License-Identifier: Apache-2.0
# What no plan can beat.
EXTRA_DIST += %D%/README.md
libplanner_a_SOURCES += \
	%D%/bound_lp.h \
	%D%/bound_time.c %D%/bound_time.h \
	%D%/bounds.c %D%/bounds.h \
	%D%/idle_costs.c %D%/idle_costs.h \
	%D%/link_rates.c %D%/link_rates.h \
	%D%/lp.c %D%/lp.h \
	%D%/parcels.c %D%/parcels.h \
	%D%/lp_solve.h
if HAVE_GLPK
libplanner_a_SOURCES += %D%/bound_lp.c %D%/lp_solve.c
endif
