"""Reads a query's conditions, and tells in which cells of the sky they can hold.

Every expression has an interval in every cell; a condition holds nowhere in a cell where the
intervals of its sides exclude it. What cannot be read is taken to hold everywhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from sdss_cutout.sandbox.sql import intervals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from sdss_cutout.sandbox.sql.intervals import Interval

    Flags = NDArray[np.bool_]
    Bounds = Mapping[str, Interval]
    # Both are given the alias whose table is meant, or None where a query uses no aliases.
    Expression = Callable[[str | None], Interval]
    Condition = Callable[[str | None], Flags]

_TOKEN = re.compile(
    r"(?P<skip>\s+|--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*')"
    r"|(?P<number>\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?)"
    r"|(?P<name>\[[^\]]*\]|\"[^\"]*\"|[#@]?[^\W\d]\w*)|(?P<mark><=|>=|<>|!=|!<|!>|.)",
    re.DOTALL | re.IGNORECASE,
)
_CLAUSE_ENDS = {
    "where", "on", "group", "order", "having", "union", "except", "intersect", "limit", "join",
    "inner", "left", "right", "full", "cross", "outer",
}  # fmt: skip
_LOGIC = {
    "and",
    "or",
    "not",
    "between",
    "in",
    "like",
    "is",
    "<",
    ">",
    "=",
    "<=",
    ">=",
    "<>",
    "!=",
}
_ID_COLUMNS = {"objid", "bestobjid", "specobjid"}


class _UnreadableError(Exception):
    """A condition of a form that is not read here."""


class Token(str):
    """A piece of a query: names in lower case and without brackets."""

    __slots__ = ("kind",)
    kind: str

    @classmethod
    def of(cls, found: re.Match[str]) -> Token:
        """Make it of a match."""
        kind, text = found.lastgroup or "mark", found.group()
        word = cls(text.strip('[]"').lower() if kind == "name" else text.lower())
        word.kind = kind
        return word


def tokens_of(sql: str) -> list[Token]:
    """The pieces of a query without blanks and comments."""
    return [Token.of(found) for found in _TOKEN.finditer(sql) if found.lastgroup != "skip"]


def possible_cells(sql: str, bounds: Bounds) -> Flags | None:
    """Cells in which a query's conditions can hold; None if they do not confine it.

    ``bounds`` has the lowest and the highest value of each column in every cell.
    """
    found: Flags | None = None
    for scope in _scopes(tokens_of(sql)):
        held = _scope_cells(scope, bounds)
        if held is not None:
            found = held if found is None else found | held
    return found


def _scopes(tokens: list[Token]) -> list[list[Token]]:
    """Each SELECT of a query by itself, without those in brackets inside it."""
    scopes: list[list[Token]] = []
    outer: list[tuple[list[Token], bool]] = []
    current: list[Token] = []
    for word, following in zip(tokens, [*tokens[1:], ""], strict=True):
        current.append(word)
        if word == "(":
            outer.append((current, following == "select"))
            current = [] if following == "select" else current
        elif word == ")" and outer:
            around, is_scope = outer.pop()
            if is_scope:
                scopes.append(current)
                around.append(word)
            current = around
    return [part for scope in [*scopes, current] for part in _united(scope)]


def _united(scope: list[Token]) -> list[list[Token]]:
    """The parts of a UNION, each by itself."""
    parts: list[list[Token]] = [[]]
    for word in scope:
        if word in ("union", "except", "intersect"):
            parts.append([])
        parts[-1].append(word)
    return parts


def _scope_cells(scope: list[Token], bounds: Bounds) -> Flags | None:
    """Cells in which one SELECT's conditions can hold; None if they do not confine it."""
    parser = _Parser(scope, bounds)
    conditions = [parser.clause(n + 1) for n, word in enumerate(scope) if word in ("where", "on")]
    held = []
    for alias in parser.aliases or {None}:
        cells = parser.everywhere(None)
        for condition in conditions:
            cells = cells & condition(alias)
        held += [cells] if not cells.all() else []
    if not held:
        return None
    # Tables that are joined by identifiers hold the same objects, so all conditions hold at once.
    together = np.logical_and if _joins_by_id(scope) else np.logical_or
    return np.asarray(together.reduce(held))


def _joins_by_id(scope: list[Token]) -> bool:
    return any(
        scope[n - 1] in _ID_COLUMNS and scope[n + 1].kind == "name" and scope[n + 3] in _ID_COLUMNS
        for n in range(1, len(scope) - 3)
        if scope[n] == "=" and scope[n + 2] == "."
    )


class _Parser:
    """Reads the conditions of one SELECT by recursive descent.

    Attributes
    ----------
    aliases : set of str
        What columns that confine the query were qualified with.
    """

    def __init__(self, tokens: list[Token], bounds: Bounds) -> None:
        self._tokens, self._bounds = tokens, bounds
        self._next = 0
        self.aliases: set[str | None] = set()

    def everywhere(self, _alias: str | None) -> Flags:
        """All cells."""
        return np.ones(len(self._bounds["ra"][0]), dtype=bool)

    def clause(self, start: int) -> Condition:
        """The condition that begins at a word; one that holds everywhere if it is not read."""
        self._next = start
        try:
            return self._or()
        except (_UnreadableError, IndexError):
            return self.everywhere

    def _peek(self, ahead: int = 0) -> Token | None:
        place = self._next + ahead
        return self._tokens[place] if place < len(self._tokens) else None

    def _take(self, *expected: str) -> Token:
        word = self._tokens[self._next]
        if expected and word not in expected:
            raise _UnreadableError(word)
        self._next += 1
        return word

    def _or(self) -> Condition:
        parts = [self._and()]
        while self._peek() == "or":
            self._take()
            parts.append(self._and())
        return lambda alias: np.logical_or.reduce([part(alias) for part in parts])

    def _and(self) -> Condition:
        parts = [self._not()]
        while self._peek() == "and":
            self._take()
            parts.append(self._not())
        return lambda alias: np.logical_and.reduce([part(alias) for part in parts])

    def _not(self) -> Condition:
        if self._peek() == "not":
            self._take()
            self._not()
            return self.everywhere
        if self._peek() == "exists":
            self._take()
            self._skip_group()
            return self.everywhere
        if self._peek() == "(" and self._is_condition_group():
            self._take()
            inner = self._or()
            self._take(")")
            return inner
        return self._comparison()

    def _is_condition_group(self) -> bool:
        """Whether the brackets that begin here hold a condition, not an expression."""
        depth = 0
        for word in self._tokens[self._next :]:
            depth += (word == "(") - (word == ")")
            if word in _LOGIC:
                return True
            if depth == 0:
                return False
        return False

    def _comparison(self) -> Condition:
        spectra = self._spectra()
        if spectra is not None:
            return spectra
        left = self._sum()
        word = self._take()
        if word in intervals.COMPARISONS:
            return self._compared(left, intervals.COMPARISONS[word], self._sum())
        if word == "not":
            self._take("between", "in", "like")
            self._next -= 1
            self._comparison_rest(left, self._take())
            return self.everywhere
        return self._comparison_rest(left, word)

    def _comparison_rest(self, left: Expression, word: Token) -> Condition:
        if word == "between":
            low = self._compared(left, intervals.COMPARISONS[">="], self._sum())
            self._take("and")
            high = self._compared(left, intervals.COMPARISONS["<="], self._sum())
            return lambda alias: low(alias) & high(alias)
        if word == "in" and self._peek(1) != ")":
            equals = [self._compared(left, intervals.COMPARISONS["="], one) for one in self._list()]
            return lambda alias: np.logical_or.reduce([equal(alias) for equal in equals])
        if word == "in":
            self._skip_group()
        elif word == "is":
            self._take("not", "null")
            if self._peek() == "null":
                self._take()
        elif word == "like":
            self._take()
        else:
            raise _UnreadableError(word)
        return self.everywhere

    def _compared(self, left: Expression, compare: Any, right: Expression) -> Condition:
        return lambda alias: self.everywhere(alias) & compare(left(alias), right(alias))

    def _list(self) -> list[Expression]:
        self._take("(")
        values = [self._sum()]
        while self._take(",", ")") == ",":
            values.append(self._sum())
        return values

    def _spectra(self) -> Condition | None:
        """Spectra by identifier: its bits tell plate and date, and so the cell."""
        start = 2 if self._peek(1) == "." else 0
        if self._peek(start) != "specobjid" or self._peek(start + 1) not in ("=", "in"):
            return None
        first = start + (3 if self._peek(start + 1) == "in" else 2)
        numbers = self._numbers_from(first)
        if not numbers:
            return None
        self._next += first + 2 * len(numbers) - (1 if start + 2 == first else 0)
        plate, date = self._bounds["plate"][0], self._bounds["mjd"][0]
        cells = [(plate == n >> 50) & (date == (n >> 24 & 16383) + 50_000) for n in numbers]
        return lambda _: np.logical_or.reduce(cells)

    def _numbers_from(self, ahead: int) -> list[int]:
        """Whole numbers, with a comma or a bracket after each."""
        found = []
        while (word := self._peek(ahead)) is not None and word.isdigit():
            found.append(int(word))
            ahead += 2
            if self._peek(ahead - 1) != ",":
                break
        return found

    def _sum(self) -> Expression:
        value = self._product()
        while self._peek() in ("+", "-"):
            value = _combined(intervals.SUMS[self._take()], value, self._product())
        return value

    def _product(self) -> Expression:
        value = self._factor()
        while self._peek() in ("*", "/", "%"):
            value = _combined(intervals.PRODUCTS[self._take()], value, self._factor())
        return value

    def _factor(self) -> Expression:
        word = self._take()
        if word in ("+", "-"):
            inner = self._factor()
            return inner if word == "+" else lambda alias: intervals.negative(inner(alias))
        if word.kind == "number":
            number = np.float64(word)
            return lambda _: (number, number)
        if word == "(":
            return self._group()
        if word == "case":
            self._skip_case()
        elif word.kind == "name":
            return self._named(word)
        elif word.kind != "text":
            raise _UnreadableError(word)
        return lambda _: intervals.UNKNOWN

    def _group(self) -> Expression:
        if self._peek() == "select":
            raise _UnreadableError("select")
        if self._peek() == ")":  # a SELECT was here, which is read by itself
            self._take()
            return lambda _: intervals.UNKNOWN
        inner = self._sum()
        self._take(")")
        return inner

    def _named(self, name: Token) -> Expression:
        if name in _CLAUSE_ENDS | _LOGIC | {"select", "then", "else", "end", "as"}:
            raise _UnreadableError(name)
        parts = [name]
        while self._peek() == ".":
            self._take()
            parts.append(self._take())
        if self._peek() == "(":
            return self._function(parts[-1])
        qualifier = parts[-2] if len(parts) > 1 else None
        bounds = self._bounds.get(parts[-1])
        if bounds is None:
            return lambda _: intervals.UNKNOWN
        if qualifier is not None:
            self.aliases.add(qualifier)
        return lambda alias: bounds if qualifier in (None, alias) else intervals.UNKNOWN

    def _function(self, name: Token) -> Expression:
        start = self._next
        try:
            arguments = self._list()
        except _UnreadableError:
            self._next = start
            self._skip_group()
            return lambda _: intervals.UNKNOWN
        return lambda alias: intervals.call(name, [argument(alias) for argument in arguments])

    def _skip_group(self) -> None:
        depth = 0
        while True:
            word = self._take()
            depth += (word == "(") - (word == ")")
            if depth == 0:
                return

    def _skip_case(self) -> None:
        depth = 1
        while depth:
            word = self._take()
            depth += (word == "case") - (word == "end")


def _combined(operate: Any, left: Expression, right: Expression) -> Expression:
    return lambda alias: operate(left(alias), right(alias))
