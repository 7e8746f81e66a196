# SPDX-License-Identifier: Apache-2.0
# The checker, the simulator and the pictures know plans, not planners.
noinst_LIBRARIES += libsim.a
libsim_a_SOURCES = \
	%D%/check.c %D%/check.h %D%/check_private.h %D%/check_structure.c \
	%D%/check_space.c %D%/check_values.c %D%/check_figures.c \
	%D%/simulate.c %D%/simulate.h %D%/simulate_private.h %D%/memory.c \
	%D%/what_if.c %D%/what_if.h %D%/jitter.c %D%/jitter.h \
	%D%/trace.c %D%/trace.h %D%/explain.c %D%/explain.h \
	%D%/report.c %D%/report.h %D%/report_private.h %D%/report_draw.h %D%/report_data.c %D%/report_map.c %D%/report_script.c \
	%D%/report_html.c %D%/report_page_data.c %D%/report_placed.c %D%/report_sweep.c %D%/report_sweep_draw.c %D%/sweep_read.c \
	%D%/gnuplot.c %D%/gnuplot.h %D%/page.c %D%/page.h
