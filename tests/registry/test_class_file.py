"""A method in a file of the user's is found, and every fault of it is one line that names the file."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from uqs import registry
from uqs.errors import UserError
from uqs.methods.cards.look_up import method_class

MINE = """
from __future__ import annotations

from pydantic import Field

from uqs.methods.base import Method
from uqs.methods.cards.card import MethodCard, Passes
from uqs.methods.settings import MethodSettings


class Settings(MethodSettings):
    beta: float = Field(default=0.5, description="weight")


class Mine(Method):
    card = MethodCard(
        name="mine",
        title="Mine",
        loss="beta CE(forget)",
        source="nowhere",
        fidelity="paper",
        needs=frozenset({"forget"}),
        protects=False,
        passes=Passes(training=1),
        settings=Settings,
    )


class Heir(Mine):
    pass
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my_method.py"
    path.write_text(MINE)
    return path


def test_a_file_gives_its_class_and_the_same_one_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{file}:Mine"
    registry.check("method", name)
    found = registry.get("method", name)
    assert found.card.name == "mine"
    assert found.card.settings(beta=2.0).beta == 2.0  # its annotations find their module
    assert registry.get("method", name) is found
    assert registry.get("method", f"{file}:Heir").__mro__[1] is found
    monkeypatch.chdir(file.parent)
    assert registry.get("method", "my_method.py:Mine") is found
    assert "my_method" not in sys.modules
    assert [path.name for path in file.parent.iterdir()] == ["my_method.py"]  # no bytecode


def test_a_changed_file_gives_a_new_class_and_hash(file: Path) -> None:
    name = f"{file}:Mine"
    before, hashed = registry.get("method", name), registry.file_hash(name)
    assert hashed == hashlib.sha256(MINE.encode()).hexdigest()
    file.write_text(MINE.replace("default=0.5", "default=0.7"))
    after = registry.get("method", name)
    assert after is not before
    assert (before.card.settings().beta, after.card.settings().beta) == (0.5, 0.7)
    assert registry.file_hash(name) != hashed


def test_two_files_of_one_name_are_two_modules(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / file.name).write_text(MINE)
    assert registry.get("method", f"{other / file.name}:Mine") is not registry.get(
        "method", f"{file}:Mine"
    )


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("my_method.py:Mine", True),
        ("a b/my_method.py:Mine", True),
        ("C:\\methods\\mine.py:Mine", True),
        ("my_method.py", True),
        ("npo", False),
        ("my.pyx", False),
        ("my_method:Mine", False),
    ],
)
def test_what_has_the_form_of_a_file(name: str, known: bool) -> None:
    assert registry.is_file(name) is known


@pytest.mark.parametrize(
    ("change", "class_name", "problem"),
    [
        (lambda text: text, "Mnie", "no class 'Mnie'; it holds Settings, Mine, Heir"),
        (lambda text: "", "Mine", "no class 'Mine'; it holds none"),
        (lambda text: "Mine = 3", "Mine", "no class 'Mine'; it holds none"),
        (lambda text: "import nowhere", "Mine", "line 1: ModuleNotFoundError: No module"),
        (lambda text: "\nclass Mine(:", "Mine", "line 2: SyntaxError"),
        (lambda text: "\n\n1 / 0", "Mine", "line 3: ZeroDivisionError"),
        (
            lambda text: text,
            "Settings",
            "Settings: it is not a subclass of uqs.methods.base.Method",
        ),
        (lambda text: text.replace("card =", "cart ="), "Mine", "Mine: it declares no `card`"),
        (lambda text: text.replace('"mine"', '"npo"'), "Mine", "the built-in method name 'npo'"),
    ],
)
def test_a_fault_is_one_line_that_names_the_file(
    file: Path, change, class_name: str, problem: str
) -> None:  # type: ignore[no-untyped-def]
    file.write_text(change(MINE))
    for _ in range(2):  # a file that failed to load fails again
        with pytest.raises(UserError) as raised:
            method_class(f"{file}:{class_name}")
        assert str(raised.value).startswith(f"{file}")
        assert problem in str(raised.value)
        assert "\n" not in str(raised.value)


def test_no_such_file_and_no_class_named(tmp_path: Path) -> None:
    missing = tmp_path / "none.py"
    for ask in (registry.check, registry.get):
        with pytest.raises(UserError, match=r"none\.py: no such file"):
            ask("method", f"{missing}:Mine")
        with pytest.raises(UserError, match=r"none\.py: name the class in the file too"):
            ask("method", f"{missing}")
        with pytest.raises(UserError, match="unknown model"):
            ask("model", f"{missing}:Mine")
    with pytest.raises(UserError, match="cannot be read"):
        (tmp_path / "folder.py").mkdir()
        registry.check("method", f"{tmp_path / 'folder.py'}:Mine")


def test_a_check_loads_nothing(file: Path) -> None:
    code = (
        "import sys; from uqs import registry; registry.check('method', sys.argv[1]);"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, f"{file}:Mine"], check=False)
    assert done.returncode == 0
