# SPDX-License-Identifier: Apache-2.0
"""PyTorch gets our allocator before CUDA starts: at `import layrub`, or when PyTorch is imported after it.

A plan's ops write straight to its addresses only where the allocator is ours, and CUDA cannot change it once it has begun.
LAYRUB_ALLOCATOR=pytorch leaves PyTorch its own; steps on a GPU can then be recorded, and not run in a plan.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import os
import sys
from typing import Any


def begin() -> None:
    """Installs the allocator now, or when PyTorch is imported.  Where it cannot be had, compile() says why."""
    if os.environ.get("LAYRUB_ALLOCATOR") == "pytorch":
        return
    if "torch" in sys.modules:
        _install()
    else:
        sys.meta_path.insert(0, _AfterTorch())


def _install() -> None:
    from layrub.errors import Refused

    with contextlib.suppress(ImportError, Refused):
        from layrub import allocator

        allocator.install()


class _AfterTorch(importlib.abc.MetaPathFinder):
    """Finds nothing but PyTorch, once, as the other finders do."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec("torch")
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def then_install(module: Any) -> None:
                run(module)
                _install()

            spec.loader.exec_module = then_install  # type: ignore[method-assign]
        return spec
