from __future__ import annotations

from pathlib import Path

import pytest

from uqs.errors import UserError
from uqs.evaluation.named import oracles, original, unlearned
from uqs.records import Role


def test_names_with_strength_and_seed(base: Path) -> None:
    one, other = unlearned([f"npo@weak:7={base}", f"npo={base}"], None)
    assert (one.method, one.strength, one.seed, one.label) == ("npo", "weak", 7, "npo@weak seed 7")
    assert (other.method, other.strength, other.seed) == ("npo", "", 0)
    assert one.role is Role.UNLEARNED


def test_a_folder_gives_its_own_name(base: Path) -> None:
    assert unlearned([str(base)], None)[0].method == "tiny_llava_base"


def test_oracles_are_numbered(base: Path) -> None:
    assert [one.seed for one in oracles([base, base], None)] == [0, 1]
    assert original(base, None).label == "original"


def test_a_name_is_given_once(base: Path) -> None:
    with pytest.raises(UserError, match=r"two unlearned models are called 'npo seed 0'"):
        unlearned([f"npo={base}", f"npo:0={base}"], None)


def test_what_is_no_name_is_told(base: Path) -> None:
    with pytest.raises(UserError, match=r"'n p o' is not a valid name; write METHOD"):
        unlearned([f"n p o={base}"], None)
