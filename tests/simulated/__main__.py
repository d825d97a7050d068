"""`python -m tests.simulated --seed N [--trace]`, or `--seeds A..B`: what a schedule does, and whether it kept what is
promised.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time

from tests.simulated.schedule import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulated", description=__doc__)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seeds", help="A..B, B included")
    parser.add_argument("--trace", action="store_true", help="print every step")
    parser.add_argument("--first", action="store_true", help="stop at the first one that failed")
    options = parser.parse_args()
    first, _, last = (options.seeds or f"{options.seed or 0}").partition("..")
    gc.set_threshold(50_000, 20, 100)  # what a schedule leaves is collected now and then
    failed, began, steps = 0, time.perf_counter(), 0
    for seed in range(int(first), int(last or first) + 1):
        outcome = run(seed)
        steps += outcome.steps
        if options.trace:
            print(*outcome.trace, sep="\n")
        if outcome.problems:
            failed += 1
            command = f"seed {seed}: python -m tests.simulated --seed {seed} --trace"
            print(command, *outcome.problems, sep="\n    ", flush=True)
            if options.first:
                break
    count = int(last or first) - int(first) + 1
    took = time.perf_counter() - began
    print(f"{count} schedules, {failed} failed, {took / count * 1_000:.1f} ms and {steps // count} steps each")
    return 1 if failed else 0


sys.exit(main())
