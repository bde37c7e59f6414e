"""`python -m tests.simulation`: play histories from the command line; see --help."""

import argparse
import sys
import time
from os import cpu_count

from tests.simulation.run import explained, measure, play_many, traced


def _show_progress(answers, total):
    """Pass the answers on and show how far we are."""
    began = last = time.monotonic()
    for count, told in enumerate(answers, 1):
        now = time.monotonic()
        if now - last >= 1 and sys.stderr.isatty():
            last = now
            left = (now - began) / count * (total - count)
            print(f"\r{count:,} of {total:,}, {left:,.0f} s left ", end="", file=sys.stderr)
        if told.wrong is not None:
            print(f"\n{explained(told)}")
        yield told
    if sys.stderr.isatty():
        print(file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="play this one history")
    parser.add_argument("--trace", action="store_true", help="show every call of a port")
    parser.add_argument("--histories", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=cpu_count() or 1)
    asked = parser.parse_args()
    if asked.seed is not None:
        lines, wrong = traced(asked.seed)
        if asked.trace:
            print("\n".join(lines))
        print(f"seed {asked.seed}: {len(lines)} lines, {wrong or 'nothing is wrong'}")
        return int(wrong is not None)
    seeds = range(asked.first, asked.first + asked.histories)
    answers = play_many(seeds, processes=asked.processes)
    wrong, figure = measure(_show_progress(answers, len(seeds)))
    print(figure)
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
