"""The command line of a comparison over made-up lives: one seed, or a range of them, and what differed."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence


def campaign(
    program: str,
    about: str | None,
    differences: Callable[[int], list[str]],
    arguments: Sequence[str] | None = None,
    *,
    shown: Callable[[int], str] | None = None,
) -> int:
    """`shown` tells one life in full. Exit code 1: some life came out in two ways; the command to see it is printed."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, help="one life, shown in full")
    parser.add_argument("--seeds", default="0..300", help="a range, such as 0..300 (the end is not in it)")
    parser.add_argument("--first", action="store_true", help="stop at the first one with a difference")
    asked = parser.parse_args(arguments)
    first, last = (int(part) for part in asked.seeds.split(".."))
    seeds = range(first, last) if asked.seed is None else [asked.seed]
    failing = 0
    for seed in seeds:
        found = differences(seed)
        if asked.seed is not None and shown is not None:
            print(shown(seed))
        if found:
            failing += 1
            print(f"seed {seed}: python -m {program} --seed {seed}", *found, sep="\n    ")
            if asked.first:
                break
    print(f"{len(seeds)} seeds, {failing} with differences")
    return 1 if failing else 0
