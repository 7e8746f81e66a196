#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""policy.py - an external policy: offloads what is idle the longest for its bytes, while the step is over the budget

    layrub compare resnet50 --device h100 --budget 60% --exec 'python3 policy.py'
"""

import json
import sys
from typing import Any


def copies_hide(interval: dict[str, Any], start_us: list[float]) -> bool:
    """Whether both copies fit into the time in which the tensor is idle."""
    idle_us = start_us[interval["to"]] - start_us[interval["from"]]
    return interval["out_us"] + interval["in_us"] < idle_us


def choose(problem: dict[str, Any]) -> list[dict[str, Any]]:
    budget, live = problem["budget_bytes"], problem["live_bytes"]
    start_us = [0.0]
    for op in problem["graph"]["ops"]:
        start_us.append(start_us[-1] + op["time_us"])

    def excess(interval: dict[str, Any]) -> float:
        """Byte-microseconds over the budget that the tensor's absence saves."""
        ops = range(interval["from"], interval["to"])
        return sum(min(interval["bytes"], live[k] - budget) * (start_us[k + 1] - start_us[k]) for k in ops if live[k] > budget)

    intervals = sorted(problem["intervals"], key=lambda x: (not copies_hide(x, start_us), -excess(x), x["id"]))
    chosen = []
    for x in intervals:
        if excess(x) > 0:
            chosen.append({"id": x["id"], "do": "offload"})
            for k in range(x["from"], x["to"]):
                live[k] -= x["bytes"]
    return chosen


if __name__ == "__main__":
    answer = {"format": "layrub-schedule", "version": 1, "intervals": choose(json.load(sys.stdin))}
    json.dump(answer, sys.stdout)
