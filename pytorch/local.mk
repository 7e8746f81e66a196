# SPDX-License-Identifier: Apache-2.0
# The package for Python.  Its files are data to make: Python compiles them itself when it first imports them.
PYTHON_MODULES = \
	%D%/layrub/__init__.py \
	%D%/layrub/_before_cuda.py \
	%D%/layrub/_binding.py \
	%D%/layrub/_convert.py \
	%D%/layrub/_load.py \
	%D%/layrub/_search.py \
	%D%/layrub/allocator.py \
	%D%/layrub/answers.py \
	%D%/layrub/attention.py \
	%D%/layrub/autocast.py \
	%D%/layrub/choices.py \
	%D%/layrub/command.py \
	%D%/layrub/compare.py \
	%D%/layrub/compiled.py \
	%D%/layrub/errors.py \
	%D%/layrub/executor.py \
	%D%/layrub/fit.py \
	%D%/layrub/form.py \
	%D%/layrub/generator.py \
	%D%/layrub/ghost.py \
	%D%/layrub/gpu.py \
	%D%/layrub/graph.py \
	%D%/layrub/guards.py \
	%D%/layrub/hidden.py \
	%D%/layrub/homes.py \
	%D%/layrub/huggingface.py \
	%D%/layrub/kernels.py \
	%D%/layrub/known.py \
	%D%/layrub/launches.py \
	%D%/layrub/library.py \
	%D%/layrub/living.py \
	%D%/layrub/load.py \
	%D%/layrub/measure.py \
	%D%/layrub/measured.py \
	%D%/layrub/named.py \
	%D%/layrub/observer.py \
	%D%/layrub/private.py \
	%D%/layrub/recorder.py \
	%D%/layrub/recording.py \
	%D%/layrub/requests.py \
	%D%/layrub/resident.py \
	%D%/layrub/run.py \
	%D%/layrub/runtime.py \
	%D%/layrub/scalars.py \
	%D%/layrub/scratch.py \
	%D%/layrub/script.py \
	%D%/layrub/shapes.py \
	%D%/layrub/snapshot.py \
	%D%/layrub/split.py \
	%D%/layrub/tape.py \
	%D%/layrub/terminal.py \
	%D%/layrub/traces.py \
	%D%/layrub/undo.py \
	%D%/layrub/unmapped.py \
	%D%/layrub/verify.py \
	%D%/layrub/where.py \
	%D%/layrub/work.py \
	%D%/layrub/workspace.py \
	%D%/layrub/py.typed
EXTRA_DIST += $(PYTHON_MODULES) %D%/README.md %D%/pyproject.toml \
	%D%/bench.py \
	%D%/make_binding.py \
	%D%/peers.py \
	%D%/truth.py \
	%D%/steps.py \
	%D%/validate.py \
	%D%/examples/gpt.py \
	%D%/examples/images.py \
	%D%/examples/lora.py \
	%D%/tests/conftest.py \
	%D%/tests/models.py \
	%D%/tests/running.py \
	%D%/tests/test_assumed.py \
	%D%/tests/test_binding.py \
	%D%/tests/test_command.py \
	%D%/tests/test_gpu.py \
	%D%/tests/test_library.py \
	%D%/tests/test_load.py \
	%D%/tests/test_page.py \
	%D%/tests/test_recorder.py \
	%D%/tests/test_refusals.py \
	%D%/tests/test_requests.py \
	%D%/tests/test_run_examples.py \
	%D%/tests/test_run_models.py \
	%D%/tests/test_run_refusals.py \
	%D%/tests/test_run_steps.py \
	%D%/tests/test_run_training.py \
	%D%/tests/test_snapshot.py \
	%D%/tests/test_split.py \
	%D%/tests/test_steps.py \
	%D%/tests/test_measured.py \
	%D%/tests/test_traces.py \
	%D%/tests/test_transformers.py

include pytorch/runtime/local.mk

if HAVE_PYTHON
layrubpythondir = $(pythondir)/layrub
layrubpython_DATA = $(PYTHON_MODULES) %D%/layrub/_installed.py
CLEANFILES += %D%/layrub/_installed.py

# Where the installed package finds the installed library.
%D%/layrub/_installed.py: Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && { echo '# SPDX-License-Identifier: Apache-2.0'; \
	  echo '"""_installed.py - the library that was installed with this package"""'; \
	  echo 'LIBRARY = "$(libdir)/liblayrub.so.$(LIBRARY_NUMBER)"'; } >$@

nodist_bin_SCRIPTS = %D%/layrub-torch
CLEANFILES += %D%/layrub-torch

# The command, for the Python that has the package.
%D%/layrub-torch: Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && { echo '#!$(PYTHON)'; echo '# SPDX-License-Identifier: Apache-2.0'; echo 'import sys'; \
	  echo; echo 'sys.path.append("$(pythondir)")'; echo 'from layrub.command import main'; echo; echo 'sys.exit(main())'; } >$@ && chmod +x $@
endif

# After a change of layrub.h, into the sources.  Needs pycparser.
.PHONY: binding
binding:
	$(AM_V_GEN)CC='$(CC)' '$(PYTHON)' $(srcdir)/%D%/make_binding.py $(srcdir)/src/library/layrub.h >binding.tmp && \
	  mv binding.tmp $(srcdir)/%D%/layrub/_binding.py
CLEANFILES += binding.tmp

# The recorder's time and memory, where PyTorch is.
BENCHES += bench-recorder
.PHONY: bench-recorder
bench-recorder: $(LIBRARY_SHARED)
	@test -z '$(PYTHON)' || LAYRUB_LIBRARY='$(abs_top_builddir)/$(LIBRARY_SHARED)' '$(PYTHON)' $(srcdir)/%D%/bench.py
