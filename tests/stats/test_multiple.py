from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from uqs.stats.multiple import benjamini_hochberg, holm


@settings(max_examples=25)  # statsmodels takes 40 ms for one
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_adjusted_p_agree_with_statsmodels(p):
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])


def test_an_undefined_test_takes_no_part():
    assert holm([0.01, None, 0.04]) == pytest.approx([0.02, None, 0.04])
    assert benjamini_hochberg([None]) == [None]
    assert holm([]) == []
