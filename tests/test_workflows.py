"""The projects' workflows: valid, least privileged, pinned, and the weekly update really updates."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import copier
import pytest
import yaml
from conftest import ROOT
from test_update import build_wheel

from mlship import bundle, template

BIN = Path(sys.executable).parent
TARGETS = {
    "none": [],
    "one": ["gcp-cloud-run"],
    "two": ["aws-eb", "kubernetes"],
    "all": list(
        yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))["targets"]["choices"].values()
    ),
}
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")

Projects = dict[str, Path]
Checker = Callable[[Path], str]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as it is shipped."""
    out = tmp_path_factory.mktemp("bundle") / "template.bundle"
    bundle.build(ROOT, "1.0.0", out)
    return out


@pytest.fixture(scope="module")
def projects(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Projects:
    """A project for each choice of targets."""
    rendered = {}
    for name, targets in TARGETS.items():
        rendered[name] = tmp_path_factory.mktemp(name) / "harbour"
        answers = {"project_name": "Harbour", "targets": targets}
        copier.run_copy(str(source), rendered[name], data=answers, defaults=True, quiet=True)
        subprocess.run(["git", "init", "--quiet", rendered[name]], check=True)
    return rendered


def checked(project: Path, program: str, *arguments: str | Path) -> str:
    """Run a checker in a project, and return what it found."""
    done = subprocess.run(
        [BIN / program, *arguments],
        cwd=project,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode else ""


def actionlint(project: Path) -> str:
    """Check syntax, expressions and runner labels; shellcheck looks at each script."""
    assert (BIN / "shellcheck").is_file()
    return checked(project, "actionlint")


def zizmor(project: Path) -> str:
    return checked(project, "zizmor", "--offline", "--no-progress", "--strict-collection", ".")


def schemas(project: Path) -> str:
    found = ""
    for schema, pattern in (
        ("github-workflows", ".github/workflows/*.yml"),
        ("github-actions", "deploy/*/action.yml"),
        ("renovate", ".github/renovate.json"),
    ):
        files = list(project.glob(pattern))
        if files:
            found += checked(
                project, "check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files
            )
    return found


def pins(project: Path) -> str:
    """List what is used from elsewhere without a commit and the version that it is."""
    loose = []
    for path in [*project.glob(".github/workflows/*.yml"), *project.glob("deploy/*/action.yml")]:
        for line in path.read_text("utf-8").splitlines():
            used = line.strip().removeprefix("- ").strip()
            if used.startswith("uses: "):
                what = used.removeprefix("uses: ")
                if not what.startswith("./") and not PINNED.fullmatch(what):
                    loose.append(f"{path.name}: not pinned: {what}")
    return "\n".join(loose)


CHECKERS: dict[str, Checker] = {
    "actionlint": actionlint,
    "zizmor": zizmor,
    "schemas": schemas,
    "pins": pins,
}


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("name", TARGETS)
def test_workflows_pass(projects: Projects, name: str, checker: str) -> None:
    assert CHECKERS[checker](projects[name]) == ""


@pytest.mark.parametrize(
    ("checker", "file", "right", "wrong", "said"),
    [
        ("actionlint", "workflows/check.yml", "ubuntu-24.04", "ubuntu-42.04", "label"),
        ("actionlint", "workflows/deploy.yml", "outputs.page", "output.page", "output"),
        ("actionlint", "workflows/deploy.yml", "needs: scan", "needs: scans", "scans"),
        ("actionlint", "workflows/deploy.yml", 'smoke "$API"', "smoke $API", "SC2086"),
        ("zizmor", "workflows/check.yml", "persist-credentials: false", "lfs: true", "artipacked"),
        (
            "zizmor",
            "workflows/deploy.yml",
            'deploy.sh "$TAG"',
            'deploy.sh "${{ inputs.tag }}"',
            "template-injection",
        ),
        ("zizmor", "workflows/check.yml", "pull_request:", "pull_request_target:", "dangerous"),
        ("schemas", "workflows/check.yml", "timeout-minutes", "timeout-minuts", "timeout-minuts"),
        (
            "schemas",
            "renovate.json",
            '"regex",\n      "managerFile',
            '"regexp",\n      "managerFile',
            "regexp",
        ),
        ("pins", "workflows/check.yml", " # v7.0.1", "", "not pinned"),
        ("pins", "workflows/deploy.yml", "e22c389904149dbc22b58101806040fa8d37a610", "v0", "sbom"),
    ],
)
def test_each_checker_sees_an_error(
    projects: Projects,
    tmp_path: Path,
    checker: str,
    file: str,
    right: str,
    wrong: str,
    said: str,
) -> None:
    project = tmp_path / "harbour"
    shutil.copytree(projects["two"], project)
    path = project / ".github" / file
    text = path.read_text("utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong), encoding="utf-8")
    assert said in CHECKERS[checker](project)


def test_an_action_is_pinned_to_the_same_commit_everywhere() -> None:
    used: dict[str, set[str]] = {}
    for path in (ROOT / "template").rglob("*.y*ml*"):
        for what in re.findall(r"uses: ([\w.-]+/\S+@[0-9a-f]{40} # v\S+)", path.read_text("utf-8")):
            used.setdefault(what.partition("@")[0], set()).add(what)
    assert used
    assert {name: pins for name, pins in used.items() if len(pins) > 1} == {}


def test_targets_decide_what_is_there(projects: Projects) -> None:
    for name, targets in TARGETS.items():
        flows = {path.name for path in (projects[name] / ".github/workflows").iterdir()}
        assert flows == {"check.yml", "update.yml"} | ({"deploy.yml"} if targets else set())
        triggers = set(workflow(projects[name], "check")[True])  # YAML 1.1 reads `on` as true
        assert triggers == {"pull_request", "workflow_call" if targets else "push"}


@pytest.mark.parametrize("name", ["one", "two", "all"])
def test_only_the_job_of_a_target_may_log_in_there(projects: Projects, name: str) -> None:
    jobs = workflow(projects[name], "deploy")["jobs"]
    assert list(jobs) == ["check", "scan", *TARGETS[name]]
    for target, job in jobs.items():
        if target in TARGETS[name]:
            own = {"packages": "write"} if target == "kubernetes" else {}
            assert job["permissions"] == {"contents": "read", "id-token": "write", **own}
            assert job["environment"]["name"] == target
            assert {"uses": f"./deploy/{target}", "id": "cloud"} in job["steps"]
        else:
            assert job["permissions"] == {"contents": "read"}
    secrets = re.findall(r"secrets\.(\w+)", text_of(projects[name], "deploy"))
    assert secrets == ["API_KEY"] * len(TARGETS[name])


def test_going_back_builds_and_pushes_nothing(projects: Projects) -> None:
    jobs = workflow(projects["one"], "deploy")["jobs"]
    assert jobs["check"]["if"] == "${{ !inputs.tag }}"
    assert jobs["scan"]["needs"] == "check"
    for step in jobs["gcp-cloud-run"]["steps"]:
        if "docker" in step.get("run", "") or "artifact" in step.get("uses", ""):
            assert step["if"] == "${{ !inputs.tag }}"


def test_no_bot_changes_what_the_model_is_proven_with(projects: Projects) -> None:
    settings = json.loads((projects["two"] / ".github/renovate.json").read_text("utf-8"))
    assert settings["ignorePaths"] == ["model/**"]
    frozen = [rule for rule in settings["packageRules"] if rule.get("enabled") is False]
    assert {"numpy", "python", "skops"} == set(frozen[0]["matchPackageNames"])
    found = settings["customManagers"][0]["matchStrings"][0].replace("(?<", "(?P<")
    for dockerfile in (projects["two"] / "docker").iterdir():
        assert re.search(found, dockerfile.read_text("utf-8"))


def test_settings_of_an_environment_become_variables(projects: Projects, tmp_path: Path) -> None:
    steps = workflow(projects["one"], "deploy")["jobs"]["gcp-cloud-run"]["steps"]
    (step,) = [step for step in steps if "SETTINGS" in step.get("env", {})]
    subprocess.run(
        ["git", "-C", projects["one"], "commit", "--quiet", "--allow-empty", "-m", "x"], check=True
    )
    variables = {"REGION": "europe-west1", "NOTE": "two\nlines = $HOME"}
    run_step(step, projects["one"], tmp_path, {"SETTINGS": json.dumps(variables)})
    said = (tmp_path / "env").read_text()
    assert "REGION<<END-OF-SETTING\neurope-west1\nEND-OF-SETTING\n" in said
    assert "NOTE<<END-OF-SETTING\ntwo\nlines = $HOME\nEND-OF-SETTING\n" in said
    assert re.search(r"^TAG=[0-9a-f]{40}$", said, re.MULTILINE)


class Forge:
    """A project with a remote of its own, and what a runner gives to a step.

    Its layout is that of v1.0.0, and mlship's wheel holds v1.1.0. Only ``gh`` is a stand-in, as
    there is no GitHub here.
    """

    def __init__(self, source: Path, folder: Path) -> None:
        self.folder = folder
        self.project = folder / "harbour"
        self.origin = folder / "origin.git"
        self.home = folder / "home"
        self.wheel = build_wheel("1.1.0", folder, addition="\n## New\n\nIt says hello.\n")
        mirror = self.home / template.HOME.removeprefix("~/")
        bundle.merge(source, mirror)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HOME", str(self.home))
            minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
            answers = {"project_name": "Harbour", "targets": ["aws-eb"], "python_version": minor}
            copier.run_copy(
                template.HOME,
                self.project,
                data=answers,
                defaults=True,
                quiet=True,
                vcs_ref="v1.0.0",
            )
        self.git("init", "--quiet", "--initial-branch", "main")
        subprocess.run(["git", "init", "--quiet", "--bare", self.origin], check=True)
        self.git("remote", "add", "origin", str(self.origin))
        stand_in = folder / "bin" / "gh"
        stand_in.parent.mkdir()
        stand_in.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {folder}/asked\n')
        stand_in.chmod(0o755)

    def git(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", self.project, *arguments], capture_output=True, text=True, check=True
        ).stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Ours")

    def week(self, mlship: str) -> str:
        """Run the workflow's scripts as its steps would, and return what they said."""
        said = ""
        outputs: dict[str, dict[str, str]] = {}
        for step in workflow(self.project, "update")["jobs"]["update"]["steps"]:
            wanted = re.fullmatch(r"steps\.(\w+)\.outputs\.(\w+)", step.get("if", ""))
            if "run" in step and (not wanted or wanted[2] in outputs.get(wanted[1], {})):
                values = {
                    "HOME": str(self.home),
                    "GIT_CONFIG_GLOBAL": os.devnull,  # a runner knows nobody's name
                    "PATH": os.pathsep.join(
                        [f"{self.folder}/bin", str(Path(uv_program()).parent), os.environ["PATH"]]
                    ),
                    "MLSHIP": mlship,
                    "GITHUB_REF_NAME": "main",
                    "VERSION": outputs.get("update", {}).get("version", ""),
                }
                scratch = self.folder / "runner" / step.get("id", "last")
                scratch.parent.mkdir(exist_ok=True)
                said += run_step(step, self.project, scratch, values, scratch.parent)
                lines = (scratch / "output").read_text().splitlines()
                outputs[step.get("id", "last")] = dict(line.split("=", 1) for line in lines)
        self.git("switch", "--quiet", "main")
        return said

    @property
    def asked(self) -> str:
        """What ``gh`` was asked for."""
        path = self.folder / "asked"
        return path.read_text() if path.is_file() else ""


@pytest.fixture
def forge(source: Path, tmp_path: Path) -> Forge:
    """A project that lags behind by a release."""
    return Forge(source, tmp_path)


@pytest.mark.slow
def test_weekly_update_opens_one_pull_request(forge: Forge) -> None:
    running = forge.project / "docs" / "running.md"
    running.write_text(running.read_text("utf-8").rstrip("\n") + "\n\nOurs at the end.\n", "utf-8")
    forge.commit()

    said = forge.week("")
    assert "::warning::Not looked for a newer layout" in said
    assert forge.git("ls-remote", "origin") == ""

    forge.week(str(forge.wheel))
    assert "refs/heads/update/v1.1.0" in forge.git("ls-remote", "origin")
    assert "pr create --base main --head update/v1.1.0" in forge.asked
    body = (forge.folder / "runner" / "body.md").read_text()
    assert "The layout of v1.1.0 instead of v1.0.0" in body
    assert "- docs/running.md" in body.partition("Conflicts")[2]
    assert "uv lock failed" not in body
    branch = forge.git("show", "--stat=200", "--format=%an %s", "update/v1.1.0")
    assert branch.startswith("github-actions[bot] Bring the layout of v1.1.0")
    assert ".copier-answers.yml" in branch
    assert "uv.lock" in branch

    before = forge.asked.count("pr create")
    forge.git("branch", "--quiet", "-D", "update/v1.1.0")
    assert "is there already" in forge.week(str(forge.wheel))
    assert forge.asked.count("pr create") == before


@pytest.mark.slow
def test_weekly_update_says_nothing_where_nothing_is_newer(forge: Forge) -> None:
    answers = forge.project / ".copier-answers.yml"
    forge.commit()
    forge.week(str(forge.wheel))
    forge.git("merge", "--quiet", "update/v1.1.0")
    assert "_commit: v1.1.0" in answers.read_text()
    assert "There is nothing newer than v1.1.0." in forge.week(str(forge.wheel))
    assert forge.asked.count("pr create") == 1


def workflow(project: Path, name: str) -> dict[Any, Any]:
    parsed: dict[Any, Any] = yaml.safe_load(text_of(project, name))
    return parsed


def text_of(project: Path, name: str) -> str:
    return (project / ".github" / "workflows" / f"{name}.yml").read_text("utf-8")


def uv_program() -> str:
    from uv import find_uv_bin

    return find_uv_bin()


def run_step(
    step: dict[str, Any],
    project: Path,
    scratch: Path,
    values: dict[str, str],
    temporary: Path | None = None,
) -> str:
    """Run a step's script as a runner does: by bash, which ends at the first error."""
    scratch.mkdir(exist_ok=True)
    for name in ("output", "env"):
        (scratch / name).write_text("")
    environment = os.environ | {
        "GITHUB_OUTPUT": str(scratch / "output"),
        "GITHUB_ENV": str(scratch / "env"),
        "RUNNER_TEMP": str(temporary or scratch),
        **values,
    }
    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
