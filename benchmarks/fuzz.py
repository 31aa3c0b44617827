"""Damaged files into the ingest: never a traceback, a lost row, a personal value in the store, or a hang.

::

    python -m benchmarks.fuzz --files 10000 --seed 1 [--workers 2] [--packed] [--json]

Small heads of real and demo files get an identity number, a mobile number and an e-mail address planted in their text
cells, are damaged at random (bytes, lines, cells, headers, encodings, endings, containers) and ingested into a fresh
store, as they are and packed (gz, bz2, xz, ZIP; damaged before or after); ``--packed`` tries the packed ones only. Each
must end in one of two ways: a ``BeatwiseError`` with a message, or a load in which every row is accounted for.
``tests/data/sources/test_fuzz.py`` runs a few hundred; the figures of a full run are in docs/stewards.md.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.fuzzing.bases import demo_bases, packed_bases, real_bases, shared_data
from benchmarks.fuzzing.trials import Outcome, try_one


@dataclass
class Tally:
    """Outcomes of a run."""

    files: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    by_damage: dict[str, Counter[str]] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    findings: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, outcome: Outcome, rows: dict[str, int]) -> None:
        """Count one file."""
        self.files += 1
        self.ended[outcome.ended] += 1
        self.rows.update(rows)
        for damage in outcome.damages:
            self.by_damage.setdefault(damage, Counter())[outcome.ended] += 1
        if outcome.ended not in ("loaded", "refused"):
            self.findings.append(outcome)


def run_part(seeds: range, real: bool, packed_only: bool = False) -> Tally:
    """Try one file for each seed."""
    plain = demo_bases() + (real_bases(shared_data()) if real else [])
    bases = packed_bases(plain) if packed_only else [*plain, *packed_bases(plain)]
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="beatwise-fuzz-") as folder:
        for seed in seeds:
            tally.add(*try_one(seed, bases, Path(folder)))
    return tally


def run(files: int, seed: int, workers: int = 1, real: bool = True, packed_only: bool = False) -> Tally:
    """Try ``files`` damaged files in ``workers`` processes."""
    started = time.perf_counter()
    step = -(-files // (workers * 4))
    parts = [range(seed + start, seed + min(start + step, files)) for start in range(0, files, step)]
    whole = Tally()
    if workers == 1:
        tallies = [run_part(part, real, packed_only) for part in parts]
    else:
        with ProcessPoolExecutor(workers) as pool:
            tallies = list(pool.map(run_part, parts, [real] * len(parts), [packed_only] * len(parts)))
    for tally in tallies:
        whole.files += tally.files
        whole.ended += tally.ended
        whole.rows += tally.rows
        whole.findings += tally.findings
        for name, counts in tally.by_damage.items():
            whole.by_damage.setdefault(name, Counter()).update(counts)
    whole.seconds = round(time.perf_counter() - started, 1)
    return whole


def main() -> None:
    """Run and print the tally; exit 1 when anything was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--packed", action="store_true")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    tally = run(asked.files, asked.seed, asked.workers, packed_only=asked.packed)
    if asked.json:
        print(json.dumps({**tally.__dict__, "findings": [one.__dict__ for one in tally.findings]}, ensure_ascii=False))
    else:
        print(f"{tally.files:,} files in {tally.seconds:,} s: {dict(tally.ended)}; rows {dict(tally.rows)}")
        for name, counts in sorted(tally.by_damage.items()):
            print(f"  {name:<18} {dict(counts)}")
        for one in tally.findings[:20]:
            print(f"\nseed {one.seed} {one.base} {one.damages}: {one.ended}\n{one.message[-1500:]}")
    raise SystemExit(1 if tally.findings else 0)


if __name__ == "__main__":
    main()
