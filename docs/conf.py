"""How the site is built: ``sphinx-build -W -n docs docs/_build/html``, without a network."""

from __future__ import annotations

import atexit
import datetime
import importlib.metadata
import inspect
import io
import os
import shutil
import sys
import tempfile
import textwrap
from pathlib import Path

from numpydoc.docscrape import NumpyDocString
from sphinx_astropy.conf.v3 import *  # noqa: F403
from sphinx_astropy.conf.v3 import exclude_patterns, extensions

project = "sdss_cutout"
author = "the sdss_cutout developers"
copyright = f"{datetime.datetime.now(datetime.UTC).year}, {author}"
release = importlib.metadata.version("sdss_cutout")
version = ".".join(release.split(".")[:2])

# No page has formulas, and nothing may be loaded from other sites.
extensions.remove("sphinx.ext.mathjax")
extensions.remove("sphinx_astropy.ext.changelog_links")
extensions.remove("sphinx_astropy.ext.missing_static")
extensions += ["myst_parser", "sphinx_click"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
exclude_patterns += ["_build", "_generated", "generated/*.md", "generated/*.inc"]
suppress_warnings = ["app.add_directive"]
nitpicky = True
smartquotes_action = "qe"  # not the dashes: they would turn --help into an en dash and help

# The package describes its classes under the names that users import.
autodoc_typehints = "none"
autoclass_content = "class"
automodapi_toctreedirnm = "generated/api"
automodsumm_inherited_members = False
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
numpydoc_validation_checks = set()  # pytest does this, see tests/test_docs.py

# ------------------------------------------------------------------ other projects' pages
# Offline by default, so that the site builds anywhere; with the variable set, the names of other
# projects become links.
if os.environ.get("SDSS_CUTOUT_DOCS_ONLINE"):
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3/", None),
        "numpy": ("https://numpy.org/doc/stable/", None),
        "matplotlib": ("https://matplotlib.org/stable/", None),
        "astropy": ("https://docs.astropy.org/en/stable/", None),
    }
else:
    intersphinx_mapping = {}
    nitpick_ignore_regex = [
        (r"py:.*", r"(astropy|matplotlib|numpy|pandas|pathlib|concurrent|collections)\..*"),
        (r"py:(class|obj|exc)", r"(ValueError|Exception|tuple|dict|bytes|float|int|str|list|bool)"),
    ]

# ---------------------------------------------------------------------------------- looks
# The theme of v3 has Astropy's name, menus and visitor counter. This is not an Astropy site: the
# plain theme that it is built on is used.
html_theme = "pydata_sphinx_theme"
html_title = "sdss_cutout"
html_static_path = ["_static"]
html_css_files = ["sdss_cutout.css"]
html_logo = "_static/logo.svg"
html_favicon = "_static/logo.svg"
html_show_sourcelink = False
html_copy_source = False
html_last_updated_fmt = None
html_theme_options = {
    "logo": {"text": "sdss_cutout"},
    "navigation_with_keys": False,
    "show_prev_next": True,
    "show_toc_level": 2,
    "header_links_before_dropdown": 6,
    "footer_start": ["copyright"],
    "footer_end": ["simulated"],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
templates_path = ["_templates"]
html_sidebars = {  # pages that stand alone have no section to navigate
    page: []
    for page in (
        "start", "comece", "coming_from", "alternatives", "performance", "faults", "citing",
        "changelog", "contributing",
    )
}  # fmt: skip
html_context = {"default_mode": "auto"}

# -------------------------------------------------------------------------------- figures
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 144)]
# One grey that can be read on light and dark pages, on a transparent background.
_INK = "#6f7b87"
plot_rcparams = {
    "figure.figsize": (4.6, 4.6),
    "figure.facecolor": "none",
    "savefig.bbox": "tight",
    "savefig.facecolor": "none",
    "font.size": 10,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.titlecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}
plot_apply_rcparams = True


def start_sandbox(app) -> None:
    """Let every figure be drawn from a simulated server: nothing here is SDSS data."""
    from sdss_cutout import conf
    from sdss_cutout.sandbox import Sandbox

    sandbox = Sandbox()
    sandbox.__enter__()
    atexit.register(sandbox.__exit__, None, None, None)
    folder = tempfile.TemporaryDirectory(prefix="sdss_cutout_docs_")
    atexit.register(folder.cleanup)
    conf.base_url, conf.frames_url = sandbox.base_url, sandbox.frames_url
    conf.frame_cache = f"{folder.name}/frames"
    conf.max_rate = 1000.0
    conf.show_progress = False
    app.config.plot_working_directory = folder.name


# ------------------------------------------------------------------- pages from the code


def write_generated(app) -> None:
    """Write what the pages include from the code, and from measurements where there are any."""
    from sdss_cutout._results.columns import MANIFEST_COLUMNS, RESULT_COLUMNS

    folder = Path(app.srcdir, "generated")
    shutil.rmtree(folder, ignore_errors=True)  # or pages of names that are gone would stay
    folder.mkdir()
    written = {
        "configuration.inc": _configuration(),
        "errors.inc": _errors(),
        "facts.inc": _facts(),
        "sandbox_faults.inc": _sandbox_faults(),
        "result_columns.inc": _columns(RESULT_COLUMNS),
        "manifest_columns.inc": _columns(
            column for column in MANIFEST_COLUMNS if column not in RESULT_COLUMNS
        ),
        "sandbox_facts.inc": _sandbox_facts(),
        "faults.md": _narrowed(_if_there(Path(app.srcdir, "_generated", "faults.md"))),
        "performance.md": _if_there(Path(app.srcdir, "..", "tests", "benchmarks", "results.md")),
    }
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8")


def _configuration() -> str:
    from astropy.config import generate_config

    text = io.StringIO()
    generate_config("sdss_cutout", text)
    return ".. code-block:: ini\n\n" + textwrap.indent(text.getvalue().strip(), "   ") + "\n"


def _errors() -> str:
    import sdss_cutout._errors as errors

    tree = inspect.cleandoc(errors.__doc__).partition("::")[2].strip("\n")
    links = ", ".join(f"`~sdss_cutout.{name}`" for name in errors.__all__)
    return f".. code-block:: text\n\n{tree}\n\nEach is described on its own page: {links}.\n"


def _facts() -> str:
    from sdss_cutout._service.facts import FACTS

    rows = [
        f"   * - ``{fact.id}``\n     - {fact.statement}\n\n"
        f"       *{fact.source}*; used by ``{fact.used_by}``"
        for fact in FACTS.values()
    ]
    head = ".. list-table::\n   :header-rows: 1\n   :widths: 25 75\n\n"
    titles = "   * - fact\n     - what is assumed, its source, and where\n"
    return head + titles + "\n".join(rows) + "\n"


def _sandbox_faults() -> str:
    from sdss_cutout.sandbox import ALL_FAULTS, fault_options

    rows = [
        f"   * - ``{name}``\n     - {text.replace(chr(96), chr(96) * 2)}\n     - "
        + ", ".join(
            f"``{key}={value!r}``"
            for key, value in fault_options(name).items()
            if key not in ("close", "http10")  # the page says it of all of them
        )
        for name, text in ALL_FAULTS.items()
    ]
    head = ".. list-table::\n   :header-rows: 1\n   :widths: 25 50 25\n\n"
    return head + "   * - name\n     - what happens\n     - options\n" + "\n".join(rows) + "\n"


def _columns(columns) -> str:
    rows = (
        f"   * - ``{column.name}``\n     - {_TYPES[column.dtype]}\n     - {column.unit}\n"
        f"     - {column.description}\n"
        for column in columns
    )
    head = ".. list-table::\n   :header-rows: 1\n   :widths: 17 12 17 54\n\n"
    return f"{head}   * - column\n     - type\n     - unit\n     - meaning\n{''.join(rows)}"


_TYPES = {"U": "text", "i8": "integer", "f8": "float"}


def _sandbox_facts() -> str:
    from sdss_cutout.sandbox import BREAKABLE_FACTS

    rows = [f"   * - ``{fact}``\n     - {text}" for fact, text in BREAKABLE_FACTS.items()]
    head = ".. list-table::\n   :header-rows: 1\n   :widths: 25 75\n\n"
    return head + "   * - fact\n     - what the sandbox then does\n" + "\n".join(rows) + "\n"


def _narrowed(table: str) -> str:
    """Return the table of faults with outcome, requests and seconds in one column each time."""
    lines = table.splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]
    if not lines[0].startswith("|") or {len(row) for row in rows} != {9}:
        return table
    head = ["fault", "what the server does", "once", "every time", "error in the end"]
    narrow = [head, ["---"] * 5] + [
        [fault, does, f"**{once}** {n} / {s} s", f"**{ever}** {m} / {t} s", error]
        for fault, does, once, n, s, ever, m, t, error in rows
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in narrow) + "\n"


def _if_there(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else "*Not measured yet.*\n"


def describe_fields(_app, what, name, _obj, _options, lines) -> None:
    """Describe the fields of dataclasses as "Attributes" in the docstring does."""
    owner, _, field = name.rpartition(".")
    module, _, class_name = owner.rpartition(".")
    found = getattr(sys.modules.get(module), class_name, None)
    if what != "attribute" or field not in getattr(found, "__dataclass_fields__", {}):
        return
    for attribute in NumpyDocString(inspect.getdoc(found))["Attributes"]:
        if field in attribute.name.split(", "):
            lines[:] = [*attribute.desc, ""]


def literal_epilog(_app, context, lines) -> None:
    """Show the examples at the end of a command's help as they are."""
    epilog = inspect.cleandoc((context.command.epilog or "").replace("\b\n", ""))
    if epilog:
        lines[:] = [".. code-block:: text", "", *textwrap.indent(epilog, "   ").splitlines(), ""]


def setup(app) -> None:
    """Register what is above with Sphinx."""
    app.connect("builder-inited", write_generated, priority=100)
    app.connect("builder-inited", start_sandbox)
    app.connect("autodoc-process-docstring", describe_fields)
    app.connect("sphinx-click-process-epilog", literal_epilog)
