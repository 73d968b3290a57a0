"""The long run, by command."""

from __future__ import annotations

import argparse
import sys

from .hunt import FalseAllow, Figures, Product, hunt


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.security.fuzz", description="The policy against real bash.")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="how many lines are judged")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    figures = hunt(Product(), args.inputs, args.seed, told)
    print(f"seed {args.seed}: {figures}")
    return 1 if figures.false_allows else 0


def told(figures: Figures, found: list[FalseAllow]) -> None:
    """Every false allow at once, the figures now and then."""
    for it in found:
        print(it, flush=True)
    if figures.inputs % 20_000 == 0:
        print(figures, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
