"""Releases on the Hugging Face hub, by owner, name and commit: fetched once, and only data files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from uqs.benchmarks import _folders, _progress
from uqs.benchmarks._pictures import PICTURE_SUFFIXES
from uqs.errors import UserError
from uqs.io import cache_folder
from uqs.training_extra import require_training_extra

_NAMED = re.compile(r"(?P<repository>[A-Za-z0-9][\w.-]*/[\w.-]+)@(?P<revision>\w[\w.-]*)")
_COMMIT = re.compile(r"[0-9a-f]{40}")
DATA = tuple(f"*{suffix}" for suffix in (*_folders.TABLES, *PICTURE_SUFFIXES))
"""What is fetched: neither code nor archives nor pickles."""


def is_named(edition: str) -> bool:
    """Whether an edition is `OWNER/NAME@REVISION`."""
    return _NAMED.fullmatch(edition) is not None


def to_fetch(edition: str) -> bool:
    """Whether the hub would be asked for an edition."""
    path = Path(edition)
    if not is_named(edition) or path.is_dir() or path.parent.is_dir():
        return False
    return not place(edition).is_dir()


def place(edition: str) -> Path:
    """Where a release that was fetched lies."""
    repository, revision = _parts(edition)
    return cache_folder() / "benchmarks" / repository.replace("/", "--") / revision


def folder(edition: str) -> Path:
    """The folder of a release at a commit, fetched into the user's cache unless it is there.

    Raises UserError if the revision is no commit (a branch or a tag may move), and if the hub does not give
    the files.
    """
    repository, revision = _parts(edition)
    if not _COMMIT.fullmatch(revision):
        require_training_extra("fetching a benchmark")
        commit = _asked(repository, revision)
        raise UserError(
            f"{edition}: {revision!r} may move; write the commit that it is now: {repository}@{commit}"
        )
    found = place(edition)
    if not found.is_dir():
        require_training_extra("fetching a benchmark")
        _fetch(repository, revision, found)
    return found


def _parts(edition: str) -> tuple[str, str]:
    found = _NAMED.fullmatch(edition)
    if found is None:
        raise ValueError(f"{edition!r} is not OWNER/NAME@REVISION")
    return found["repository"], found["revision"]


def _asked(repository: str, revision: str) -> str:
    from huggingface_hub import HfApi

    try:
        return str(HfApi().dataset_info(repository, revision=revision).sha)
    except Exception as error:  # the hub's client raises errors of many libraries
        raise _told(error, repository, revision) from None


def _fetch(repository: str, revision: str, to: Path) -> None:
    """Fetch into a folder beside `to`, which is renamed when everything is there; a second try goes on.

    Real files and not links into the hub's own cache: a loader reads nothing outside its folder.
    """
    from huggingface_hub import snapshot_download

    _asked(repository, revision)  # fails at once where the next call would try for half a minute
    part = to.with_name(f"{to.name}.part")
    options: dict[str, Any] = {
        "repo_type": "dataset",
        "revision": revision,
        "local_dir": part,
        "allow_patterns": list(DATA),
    }
    try:
        files = snapshot_download(repository, dry_run=True, **options)
        if not files:
            raise UserError(
                f"{repository}@{revision}: holds no {', '.join(DATA)}; unpack it and name the folder"
            )
        size = sum(file.file_size for file in files)
        with _progress.fetching(f"{repository}@{revision[:7]}", len(files), size) as bars:
            snapshot_download(repository, tqdm_class=bars, **options)
    except UserError:
        raise
    except Exception as error:
        raise _told(error, repository, revision) from None
    if not to.is_dir():
        part.rename(to)


def _told(error: BaseException, repository: str, revision: str) -> UserError:
    from huggingface_hub.errors import (
        DryRunError,
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    name = f"{repository}@{revision}"
    error = error.__cause__ if isinstance(error, DryRunError) and error.__cause__ else error
    if isinstance(error, GatedRepoError):
        problem = "asks for its terms to be accepted on its page; then log in with `hf auth login`"
    elif isinstance(error, RevisionNotFoundError):
        problem = f"has no revision {revision!r}"
    elif isinstance(error, RepositoryNotFoundError):
        problem = "is no data set of the hub that you may read"
    else:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        return UserError(f"{name}: no such folder, and the hub does not give it ({reason})")
    return UserError(f"{name}: the hub's {repository!r} {problem}")
