# SPDX-License-Identifier: Apache-2.0
"""half.py - half.c in Python

    python3 half.py graphs/resnet50 h100
"""
from __future__ import annotations

import sys

import layrub

SHOWN = 12


def mib(count: int) -> str:
    return f"{count / 2**20:.0f} MiB"


def show(plan: layrub.Plan, number: int) -> None:
    """Prints the work of an executor for one instruction: queues become streams, `after` becomes events."""
    program, this = plan.program, plan.program.instructions[number]

    def words(first: str, values: list[int]) -> str:
        return "".join([first] + [f" {v}" for v in values]) if values else ""

    if this.queue is layrub.Queue.COMPUTE:
        line = f"run {plan.graph.ops[this.op].name}"
        line += words(" from", [program.buffers[b].offset_bytes for b in this.reads])
        line += words(" to", [program.buffers[b].offset_bytes for b in this.writes])
    else:
        line = f"copy {this.bytes} bytes {'to' if this.queue is layrub.Queue.OUT else 'from'} the host"
    print(f"{number:4}  {this.queue.name.lower():7}  {line}{words(', after', list(this.after))}")


def report(plan: layrub.Plan) -> None:
    program, now = plan.program, plan.simulate()
    changed = plan.simulate(h2d_bytes_per_s=16e9, d2h_bytes_per_s=16e9)
    print(f"policy   {program.policy}")
    print(f"arena    {mib(program.arena_bytes)} of {mib(now.budget_bytes)}")
    print(f"host     {mib(program.host_bytes)}")
    print(f"step     {now.step_time_us / 1e3:.1f} ms, {now.ideal_time_us / 1e3:.1f} ms with everything resident")
    print(f"         {changed.step_time_us / 1e3:.1f} ms with a link of 16 GB/s")
    print(f"first {SHOWN} of {len(program.instructions)} instructions")
    for number in range(min(SHOWN, len(program.instructions))):
        show(plan, number)


def main(arguments: list[str]) -> int:
    if len(arguments) not in (2, 3):
        print("usage: half.py NETWORK|GRAPH DEVICE [POLICY]", file=sys.stderr)
        return 2
    try:
        with layrub.Problem.open(arguments[0], device=arguments[1]) as problem:
            print(f"needs    {mib(problem.needs.peak_bytes)}")
            report(problem.plan(budget_percent=50, policy=arguments[2] if len(arguments) > 2 else None))
    except layrub.LayrubError as e:
        print(f"half.py: {e}", file=sys.stderr)
        return 1 if e.code is layrub.Code.INFEASIBLE else 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
