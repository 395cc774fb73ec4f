"""Say what would not work, and the cure: of the machine, of a project, and of each of its targets.

Nothing is changed, and nothing of the project is run but its own parity test, where its environment
is installed.
"""

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from packaging.version import InvalidVersion, Version

from . import __version__, bundle, machine, targets, template, uv
from .console import Console
from .errors import PreconditionError, UsageError
from .finding import FAIL, OK, WARN, Finding, found

OF = "project"
SCHEMA = 1
"""The version of what ``doctor --json`` prints."""
ANSWERS = ".copier-answers.yml"
LOCKS = {"": "the service", "ui": "the page"}
PARITY = ["tests/test_parity.py", "-k", "test_model_answers_as_recorded"]
PYTHONS = (".venv/bin/python", ".venv/Scripts/python.exe")
NOT_ASKED = (4, 5)
"""pytest's codes where the test is not there: it was called wrongly, or found nothing."""
PATIENCE = 300
"""Seconds that the parity test may take."""


def examine(path: Path, console: Console) -> list[Finding]:
    """Look at the machine and, if the folder is a project, at it and its targets.

    Raises:
        UsageError: there is no such folder.
        PreconditionError: the project's answers cannot be read.
    """
    project = path.absolute()
    if not project.is_dir():
        raise UsageError(f"{path} is no folder.")
    answers = _answers(project)
    minor = str(answers["python_version"]) if "python_version" in answers else None
    chosen, ci = answers.get("targets") or [], str(answers.get("ci"))
    with console.step("looking at the machine"):
        findings = list(machine.examine(minor, chosen, ci, project))
    if not answers:
        console.note(f"{path} is no project of mlship: only the machine was looked at.")
        return findings
    with console.step("looking at the project, and asking its model"):
        findings += _project(project, answers)
        slug = re.sub(r"[^a-z0-9]+", "-", str(answers["project_name"]).lower()).strip("-")
        findings += targets.images(project, slug)
        for target in chosen:
            findings += targets.examine(project, target, ci)
    return findings


def described(path: Path, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    return {
        "schema": SCHEMA,
        "path": str(path.absolute()),
        "well": not any(finding.status == FAIL for finding in findings),
        "findings": [vars(finding) for finding in findings],
    }


def failure(findings: Sequence[Finding]) -> PreconditionError | None:
    """Return the error that names what fails, if anything does."""
    failed = [f"{finding.of} {finding.name}" for finding in findings if finding.status == FAIL]
    return PreconditionError(f"Not well: {', '.join(failed)}.") if failed else None


def _answers(project: Path) -> Mapping[str, Any]:
    """Return the answers of a project, or none where it is no project.

    Raises:
        PreconditionError: they cannot be read.
    """
    path = project / ANSWERS
    if not path.is_file():
        return {}
    try:
        answers = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise PreconditionError(f"{path} cannot be read: {error}") from None
    if not isinstance(answers, dict) or "project_name" not in answers:
        raise PreconditionError(f"{path} holds no answers of a project; restore it from git.")
    return answers


def _project(project: Path, answers: Mapping[str, Any]) -> Iterator[Finding]:
    try:
        signature, receipt = (
            json.loads((project / "model" / name).read_text(encoding="utf-8"))
            for name in ("signature.json", "receipt.json")
        )
        artifact = signature["artifact"]
        packed = [artifact, *_learned(signature)]
    except (OSError, ValueError, LookupError, TypeError) as error:
        cure = "Restore model/ from git, or run: uv run poe train"
        yield Finding(OF, "model", FAIL, f"no model is packed: {error}", cure)
    else:
        changed = [entry["file"] for entry in packed if not _unchanged(project, entry)]
        yield found(
            OF,
            "model",
            not changed,
            f"{', '.join(changed)}: missing, or not the file that was packed"
            if changed
            else f"{artifact['file']}, {artifact['sha256'][:12]}",
            "Restore it from git (git lfs pull, if it is kept there), or pack again.",
        )
        yield _proof(artifact, receipt)
        if not changed:
            yield _parity(project)
        yield _rows(signature, receipt)
    yield from _locks(project)
    yield _age(answers)


def _learned(signature: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """Return the files of what training learned, where the model has such."""
    return list(((signature.get("features") or {}).get("learned") or {}).values())


def _unchanged(project: Path, entry: Mapping[str, str]) -> bool:
    try:
        with (project / "model" / entry["file"]).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == entry["sha256"]
    except OSError:
        return False


def _proof(artifact: Mapping[str, Any], receipt: Mapping[str, Any]) -> Finding:
    """Say whether the receipt is this model's."""
    parity = receipt["parity"]
    said = (
        f"{parity['rows']} rows together and {parity['single_rows']} alone are answered as by the "
        f"{parity['reference']} (largest difference {parity['largest_difference']:.1g})"
    )
    mine = receipt["artifact_sha256"] == artifact["sha256"]
    well = mine and parity["largest_difference"] <= parity["tolerance"]
    cure = "Pack the model again: uv run poe train, or mlship new."
    return found(OF, "proof", well, said if mine else "model/receipt.json is another model's", cure)


def _parity(project: Path) -> Finding:
    """Ask the model for the kept rows, by the project's own test in its own environment."""
    python = next((path for path in map(project.joinpath, PYTHONS) if path.is_file()), None)
    if not python:
        return Finding(OF, "parity", WARN, "not asked: nothing is installed", "uv sync --frozen")
    try:
        done = subprocess.run(
            [python, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", *PARITY],
            cwd=project,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Finding(OF, "parity", WARN, f"no answer in {PATIENCE} s", "uv run poe check")
    if done.returncode == 0:
        return Finding(OF, "parity", OK, "asked now: the kept rows are answered as recorded")
    said = (done.stdout + done.stderr).strip()
    if "No module named pytest" in said or done.returncode in NOT_ASKED:
        last = said.splitlines()[-1] if said else "pytest says nothing"
        return Finding(OF, "parity", WARN, f"not asked: {last}", "uv sync --frozen")
    errors = [line[1:].strip() for line in said.splitlines() if line.startswith("E  ")]
    last = errors[0] if errors else said[-200:]
    return Finding(OF, "parity", FAIL, last, "uv sync --frozen, then: uv run poe check")


def _rows(signature: Mapping[str, Any], receipt: Mapping[str, Any]) -> Finding:
    """Say whose rows lie beside the tests."""
    inputs = signature["inputs"]["properties"]
    personal = [name for name, item in inputs.items() if "x-personal" in item]
    if receipt.get("kept_rows") == "synthetic":
        return Finding(OF, "rows", OK, "tests/parity holds made-up rows")
    said = "tests/parity holds real rows"
    cure = "Look at them before the repository is shared; mlship new --synthetic-rows makes others."
    if personal:
        said += f"; these columns look personal: {', '.join(personal)}"
    return found(OF, "rows", not personal, said, cure, WARN)


def _locks(project: Path) -> Iterator[Finding]:
    for folder, what in LOCKS.items():
        place = project / folder
        cure = f"uv lock{' --directory ui' if folder else ''}"
        if not (place / "uv.lock").is_file():
            yield Finding(OF, "lock", FAIL, f"{what} has none", cure)
            continue
        try:
            uv.run(["lock", "--check"], cwd=place)
        except uv.UvError as error:
            stale = "needs to be updated" in str(error)
            said = "is not in step" if stale else f"cannot be checked: {str(error)[-200:]}"
            yield Finding(OF, "lock", FAIL if stale else WARN, f"{what}'s {said}", cure)
        else:
            yield Finding(OF, "lock", OK, f"{what}'s is in step")


def _age(answers: Mapping[str, Any]) -> Finding:
    """Compare the version of the template with the newest that is known."""
    source, commit = str(answers.get("_src_path")), str(answers.get("_commit"))
    home = source == template.HOME
    recorded = _version(commit)
    there = {__version__, *_mirrored()} if home else _published(source)
    newest = max((version for tag in there if (version := _version(tag))), default=None)
    if not recorded or not newest:
        said = f"{commit} of {source}, where no version can be seen"
        return Finding(OF, "template", WARN, said, "uvx copier check-update says more.")
    known = "mlship here" if home else source
    return found(
        OF,
        "template",
        recorded >= newest,
        f"v{recorded}, the newest that {known} knows"
        if recorded >= newest
        else f"v{recorded}, and {known} has v{newest}",
        f"{'mlship sync, then: ' * home}uvx copier update",
        WARN,
    )


def _version(tag: str) -> Version | None:
    try:
        return Version(re.sub(r"-\d+-g[0-9a-f]+$", "", tag))
    except InvalidVersion:
        return None


def _mirrored() -> list[str]:
    mirror = Path(template.HOME).expanduser()
    try:
        return list(bundle.versions(mirror))
    except (OSError, ValueError):
        return []


def _published(source: str) -> list[str]:
    """Return the tags of another template, unless it cannot be reached."""
    listed = machine.answer(
        "git", "-c", "credential.helper=", "ls-remote", "--tags", "--refs", "--", source
    )
    return [line.rpartition("/")[2] for line in listed.splitlines()]
