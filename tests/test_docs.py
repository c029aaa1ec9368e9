"""What the documentation says holds: examples, commands, docstrings, links."""

from __future__ import annotations

import dataclasses
import doctest
import inspect
import re
import shlex
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

import sdss_cutout
import sdss_cutout.sandbox
from sdss_cutout.cli import main

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(
    path
    for path in [*DOCS.rglob("*.rst"), *DOCS.rglob("*.md")]
    if not {"_build", "_generated", "generated"} & set(path.relative_to(DOCS).parts)
)
CONSOLE_PAGES = [page for page in PAGES if "$ sdss-cutout" in page.read_text("utf-8")]


def _public():
    """Yield all public names with what they name, and the public members of the classes."""
    for module in (sdss_cutout, sdss_cutout.sandbox):
        for name in module.__all__:
            thing = getattr(module, name)
            if callable(thing):
                yield f"{module.__name__}.{name}", thing


def _members(name, thing):
    """Yield the methods and properties that a class has from us, under their import names."""
    members = {}
    for base in reversed(inspect.getmro(thing)) if inspect.isclass(thing) else ():
        members |= vars(base) if base.__module__.startswith("sdss_cutout") else {}
    for key, member in members.items():
        plain = getattr(member, "__func__", member)
        if not key.startswith("_") and (inspect.isfunction(plain) or isinstance(member, property)):
            yield f"{name}.{key}", plain if inspect.isfunction(plain) else member


PUBLIC = dict(_public())
MEMBERS = dict(pair for name, thing in PUBLIC.items() for pair in _members(name, thing))


# ------------------------------------------------------------------------ docstrings


def _doctests():
    """Return the examples of public docstrings.

    pytest looks for a docstring in the module that the object says it is from. Ours say
    ``sdss_cutout``, so that tracebacks and pages show the names that users import; therefore they
    are looked for here.
    """
    finder = doctest.DocTestFinder(exclude_empty=True, recurse=False)
    return [
        test
        for name, thing in {**PUBLIC, **MEMBERS}.items()
        for test in finder.find(thing, name, module=False, globs={})
    ]


@pytest.mark.parametrize("test", _doctests(), ids=lambda test: test.name)
def test_examples_in_docstrings_run(test, tmp_path, monkeypatch, request):
    from pytest_doctestplus.output_checker import OutputChecker

    monkeypatch.chdir(tmp_path)
    flags = sum(
        doctest.OPTIONFLAGS_BY_NAME[name] for name in request.config.getini("doctest_optionflags")
    )
    runner = doctest.DocTestRunner(checker=OutputChecker(), optionflags=flags, verbose=False)
    report = []
    runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)


# What is read, not called, needs none.
WITHOUT_EXAMPLE = {name for name, member in MEMBERS.items() if not callable(member)}


@pytest.mark.parametrize("name", [*PUBLIC, *MEMBERS])
def test_public_names_are_documented(name):
    validate = pytest.importorskip("numpydoc.validate")
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    left_out = set(rules["tool"]["numpydoc_validation"]["checks"]) - {"all"}
    errors = validate.validate(name)["errors"]
    found = [f"{code}: {text}" for code, text in errors if code not in left_out]
    spared = {"EX01"} if name in WITHOUT_EXAMPLE else set()
    if dataclasses.is_dataclass(PUBLIC.get(name)):
        spared.add("PR01")  # its attributes are described; nobody else makes one
    found = [text for text in found if text[:4] not in spared]
    assert not found, "\n".join([name, *found])


# ---------------------------------------------------------------------------- pages


_CONSOLE = re.compile(r"^\.\. code-block:: console\n\n((?:(?:   .*)?\n)+)", re.MULTILINE)


def _commands(page):
    """Return the command lines in a page's console blocks, with what is to come out."""
    commands = []
    for block in _CONSOLE.findall(page.read_text("utf-8")):
        for line in block.rstrip().splitlines():
            if line.startswith("   $ "):
                commands.append((line.removeprefix("   $ "), []))
            else:
                commands[-1][1].append(line.strip())
    return commands


@pytest.mark.parametrize("page", CONSOLE_PAGES, ids=lambda page: page.stem)
def test_commands_on_pages_run(page, sandbox, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "id,ra,dec\n1,20.699223,-0.008949\n2,27.733471,-1.244349\n"
    Path("targets.csv").write_text(rows)
    for command, expected in _commands(page):
        program, *arguments = shlex.split(command)
        if program != "sdss-cutout" or "sandbox" in arguments:
            continue
        with (
            sdss_cutout.conf.set_temp("base_url", sandbox.base_url),
            sdss_cutout.conf.set_temp("max_rate", 1000.0),
        ):
            for option, url in (
                ("--base-url", sandbox.base_url),
                ("--frames-url", sandbox.frames_url),
            ):
                if option in arguments:
                    arguments[arguments.index(option) + 1] = url
            result = CliRunner().invoke(main, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        if expected:  # pictures come in any order
            wanted, got = "\n".join(sorted(expected)), "\n".join(sorted(result.stdout.splitlines()))
            flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
            assert doctest.OutputChecker().check_output(wanted, got, flags), got


@pytest.mark.parametrize(("ra", "dec"), [(20.699223, -0.008949), (27.733471, -1.244349)])
def test_the_galaxies_on_the_pages_are_there(sandbox, ra, dec):
    # The pages give these positions; another synthetic sky needs others.
    nearest = sandbox.sky.near(ra, dec, 2 / 3600)[0]
    assert nearest["kind"] == "galaxy"
    assert nearest["r"] < 15


def test_readme_has_the_commands_that_ci_runs():
    readme, ci = (ROOT / "README.md").read_text("utf-8"), (ROOT / ".ci" / "run").read_text("utf-8")
    blocks = dict(re.findall(r"<!-- (install-\S+) -->\n```sh\n(.*?)\n```", readme, re.DOTALL))
    assert set(blocks) == {"install-and-demo", "install-and-test", "install-and-docs"}
    for command in blocks.values():
        install, then = command.split(" && ")
        assert install.split("[")[0].strip(' ."') == "pip install"
        assert re.search(rf"^{re.escape(_without_paths(then))}\b", ci, re.MULTILINE), then


def _without_paths(command):
    """Return the command up to the first path: CI writes elsewhere."""
    return re.split(r" (?=docs)", command)[0]


def test_the_code_in_the_readme_runs(sandbox):
    readme = (ROOT / "README.md").read_text("utf-8")
    [code] = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    with sdss_cutout.conf.set_temp("base_url", sandbox.base_url):
        exec(compile(code, "README.md", "exec"), {})


def test_links_of_the_readme_lead_somewhere():
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "CODE_OF_CONDUCT.md",
    ):
        text = (ROOT / name).read_text("utf-8")
        for link in re.findall(r"\]\(([^)]+)\)", text):
            assert link.startswith("https://") or (ROOT / link).exists(), f"{name}: {link}"


def test_version_is_the_one_that_is_cited():
    cited = re.search(r"^version: (\S+)", (ROOT / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    changes = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert cited[1].startswith(changes[1])
