# SPDX-License-Identifier: Apache-2.0
# The package for Python.  Its files are data to make: Python compiles them itself when it first imports them.
PYTHON_MODULES = %D%/layrub/__init__.py %D%/layrub/_binding.py %D%/layrub/_convert.py %D%/layrub/_load.py %D%/layrub/_search.py %D%/layrub/library.py \
	%D%/layrub/autocast.py %D%/layrub/command.py %D%/layrub/compare.py %D%/layrub/errors.py %D%/layrub/executor.py %D%/layrub/form.py %D%/layrub/generator.py %D%/layrub/ghost.py %D%/layrub/graph.py %D%/layrub/guards.py \
	%D%/layrub/homes.py %D%/layrub/living.py %D%/layrub/recording.py %D%/layrub/requests.py %D%/layrub/run.py %D%/layrub/runtime.py %D%/layrub/scalars.py \
	%D%/layrub/statistics.py %D%/layrub/undo.py %D%/layrub/verify.py \
	%D%/layrub/huggingface.py %D%/layrub/known.py %D%/layrub/measure.py %D%/layrub/observer.py %D%/layrub/private.py %D%/layrub/recorder.py \
	%D%/layrub/script.py %D%/layrub/split.py %D%/layrub/tape.py %D%/layrub/where.py %D%/layrub/work.py \
	%D%/layrub/py.typed
EXTRA_DIST += $(PYTHON_MODULES) %D%/README.md %D%/pyproject.toml %D%/make_binding.py \
	%D%/validate.py %D%/examples/gpt.py %D%/examples/images.py %D%/examples/lora.py \
	%D%/tests/conftest.py %D%/tests/test_binding.py %D%/tests/test_library.py \
	%D%/tests/models.py %D%/tests/replay.py %D%/tests/running.py %D%/tests/test_recorder.py %D%/tests/test_requests.py %D%/tests/test_run_examples.py %D%/tests/test_run_models.py \
	%D%/tests/test_run_refusals.py %D%/tests/test_run_steps.py %D%/tests/test_run_training.py %D%/tests/test_transformers.py

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
endif

# After a change of layrub.h, into the sources.  Needs pycparser.
.PHONY: binding
binding:
	$(AM_V_GEN)CC='$(CC)' '$(PYTHON)' $(srcdir)/%D%/make_binding.py $(srcdir)/src/library/layrub.h >binding.tmp && \
	  mv binding.tmp $(srcdir)/%D%/layrub/_binding.py
CLEANFILES += binding.tmp
