# ruff: noqa: E501, RUF001
"""Every form in which people have tables gives the audit of the same table in its plain form."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from uqs.audit.audit import audit, audit_long
from uqs.errors import DataError
from uqs.results.choice import Choice
from uqs.results.tables import read_long, read_table

KEYS = ["benchmark", "method", "seed"]
METRICS = ["FA", "RA", "MIA", "AD", "JS", "oracle_distance"]


@pytest.fixture(scope="module")
def plain() -> pd.DataFrame:
    """Two benchmarks of the published rows, rounded so that a paper could print them."""
    frame = pd.read_csv(str(files("uqs.reproduction") / "multimodal_llava15_7b.csv"))
    frame = frame[frame["benchmark"] != "mmubench"].reset_index(drop=True)
    return frame.round(dict.fromkeys(METRICS, 4))


def found(table: Path | pd.DataFrame, choice: Choice | None = None) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    if isinstance(table, Path):
        long = read_long(table, choice or Choice())
        return audit_long(long, rng=rng, resamples=50).to_dict()
    return audit(table, rng=rng, resamples=50).to_dict()


@pytest.fixture(scope="module")
def expected(plain: pd.DataFrame) -> dict[str, Any]:
    return found(plain)


def text(frame: pd.DataFrame, **options: Any) -> str:
    return str(frame.to_csv(index=False, **options))


def cells(frame: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    return frame.assign(**{name: frame[name].map(repr).map(change) for name in METRICS})


def markdown(frame: pd.DataFrame) -> str:
    lines = [list(frame.columns), ["---", *[":-:"] * (len(frame.columns) - 1)]]
    lines += frame.astype(str).to_numpy().tolist()
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"# Results\n\nAs printed in Table 2.\n\n{table}\n\nBest in **bold**.\n"


def escaped(word: object) -> str:
    return str(word).replace("_", r"\_")


def latex(frame: pd.DataFrame) -> str:
    names = {"FA": r"FA ($\downarrow$)", "oracle_distance": r"oracle\_distance $\downarrow$"}
    head = [names.get(name, name.capitalize() if name in KEYS else name) for name in frame]
    lines = [r"\toprule", " & ".join(head) + r" \\", r"\midrule"]
    for benchmark, part in frame.groupby("benchmark", sort=False):
        for at, row in enumerate(part.to_dict("records")):
            first = rf"\multirow{{{len(part)}}}{{*}}{{{escaped(benchmark)}}}"
            words = [first if at == 0 else "", escaped(row["method"])]
            words += [str(row["seed"]), rf"\textbf{{{row['FA']}}}", f"${row['RA']}$"]
            words += [str(row[name]) for name in METRICS[2:]]
            lines.append(" & ".join(words) + r" \\[1pt] % as measured")
        lines.append(r"\cmidrule(lr){2-9}")
    body = "\n".join([*lines, r"\bottomrule"])
    return (
        "\\begin{table}\\centering\\caption{Results, 100\\% ours}\n\\begin{tabular}[t]{ll@{}c*{6}{r}}\n"
        f"{body}\n\\end{{tabular}}\n\\end{{table}}\n"
    )


FORMS: dict[str, tuple[str, Callable[[pd.DataFrame], str | bytes]]] = {
    "unnamed index": ("t.csv", lambda f: str(f.to_csv())),
    "Unnamed: 0": ("t.csv", lambda f: text(f.reset_index(names="Unnamed: 0"))),
    "shuffled index": ("t.csv", lambda f: str(f.sample(frac=1, random_state=0).to_csv())),
    "two indices": ("t.csv", lambda f: str(f.reset_index(names="Unnamed: 0").to_csv())),
    "delimiters at the ends": ("t.csv", lambda f: text(f).replace("\n", ",\n")),
    "semicolons": ("t.csv", lambda f: text(f, sep=";")),
    "semicolons, decimal commas": ("t.csv", lambda f: text(f, sep=";", decimal=",")),
    "sep=;": ("t.csv", lambda f: "sep=;\n" + text(f, sep=";", decimal=",")),
    "TSV": ("t.tsv", lambda f: text(f, sep="\t")),
    "TSV, decimal commas": ("t.tsv", lambda f: text(f, sep="\t", decimal=",")),
    "tabs in .csv": ("t.csv", lambda f: text(f, sep="\t")),
    "tabs in .txt": ("t.txt", lambda f: text(f, sep="\t")),
    "no suffix": ("table", text),
    "UTF-8 with a mark": ("t.csv", lambda f: text(f).encode("utf-8-sig")),
    "UTF-16": ("t.csv", lambda f: text(f).encode("utf-16")),
    "UTF-16 LE without a mark": ("t.csv", lambda f: text(f).encode("utf-16-le")),
    "UTF-16 BE without a mark": ("t.csv", lambda f: text(f).encode("utf-16-be")),
    "UTF-32": ("t.csv", lambda f: text(f).encode("utf-32")),
    "gzip": ("t.csv.gz", lambda f: gzip.compress(text(f).encode())),
    "gzip without its name": ("t.csv", lambda f: gzip.compress(text(f).encode())),
    "bzip2": ("t.csv.bz2", lambda f: bz2.compress(text(f).encode())),
    "xz": ("t.json.xz", lambda f: lzma.compress(str(f.to_json(orient="records")).encode())),
    "JSON": ("t.json", lambda f: str(f.to_json(orient="records", indent=1))),
    "JSON lines": ("t.jsonl", lambda f: str(f.to_json(orient="records", lines=True))),
    "JSON lines in .json": ("t.json", lambda f: str(f.to_json(orient="records", lines=True))),
    "percent signs": (
        "t.csv",
        lambda f: text(cells(f, lambda cell: f"{float(cell) * 100:.8g}%")),
    ),
    "bold": ("t.csv", lambda f: text(cells(f, lambda cell: f"**{cell}**"))),
    "italic": ("t.csv", lambda f: text(cells(f, lambda cell: f"_{cell}_"))),
    "LaTeX in cells": ("t.csv", lambda f: text(cells(f, lambda cell: rf"$\mathbf{{{cell}}}$"))),
    "spaces": ("t.csv", lambda f: text(cells(f, lambda cell: f" \u00a0{cell}\u202f "))),
    "keys in capitals": ("t.csv", lambda f: text(f.rename(columns=str.capitalize))
        .replace("Fa,Ra,Mia,Ad,Js,Oracle", "FA,RA,MIA,AD,JS,oracle")),
    "other words for keys": ("t.csv", lambda f: text(
        f.rename(columns={"benchmark": "DataSet", "method": "Algorithm", "seed": "RUN"}))),
    "arrows": ("t.csv", lambda f: text(f.rename(columns={
        "FA": "FA (↓)", "RA": "RA↑", "MIA": "↓ MIA", "AD": r"AD $\downarrow$",
        "JS": "JS [⬇]", "oracle_distance": r"oracle\_distance ($\downarrow$)"}))),
    "percent in headers": ("t.csv", lambda f: text(f.assign(
        **{name: (f[name] * 100).round(6) for name in ("FA", "RA", "MIA")}).rename(columns={
        "FA": "FA (%) ↓", "RA": "RA (%, ↑)", "MIA": "MIA [%]"}))),
    "code names": ("t.csv", lambda f: text(f.rename(columns={
        "FA": "forget_accuracy", "RA": "retain_accuracy"}))),
    "Markdown": ("t.md", markdown),
    "Markdown, bold": ("t.md", lambda f: markdown(cells(f, lambda cell: f"**{cell}**"))),
    "Markdown in .txt": ("t.txt", markdown),
    "LaTeX": ("t.tex", latex),
    "LaTeX in .txt": ("t.txt", latex),
    "long": ("t.csv", lambda f: text(f.melt(KEYS, var_name="Metric", value_name="Value"))),
    "long, arrows": ("t.csv", lambda f: text(f.melt(KEYS, var_name="metric").replace(
        {"metric": {"FA": "FA ↓", "RA": "**RA** (↑)"}}))),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_file(tmp_path: Path, plain: pd.DataFrame, expected: dict[str, Any], form: str) -> None:
    name, write = FORMS[form]
    content = write(plain)
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert close(found(path), expected)


def close(one: Any, other: Any) -> bool:
    """Equal, but for the last digits that percent loses."""
    if isinstance(one, dict):
        return set(one) == set(other) and all(close(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(close, one, other))
    return bool(one == pytest.approx(other, abs=1e-9)) if isinstance(one, float) else one == other


@pytest.mark.parametrize("index", [["benchmark"], ["method"], KEYS, ["Seed"]])
def test_keys_in_the_index(
    tmp_path: Path, plain: pd.DataFrame, expected: dict[str, Any], index: list[str]
) -> None:
    frame = plain.rename(columns={"seed": "Seed"}) if index == ["Seed"] else plain
    indexed = frame.set_index(index)
    assert found(indexed) == expected
    indexed.to_parquet(tmp_path / "t.parquet")
    assert found(tmp_path / "t.parquet") == expected
    indexed.to_csv(tmp_path / "t.csv")
    assert read_long(tmp_path / "t.csv").equals(read_long(tmp_path / "t.parquet"))


def test_an_unnamed_index_of_a_dataframe(
    tmp_path: Path, plain: pd.DataFrame, expected: dict[str, Any]
) -> None:
    shuffled = plain.sample(frac=1, random_state=1)
    assert found(shuffled) == expected
    shuffled.to_parquet(tmp_path / "t.parquet")
    assert "__index_level_0__" in pq.read_schema(tmp_path / "t.parquet").names
    assert found(tmp_path / "t.parquet") == expected
    assert found(shuffled.set_index([shuffled.index, "seed"])) == expected


@pytest.mark.parametrize("nothing", ["-", "—", "–", "\N{MINUS SIGN}", "#N/A", "n/a", "NA", "", "--", "nan"])  # fmt: skip
def test_what_stands_for_nothing(tmp_path: Path, plain: pd.DataFrame, nothing: str) -> None:
    holes = plain.astype({"AD": object, "JS": object})
    holes.loc[[0, 3, 8], "AD"] = nothing
    holes.loc[:11, "JS"] = nothing
    (tmp_path / "t.csv").write_text(text(holes))
    missing = plain.copy()
    missing.loc[[0, 3, 8], "AD"] = np.nan
    missing.loc[:11, "JS"] = np.nan
    assert found(tmp_path / "t.csv") == found(missing)


@pytest.mark.parametrize(
    "form", ["{} ± {}", "{}±{}", "{} +/- {}", r"${} \pm {}$", "**{} ± {}**", r"${}_{{\pm {}}}$"]
)
def test_the_error_after_plus_minus_is_kept(tmp_path: Path, plain: pd.DataFrame, form: str) -> None:
    errors = [round(0.01 + at / 1000, 4) for at in range(len(plain))]
    printed = plain.assign(
        RA=[form.format(*both) for both in zip(plain["RA"], errors, strict=True)]
    )
    (tmp_path / "t.csv").write_text(text(printed))
    odd, even = found(tmp_path / "t.csv"), found(plain.assign(RA_se=errors))
    assert odd["verdicts"].pop(0) == ("The error after a ± is taken as the value's standard error.")
    assert odd == even
    assert even["noise"] != found(plain)["noise"]


def test_the_minus_sign(tmp_path: Path, plain: pd.DataFrame) -> None:
    below = plain.assign(XY=np.linspace(-1, 1, len(plain)).round(3))
    words = below["XY"].map(lambda value: str(value).replace("-", "\N{MINUS SIGN}"))
    (tmp_path / "t.csv").write_text(text(below.assign(XY=words)))
    panels = [
        read_table(tmp_path / "t.csv", {"XY": "lower"}).values["XY"],
        below.sort_values(KEYS)["XY"].to_numpy(),
    ]
    assert panels[0].tolist() == panels[1].tolist()
    assert panels[0].min() == -1


def test_no_seed_column_is_one_run_each_and_said(tmp_path: Path, plain: pd.DataFrame) -> None:
    one = plain[plain["seed"] == 42]
    (tmp_path / "t.csv").write_text(text(one.drop(columns="seed")))
    odd, even = found(tmp_path / "t.csv"), found(one)
    assert odd["verdicts"].pop(0) == "The table has no seed column: each row counts as one run."
    assert odd == even
    (tmp_path / "t.csv").write_text(text(plain.drop(columns="seed")))
    with pytest.raises(DataError, match=r"row 5, field 'seed': 0 is a second row"):
        read_table(tmp_path / "t.csv")


def test_benchmarks_over_their_metrics_in_a_header(tmp_path: Path, plain: pd.DataFrame) -> None:
    """A printed table of two lines of header: one row a method, metrics of each benchmark beside each other."""
    one = plain[plain["seed"] == 42]
    wide = one.pivot(index="method", columns="benchmark", values=["FA", "RA"])
    names = list(dict.fromkeys(one["benchmark"]))
    top = " & ".join(rf"\multicolumn{{2}}{{c}}{{{escaped(name)}}}" for name in names)
    lines = [rf"\multirow{{2}}{{*}}{{Method}} & {top} \\", ""]
    lines[1] = "& " + " & ".join([r"FA $\downarrow$ & RA"] * len(names)) + r" \\ \midrule"
    for method, row in wide.iterrows():
        numbers = " & ".join(f"{row['FA', name]} & {row['RA', name]}" for name in names)
        lines.append(f"{escaped(method)} & {numbers} " + r"\\")
    columns = "l" + "cc" * len(names)
    body = "\n".join(lines)
    (tmp_path / "t.tex").write_text(f"\\begin{{tabular}}{{{columns}}}\n{body}\n\\end{{tabular}}\n")
    odd = found(tmp_path / "t.tex")
    odd["verdicts"].pop(0)
    assert odd == found(one[[*KEYS, "FA", "RA"]])


def test_columns_are_chosen_left_out_and_renamed(
    tmp_path: Path, plain: pd.DataFrame, expected: dict[str, Any]
) -> None:
    odd = plain.rename(columns={"FA": "Forget Acc.", "method": "Approach"}).assign(Notes="see text")
    (tmp_path / "t.csv").write_text(text(odd))
    rename = {"Forget Acc.": "FA", "Approach": "method"}
    assert found(tmp_path / "t.csv", Choice(rename=rename, drop=("Notes",))) == expected
    chosen = found(tmp_path / "t.csv", Choice(rename=rename, columns=("FA", "RA")))
    assert chosen == found(plain[[*KEYS, "FA", "RA"]])
    long = plain.melt(KEYS, var_name="metric").replace({"metric": {"FA": "Forget Acc."}})
    (tmp_path / "l.csv").write_text(text(long))
    picked = Choice(rename={"Forget Acc.": "FA"}, drop=("AD", "JS", "MIA", "oracle_distance"))
    assert found(tmp_path / "l.csv", picked) == chosen


@pytest.mark.parametrize(
    ("choice", "problem"),
    [
        (Choice(drop=("XY",)), "--drop names 'XY', which is not in the table; it has benchmark, "),
        (Choice(columns=("XY",)), "--columns names 'XY', which is not in the table"),
        (Choice(rename={"XY": "FA"}), "--rename names 'XY', which is not in the table"),
        (Choice(percent=("XY",)), "--percent names 'XY', which is not in the table"),
        (Choice(rename={"RA": "FA"}), "field 'FA': a second column of this name"),
        (Choice(drop=("method",)), r"field 'method': missing column; its columns: .*--rename OLD=method"),
    ],
)  # fmt: skip
def test_a_choice_that_cannot_be_met(
    tmp_path: Path, plain: pd.DataFrame, choice: Choice, problem: str
) -> None:
    for number, frame in enumerate((plain, plain.melt(KEYS, var_name="metric"))):
        if number and choice.rename.get("RA"):
            continue
        (tmp_path / "t.csv").write_text(text(frame))
        with pytest.raises(DataError, match=problem.replace("benchmark, ", "")) as caught:
            found(tmp_path / "t.csv", choice)
        assert "\n" not in str(caught.value)


def test_the_error_for_an_unknown_metric_says_how(tmp_path: Path, plain: pd.DataFrame) -> None:
    (tmp_path / "t.csv").write_text(text(plain.assign(Notes=1.0)))
    for how in ("--direction Notes=lower", "--drop Notes", "--rename Notes=NAME"):
        with pytest.raises(DataError, match=how):
            read_table(tmp_path / "t.csv")


def test_an_arrow_gives_the_direction_and_may_not_be_against_it(tmp_path: Path) -> None:
    base = "benchmark,method,seed,{}\nb,m,1,0.5\nb,k,1,0.6\n"
    path = tmp_path / "t.csv"
    for header, better in (("XY ↑", "higher"), ("XY (↓)", "lower"), (r"XY \uparrow", "higher")):
        path.write_text(base.format(header))
        assert read_table(path).better == {"XY": better}
    path.write_text(base.format("FA (↑)"))
    with pytest.raises(DataError, match=r"field 'FA': its arrow says that higher is better"):
        read_table(path)
    assert read_table(path, {"FA": "higher"}).better == {"FA": "higher"}
    path.write_text(base.format("ROUGE ↓"))
    with pytest.raises(DataError, match=r"for ROUGE the oracle's value is best"):
        read_table(path)
    path.write_text(base.format("XY ↑↓"))
    with pytest.raises(DataError, match="arrows both ways"):
        read_table(path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (r"\begin{tabular}{ll} Method & FA \\ a & 1", r"no \\end\{tabular\}"),
        (r"\begin{tabular} Method & FA \\ \end{tabular}", "a brace is missing"),
        (r"\begin{tabular}{l}x\end{tabular}\begin{tabular}{l}x\end{tabular}", "2 tabulars"),
        (r"\begin{tabular}{lll} Dataset & Method & FA \\ \end{tabular}", "has no rows"),
        (r"\begin{tabular}{lll} Dataset & Method & FA \\ \multicolumn{3}{c}{MLLMU} \\ \end{tabular}",
         r"row 1: 'MLLMU' spans 3 columns"),
        (r"\begin{tabular}{lll} Dataset & Method & FA \\ b & m & 0.5$^\dagger$ \\ \end{tabular}",
         r"row 1, field 'FA': .*not a number"),
        (r"\begin{tabular}{lll} Dataset & Method & FA \\ b & m \\ \end{tabular}", "2 cells, not 3"),
    ],
)  # fmt: skip
def test_latex_that_is_too_free(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "t.tex").write_text(content)
    with pytest.raises(DataError, match=problem):
        read_table(tmp_path / "t.tex")


def test_markdown_that_is_no_one_table(tmp_path: Path) -> None:
    table = "| Dataset | Method | FA |\n|--|--|--|\n| b | m | 0.5 |\n"
    path = tmp_path / "t.md"
    path.write_text(table + "\n" + table)
    with pytest.raises(DataError, match="has 2 tables; keep one"):
        read_table(path)
    path.write_text("no table")
    with pytest.raises(DataError, match="contains no Markdown table"):
        read_table(path)
    path.write_text(table + "| b | k |\n")
    with pytest.raises(DataError, match="row 2: has 2 cells, not 3"):
        read_table(path)


def test_an_unnamed_column_that_is_no_counter(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(",benchmark,seed,FA\nga,b,1,0.5\nnpo,b,1,0.6\n")
    with pytest.raises(DataError, match=r"has no name; say --rename 'Unnamed: 0'=NAME"):
        read_table(path)
    named = read_table(path, choice=Choice(rename={"Unnamed: 0": "method"}))
    assert named.method.tolist() == ["ga", "npo"]


def test_numbers_of_a_whole_row_belong_to_no_metric(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("benchmark,method,seed,FA,se\nb,m,1,0.5,0.1\n")
    with pytest.raises(
        DataError, match=r"field 'se': does not belong to a metric of the wide table"
    ):
        read_table(path)
    assert read_table(path, choice=Choice(drop=("se",))).metrics == ("FA",)


def test_an_arrow_table_keeps_what_pandas_would_round(plain: pd.DataFrame) -> None:
    found_of = audit(pa.Table.from_pandas(plain), rng=np.random.default_rng(0), resamples=50)
    assert found_of.to_dict() == found(plain)
