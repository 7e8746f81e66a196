# SPDX-License-Identifier: Apache-2.0
# layrub-replay: no planner and no GLPK.  The host back end is always built; CUDA adds its files.
bin_PROGRAMS += layrub-replay
layrub_replay_SOURCES = \
	%D%/main.c %D%/replay.c %D%/replay.h %D%/prepare.c %D%/reference.c %D%/reference.h \
	%D%/pattern.c %D%/pattern.h %D%/pattern_data.h \
	%D%/backend_host.c %D%/measure.c %D%/measure.h
layrub_replay_CPPFLAGS = $(AM_CPPFLAGS)
layrub_replay_CFLAGS   = $(AM_CFLAGS) -pthread
layrub_replay_LDFLAGS  = $(AM_LDFLAGS) -pthread
layrub_replay_LDADD    = libsim.a libcore.a $(JANSSON_LIBS) $(XXHASH_LIBS)

if HAVE_CUDA
layrub_replay_SOURCES += \
	%D%/backend_cuda.c %D%/cuda_try.c %D%/cuda_try.h %D%/pattern_cuda.cu %D%/pattern_cuda.h \
	%D%/calibrate.c %D%/calibrate.h %D%/calibrate_private.h %D%/calibrate_link.c %D%/calibrate_compute.c \
	%D%/calibrate_gemm.c %D%/calibrate_beside.c %D%/calibrate_queues.c %D%/calibrate_fit.c %D%/calibrate_fit.h
layrub_replay_CPPFLAGS += -DHAVE_CUDA=1 $(CUDA_CPPFLAGS)
layrub_replay_LDFLAGS  += $(CUDA_LDFLAGS)
layrub_replay_LDADD    += $(CUDA_LIBS)
endif
EXTRA_DIST += %D%/README.md %D%/validate.sh %D%/validation.gp

AM_V_NVCC    = $(am__v_NVCC_$(V))
am__v_NVCC_  = $(am__v_NVCC_$(AM_DEFAULT_VERBOSITY))
am__v_NVCC_0 = @echo "  NVCC    " $@;
am__v_NVCC_1 =
SUFFIXES = .cu
# nvcc compiles only kernels; per-target flags do not reach a suffix rule.
.cu.o:
	$(AM_V_NVCC)$(MKDIR_P) $(@D) && \
	$(NVCC) $(NVCCFLAGS) $(AM_CPPFLAGS) -MMD -MP -MF $@.d -c $< -o $@
-include %D%/pattern_cuda.o.d
CLEANFILES += %D%/pattern_cuda.o.d
