from __future__ import annotations

import pytest

from uqs.forms import FORMS, asked, marked


@pytest.mark.parametrize("form", FORMS)
def test_what_is_marked_is_read_again(form: str) -> None:
    for known in FORMS:
        if known == form:
            assert asked(marked("006/Task[0]", known)) == ("006/Task[0]", form)


def test_marks_of_probes_and_other_wordings_stay_with_the_fact() -> None:
    assert asked("7/Task[0]@reworded@text@named1") == ("7/Task[0]@reworded@named1", "text")


@pytest.mark.parametrize("other", ["7/Task[0]", "7/Task[0]@view2", "me@pictures.org", "@texts"])
def test_other_ids_have_no_form(other: str) -> None:
    assert asked(other) is None
