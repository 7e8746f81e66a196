# SPDX-License-Identifier: Apache-2.0
"""Refusals: what a recording cannot hold, said before anything runs under a plan; and the exit statuses of layrub-torch."""

EXIT_NO, EXIT_BAD, EXIT_SYSTEM = 1, 2, 3


class Refused(Exception):
    """The step cannot be recorded; the text names the line of the user's code and what to do."""
