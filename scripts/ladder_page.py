"""Write docs/ladder.md: what metrics say of models whose knowledge is known.

uqs run studies/ladder.yaml && python scripts/ladder_page.py runs/ladder > docs/ladder.md
"""

from __future__ import annotations

import sys
from pathlib import Path

from uqs import results
from uqs.audit.ladder import Ladder, Rung, ladders
from uqs.card_metadata import attach
from uqs.results.tables import of_rows

INTRODUCTION = """# Models of known truth

Made by `scripts/ladder_page.py` from a run of `studies/ladder.yaml`.

All models of a benchmark are trained from the same base, in the same way, until they answer 98% of what
they are taught: the retain set and a known share of the forget entities. Share 0 are the oracles, share 1
the originals; 0.25 of 5 concepts is one concept, 0.2. A metric that follows the truth changes along the
ladder in one direction: |rho| (Spearman, value against share, all models) is then near 1. That is
necessary and not sufficient. Unlearned models leave the path of retrained ones, each in its own way; the
models beside the ladder show two of those ways:

- *suppressed* models know everything (share 1) and do not say it: `refusal`. A metric that puts them near
  share 0 is blind to hidden knowledge.
- *damaged* models forgot nothing (share 1) and something else broke: `noise` (of so many root mean
  squares of each trained tensor). A metric that moves them towards share 0 raises a false alarm.

Cells are means ± standard deviations between models; a single model has none. Distances are means over
the oracles, for an oracle over the others. A row is a metric on a split.
"""


def main(run: Path) -> None:
    file = run / "results.parquet"
    long = attach(of_rows(results.read(file), file), results.metadata(file), file)
    found = ladders(long)
    print(INTRODUCTION)
    print("## Which metrics follow the share\n")
    print("|rho| on each benchmark, the least of them last; sorted by it.\n".replace("|", "\\|"))
    print(_summary(found))
    for benchmark in dict.fromkeys(one.benchmark for one in found):
        print(f"\n## {benchmark}\n")
        print(_table([one for one in found if one.benchmark == benchmark]))


def _summary(found: list[Ladder]) -> str:
    benchmarks = list(dict.fromkeys(one.benchmark for one in found))
    rows: dict[tuple[str, str], dict[str, float | None]] = {}
    for one in found:
        rows.setdefault((one.metric, one.split), {})[one.benchmark] = one.rho

    def least(by: dict[str, float | None]) -> float:
        return min(0.0 if rho is None else abs(rho) for rho in by.values())

    lines = [_line(["metric", "split", *benchmarks, "least"])]
    lines.append("|---|---|" + "---:|" * (len(benchmarks) + 1))
    for (metric, split), by in sorted(rows.items(), key=lambda item: (-least(item[1]), item[0])):
        cells = [_rho(by[name]) if name in by else "-" for name in benchmarks]
        lines.append(_line([metric, split, *cells, f"{least(by):.2f}"]))
    return "\n".join(lines)


def _table(found: list[Ladder]) -> str:
    shares = sorted({rung.share for one in found for rung in one.rungs})
    beside = sorted({_name(rung) for one in found for rung in one.beside})
    lines = [_line(["metric", "split", *(f"{share:g}" for share in shares), "rho", *beside])]
    lines.append("|---|---|" + "---:|" * (len(shares) + 1 + len(beside)))
    for one in found:
        rungs = {rung.share: rung for rung in one.rungs}
        others = {_name(rung): rung for rung in one.beside}
        cells = [
            *(_cell(rungs.get(share)) for share in shares),
            _rho(one.rho),
            *(_cell(others.get(name)) for name in beside),
        ]
        lines.append(_line([one.metric, one.split, *cells]))
    return "\n".join(lines)


def _name(rung: Rung) -> str:
    return f"{rung.method} {rung.strength}".strip()


def _rho(rho: float | None) -> str:
    return "undefined" if rho is None else f"{rho:.2f}"


def _cell(rung: Rung | None) -> str:
    if rung is None:
        return "-"
    return f"{rung.mean:.3g}" + ("" if rung.sd is None else f" ± {rung.sd:.2g}")


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
