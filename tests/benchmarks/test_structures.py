import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uqs.benchmarks._notes import Notes
from uqs.benchmarks._place import Place
from uqs.benchmarks._structures import parsed
from uqs.errors import DataError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def here() -> Place:
    return Place(Path("folder/data.parquet"), Notes(), 7, "metadata")


@given(VALUES)
def test_what_python_or_json_writes_is_read_back(value: Any) -> None:
    place = here()
    assert parsed(json.dumps(value), place) == value
    assert place.notes.lines == ()
    assert parsed(repr(value), here()) == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{'a': {'b': 1, 'b': 2}}", "'b' is given twice"),
        ('{"a": 1, "a": 1}', "'a' is given twice"),
        ("{[1]: 2}", "is not valid JSON"),
        ("{**{'a': 1}}", "is not valid JSON"),
        ("__import__('os')", "is not valid JSON"),
        ("[x for x in (1, 2)]", "is not valid JSON"),
        ("'a' + ", "is not valid JSON"),
        ("(" * 3000, "is not valid JSON"),
        ("\0", "is not valid JSON"),
    ],
)
def test_what_is_neither_is_told(text: str, problem: str) -> None:
    with pytest.raises(DataError) as caught:
        parsed(text, here())
    assert (caught.value.row, caught.value.field) == (7, "metadata")
    assert problem in caught.value.problem


def test_escapes_of_a_literal_raise_no_warning() -> None:
    place = here()
    assert parsed(r"{'a': '\d'}", place) == {"a": r"\d"}
    line = (
        "1 text read as a Python literal, being no JSON (first: folder/data.parquet, row 7, field "
    )
    assert place.notes.lines == (f"{line}'metadata')",)
