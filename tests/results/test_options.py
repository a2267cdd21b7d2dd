"""`uqs audit` and `uqs score` read a table by the same options."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from uqs.cli.audit import audit
from uqs.cli.score import score
from uqs.errors import UserError
from uqs.results.choice import Choice, parse

ODD = "Approach;Dataset;Acc;RA (%);FA;note\nga;b;61,5;70,5;0,1;7\nnpo;b;40,5;71;0,2;7\nkl;b;40;72;0,3;8\n"
OPTIONS = [
    "--rename",
    "Approach=method",
    "--rename",
    "Acc=MIA",
    "--drop",
    "note",
    "--percent",
    "MIA",
]


@pytest.mark.parametrize("verb", [audit, score])
def test_both_verbs(tmp_path: Path, verb: object) -> None:
    (tmp_path / "odd.csv").write_text(ODD)
    (tmp_path / "plain.csv").write_text(
        "benchmark,method,seed,MIA,RA,FA\nb,ga,0,0.615,0.705,0.1\nb,npo,0,0.405,0.71,0.2\nb,kl,0,0.4,0.72,0.3\n"
    )
    app = Typer()
    app.command()(verb)  # type: ignore[type-var]
    odd, plain = (
        CliRunner().invoke(app, [str(tmp_path / name), "--json", *options], catch_exceptions=False)
        for name, options in (("odd.csv", OPTIONS), ("plain.csv", []))
    )
    assert odd.exit_code == plain.exit_code == 0
    found, expected = json.loads(odd.stdout), json.loads(plain.stdout)
    said = found["verdicts"] if verb is audit else found["notes"]
    assert said.pop(0) == "The table has no seed column: each row counts as one run."
    assert found == expected


def test_words_of_options() -> None:
    assert parse(["FA, RA", "MIA"], [], ["a=b", "c = d"], ["FA"]) == Choice(
        ("FA", "RA", "MIA"), (), {"a": "b", "c": "d"}, ("FA",)
    )
    for words in (["x"], ["=y"], ["x="], ["a=b", "a=c"]):
        with pytest.raises(UserError, match="--rename"):
            parse([], [], words, [])
    with pytest.raises(UserError, match="--drop has an empty name"):
        parse([], ["a,,b"], [], [])
