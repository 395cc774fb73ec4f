"""The template's bundle: the same for the same files, and merged without losing a version."""

import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

from mlship import bundle


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the template's files, without git."""
    root = tmp_path / "tree"
    root.mkdir()
    for name in bundle.PATHS:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, root / name)
    return root


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


def test_bundle_of_the_same_files_is_the_same(tree: Path, tmp_path: Path) -> None:
    bundle.build(tree, "1.0.0", tmp_path / "a")
    bundle.build(tree, "1.0.0", tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_commit_is_the_same_with_and_without_git(tree: Path, tmp_path: Path) -> None:
    bundle.build(tree, "1.0.0", tmp_path / "a")
    git(tree, "init", "--quiet")
    git(tree, "add", ".")
    git(tree, "commit", "--quiet", "-m", "x")
    bundle.build(tree, "1.0.0", tmp_path / "b")
    assert bundle.versions(tmp_path / "a") == bundle.versions(tmp_path / "b")


def test_released_versions_are_carried_along(tree: Path, tmp_path: Path) -> None:
    git(tree, "init", "--quiet")
    git(tree, "add", ".")
    git(tree, "commit", "--quiet", "-m", "x")
    git(tree, "tag", "v1.0.0")
    (tree / "template" / "new.txt").write_text("new\n")
    bundle.build(tree, "1.1.0", tmp_path / "out")
    versions = bundle.versions(tmp_path / "out")
    assert set(versions) == {"v1.0.0", "v1.1.0"}
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--branch", "v1.0.0", str(tmp_path / "out"), str(clone))
    assert not (clone / "template" / "new.txt").exists()
    log = subprocess.run(
        ["git", "log", "--oneline", "v1.1.0"], cwd=clone, capture_output=True, text=True, check=True
    )
    assert len(log.stdout.splitlines()) == 1, "development history must not leak"


def test_merge_keeps_every_version(tree: Path, tmp_path: Path) -> None:
    mirror = tmp_path / "home" / "mirror"
    for version in ("1.0.0", "1.1.0", "0.9.0"):
        bundle.build(tree, version, tmp_path / version)
        bundle.merge(tmp_path / version, mirror)
    assert set(bundle.versions(mirror)) == {"v0.9.0", "v1.0.0", "v1.1.0"}


def test_merge_of_known_versions_changes_nothing(tree: Path, tmp_path: Path) -> None:
    bundle.build(tree, "1.0.0", tmp_path / "a")
    bundle.merge(tmp_path / "a", tmp_path / "mirror")
    before = (tmp_path / "mirror").stat().st_mtime_ns
    bundle.merge(tmp_path / "a", tmp_path / "mirror")
    assert (tmp_path / "mirror").stat().st_mtime_ns == before


def test_paths_of_the_template_suit_every_system() -> None:
    for path in (ROOT / "template").rglob("*"):
        assert not path.is_symlink()
        assert not set(path.name) & set('"|<>:?*\\'), path
