import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from uqs.benchmarks import _read
from uqs.benchmarks._pictures import Pictures
from uqs.errors import DataError
from uqs.records import Sample

HERE = Path("data")


@given(
    st.sets(st.text(min_size=1), min_size=6),
    st.integers(1, 2),
    st.integers(1, 3),
    st.integers(0, 99),
)
def test_draw_splits_everything_whatever_the_order(
    pool: set[str], first: int, second: int, seed: int
) -> None:
    found = _read.draw(pool, [first, second], seed, HERE)
    assert [len(part) for part in found] == [first, second, len(pool) - first - second]
    assert set.union(*found) == pool
    assert found == _read.draw(sorted(pool, reverse=True), [first, second], seed, HERE)


def test_draw_is_uniform() -> None:
    """Each of 6 entities is drawn first about equally often: within 5 standard errors of 1/6."""
    counts = dict.fromkeys("abcdef", 0)
    for seed in range(1200):
        (name,) = _read.draw("abcdef", [1], seed, HERE)[0]
        counts[name] += 1
    assert all(abs(count - 200) < 5 * (1200 * 5 / 36) ** 0.5 for count in counts.values())


def test_draw_refuses_to_take_all() -> None:
    with pytest.raises(DataError, match="has 3 entities; 2 \\+ 1"):
        _read.draw("abc", [2, 1], 0, HERE)


@given(st.integers(0, 40), st.integers(1, 40), st.integers(0, 9))
def test_capped_keeps_order_and_invents_nothing(count: int, limit: int, seed: int) -> None:
    samples = [Sample(str(i), "e", "short", "q", "a") for i in range(count)]
    found = _read.capped(samples, limit, seed)
    assert len(found) == min(count, limit)
    assert [int(sample.id) for sample in found] == sorted(int(sample.id) for sample in found)
    assert _read.capped(samples, None, seed) == tuple(samples)


def test_the_hash_follows_names_contents_and_options(tmp_path: Path) -> None:
    def value(names: dict[str, str], options: dict[str, object]) -> str:
        for name, content in names.items():
            (tmp_path / name).write_text(content)
        return _read.data_hash(tmp_path, [tmp_path / name for name in names], options)

    base = value({"a": "1", "b": "2"}, {"k": 1})
    assert value({"b": "2", "a": "1"}, {"k": 1}) == base
    changed = [
        value({"a": "1", "b": "3"}, {"k": 1}),
        value({"a": "1", "c": "2"}, {"k": 1}),
        value({"a": "1", "b": "2"}, {"k": 2}),
        value({"a": "12", "b": ""}, {"k": 1}),
    ]
    assert len({base, *changed}) == 5


def encoded(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def frames() -> list[Image.Image]:
    return [Image.new("RGB", (8, 8), (80 * i, 0, 0)) for i in range(3)]


def clear(mode: str) -> Image.Image:
    return Image.new(mode, (8, 8), 0)


UNSEEN = {
    "16 bits": (encoded(Image.fromarray(np.full((8, 8), 40000, np.uint16))), "8 bits a channel"),
    "an animated PNG": (
        encoded(frames()[0], save_all=True, append_images=frames()[1:]),
        "is animated",
    ),
    "an animated WebP": (
        encoded(frames()[0], "WEBP", save_all=True, append_images=frames()[1:]),
        "is animated",
    ),
    "nothing but transparency": (encoded(clear("RGBA")), "is transparent everywhere"),
    "grey and transparent": (encoded(clear("LA")), "is transparent everywhere"),
    "one transparent colour": (encoded(clear("L"), transparency=0), "is transparent everywhere"),
}


@pytest.mark.parametrize("name", UNSEEN)
def test_a_picture_that_a_model_would_not_see_as_people_do_is_refused(name: str) -> None:
    data, problem = UNSEEN[name]
    with pytest.raises(DataError, match=problem) as caught:
        Pictures(Path()).get(data, "x.png", Path("f.parquet"), 3, "image")
    assert (caught.value.file, caught.value.row, caught.value.field) == ("f.parquet", 3, "image")


def test_pictures_that_show_something_are_taken() -> None:
    half = clear("RGBA")
    half.putpixel((1, 1), (255, 0, 0, 255))
    for data in (
        encoded(half),
        encoded(frames()[1], "JPEG"),
        encoded(clear("P")),
        encoded(clear("1")),
    ):
        assert Pictures(Path()).get(data, "x", Path("f"), 1, "image").data == data


def test_a_key_given_twice_is_told(tmp_path: Path) -> None:
    file = tmp_path / "concepts.json"
    file.write_text('{"questions": {"name": ["a"], "name": ["b"]}}')
    with pytest.raises(DataError, match=r"concepts\.json, field 'name': is given twice"):
        _read.read_json(file)
