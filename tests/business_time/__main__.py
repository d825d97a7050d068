"""More questions than a run of CI has time for: `python -m tests.business_time --queries 100000`."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time

from tests.business_time.comparison import Comparison, compare


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=100_000, help="walked minute by minute")
    parser.add_argument("--by-the-second", type=int, default=1_000, help="and as many second by second")
    parser.add_argument("--seed", type=int, default=1)
    said = parser.parse_args()
    different = 0
    for step, wanted in ((60, said.queries), (1, said.by_the_second)):
        began, comparison = time.monotonic(), Comparison()
        compare(random.Random(said.seed), wanted, step, comparison)
        kinds = ", ".join(f"{number} {op}" for op, number in sorted(comparison.asked.items()))
        print(
            f"steps of {step} s, seed {said.seed}: {comparison.asked.total()} questions ({kinds}) "
            f"in {len(comparison.zones)} zones, {len(comparison.differences)} differences, "
            f"{time.monotonic() - began:.0f} s",
            flush=True,
        )
        for difference in comparison.differences[:10]:
            print(json.dumps(difference))
        different += len(comparison.differences)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
