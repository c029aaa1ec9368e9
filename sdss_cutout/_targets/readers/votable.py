"""VOTables: columns go by their names, and each keeps the frame that COOSYS gives it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from astropy.io.votable import parse
from astropy.io.votable.tree import CooSys, FieldRef, Group, Resource, TableElement, VOTableFile
from astropy.table import Column, MaskedColumn, Table

from sdss_cutout._targets.frames import FRAME_KEY
from sdss_cutout._targets.readers.source import (
    Content,
    TableSource,
    missing_as_nan,
    note_repeated,
)

__all__ = ["read_votable"]


def read_votable(content: Content) -> tuple[TableSource, ...]:
    """Return the tables in a VOTable."""
    file = parse(content.source(), verify="ignore", unit_format=None)
    systems = _Systems(file)
    return tuple(
        TableSource(
            name=table.name or table.ID or str(number),
            number=str(number),
            colnames=[field.name for field in table.fields],
            read=partial(_table_of, table, systems),
            aliases=tuple(filter(None, (table.ID,))),
        )
        for number, table in enumerate(file.iter_tables())
        if table.fields
    )


def _table_of(element: TableElement, systems: _Systems) -> Table:
    table = element.to_table(use_names_over_ids=True)
    for name, field in zip(table.colnames, element.fields, strict=True):
        if table[name].dtype.kind == "O":
            table[name] = _as_text(table[name])
        if frame := systems.frame_of(element, field):
            table[name].info.meta = {**(table[name].info.meta or {}), FRAME_KEY: frame}
    return missing_as_nan(note_repeated(table, [field.name for field in element.fields]))


def _as_text(column: Any) -> Any:
    """Return text of any length, which comes as objects, as text; arrays stay what they are."""
    values = list(np.asarray(column, dtype=object))
    if not all(isinstance(value, str | bytes) or value is None for value in values):
        return column
    texts = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v or "" for v in values]
    mask = np.broadcast_to(getattr(column, "mask", False), len(texts))
    kind = MaskedColumn if np.any(mask) else Column
    more = {"mask": mask} if np.any(mask) else {}
    return kind(
        np.array(texts, dtype=str), name=column.name, unit=column.unit,
        description=column.description, meta=column.meta, **more,
    )  # fmt: skip


class _Systems:
    """The coordinate systems of a VOTable, and which field is in which."""

    def __init__(self, file: VOTableFile) -> None:
        self._by_id = {system.ID: system for system in file.iter_coosys() if system.ID}
        self._of_table: dict[int, list[CooSys]] = {}
        for resource in file.resources:
            self._visit(resource, list(file.coordinate_systems))

    def _visit(self, resource: Resource, outer: list[CooSys]) -> None:
        systems = [*outer, *resource.coordinate_systems]
        for table in resource.tables:
            self._of_table[id(table)] = systems
        for inner in resource.resources:
            self._visit(inner, systems)

    def frame_of(self, table: TableElement, field: Any) -> str:
        """Return the words for a field's system, empty if none is said to be its."""
        if (system := self._referred(table, field)) is not None:
            return _words_of(system)
        return self._of_all(table) if _is_equatorial(field) else ""

    def _referred(self, table: TableElement, field: Any) -> CooSys | None:
        for reference in (field.ref, *_group_references(table, field)):
            if reference in self._by_id:
                return self._by_id[reference]
        return None

    def _of_all(self, table: TableElement) -> str:
        """Return the system of equatorial coordinates where no field refers to it."""
        used = {field.ref for field in table.fields}
        systems = [
            _words_of(system)
            for system in self._of_table.get(id(table), [])
            if system.ID not in used and "gal" not in str(system.system).lower()
        ]
        return " or ".join(dict.fromkeys(systems))  # two are refused where they are needed


def _words_of(system: CooSys) -> str:
    return f"{system.system or 'ICRS'} {system.equinox or ''}".strip()


def _is_equatorial(field: Any) -> bool:
    ucd = (field.ucd or "").lower()
    name = (field.name or "").lower().lstrip("_")
    return ucd.startswith(("pos.eq", "pos_eq")) or name.startswith(("ra", "de", "alpha", "delta"))


def _group_references(table: TableElement, field: Any) -> Iterator[str]:
    """Yield what groups that hold a field refer to."""
    for group in table.groups:
        if isinstance(group, Group) and group.ref:
            refs = {entry.ref for entry in group.entries if isinstance(entry, FieldRef)}
            if field.ID in refs:
                yield group.ref
