"""How much of a hand-written mapping `beatwise source new` finds by itself, file by file.

::

    python -m benchmarks.proposals

For each real file the built-in mapping (written by a person who read the ``SOURCE.md``) is the answer. A column counts
as right when the proposal fills it from a header the answer reads for it; constants and rules that read the file's
name are left out, since no header could tell them. The table stands in docs/stewards.md.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.fuzzing.bases import shared_data
from data.sources.mapping import FileKind, load_mapping, parse_mapping
from data.sources.matching import match_file
from data.sources.personal import key_of_header
from data.sources.propose import Known, Proposal, propose_mapping
from data.sources.reading import headers_of, keys_of

#: Built-in mapping → files its proposal is compared on, and a point of the area for those with projected coordinates.
FILES: tuple[tuple[str, str, tuple[float, float] | None], ...] = (
    ("portland", "nij_portland/raw/*.xlsx", (-122.7, 45.5)),
    ("portland", "nij_portland/portland_police_districts.geojson", None),
    ("st_louis", "st_louis/raw/April2018.csv", (-90.2, 38.6)),
    ("taipei", "taipei_theft/raw/bicycle.csv", None),
    ("toronto", "toronto_mci/raw/mci_2019.csv", None),
    ("toronto", "toronto_mci/boundaries/*.geojson", None),
    ("chicago", "chicago/crimes_2019_sample50k.parquet", None),
    ("chicago", "chicago/crimes_2022_01_09_slim.parquet", None),
    ("chicago", "chicago/boundaries/police_beats.geojson", None),
    ("san_diego", "san_diego_cfs/pd_calls*.csv", None),
    ("sacramento", "sacramento_cad/*.csv", (-121.5, 38.6)),
    ("memphis", "memphis_robbery/robberies*.csv", None),
    ("memphis", "memphis_robbery/precincts.geojson", None),
    ("nyc", "nyc_vehicle_thefts/*.parquet", None),
    ("seattle", "cad_workload_sample/seattle*.csv", None),
    ("uk_police", "uk_police/raw/2018-12-lancashire-street.csv", None),
)


def read_by(kind: FileKind, headers: list[str]) -> dict[str, set[str]]:
    """Return canonical column → header keys of the file that a block reads for it."""
    there = set(keys_of(headers))
    found = {}
    for name, rule in kind.rules.items():
        keys = {key_of_header(header) for header in rule.reads} & there
        if keys:
            found[name] = keys
    return found


def proposed_for(path: Path, near: tuple[float, float] | None) -> tuple[Proposal, dict[str, set[str]]]:
    """Return the proposal for a file and what it reads."""
    proposal = propose_mapping([path], Known(near=near))
    kind = parse_mapping(proposal.toml).files[0]
    return proposal, read_by(kind, headers_of(path, kind))


def main() -> None:
    """Print the table."""
    print("| file | columns in the answer | right | not found or from another header | more than the answer | kept |")
    print("| --- | --- | --- | --- | --- | --- |")
    everything = good = 0
    for source, pattern, near in FILES:
        path = sorted(shared_data().glob(pattern))[0]
        answer_kind = match_file(path, load_mapping(source))
        answer = read_by(answer_kind, headers_of(path, answer_kind))
        proposal, found = proposed_for(path, near)
        right = {name for name, keys in answer.items() if found.get(name, set()) & keys}
        wrong = sorted(set(answer) - right)
        more = sorted(set(found) - set(answer))
        one = proposal.files[0]
        everything, good = everything + len(answer), good + len(right)
        print(
            f"| {source}: {path.name} | {len(answer)} | {len(right)} | {', '.join(wrong) or '–'} "
            f"| {', '.join(more) or '–'} | {one.kept:,} of {one.tried:,} |"
        )
    print(f"\n{good} of {everything} columns ({good / everything:.0%}).")


if __name__ == "__main__":
    main()
