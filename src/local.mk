# SPDX-License-Identifier: Apache-2.0
# libcore: the documents that all parts share.  layrub: the command.
# Where lookup.c finds the installed documents when the program has been moved away from them.
AM_CPPFLAGS += -DDATA_FOLDER='"$(pkgdatadir)/networks"'

noinst_LIBRARIES += libcore.a
libcore_a_SOURCES = \
	%D%/arena.c %D%/arena.h %D%/err.c %D%/err.h %D%/clock.c %D%/clock.h %D%/units.c %D%/units.h \
	%D%/json.c %D%/json_write.c %D%/json.h %D%/file.c %D%/file.h %D%/spans.c %D%/spans.h \
	%D%/graph.c %D%/graph.h %D%/graph_json.c %D%/op_class.c \
	%D%/device.c %D%/device.h %D%/device_json.c %D%/device_write.c \
	%D%/plan.h %D%/plan_json.c %D%/plan_write.c \
	%D%/network.c %D%/network.h %D%/network_layer.c %D%/network_check.c %D%/network_read.h \
	%D%/layers.c %D%/layer.h %D%/layer_input.c %D%/layer_conv.c %D%/layer_linear.c %D%/layer_norm.c \
	%D%/layer_lrn.c %D%/layer_activation.c %D%/layer_pool.c %D%/layer_combine.c %D%/layer_shape.c \
	%D%/layer_embedding.c %D%/layer_attention.c %D%/layer_loss.c \
	%D%/lower.c %D%/lower.h %D%/lower_caffe.c %D%/lower_caffe.h %D%/emit.c %D%/emit.h %D%/update.c %D%/roofline.c %D%/roofline.h \
	%D%/reorder.c %D%/reorder.h %D%/task.c %D%/task.h \
	%D%/lookup.c %D%/lookup.h

bin_PROGRAMS += layrub
layrub_SOURCES = %D%/main.c %D%/process.c %D%/process.h %D%/command.c %D%/command.h %D%/option.c %D%/option.h %D%/tables.c %D%/tables.h \
	%D%/result.c %D%/result.h %D%/cmd_info.c %D%/cmd_plan.c %D%/cmd_compare.c \
	%D%/cmd_fit.c %D%/fit_search.c %D%/fit_search.h %D%/cmd_sweep.c \
	%D%/sweep_grid.c %D%/sweep_grid.h %D%/sweep_file.c %D%/sweep_file.h %D%/sweep_run.c %D%/sweep_run.h \
	%D%/cmd_check.c %D%/cmd_explain.c %D%/explain_more.c %D%/explain_more.h %D%/cmd_simulate.c %D%/cmd_report.c %D%/cmd_place.c %D%/place_csv.c %D%/place_csv.h %D%/cmd_list.c
layrub_LDADD = $(LDADD)
