"""CIFAR-10 in both released forms; the archive's pickles are written by hand, opcode by opcode."""

import io
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from PIL import Image

from uqs import benchmarks
from uqs.benchmarks._pickled_batch import read_batch
from uqs.benchmarks.cifar10 import CLASSES
from uqs.errors import DataError

Bytes = NDArray[np.uint8]


def photographs(count: int, seed: int) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


TEST = photographs(20, 9)
LABELS = [i % 10 for i in range(20)]


def text(word: bytes) -> bytes:
    """SHORT_BINSTRING, or BINSTRING of a long one: how Python 2 writes texts."""
    if len(word) < 256:
        return b"U" + bytes([len(word)]) + word
    return b"T" + struct.pack("<i", len(word)) + word


def whole(number: int) -> bytes:
    if 0 <= number < 256:
        return b"K" + bytes([number])
    return b"J" + struct.pack("<i", number)


def array(values: Bytes, kind: bytes = b"u1") -> bytes:
    """As numpy of that time reduced an array: a call, and version, shape, type, order and bytes."""
    made = b"cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\x09"
    shape = b"(" + b"".join(whole(n) for n in values.shape) + b"t"
    dtype = b"cnumpy\ndtype\nq\x0a" + text(kind) + b"K\x00K\x01\x87Rq\x0b"
    about = b"(K\x03U\x01|NNN" + whole(-1) + whole(-1) + b"K\x00tb"
    return made + b"(K\x01" + shape + dtype + about + b"\x89" + text(values.tobytes()) + b"tb"


def batch(images: Bytes, labels: list[int], **other: bytes) -> bytes:
    """A batch in the released form: protocol 2, one dictionary."""
    data = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    parts = {
        b"batch_label": text(b"training batch 1 of 5"),
        b"labels": b"]q\x05(" + b"".join(map(whole, labels)) + b"e",
        b"data": array(data),
        b"filenames": b"]q\x0c(" + b"".join(text(b"a.png") for _ in labels) + b"e",
    }
    parts |= {name.encode(): value for name, value in other.items()}
    return b"\x80\x02}q\x01(" + b"".join(text(k) + v for k, v in parts.items()) + b"u."


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return put_archive(tmp_path / "archive")


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return put_hub(tmp_path / "hub")


def put_archive(place: Path) -> Path:
    root = place / "cifar-10-batches-py"
    root.mkdir(parents=True)
    for n in range(5):
        (root / f"data_batch_{n + 1}").write_bytes(batch(photographs(20, n), LABELS))
    (root / "test_batch").write_bytes(batch(TEST, LABELS))
    return place


def png(pixels: Bytes) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def table(images: list[bytes], labels: list[Any]) -> pa.Table:
    """The hub's schema: img {bytes, path}, label int64."""
    img = [{"bytes": one, "path": None} for one in images]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    return pa.table({"img": pa.array(img, kind), "label": pa.array(labels, pa.int64())})


def put_hub(place: Path) -> Path:
    root = place / "plain_text"
    root.mkdir(parents=True)
    shown = [png(one) for n in range(5) for one in photographs(20, n)]
    pq.write_table(table(shown, LABELS * 5), root / "train-00000-of-00001.parquet")
    pq.write_table(table([png(one) for one in TEST], LABELS), root / "test-00000-of-00001.parquet")
    return place


def test_the_hand_written_batch_is_what_python_reads(archive: Path) -> None:
    """The files of these tests are pickles: of a trusted one Python's own reader says the same."""
    file = archive / "cifar-10-batches-py" / "data_batch_1"
    theirs = pickle.loads(file.read_bytes(), encoding="latin1")  # noqa: S301  written above
    ours = read_batch(file)
    assert theirs.keys() == ours.keys()
    np.testing.assert_array_equal(theirs["data"], ours["data"])
    assert all(theirs[name] == ours[name] for name in theirs if name != "data")


def test_both_forms_hold_the_same(archive: Path, hub: Path) -> None:
    found = [benchmarks.load(f"cifar10:{root}&forget=class:cat") for root in (archive, hub)]
    for data in found:
        forget = data.learn["forget"].samples
        assert [s.id for s in forget] == [f"train-{i + 1}" for i in range(100) if i % 10 == 3]
        assert "training pictures: 100 here, 50000 in the release" in data.notes
        every = [
            s for split in (*data.learn.values(), data.evaluate["holdout"]) for s in split.samples
        ]
        assert len(every) == 102
        for sample in every:
            part, _, number = sample.id.partition("-")
            i = int(number) - 1
            wanted = TEST[i] if part == "test" else photographs(20, i // 20)[i % 20]
            np.testing.assert_array_equal(
                np.asarray(Image.open(io.BytesIO(sample.picture.data))), wanted
            )
            assert sample.answer == CLASSES[i % 10]


def refused(root: Path) -> str:
    with pytest.raises(DataError) as error:
        benchmarks.load(f"cifar10:{root}")
    said = str(error.value)
    assert "\n" not in said
    return said


class Hostile:
    """Python's reader would make a folder of it."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.place),)


@pytest.mark.parametrize("protocol", range(6))
def test_a_hostile_pickle_does_nothing(archive: Path, tmp_path: Path, protocol: int) -> None:
    file = archive / "cifar-10-batches-py" / "data_batch_2"
    place = tmp_path / "made"
    file.write_bytes(pickle.dumps(Hostile(place), protocol=protocol))
    assert "data_batch_2: is no batch of the Python archive (" in refused(archive)
    assert not place.exists()


HOSTILE = {
    "another function": (b"\x80\x02cos\nsystem\nU\x02ls\x85R.", "it names 'os.system'"),
    "another of numpy": (b"\x80\x02cnumpy\nload\nU\x01a\x85R.", "it names 'numpy.load'"),
    "an array called": (b"\x80\x02cnumpy\nndarray\nK\x01\x85R.", "it calls something else"),
    "an extension": (b"\x80\x02\x82\x01.", "EXT1 is not used by one"),
    "a persistent id": (b"\x80\x02U\x01aQ.", "BINPERSID is not used by one"),
    "an object": (b"\x80\x02(cnumpy\ndtype\no.", "OBJ is not used by one"),
    "attributes of a list": (b"\x80\x02]}b.", "it builds something else"),
    "memory": (b"\x80\x02]r\xff\xff\xff\x7f.", "it is no dictionary"),
    "a missing memory": (b"\x80\x02h\x05.", "damaged"),
    "an empty stack": (b"\x80\x02\x85e.", "damaged"),
    "two results": (b"\x80\x02K\x01K\x02.", "damaged"),
    "no end": (b"\x80\x02}", "damaged"),
    "a long text": (b"\x80\x02T\xff\xff\xff\x7fabc.", "damaged"),
    "no pickle": (b"plainly no pickle", "damaged"),
    "nothing": (b"", "damaged"),
    "objects": (
        b"\x80\x02}U\x04data" + array(TEST[:1, 0, 0], b"O8") + b"s.",
        "its array does not hold plain bytes",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_no_batch_has(archive: Path, name: str) -> None:
    data, problem = HOSTILE[name]
    (archive / "cifar-10-batches-py" / "data_batch_1").write_bytes(data)
    assert problem in refused(archive)


def test_a_batch_cut_off_anywhere(archive: Path) -> None:
    file = archive / "cifar-10-batches-py" / "test_batch"
    data = file.read_bytes()
    for end in (1, 30, len(data) // 2, len(data) - 1):
        file.write_bytes(data[:end])
        assert "test_batch: is no batch of the Python archive (damaged)" in refused(archive)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (
            {"images": TEST, "labels": [*LABELS[:5], 10, *LABELS[6:]]},
            "row 6, field 'labels': 10 is none of 0 to 9",
        ),
        ({"images": TEST, "labels": [*LABELS[:5], -1, *LABELS[6:]]}, "-1 is none of 0 to 9"),
        ({"images": TEST, "labels": LABELS[1:]}, "has not one label for each of 20 pictures"),
        ({"images": TEST[:, :16], "labels": LABELS}, "has no pictures of 3 x 32 x 32 bytes"),
        ({"images": TEST, "labels": LABELS, "data": whole(3)}, "has no pictures of 3 x 32 x 32"),
    ],
)
def test_a_batch_of_other_data(archive: Path, given: dict[str, Any], problem: str) -> None:
    file = archive / "cifar-10-batches-py" / "test_batch"
    file.write_bytes(batch(**given))
    said = refused(archive)
    assert "test_batch" in said
    assert problem in said


def test_a_missing_batch(archive: Path) -> None:
    (archive / "cifar-10-batches-py" / "data_batch_4").unlink()
    assert "the archive lacks data_batch_4" in refused(archive)


def test_a_damaged_parquet_file(hub: Path) -> None:
    file = hub / "plain_text" / "train-00000-of-00001.parquet"
    data = bytearray(file.read_bytes())
    file.write_bytes(data[:-100])
    assert "train-00000-of-00001.parquet: is not a readable Parquet file" in refused(hub)
    file.unlink()
    assert "holds no train-*.parquet" in refused(hub)


@pytest.mark.parametrize(
    ("image", "label", "problem"),
    [
        (png(TEST[0]), 10, "row 2, field 'label': 10 is none of 0 to 9"),
        (png(TEST[0]), None, "field 'label': None is none of 0 to 9"),
        (png(TEST[0, :16]), 1, "row 2, field 'img': is a picture of 32 x 16, not 32 x 32"),
        (b"no picture", 1, "row 2, field 'img': is not a readable picture"),
        (None, 1, "row 2, field 'img': missing picture"),
    ],
)
def test_a_row_of_other_data(hub: Path, image: Any, label: Any, problem: str) -> None:
    file = hub / "plain_text" / "test-00000-of-00001.parquet"
    pq.write_table(table([png(TEST[1]), image], [1, label]), file)
    said = refused(hub)
    assert "test-00000-of-00001.parquet" in said
    assert problem in said


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "holds neither train-*.parquet" in refused(tmp_path)
