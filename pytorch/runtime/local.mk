# SPDX-License-Identifier: Apache-2.0
# liblayrub-torch: executes plans for PyTorch.  No planner, no GLPK, and no CUDA to build with: the driver is looked for at run time.
noinst_LIBRARIES += libruntime.a
libruntime_a_SOURCES = \
	%D%/runtime.c %D%/runtime.h %D%/allocator.c %D%/sources.c %D%/sources.h \
	%D%/backend.h %D%/backend_host.c %D%/backend_cuda.c \
	%D%/cuda_driver.c %D%/cuda_driver.h %D%/cuda_graph.c %D%/cuda_graph.h %D%/cuda_kernels.c %D%/cuda_kernels.h \
	%D%/cuda_signals.c %D%/cuda_signals.h %D%/cuda_probe.c %D%/cuda_probe.h
# An exception of C++ passes through the allocator.
libruntime_a_CFLAGS = $(AM_CFLAGS) -fexceptions
EXTRA_DIST += %D%/README.md %D%/runtime.map

RUNTIME_SHARED = liblayrub-torch.so
RUNTIME_PARTS  = $(libruntime_a_OBJECTS) libsim.a libcore.a
# A private library: its one user is the package for Python of the same version.
runtimeexecdir = $(libdir)/layrub
if HAVE_PYTHON
nodist_runtimeexec_DATA = $(RUNTIME_SHARED)
else
noinst_DATA = $(RUNTIME_SHARED)
endif
CLEANFILES += $(RUNTIME_SHARED)

$(RUNTIME_SHARED): $(RUNTIME_PARTS) libruntime.a $(srcdir)/%D%/runtime.map
	$(AM_V_CCLD)$(CC) -shared -Wl,-soname,$(RUNTIME_SHARED) -Wl,--version-script=$(srcdir)/%D%/runtime.map $(if $(SAN_CFLAGS),,-Wl,-z,defs) \
	  $(AM_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) $(LDFLAGS) -o $@ $(RUNTIME_PARTS) $(JANSSON_LIBS) $(XXHASH_LIBS) $(LIBS) -ldl -pthread
