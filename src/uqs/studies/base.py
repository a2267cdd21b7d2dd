"""The model that a study trains: the base that a family ships, or the user's own."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from uqs import registry
from uqs.checkpoints.content import content_hash
from uqs.checkpoints.hub import folder_of, is_hub_id, kept
from uqs.checkpoints.identity import remembered
from uqs.errors import DataError, UserError
from uqs.io import cache_folder
from uqs.models.families import CONFIG, base_folder, family_of
from uqs.studies.model import Model

FILES = (".safetensors", ".json", ".txt", ".model", ".jinja")
"""What a base has that is read; neither code nor pickled weights are."""


def base_hash(model: str) -> str:
    """Hash of the files of a model family's own base."""
    found = hashlib.sha256()
    for file in sorted(base_folder(model).iterdir()):
        found.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def find_base(model: Model, *, fetch: bool) -> Path | None:
    """The folder of a study's base; None for a hub id whose files are not here, unless `fetch`.

    Raises UserError if there is no such folder or the hub does not give it, and DataError if its files are
    not of the family that the study names.
    """
    if model.path is None:
        return base_folder(model.name)
    folder = _folder(model.path, model.revision, fetch=fetch)
    if folder is None:
        return None
    named, found = registry.get("model", model.name), family_of(folder)
    if not issubclass(named, found):
        raise DataError(
            f"the model is served by family {found.name!r}, and the study says {model.name!r}",
            file=model.path,
            field="model.name",
        )
    return folder


def hash_of(model: Model, folder: Path) -> str:
    """Hash of the files of a study's base, whatever its folder is called."""
    if model.path is None:
        return base_hash(model.name)
    known = remembered(cache_folder())
    parts = [folder, *sorted(file.parent for file in folder.glob("*/*.json"))]
    found = {one.relative_to(folder).as_posix(): content_hash(one, FILES, known) for one in parts}
    return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()


def put_base(source: Path, out: Path, *, link: bool) -> None:
    """Copy a base beside what is built on it; with `link` weights are not copied if the file system can."""
    for file in _files(source):
        to = out / file.relative_to(source)
        to.parent.mkdir(exist_ok=True)
        if file.suffix == ".safetensors" and link:
            with suppress(OSError):
                os.link(file.resolve(), to)
        if not to.exists():
            shutil.copyfile(file, to)


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted([*folder.iterdir(), *folder.glob("*/*.*")]):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.is_file() and file.suffix in FILES and not hidden:
            yield file


@contextmanager
def configuration(model: Model, folder: Path | None) -> Iterator[Path]:
    """A folder with a base's configuration: `folder`, or where its files are not here what the hub gives of
    it alone. Raises UserError if it does not."""
    if folder is not None:
        yield folder
        return
    from huggingface_hub import hf_hub_download

    with TemporaryDirectory() as place:
        try:
            hf_hub_download(str(model.path), CONFIG, revision=model.revision, local_dir=place)
        except Exception as error:  # the hub's client raises errors of many libraries
            reason = str(error).strip().partition("\n")[0]
            raise UserError(
                f"model.path: of {model.path} neither weights nor {CONFIG} are here, and the hub does not "
                f"give the latter ({reason}); nothing can be counted"
            ) from None
        yield Path(place)


def notes(model: Model) -> list[str]:
    """What a reader of the results must know about the user's base."""
    if model.path is None:
        return []
    revision = f" at revision {model.revision}" if model.revision else ""
    found = [f"base: {model.path}{revision}, family {model.name}"]
    if model.replay is None:
        found.append(
            "nothing is replayed while models are trained: they may lose what the base knew, and metrics of "
            "what they still know mean less; name a folder under model.replay"
        )
    return found


def _folder(path: str, revision: str | None, *, fetch: bool) -> Path | None:
    if Path(path).is_dir():
        if revision is not None:
            raise UserError(f"model.revision: {path} is a folder, and a folder has no revision")
        return folder_of(path)
    name = f"{path}@{revision}" if revision else path
    if not is_hub_id(name):
        raise UserError(
            f"model.path: there is no folder {path!r}, and it is not a hub id (owner/name)"
        )
    if not fetch:
        return kept(name)
    try:
        return folder_of(name)
    except UserError as error:
        raise UserError(f"model.path: {error}") from None
