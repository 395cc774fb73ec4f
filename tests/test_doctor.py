"""The doctor: each line is true, the cure is named, and nothing is changed."""

import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import copier
import pytest
import yaml
from conftest import ROOT, Cli

from mlship import bundle, doctor, finding, machine, targets, template, uv
from mlship.console import Console
from mlship.errors import PreconditionError, UsageError
from mlship.finding import FAIL, OK, WARN, Finding

ALL = list(yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))["targets"]["choices"].values())
FILES = {
    "aws-eb": {
        "docker-compose.yml": 'services: {api: {ports: ["8000:8000"], environment: {API_KEYS: x}},\n'
        '  ui: {ports: ["80:8501"]}}\n',
        ".ebextensions/options.config": "  LoadBalancerType: application\n"
        "  HealthCheckPath: /_stcore/health\n  HealthCheckPath: /readyz\n"
        '  StickinessEnabled: "true"\n  MaxSize: "4"\n',
    },
    "aws-ecs": {
        "stack.yaml": "Api:\n  HealthCheckPath: /readyz\n  ContainerPort: 8000\n  Name: API_KEYS\n"
        "  MaxTaskCount: 4\n"
        "Ui:\n  HealthCheckPath: /_stcore/health\n  ContainerPort: 8501\n  MaxTaskCount: 1 # session\n",
    },
    "gcp-app-engine": {
        "api.yaml": "env: flex\nliveness_check: { path: /livez }\nmax_num_instances: 4\n",
        "ui.yaml": "env: flex\nmanual_scaling: { instances: 1 }\n"
        "liveness_check: { path: /_stcore/health }\n",
        "deploy.sh": "API_KEYS\n",
    },
    "gcp-cloud-run": {
        "api.yaml": 'maxScale: "4"\nhttpGet: { path: /readyz }\nname: API_KEYS\n',
        "ui.yaml": 'maxScale: "1"\ntimeoutSeconds: 3600 # a page\nhttpGet: { path: /_stcore/health }\n',
    },
    "azure-app-service": {
        "main.bicep": "clientAffinityEnabled: true // a session\nwebSocketsEnabled: true\n"
        "healthCheckPath: '/readyz'\nhealthCheckPath: '/_stcore/health'\ntargetPort: '8080'\n"
        "{ name: 'PORT', value: '8080' }\n{ name: 'API_KEYS', value: 'API_KEYS' }\n",
    },
    "azure-container-apps": {
        "main.bicep": "resource api 'x' = { targetPort: 8000\nmaxReplicas: 4\npath: '/readyz'\n"
        "'API_KEYS' }\nresource ui 'x' = { targetPort: 8501, affinity: 'sticky'\nmaxReplicas: 1\n"
        "path: '/_stcore/health' }\n",
    },
    "kubernetes": {
        "api.yaml": "containerPort: 8000\nhttpGet: { path: /livez }\nname: API_KEYS\n"
        "runAsNonRoot: true\n",
        "ui.yaml": "replicas: 1\ncontainerPort: 8501\nrunAsNonRoot: true\n"
        "httpGet: { path: /_stcore/health }\n",
    },
}
"""The least that each target's files may say."""


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template's own files, with every target chosen."""
    folder = tmp_path_factory.mktemp("rendered")
    bundle.build(ROOT, "1.0.0", folder / "template.bundle")
    answers = {"project_name": "Harbour Master", "targets": ALL}
    source, project = str(folder / "template.bundle"), folder / "harbour"
    copier.run_copy(source, project, data=answers, defaults=True, quiet=True)
    return project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with what the doctor reads: a packed file, its contract and its receipt."""
    folder = tmp_path / "harbour"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "model.skops").write_bytes(b"a model")
    digest = hashlib.sha256(b"a model").hexdigest()
    write(folder, "signature", signature(digest))
    write(folder, "receipt", receipt(digest))
    answer(folder, python_version=f"{sys.version_info[0]}.{sys.version_info[1]}")
    return folder


def signature(digest: str, **inputs: dict[str, str]) -> dict[str, Any]:
    return {
        "artifact": {"file": "model.skops", "sha256": digest},
        "inputs": {"properties": {"tide": {"type": "number"}, **inputs}},
    }


def receipt(digest: str, difference: float = 1e-16) -> dict[str, Any]:
    parity = {
        "reference": "notebook",
        "rows": 150,
        "single_rows": 150,
        "tolerance": 1e-9,
        "largest_difference": difference,
    }
    return {"parity": parity, "artifact_sha256": digest, "kept_rows": "real"}


def write(project: Path, name: str, value: dict[str, Any]) -> None:
    (project / "model" / f"{name}.json").write_text(json.dumps(value))


def answer(project: Path, **answers: Any) -> None:
    known = {"_src_path": template.HOME, "_commit": "v0.1.0", "project_name": "Harbour"}
    (project / ".copier-answers.yml").write_text(yaml.safe_dump(known | answers))


def look(project: Path) -> list[Finding]:
    return doctor.examine(project, Console(quiet=True))


def the(findings: Sequence[Finding], of: str, name: str) -> Finding:
    (match,) = [item for item in findings if (item.of, item.name) == (of, name)]
    return match


def test_folder_without_a_project_gets_the_machine_only(cli: Cli, tmp_path: Path) -> None:
    result = cli("doctor", tmp_path, "--json")
    assert result.returncode == 0, result.stderr
    assert "is no project of mlship" in result.stderr
    said = json.loads(result.stdout)
    assert said["schema"] == 1
    assert said["well"] is True
    assert {item["of"] for item in said["findings"]} == {"machine"}
    assert {"of", "name", "status", "said", "cure"} == set(said["findings"][0])


def test_missing_folder_is_2(cli: Cli, tmp_path: Path) -> None:
    result = cli("doctor", tmp_path / "nowhere")
    assert result.returncode == 2
    assert "is no folder" in result.stderr


def test_answers_that_are_none_are_3(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / ".copier-answers.yml").write_text("- a\n")
    assert cli("doctor", tmp_path).returncode == 3


def test_failure_is_3_and_names_what_fails_and_the_cure(cli: Cli, project: Path) -> None:
    (project / "model" / "model.skops").write_bytes(b"another model")
    result = cli("doctor", project)
    assert result.returncode == 3
    assert "error: Not well: project model" in result.stderr
    line, cure = result.stdout[result.stdout.index("fail  project") :].splitlines()[:2]
    assert "not the file that was packed" in line
    assert "> Restore it from git" in cure


def test_nothing_is_changed(project: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*")}
    look(project)
    assert {path: path.stat().st_mtime_ns for path in project.rglob("*")} == before


def test_packed_model_is_well(project: Path) -> None:
    findings = look(project)
    assert the(findings, "project", "model").status == OK
    assert the(findings, "project", "proof").status == OK
    assert the(findings, "project", "parity").said == "not asked: nothing is installed"
    assert the(findings, "project", "rows").status == OK


def test_environment_without_pytest_is_no_failure(project: Path) -> None:
    uv.run(["venv", "--quiet", str(project / ".venv")])
    parity = the(look(project), "project", "parity")
    assert (parity.status, parity.cure) == (WARN, "uv sync --frozen")
    assert "No module named pytest" in parity.said


def test_what_was_learned_is_checked_too(project: Path) -> None:
    contract = json.loads((project / "model" / "signature.json").read_text())
    entry = {"file": "learned.json", "sha256": hashlib.sha256(b"{}").hexdigest()}
    contract["features"] = {"learned": {"values": entry}}
    write(project, "signature", contract)
    assert "learned.json" in the(look(project), "project", "model").said
    (project / "model" / "learned.json").write_text("{}")
    assert the(look(project), "project", "model").status == OK


def test_project_without_a_model_fails(project: Path) -> None:
    (project / "model" / "signature.json").unlink()
    model = the(look(project), "project", "model")
    assert model.status == FAIL
    assert "poe train" in str(model.cure)


@pytest.mark.parametrize(
    ("digest", "difference"), [("0" * 64, 1e-16), (hashlib.sha256(b"a model").hexdigest(), 0.5)]
)
def test_proof_of_another_model_or_a_wrong_one_fails(
    project: Path, digest: str, difference: float
) -> None:
    write(project, "receipt", receipt(digest, difference))
    assert the(look(project), "project", "proof").status == FAIL


def test_real_rows_with_personal_columns_are_a_warning(project: Path) -> None:
    digest = hashlib.sha256(b"a model").hexdigest()
    write(project, "signature", signature(digest, captain={"x-personal": "its name"}))
    rows = the(look(project), "project", "rows")
    assert (rows.status, "captain" in rows.said) == (WARN, True)
    write(project, "receipt", {**receipt(digest), "kept_rows": "synthetic"})
    assert the(look(project), "project", "rows").status == OK


def test_newer_template_in_the_home_is_a_warning(project: Path, tmp_path: Path) -> None:
    assert the(look(project), "project", "template").status == OK
    newer = tmp_path / "newer.bundle"
    bundle.build(ROOT, "99.0.0", newer)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path))
        bundle.merge(newer, Path(template.HOME).expanduser())
        age = the(look(project), "project", "template")
    assert age.status == WARN
    assert "v99.0.0" in age.said
    assert age.cure == "mlship sync, then: uvx copier update"


def test_newer_tag_of_another_template_is_a_warning(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git = ["git", "-C", str(other)]
    subprocess.run(["git", "init", "--quiet", str(other)], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "x"], check=True)
    for tag in ("v1.0.0", "v1.2.0"):
        subprocess.run([*git, "tag", tag], check=True)
    answer(project, _src_path=str(other), _commit="v1.0.0")
    assert "has v1.2.0" in the(look(project), "project", "template").said
    answer(project, _src_path=str(other), _commit="v1.2.0")
    assert the(look(project), "project", "template").status == OK
    answer(project, _src_path=str(tmp_path / "gone"), _commit="v1.2.0")
    assert "no version can be seen" in the(look(project), "project", "template").said


def test_missing_lock_fails_with_the_command(project: Path) -> None:
    locks = [item for item in look(project) if item.name == "lock"]
    assert [(item.status, item.cure) for item in locks] == [
        (FAIL, "uv lock"),
        (FAIL, "uv lock --directory ui"),
    ]


def test_taken_port_is_a_warning_unless_it_is_our_own(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(machine, "PORTS", {"API": port})
        assert (
            the(list(machine.examine(None, [], "none", project)), "machine", "port").status == WARN
        )
        (project / ".run").mkdir()
        addresses = {"api": f"http://127.0.0.1:{port}", "page": "http://127.0.0.1:1"}
        (project / ".run" / "addresses.json").write_text(json.dumps(addresses))
        own = the(list(machine.examine(None, [], "none", project)), "machine", "port")
    assert (own.status, "own pair" in own.said) == (OK, True)


def test_clients_of_the_targets_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clouds' own programs are stand-ins: they are not on every machine."""
    for name, said in {"aws": "aws-cli/1.45.11 Python/3.11", "az": "2.91.0", "docker": ""}.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho '{said}'\n" if said else "#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    chosen = ["aws-eb", "aws-ecs", "azure-app-service", "kubernetes"]
    findings = list(machine.examine(None, chosen, "github", tmp_path))
    assert the(findings, "machine", "aws").cure == "Install version 2 of the AWS CLI."
    assert the(findings, "machine", "az").said == "2.91.0"
    assert the(findings, "machine", "kubectl").status == WARN
    assert the(findings, "machine", "gh").status == WARN
    assert the(findings, "machine", "git").status == FAIL
    assert the(findings, "machine", "docker").status == WARN
    assert "gcloud" not in {item.name for item in findings}


def put(folder: Path, target: str) -> Path:
    """Write a target's least files into a project."""
    for name, text in FILES[target].items():
        path = folder / "deploy" / target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "deploy" / target


@pytest.mark.parametrize("target", ALL)
def test_target_with_what_it_needs_is_well(tmp_path: Path, target: str) -> None:
    put(tmp_path, target)
    findings = list(targets.examine(tmp_path, target, "none"))
    assert {item.name for item in findings} >= {"health", "port", "affinity", "key"}
    assert [item for item in findings if item.status != OK] == []


@pytest.mark.parametrize(
    ("target", "right", "wrong", "name"),
    [
        ("aws-eb", "HealthCheckPath: /readyz", "HealthCheckPath: /health", "health"),
        ("aws-eb", 'Enabled: "true"', 'Enabled: "false"', "affinity"),
        ("aws-eb", "8000:8000", "8000:8080", "port"),
        ("aws-eb", "application", "classic", "websocket"),
        ("aws-ecs", "MaxTaskCount: 1", "MaxTaskCount: 3", "affinity"),
        ("aws-ecs", "/_stcore/health", "/", "health"),
        ("gcp-app-engine", "instances: 1", "instances: 2", "affinity"),
        ("gcp-app-engine", "flex", "standard", "websocket"),
        ("gcp-cloud-run", '"1"', '"5"', "affinity"),
        ("gcp-cloud-run", "timeoutSeconds: 3600", "timeoutSeconds: 300", "websocket"),
        ("azure-app-service", "webSocketsEnabled: true", "webSocketsEnabled: false", "websocket"),
        ("azure-app-service", "targetPort: '8080'", "targetPort: '8000'", "port"),
        ("azure-container-apps", "'sticky'\nmaxReplicas: 1", "'none'\nmaxReplicas: 2", "affinity"),
        ("kubernetes", "replicas: 1", "replicas: 3", "affinity"),
        ("kubernetes", "runAsNonRoot: true", "runAsNonRoot: false", "user"),
        ("kubernetes", "API_KEYS", "OTHER", "key"),
    ],
)
def test_what_would_fail_at_a_target_is_said(
    tmp_path: Path, target: str, right: str, wrong: str, name: str
) -> None:
    folder = put(tmp_path, target)
    changed = 0
    for path in filter(Path.is_file, folder.rglob("*")):
        changed += right in path.read_text()
        path.write_text(path.read_text().replace(right, wrong))
    assert changed
    failing = [item for item in targets.examine(tmp_path, target, "none") if item.status == FAIL]
    assert [item.name for item in failing] == [name]
    assert failing[0].cure


def test_target_whose_folder_is_missing_fails(tmp_path: Path) -> None:
    (missing,) = targets.examine(tmp_path, "kubernetes", "github")
    assert (missing.status, missing.name) == (FAIL, "folder")


def test_targets_of_the_template_are_well(rendered: Path) -> None:
    there = [target for target in ALL if (rendered / "deploy" / target).is_dir()]
    if not there:
        pytest.skip("the template has no target's folder yet")
    for target in there:
        findings = targets.examine(rendered, target, "github")
        assert [item for item in findings if item.status != OK] == []


@pytest.mark.parametrize(
    ("file", "right", "wrong", "name"),
    [
        ("api", "USER 10001:10001", "USER root", "user"),
        ("ui", "USER 10001:10001", "", "user"),
        ("ui", "--server.port $PORT", "--server.port 8501", "port"),
        ("api", "PORT=8000", "PORT=80", "port"),
    ],
)
def test_images_that_no_platform_takes_fail(
    rendered: Path, tmp_path: Path, file: str, right: str, wrong: str, name: str
) -> None:
    for part in ("api", "ui"):
        text = (rendered / "docker" / f"{part}.Dockerfile").read_text("utf-8")
        (tmp_path / "docker").mkdir(exist_ok=True)
        (tmp_path / "docker" / f"{part}.Dockerfile").write_text(text)
    assert [item for item in targets.images(tmp_path, "x") if item.status == FAIL] == []
    path = tmp_path / "docker" / f"{file}.Dockerfile"
    assert right in path.read_text()
    path.write_text(path.read_text().replace(right, wrong))
    failing = [item for item in targets.images(tmp_path, "x") if item.status == FAIL]
    assert [item.name for item in failing] == [name]


def test_built_images_are_looked_at(
    rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker is a stand-in that has one image, of another machine and a large one."""
    image = json.dumps([{"Architecture": "arm64", "Size": 3_000_000_000}])
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\necho '{image}'\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    findings = list(targets.images(rendered, "harbour-master"))
    assert {item.status for item in findings if item.name == "arch"} == {FAIL}
    assert {item.said for item in findings if item.name == "size"} == {
        "api: 3000 MB",
        "ui: 3000 MB",
    }


def test_cure_is_said_only_where_one_is_needed() -> None:
    well = finding.found("machine", "git", True, "2.39", "Install git.")
    ill = finding.found("machine", "git", False, "is not there", "Install git.")
    assert finding.shown([well]).splitlines() == ["ok    machine  git        2.39"]
    assert finding.shown([ill]).splitlines()[1].strip() == "> Install git."


def test_error_names_all_that_fails() -> None:
    ill = finding.found("project", "lock", False, "stale", "uv lock")
    assert isinstance(doctor.failure([ill]), PreconditionError)
    assert doctor.failure([finding.found("machine", "uv", False, "", "x", WARN)]) is None
    with pytest.raises(UsageError):
        look(Path("nowhere"))


@pytest.mark.slow
def test_real_project_is_well_until_it_is_not(cli: Cli, science: Path, tmp_path: Path) -> None:
    made = cli("new", tmp_path / "harbour", "--defaults", "--no-git", "--python", science)
    assert made.returncode == 0, made.stderr
    project = tmp_path / "harbour"
    before = {path for path in project.rglob("*") if ".venv" not in path.parts}
    result = cli("doctor", project)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "asked now: the kept rows are answered as recorded" in result.stdout
    assert {path for path in project.rglob("*") if ".venv" not in path.parts} == before

    rows = json.loads((project / "tests/parity/rows.json").read_text("utf-8"))
    rows[0]["prediction"]["label"] = "another answer"
    (project / "tests/parity/rows.json").write_text(json.dumps(rows), "utf-8")
    about = project / "pyproject.toml"
    about.write_text(about.read_text("utf-8").replace('"numpy",', '"numpy",\n  "rich",'), "utf-8")
    result = cli("doctor", project)
    assert result.returncode == 3
    assert "error: Not well: project parity, project lock." in result.stderr
    assert "fail  project  lock       the service's is not in step" in result.stdout
