# SPDX-License-Identifier: Apache-2.0
"""_search.py - calls that search: their callbacks, and Ctrl-C"""
from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from layrub._binding import Structure
from layrub._load import LayrubError


class _Watch:
    """Callbacks of one search, and Ctrl-C.  No exception may leave a callback: the first one ends the search and waits here."""

    def __init__(self, options: Structure, stopped: Callable[[], bool] | None,
                 progress: Callable[[str], None] | None) -> None:
        self.stopped, self.progress = stopped, progress
        self.raised: BaseException | None = None
        types = dict(type(options)._fields_)
        options.stopped = self.kept_stopped = types["stopped"](self.ask)
        options.progress = self.kept_progress = types["progress"](self.tell)

    def ask(self, _: Any) -> bool:
        try:
            return self.raised is not None or (self.stopped is not None and bool(self.stopped()))
        except BaseException as e:
            self.raised = e
            return True

    def tell(self, _: Any, line: bytes) -> None:
        try:
            if self.progress is not None and self.raised is None:
                self.progress(line.decode(errors="replace"))
        except BaseException as e:
            self.raised = e

    @contextmanager
    def interrupts(self) -> Iterator[None]:
        """Turns Ctrl-C into an end of the search.  A handler that the program has set itself stays."""
        ours = (threading.current_thread() is threading.main_thread()
                and signal.getsignal(signal.SIGINT) is signal.default_int_handler)

        def interrupted(*_: Any) -> None:
            self.raised = KeyboardInterrupt()

        if ours:
            signal.signal(signal.SIGINT, interrupted)
        try:
            yield
        finally:
            if ours:
                signal.signal(signal.SIGINT, signal.default_int_handler)


def search(run: Callable[[Any], Any], options: Structure, stopped: Callable[[], bool] | None,
           progress: Callable[[str], None] | None) -> Any:
    """Returns the result of run(options).  Raises what a callback has raised, KeyboardInterrupt for Ctrl-C, or run's LayrubError.

    A result that is not returned is closed, if it is a handle.
    """
    watch = _Watch(options, stopped, progress)
    found, failed = None, None
    with watch.interrupts():
        try:
            found = run(options)
        except LayrubError as e:
            failed = e
    if watch.raised is not None:
        if hasattr(found, "close"):
            found.close()
        raise watch.raised
    if failed is not None:
        raise failed
    return found
