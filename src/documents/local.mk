# SPDX-License-Identifier: Apache-2.0
# The documents that all parts share: graph, device, plan; and how a name becomes one.
# DATA_FOLDER: where lookup.c finds the installed documents when the program has been moved away from them.
AM_CPPFLAGS += -DDATA_FOLDER='"$(pkgdatadir)/networks"'
libcore_a_SOURCES += \
	%D%/device.c %D%/device.h \
	%D%/device_json.c \
	%D%/device_write.c \
	%D%/graph.c %D%/graph.h \
	%D%/graph_bounds.c %D%/graph_bounds.h \
	%D%/graph_json.c \
	%D%/lookup.c %D%/lookup.h \
	%D%/op_class.c \
	%D%/origin.c %D%/origin.h \
	%D%/plan.h \
	%D%/plan_access.c %D%/plan_access.h \
	%D%/plan_copy.c \
	%D%/plan_json.c \
	%D%/plan_order.c %D%/plan_order.h \
	%D%/plan_write.c \
	%D%/reorder.c %D%/reorder.h \
	%D%/tensor_names.c %D%/tensor_names.h
EXTRA_DIST += %D%/README.md
