"""A newer release reaches an existing project by plain ``copier update``, and loses no edit."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

from mlship import uv

OFFLINE = {
    name: "http://127.0.0.1:9"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
} | {"UV_OFFLINE": "1"}
"""A proxy that nobody runs: whatever needs a network fails."""


def build_wheel(version: str, folder: Path, addition: str = "") -> Path:
    """Build mlship's wheel as a release would, from a source tree without git."""
    tree = folder / f"tree-{version}"
    tree.mkdir()
    for name in (
        "src",
        "template",
        "copier.yml",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        ".gitattributes",
    ):
        source = ROOT / name
        ignore = shutil.ignore_patterns("__pycache__")
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=ignore)
        else:
            shutil.copy(source, tree / name)
    for path in (tree / "pyproject.toml", tree / "src/mlship/__init__.py"):
        text = path.read_text(encoding="utf-8")
        path.write_text(
            re.sub(r'(version__?|^version) = "[^"]+"', rf'\1 = "{version}"', text, flags=re.M)
        )
    if addition:
        with (tree / "template/docs/running.md.jinja").open("a", encoding="utf-8") as file:
            file.write(addition)
    uv.run(["build", "--wheel", "--out-dir", str(folder / version), str(tree)])
    (wheel,) = (folder / version).glob("*.whl")
    return wheel


class Machine:
    """An environment with mlship's wheel, and a home of its own."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "venv" / "bin"
        self.home = folder / "home"
        self.home.mkdir()
        (self.home / ".gitconfig").write_text("[user]\n  name = Grace\n  email = g@example.org\n")
        uv.run(["venv", str(folder / "venv")])

    def install(self, wheel: Path) -> None:
        uv.run(["pip", "install", "--python", str(self.bin / "python"), str(wheel)])

    def run(self, program: str, *arguments: str, cwd: Path, online: bool = False) -> str:
        environment = {k: v for k, v in os.environ.items() if k not in {"VIRTUAL_ENV"}}
        environment |= {"HOME": str(self.home), "GIT_CONFIG_GLOBAL": str(self.home / ".gitconfig")}
        done = subprocess.run(
            [str(self.bin / program), *arguments],
            cwd=cwd,
            env=environment if online else environment | OFFLINE,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr


@pytest.mark.slow
def test_wheel_carries_its_template_and_plain_copier_updates_off_line(
    tmp_path: Path, science: Path
) -> None:
    first = build_wheel("1.0.0", tmp_path)
    second = build_wheel("1.1.0", tmp_path, addition="\n## New in this layout\n\nIt says hello.\n")
    machine = Machine(tmp_path)
    machine.install(first)
    arguments = ["new", "app", "--defaults", "--no-install", "--python", str(science)]
    machine.run("mlship", *arguments, cwd=tmp_path, online=True)
    project = tmp_path / "app"
    answers = (project / ".copier-answers.yml").read_text()
    assert "_commit: v1.0.0" in answers
    assert "_src_path: ~/.local/share/mlship/template.bundle" in answers

    edits = {
        "README.md": "\nOur own words.\n",
        "src/app/app.py": "\n# our own route goes here\n",
        "docs/running.md": None,
    }
    for name, addition in edits.items():
        text = (project / name).read_text(encoding="utf-8")
        changed = text + addition if addition else "Our own first line.\n\n" + text
        (project / name).write_text(changed, encoding="utf-8")
    git = ["git", "-c", "user.name=Grace", "-c", "user.email=g@example.org"]
    subprocess.run([*git, "commit", "--quiet", "-am", "Ours"], cwd=project, check=True)
    model = {path: path.read_bytes() for path in (project / "model").rglob("*") if path.is_file()}

    machine.install(second)
    machine.run("mlship", "sync", cwd=tmp_path)
    machine.run("copier", "update", "--defaults", cwd=project)

    assert "_commit: v1.1.0" in (project / ".copier-answers.yml").read_text()
    running = (project / "docs/running.md").read_text(encoding="utf-8")
    assert running.startswith("Our own first line.")
    assert "It says hello." in running
    assert (project / "README.md").read_text(encoding="utf-8").endswith("Our own words.\n")
    assert (project / "src/app/app.py").read_text().endswith("# our own route goes here\n")
    assert {path: path.read_bytes() for path in model} == model
    assert {path for path in (project / "model").rglob("*") if path.is_file()} == set(model)
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=project, capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(status[1::2]) == {".copier-answers.yml", "docs/running.md"}
