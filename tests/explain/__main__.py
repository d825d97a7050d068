"""Explanations of many made-up lives, added up and falsified: `python -m tests.explain --seeds 0..10000`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from tests.explain.checker import problems
from tests.explain.generated import of_seed
from tests.explain.mutations import OF_CLOCKS, OF_COUNTS, OF_SILENCES, OF_TRACES, falsified


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="0..10000", help="a range; the end is not in it")
    first, last = (int(part) for part in parser.parse_args().seeds.split(".."))
    wrong, deadlines, tried, found = 0, 0, Counter[str](), Counter[str]()
    for seed, trace in ((number, told) for number in range(first, last) for told in of_seed(number)):
        deadlines += len(trace["clocks"]) + len(trace["silences"])
        refused = problems(trace)
        accepted = []
        for name, false in falsified(trace):
            tried[name] += 1
            if problems(false):
                found[name] += 1
            else:
                accepted.append(name)
        if refused or accepted:
            wrong += 1
            print(f"seed {seed}: refused {refused}; falsified and accepted {accepted}")
    for name in {**OF_COUNTS, **OF_CLOCKS, **OF_SILENCES, **OF_TRACES}:
        print(f"{name}: {found[name]:,} of {tried[name]:,} rejected")
    print(
        f"{last - first:,} cases, each told three times or more: {deadlines:,} deadlines added up, {wrong} traces wrong"
    )
    print(f"{tried.total():,} false ones, {found.total():,} rejected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
