# SPDX-License-Identifier: Apache-2.0
"""terminal.py - the last line of a terminal, which says what runs and for how long"""

from __future__ import annotations

import sys
import threading
import time

SECONDS = 1.0  # between two lines


class Status:
    """While it is entered, a terminal on standard error shows the last line that say() was given, with its seconds."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._line, self._since = "", time.monotonic()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Status:
        if self._shown:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._shown:
            self._thread.join()
            self.clear()

    def say(self, line: str) -> None:
        """What runs from now on."""
        self._line, self._since = line, time.monotonic()

    def clear(self) -> None:
        """Empties the line, before something else is printed."""
        if self._shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def _tick(self) -> None:
        while not self._done.wait(SECONDS):
            if self._line:
                seconds = time.monotonic() - self._since
                print(f"\r\033[K{self._line} ({seconds:.0f} s)", end="", file=sys.stderr, flush=True)
