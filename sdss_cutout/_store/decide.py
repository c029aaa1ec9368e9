"""Skip, fetch, repair or refuse: the one rule for a target that a directory may have already."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import NamedTuple

from sdss_cutout._errors import ImageError, TargetError
from sdss_cutout._store.existing import FileSizes
from sdss_cutout._store.manifest import ManifestEntry
from sdss_cutout._store.pictures import Condition

__all__ = ["FETCH", "Action", "Decision", "Wanted", "decide", "decide_by_files", "refusal"]


class Action(enum.Enum):
    """What is to be done for a target."""

    KEEP = "keep"
    FETCH = "fetch"
    REPAIR = "repair"  # write the sidecar or the AVM block again, from what is recorded
    ADOPT = "adopt"  # record a picture that a killed run wrote


class Wanted(NamedTuple):
    """A target as it is asked for."""

    row: int
    name: str
    url: str
    file: str  # the name of its picture's file


class Decision(NamedTuple):
    """What is to be done for a target, and what the manifest or its files say of it."""

    action: Action
    entry: ManifestEntry | None = None
    warning: str = ""


FETCH = Decision(Action.FETCH)
_DIFFERENT = "already exists and belongs to a different request"


def decide(
    wanted: Wanted,
    entry: ManifestEntry | None,
    sizes: FileSizes,
    *,
    condition: Callable[[ManifestEntry], Condition],
    read: Callable[[Wanted], ManifestEntry],
) -> Decision:
    """Return what is to be done for a target.

    Parameters
    ----------
    wanted : Wanted
        The target.
    entry : ManifestEntry or None
        What the manifest says of it.
    sizes : FileSizes
        The files that it has.
    condition : callable
        Looks into the files of an entry.
    read : callable
        Reads files without an entry; raises `ImageError` if they are not ours, or not whole.

    Raises
    ------
    TargetError
        If the name belongs to a different request, or to a file that is not ours.
    """
    if entry is not None and entry.name != wanted.name:
        raise refusal(wanted, f"is {entry.name!r} for some file systems, which exists")
    if entry is not None and entry.status == "ok":
        if entry.url != wanted.url:
            raise refusal(wanted, f"{_DIFFERENT}, {entry.url}")
        return _of_recorded(wanted, entry, sizes, condition)
    if sizes.picture is not None:
        return decide_by_files(wanted, entry, read)
    if entry is not None and entry.status == "outside" and entry.url == wanted.url:
        return Decision(Action.KEEP, entry)
    return FETCH if entry is None else Decision(Action.FETCH, entry)


def _of_recorded(
    wanted: Wanted,
    entry: ManifestEntry,
    sizes: FileSizes,
    condition: Callable[[ManifestEntry], Condition],
) -> Decision:
    if sizes.picture is None:
        return Decision(Action.FETCH, entry)
    found = condition(entry) if sizes.picture == entry.nbytes else Condition.ALTERED
    if found is Condition.ALTERED:
        warning = f"{wanted.file} was altered since it was saved; fetching it again"
        return Decision(Action.FETCH, entry, warning)
    return Decision(Action.KEEP if found is Condition.WHOLE else Action.REPAIR, entry)


def decide_by_files(
    wanted: Wanted, entry: ManifestEntry | None, read: Callable[[Wanted], ManifestEntry]
) -> Decision:
    """Return what is to be done for a target with a picture but no entry."""
    try:
        found = read(wanted)
    except ImageError as error:
        if entry is not None:  # ours, but torn
            return Decision(Action.FETCH, entry)
        raise refusal(wanted, f"already exists and is not a file of ours ({error})") from error
    if found.url != wanted.url:
        raise refusal(wanted, f"{_DIFFERENT}, {found.url}")
    return Decision(Action.ADOPT, found)


def refusal(wanted: Wanted, why: str) -> TargetError:
    """Return the error for a name that is taken."""
    return TargetError(
        f"target {wanted.row} ({wanted.name!r}): {wanted.file} {why}; use another name or "
        "directory, or overwrite=True"
    )
