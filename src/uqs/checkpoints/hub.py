"""Folders of models by name: a local folder first, a hub id only if there is none."""

from __future__ import annotations

import re
from pathlib import Path

from uqs.errors import UserError

_HUB_ID = re.compile(r"(?P<model>[A-Za-z0-9][\w.-]*/[\w.-]+?)(?:@(?P<revision>[\w./-]+))?")
_READ = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")


def is_hub_id(name: str) -> bool:
    """Whether a name has the form `owner/name` or `owner/name@revision`; a local folder may have it too."""
    return _HUB_ID.fullmatch(name) is not None


def folder_of(name: str | Path) -> Path:
    """The local folder for a folder's name or a hub id that a user gives.

    A hub id is fetched, without pickled weights and code, unless a folder has that name. Raises UserError if
    there is neither.
    """
    path = Path(name)
    if path.is_dir():
        return path.resolve()
    if not isinstance(name, str) or not is_hub_id(name):
        raise UserError(f"no folder {str(name)!r}, and it is not a hub id (owner/name)")
    if path.parent.is_dir():
        raise UserError(
            f"no folder {name!r}; it is not taken for a hub id, because {path.parent} is a folder here"
        )
    return _fetched(name)


def kept(name: str, revision: str | None = None) -> Path | None:
    """The folder of a hub id that was fetched before, or None; uses no network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    model, own = _parts(name)
    try:
        found = snapshot_download(
            model, revision=own or revision, allow_patterns=list(_READ), local_files_only=True
        )
    except LocalEntryNotFoundError:
        return None
    return Path(found)


def _parts(name: str) -> tuple[str, str | None]:
    found = _HUB_ID.fullmatch(name)
    if found is None:
        raise ValueError(f"{name!r} is not a hub id")
    return found["model"], found["revision"]


def _fetched(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    model, revision = _parts(name)
    try:
        return Path(snapshot_download(model, revision=revision, allow_patterns=list(_READ)))
    except GatedRepoError:
        problem = "asks for its terms to be accepted on its page; then log in with `hf auth login`"
        raise UserError(f"the hub's {model!r} {problem}") from None
    except RevisionNotFoundError:
        raise UserError(f"the hub's {model!r} has no revision {revision!r}") from None
    except RepositoryNotFoundError:
        raise UserError(
            f"no folder {name!r}, and the hub has no such model that you may read"
        ) from None
    except Exception as error:  # the hub's client raises errors of many libraries
        reason = str(error).partition("\n")[0]
        raise UserError(f"no folder {name!r}, and the hub does not give it ({reason})") from None
