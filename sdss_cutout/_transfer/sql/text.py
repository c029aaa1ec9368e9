"""SQL as people paste it becomes SQL as the server takes it."""

from __future__ import annotations

import re

__all__ = ["clean_sql"]

# Quoted text and names, which hold anything; comments; and what is between. What is not closed goes
# on to the end, for the server to refuse.
_TOKENS = re.compile(
    r"""'(?:[^']|'')*'?|"(?:[^"]|"")*"?|\[(?:[^\]]|\]\])*\]?|--[^\n]*|/\*|\s+|[^'"\[\s/-]+|.""",
    re.DOTALL,
)


def clean_sql(sql: str) -> str:
    """Return a query as the server takes it: no comments, no line breaks, no final semicolon."""
    parts: list[str] = []
    start = 0
    sql = sql.lstrip("\ufeff")
    while found := _TOKENS.match(sql, start):
        part, start = found[0], found.end()
        if part == "/*":
            start = _end_of_comment(sql, start)
        is_blank = part.isspace() or part[:2] in ("--", "/*")
        if not (is_blank and parts[-1:] == [" "]):
            parts.append(" " if is_blank else part)
    return re.sub(r"[\s;]+\Z", "", "".join(parts)).strip()


def _end_of_comment(sql: str, start: int) -> int:
    """Return where a comment ends that may hold others, as Transact-SQL has it."""
    depth = 1
    for found in re.compile(r"/\*|\*/").finditer(sql, start):
        depth += 1 if found[0] == "/*" else -1
        if depth == 0:
            return found.end()
    return len(sql)
