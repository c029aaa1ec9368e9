"""What pages of errors say, in one line."""

from __future__ import annotations

import time

import pytest
from jpegs import GOOD

from sdss_cutout._transfer.error_text import error_text, one_line


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (b"", ""),
        (GOOD, ""),
        (b"plain words", "plain words"),
        (b"<p>a &lt;b&gt; &amp; c</p>", "a <b> & c"),
        (b"<head><title>Title</title></head><body></body>", "Title"),
        (b"<head><title>Title</title><body>Text", "Text"),
        (b"<script>if (a<b && b>c) x()</script><style>p{}</style>Shown", "Shown"),
        (b"<HEAD><META x></HEAD>\n\n<B>Big</B>" + b"\n" * 5000 + b"end", "Big end"),
        (b"[1, 2]", "[1, 2]"),
        (b'{"ErrorMessage": {"a": 1}}', "{'a': 1}"),
        (b"Incorrect syntax near a < 5 and b > 3 &amp", "Incorrect syntax near a < 5 and b > 3 &"),
        (b"<!-- hidden --><p class='a>b'>Shown</p><br/>cut <b", "Shown cut"),
    ],
)
def test_words_of_a_page(page, words):
    assert error_text(page) == words


@pytest.mark.parametrize(
    "piece",
    [
        b"<head>",
        b"<title>",
        b"<script ",
        b"<",
        b"<!--",
        b"[",
        b'{"a":',
        b"<a ",
        b"<a b=",
        b"<a b='",
        b"</",
        b"<?",
        b"&#",
    ],
)
def test_no_page_takes_long_to_read(piece):
    start = time.process_time()
    error_text(piece * (65_536 // len(piece)))
    assert time.process_time() - start < 1


def test_one_line():
    assert one_line("a\r\n\tb\x00c\u202ed") == "a b c d"
    assert one_line("x" * 500) == "x" * 299 + "…"
    long = "x" * 290 + "https://user:secret@host/"
    assert "secret" not in one_line(long)
    assert one_line("see http://u:p@ss@h/ and https://v:w@i:80/x") == (
        "see http://h/ and https://i:80/x"
    )
