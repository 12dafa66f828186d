"""The rules of the house that no linter knows: sizes, names, mirrored tests, no clash with other packages."""

import ast
import subprocess
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("bundle", "training", "index", "evaluation", "service", "client", "cli")
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40
POSITION_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "core", "shared", "base", "lib"}
# Covered by what uses them: error trees and protocols hold no behaviour, an entry point only calls.
WITHOUT_OWN_TEST = {"__init__", "__main__", "errors", "contract", "epoch_hook", "manifest", "progress"}


def _tracked(*patterns: str) -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [path for path in (ROOT / name for name in sorted(set(names))) if path.is_file()]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


PYTHON_FILES = _tracked("*.py")
MODULES = [path for path in PYTHON_FILES if path.relative_to(ROOT).parts[0] in PACKAGES]


@pytest.mark.parametrize("path", PYTHON_FILES, ids=_name)
def test_a_file_is_short_and_named_for_its_content(path: Path) -> None:
    assert len(path.read_text().splitlines()) < MAX_FILE_LINES
    assert path.stem not in POSITION_NAMES


@pytest.mark.parametrize("path", [p for p in PYTHON_FILES if p.relative_to(ROOT).parts[0] != "tests"], ids=_name)
def test_a_function_fits_one_screen(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= MAX_FUNCTION_LINES, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_has_its_test_at_the_mirrored_path(path: Path) -> None:
    relative = path.relative_to(ROOT)
    if path.stem in WITHOUT_OWN_TEST:
        return
    mirror = ROOT / "tests" / relative.parent / f"test_{path.name}"
    folder_test = ROOT / "tests" / relative.parent.parent / f"test_{relative.parent.name}.py"
    assert mirror.is_file() or folder_test.is_file(), f"write {_name(mirror)}"


@pytest.mark.parametrize("path", [p for p in PYTHON_FILES if _name(p).startswith("tests/")], ids=_name)
def test_test_folders_are_packages_and_skips_say_why(path: Path) -> None:
    assert (path.parent / "__init__.py").is_file()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("mark.skipif", "mark.skip")):
            assert any(keyword.arg == "reason" for keyword in node.keywords)


def test_no_other_distribution_owns_our_import_names() -> None:
    owners = packages_distributions()
    for package in PACKAGES:
        assert set(owners.get(package, ())) <= {"tandem-retrieval"}


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 120


def test_the_serving_packages_are_listed_in_the_wheel() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    assert f"packages = {list(PACKAGES)}".replace("'", '"') in text


def test_the_architecture_names_every_file_or_its_folder() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    missing = []
    for path in MODULES:
        folder = path.parent.relative_to(ROOT)
        named = path.name in text or (len(folder.parts) > 1 and f"{folder.name}/`" in text)
        if not named and folder.name != "cli" and path.stem not in {"__init__", "errors", "config"}:
            missing.append(_name(path))
    assert missing == []
