"""The first lines of a report, held against the tables they are made from."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace

from rich.console import Console

from uqs.report.analysis import analyse
from uqs.report.finish import finish
from uqs.report.gates import Check, Gates
from uqs.report.headlines import headlines
from uqs.results import Row

SHARES = {0.25: 0.3, 0.5: 0.55, 0.75: 0.8}


def references(rows: list[Row]) -> Iterator[Row]:
    """On every benchmark FA follows the share, RA goes up and down; one suppressed model."""
    originals = [row for row in rows if row.role == "original" and row.metric in ("FA", "RA")]
    for row in originals:
        for place, (share, value) in enumerate(SHARES.items()):
            own = value if row.metric == "FA" else 0.9 + 0.05 * (place % 2)
            yield replace(
                row,
                role="reference",
                method="retrain_part",
                strength=f"{share:g}",
                share=share,
                value=own,
            )
        yield replace(row, role="suppressed", method="refusal", share=1.0, value=0.01)


def with_shares(rows: list[Row]) -> list[Row]:
    known = {"oracle": 0.0, "original": 1.0}
    return [*(replace(row, share=known.get(row.role)) for row in rows), *references(rows)]


def test_the_first_lines_are_those_of_the_score_and_the_audit(rows: list[Row], make_run) -> None:
    found = analyse(make_run(with_shares(rows)))
    method, *between, base = headlines(found)
    score = found.overall.equal
    first = [one.method for one in score.methods if one.rank_interval[0] == 1]
    assert all(name in method for name in first)
    assert tuple(between) == found.audit.in_short
    assert base == "What it stands on: 36 unlearned models and 6 oracles on 3 benchmarks."


def test_benchmarks_that_stopped_are_named(rows: list[Row], make_run) -> None:
    found = analyse(make_run(rows))
    failed = Check("oracle_forget_entities", "oracle_0", 0.3, 0.125, "below", passed=False)
    gates = {name: Gates(passed=False, checks=(failed,)) for name in ("a", "b")}
    for some, said in (
        (("a",), "; a failed its gates."),
        (("a", "b"), "; a and b failed their gates."),
    ):
        stopped = replace(found, gates={name: gates[name] for name in some})
        assert headlines(stopped)[-1].endswith(said)


def test_no_reference_counts_among_the_methods(rows: list[Row], make_run) -> None:
    """The means, the audit and the score are those of the table without them."""
    bare, full = analyse(make_run(rows)), analyse(make_run(with_shares(rows), name="full"))
    assert full.summary.methods == bare.summary.methods
    assert full.summary.means == bare.summary.means
    for part in ("design", "agreement", "reliability", "clusters"):
        assert getattr(full.audit, part) == getattr(bare.audit, part)
    assert [one.uqs for one in full.overall.published.methods] == [
        one.uqs for one in bare.overall.published.methods
    ]
    assert (bare.overall.equal.form, full.overall.equal.form) == ("published", "calibrated")


def test_the_ladder_is_printed_with_what_stands_beside_it(rows: list[Row], make_run) -> None:
    out = io.StringIO()
    finish(make_run(with_shares(rows)), Console(file=out, width=160, markup=False, highlight=False))
    text = out.getvalue()
    assert text.index("In short") < text.index("Gates")
    part = text.split("Models of known truth on mllmu_bench")[1]
    (line,) = [row for row in part.splitlines() if row.startswith("│ FA")][:1]
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells[0] == "FA"
    assert cells[1].startswith("0.210 ±")  # oracles .2 and .22
    assert [cell.split(" ")[0] for cell in cells[2:5]] == ["0.300", "0.550", "0.800"]
    assert cells[7].startswith("0.010")  # refusal, behind the rho
