"""What is deployed: each target's files by its provider's own parsers, and each script's calls."""

import itertools
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import copier
import pytest
import yaml
from conftest import ROOT

from mlship import bundle, uv

TARGETS = {
    "aws-eb": {"AWS_REGION": "eu-west-1"},
    "aws-ecs": {"AWS_REGION": "eu-west-1"},
    "gcp-app-engine": {"GCP_PROJECT": "acme"},
    "gcp-cloud-run": {"GCP_PROJECT": "acme", "GCP_REGION": "europe-west1"},
    "azure-app-service": {"AZURE_RESOURCE_GROUP": "acme"},
    "azure-container-apps": {"AZURE_RESOURCE_GROUP": "acme"},
    "kubernetes": {"KUBE_HOST": "iris.example.org", "KUBE_GATEWAY": "gateways/public"},
}
"""What each deploy.sh wants beside REGISTRY."""
ANSWERS: dict[str, list[tuple[str, str | None]]] = {
    "aws-eb": [
        ("create-storage-location", "bucket"),
        ("describe-stacks .*Endpoint", "eb.example.org"),
        ("describe-stacks", None),
        ("list-available", "64bit Amazon Linux 2023 v4.9.0 running Docker"),
    ],
    "aws-ecs": [("'Api'", "https://api.example.org"), ("'Ui'", "page.example.org")],
    "gcp-app-engine": [
        ("secrets .*api-keys", "d1"),
        ("secrets .*api-key$", "hush"),
        ("app describe", "acme.ew.r.appspot.com"),
    ],
    "gcp-cloud-run": [("describe .*-api ", "https://a.run.app"), ("describe", "https://p.run.app")],
    "azure-app-service": [("outputs.api", "https://a.example.org"), ("outputs.page", "https://p")],
    "azure-container-apps": [
        ("outputs.api", "https://a.example.org"),
        ("outputs.page", "https://p"),
    ],
    "kubernetes": [],
}
ADDRESSES = {
    "aws-eb": ("http://eb.example.org", "http://eb.example.org"),
    "aws-ecs": ("https://api.example.org", "https://page.example.org"),
    "gcp-app-engine": ("https://api-dot-acme.ew.r.appspot.com", "https://acme.ew.r.appspot.com"),
    "gcp-cloud-run": ("https://a.run.app", "https://p.run.app"),
    "azure-app-service": ("https://a.example.org", "https://p"),
    "azure-container-apps": ("https://a.example.org", "https://p"),
    "kubernetes": ("https://iris.example.org", "https://iris.example.org"),
}
FILES = {
    "action": ["*/action.yml"],
    "appengine": ["gcp-app-engine/api.yaml", "gcp-app-engine/ui.yaml"],
    "aws": ["aws-*/*.yaml"],
    "beanstalk": ["aws-eb/.ebextensions/options.config", "aws-eb/stack.yaml"],
    "bicep": ["azure-*/*.bicep"],
    "cloudformation": ["aws-*/*.yaml"],
    "cloudrun": ["gcp-cloud-run/*.yaml"],
    "compose": ["aws-eb/docker-compose.yml", "../compose.yaml"],
    "dockerfile": ["../docker/*.Dockerfile"],
    "kubernetes": ["kubernetes", "kubernetes/access.yaml"],
    "shell": ["*/*.sh"],
}
"""Which files of ``deploy/`` each kind of check is for."""
LONG = "A rather long name of forty characters x"

Render = Callable[..., Path]
Check = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Render the template, once for each set of answers, with plain Copier."""
    source = tmp_path_factory.mktemp("bundle") / "template.bundle"
    bundle.build(ROOT, "1.0.0", source)
    made: dict[str, Path] = {}

    def run(
        targets: Sequence[str] = tuple(TARGETS), name: str = "Iris", ci: str = "github"
    ) -> Path:
        answers = {"project_name": name, "ci": ci, "targets": [*targets]}
        key = json.dumps(answers)
        if key not in made:
            made[key] = tmp_path_factory.mktemp("project") / "project"
            copier.run_copy(str(source), made[key], data=answers, defaults=True, quiet=True)
        return made[key]

    return run


@pytest.fixture(scope="session")
def check(tmp_path_factory: pytest.TempPathFactory) -> Check:
    """Run one kind of check over files, in the environment of the group ``deploy``."""
    home = tmp_path_factory.mktemp("deploy") / "venv"
    python = home / "bin" / "python"
    uv.run(["venv", "--python", sys.executable, str(home)])
    uv.run(["pip", "install", "--python", str(python), "--group", "pyproject.toml:deploy"], ROOT)

    def run(kind: str, *files: Path) -> "subprocess.CompletedProcess[str]":
        command = [str(python), "-m", "checkers", kind, *map(str, files)]
        return subprocess.run(
            command, cwd=ROOT / "tests", capture_output=True, text=True, check=False
        )

    return run


def contents(folder: Path) -> dict[str, tuple[bool, bytes]]:
    """Return the files of a folder, each with whether it can be run."""
    return {
        str(path.relative_to(folder)): (bool(path.stat().st_mode & 0o100), path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_alone_is_the_same_as_among_all(render: Render, target: str) -> None:
    alone = render([target])
    assert contents(alone / "deploy" / target) == contents(render() / "deploy" / target)
    assert {path.name for path in (alone / "deploy").iterdir()} == {"README.md", target}


def test_without_targets_there_is_nothing_to_deploy(render: Render) -> None:
    project = render([])
    assert not (project / "deploy").exists()
    assert "deploy/" not in (project / "README.md").read_text()
    assert "deploy/" not in (project / "docs" / "running.md").read_text()


def test_targets_are_linked_where_people_look(render: Render) -> None:
    project = render(["aws-eb", "kubernetes"])
    for page in ("README.md", "docs/running.md"):
        links = re.findall(r"\]\(([./]*deploy/[^)]*)\)", (project / page).read_text())
        assert links, page
        for link in links:
            assert (project / page).parent.joinpath(link).exists(), link


def test_without_github_nothing_trusts_it(render: Render) -> None:
    for path in (render(ci="none") / "deploy").rglob("*"):
        if path.is_file():
            assert "github" not in path.read_text().lower(), path


def test_a_target_can_come_later(render: Render, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(render([]), project)
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "New"]):
        subprocess.run(["git", *command], cwd=project, check=True)
    later = {"targets": ["aws-ecs"]}
    copier.run_update(project, data=later, defaults=True, overwrite=True, quiet=True)
    assert contents(project / "deploy" / "aws-ecs") == contents(render() / "deploy" / "aws-ecs")
    assert "deploy/aws-ecs" in (project / "docs" / "running.md").read_text()


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_has_its_files(render: Render, target: str) -> None:
    files = contents(render() / "deploy" / target)
    assert {"README.md", "deploy.sh", "action.yml"} <= files.keys()
    assert all(runs == name.endswith(".sh") for name, (runs, _) in files.items())
    readme = files["README.md"][1].decode()
    for word in ("Costs", "Secrets", "Scaling", "Back", "Remove", "Limits", "GitHub"):
        assert f"- **{word}**" in readme
    assert f"deploy/{target}/deploy.sh" in readme
    everything = b"".join(content for _, content in files.values()).decode()
    assert not re.search(r"/healthz?\b", everything.replace("/_stcore/health", ""))
    assert "API_KEYS" in everything
    variables = set(re.findall(r"\$\{([A-Z]\w+):\?", files["deploy.sh"][1].decode())) - {"DOMAIN"}
    assert variables == {*TARGETS[target], "REGISTRY"}
    assert all(name in readme for name in variables)


@pytest.mark.parametrize("kind", FILES)
def test_providers_accept_the_files(render: Render, check: Check, kind: str) -> None:
    """Both with the longest names and GitHub's, and with the shortest and without."""
    folders = [
        render(name=name, ci=ci) / "deploy" for name, ci in ((LONG, "github"), ("X", "none"))
    ]
    files = [
        path
        for folder, pattern in itertools.product(folders, FILES[kind])
        for path in folder.glob(pattern)
    ]
    done = check(kind, *files)
    assert done.returncode == 0, done.stdout + done.stderr


SEEDED = [
    ("action", "aws-eb/action.yml", "@e6de054238d6b7531b4efff3b6587d9aade6a06c", "@v6", "pinned"),
    ("action", "aws-eb/action.yml", "env.AWS_ROLE", "vars.AWS_ROLE", "cannot be had"),
    ("action", "kubernetes/action.yml", "      shell: bash\n", "", "runs.steps.1"),
    ("action", "azure-app-service/action.yml", "id: registry", "id: other", "no step is called"),
    ("appengine", "gcp-app-engine/api.yaml", "readiness_check", "readyness_check", "readyness"),
    ("appengine", "gcp-app-engine/ui.yaml", "env: flex", "env: standard", "websocket"),
    ("appengine", "gcp-app-engine/ui.yaml", "instances: 1", "instances: one", "instances"),
    ("aws", "aws-ecs/stack.yaml", "ContainerPort: 8000", "ContainerPort: high", "containerPort"),
    ("aws", "aws-ecs/stack.yaml", "ScalingTarget", "ScalingTargets", "scalingTargets"),
    ("aws", "aws-eb/stack.yaml", "OptionName: ServiceRole", "Option: ServiceRole", "Option"),
    (
        "beanstalk",
        "aws-eb/.ebextensions/options.config",
        "HealthCheckPath",
        "HealthPath",
        "unknown",
    ),
    ("beanstalk", "aws-eb/.ebextensions/options.config", ":asg:", ":group:", "namespace"),
    ("beanstalk", "aws-eb/.ebextensions/options.config", '"4"', "4", "quoted"),
    ("beanstalk", "aws-eb/.ebextensions/options.config", "/livez,", "/a,/b,/livez,", "not one of"),
    ("beanstalk", "aws-eb/.ebextensions/options.config", "api,docs", "api,doc", "no rule"),
    ("beanstalk", "aws-eb/stack.yaml", "SSLCertificateArns", "SSLCertificateArn", "unknown option"),
    ("bicep", "azure-app-service/main.bicep", "webSocketsEnabled", "websocketsEnabled", "meant"),
    ("bicep", "azure-app-service/main.bicep", "isMain", "main", "unknown property"),
    ("bicep", "azure-container-apps/main.bicep", "secretRef", "secretref", "meant secretRef"),
    ("bicep", "azure-container-apps/main.bicep", "keyVaultUrl", "vaultUrl", "unknown property"),
    ("bicep", "azure-container-apps/main.bicep", "output api string =", "output api =", ""),
    ("bicep", "azure-container-apps/setup.bicep", "principalType", "principal", "unknown property"),
    ("bicep", "azure-container-apps/setup.bicep", "audiences", "audience", "meant audiences"),
    ("bicep", "azure-container-apps/main.bicep", "${tag}", "${tags.x}", "not declared"),
    ("cloudformation", "aws-eb/setup.yaml", "RepositoryName", "Repository", "E3002"),
    (
        "cloudformation",
        "aws-eb/stack.yaml",
        "Environment.EndpointURL",
        "Environment.Url",
        "E6101",
    ),
    ("cloudformation", "aws-ecs/stack.yaml", "MinTaskCount: 1", "MinTaskCount: one", "E3012"),
    ("cloudformation", "aws-ecs/setup.yaml", "Properties:", "Properties: &p", "alias"),
    ("cloudrun", "gcp-cloud-run/api.yaml", "livenessProbe", "livelinessProbe", "livelinessProbe"),
    ("cloudrun", "gcp-cloud-run/ui.yaml", "timeoutSeconds: 3600", "timeoutSeconds: 1h", "integer"),
    ("cloudrun", "gcp-cloud-run/ui.yaml", "sessionAffinity", "affinity", "annotation"),
    ("cloudrun", "gcp-cloud-run/ui.yaml", "name: API_URL", "name: PORT", "Cloud Run's own"),
    ("compose", "aws-eb/docker-compose.yml", "read_only", "readonly", "readonly"),
    ("compose", "aws-eb/docker-compose.yml", "depends_on: [api]", "depends_on: [db]", "db"),
    ("dockerfile", "../docker/ui.Dockerfile", "FROM python:3.12-slim\n", "FROM python\n", "DL3006"),
    ("dockerfile", "../docker/ui.Dockerfile", "EXPOSE 8501", "EXPOSE 99999", "DL3011"),
    ("kubernetes", "kubernetes/api.yaml", "autoscaling/v2", "autoscaling/v2beta2", "schema"),
    ("kubernetes", "kubernetes/api.yaml", "livenessProbe", "liveProbe", "liveProbe"),
    (
        "kubernetes",
        "kubernetes/api.yaml",
        "readOnlyRootFilesystem: true",
        "privileged: false",
        "root",
    ),
    ("kubernetes", "kubernetes/api.yaml", "minReplicas: 2", 'minReplicas: "2"', "minReplicas"),
    (
        "kubernetes",
        "kubernetes/ui.yaml",
        "selector: { app: iris-ui }",
        "selector: { app: u }",
        "no pod",
    ),
    ("kubernetes", "kubernetes/route.yaml", "PathPrefix", "Prefix", "Prefix"),
    ("kubernetes", "kubernetes/route.yaml", "name: iris-ui", "name: page", "not there"),
    ("kubernetes", "kubernetes/route.yaml", "v1\n", "v1beta1\n", "is not in"),
    ("kubernetes", "kubernetes/kustomization.yaml", "route.yaml", "routes.yaml", "routes.yaml"),
    ("shell", "kubernetes/deploy.sh", 'kustomize "$work"', "kustomize $work", "SC2086"),
    ("shell", "aws-eb/deploy.sh", "if [[", "if [[[", "SC"),
]
"""A kind of check, a file, what is broken in it, and what must be said of that."""


@pytest.fixture(scope="session")
def broken(
    render: Render, check: Check, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[int], str]:
    """Break each file in a folder of its own, check those of a kind together, say what was said."""
    found: dict[str, str] = {}
    home = tmp_path_factory.mktemp("broken")

    def place(number: int) -> Path:
        kind, name, *_ = SEEDED[number]
        folder = home / str(number)
        return folder if kind == "kubernetes" else folder / Path(name).name

    def break_it(number: int) -> None:
        _, name, old, new, _ = SEEDED[number]
        original = render() / "deploy" / name
        folder = home / str(number)
        shutil.copytree(original.parent, folder)
        text = original.read_text()
        assert old in text
        (folder / original.name).write_text(text.replace(old, new))

    def said(number: int) -> str:
        kind = SEEDED[number][0]
        if kind not in found:
            numbers = [other for other, case in enumerate(SEEDED) if case[0] == kind]
            for other in numbers:
                break_it(other)
            found[kind] = check(kind, *map(place, numbers)).stdout
        lines = found[kind].splitlines()
        return "\n".join(line for line in lines if line.startswith(f"{place(number)}: "))

    return said


@pytest.mark.parametrize(
    "number", range(len(SEEDED)), ids=[f"{kind}-{new.strip()}" for kind, _, _, new, _ in SEEDED]
)
def test_checks_find_a_seeded_error(broken: Callable[[int], str], number: int) -> None:
    said = broken(number)
    assert said
    assert SEEDED[number][4] in said


class Deployed:
    """What one run of deploy.sh said, called and handed over."""

    def __init__(self, folder: Path, done: "subprocess.CompletedProcess[str]") -> None:
        calls = folder / "calls.txt"
        self.code, self.said, self.talk = done.returncode, done.stdout, done.stderr
        self.calls = calls.read_text() if calls.exists() else ""
        self.files = folder / "files"


def deploy(
    project: Path,
    target: str,
    folder: Path,
    variables: Mapping[str, str],
    answers: Sequence[tuple[str, str | None]],
    *arguments: str,
    script: str = "deploy.sh",
) -> Deployed:
    """Run a target's script where aws, gcloud, az and kubectl are stand-ins."""
    folder.mkdir()
    (folder / "files").mkdir()
    (folder / "answers.json").write_text(json.dumps(answers))
    programs = folder / "bin"
    programs.mkdir()
    for name in ("aws", "gcloud", "az", "kubectl"):
        (programs / name).symlink_to(ROOT / "tests" / "cloud.py")
    done = subprocess.run(
        [project / "deploy" / target / script, *arguments],
        env={"PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin", "CLOUD": str(folder), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return Deployed(folder, done)


def deploy_well(render: Render, target: str, tmp_path: Path, tag: str = "v1.2") -> Deployed:
    variables = {**TARGETS[target], "REGISTRY": "registry.example.org/team"}
    return deploy(render(), target, tmp_path / "cloud", variables, ANSWERS[target], tag)


@pytest.mark.parametrize("target", TARGETS)
def test_deploy_prints_nothing_but_the_addresses(
    render: Render, tmp_path: Path, target: str
) -> None:
    done = deploy_well(render, target, tmp_path)
    assert done.code == 0, done.talk
    api, page = ADDRESSES[target]
    assert done.said == f"api={api}\npage={page}\n"


@pytest.mark.parametrize(
    ("target", "missing"),
    [(target, name) for target, names in TARGETS.items() for name in (*names, "REGISTRY", "TAG")],
)
def test_deploy_names_what_is_missing_and_calls_nobody(
    render: Render, tmp_path: Path, target: str, missing: str
) -> None:
    variables = {**TARGETS[target], "REGISTRY": "registry.example.org"}
    variables.pop(missing, None)
    arguments = [] if missing == "TAG" else ["v1"]
    done = deploy(render(), target, tmp_path / "cloud", variables, ANSWERS[target], *arguments)
    assert done.code != 0
    assert (missing if missing != "TAG" else "usage") in done.talk
    assert (done.said, done.calls) == ("", "")


@pytest.mark.parametrize(
    ("target", "call"),
    [
        ("aws-eb", "cloudformation deploy"),
        ("aws-ecs", "cloudformation deploy"),
        ("gcp-app-engine", "app deploy .*api.yaml"),
        ("gcp-app-engine", "secrets"),
        ("gcp-cloud-run", "services replace .*api.yaml"),
        ("azure-app-service", "group create"),
        ("azure-container-apps", "group create"),
        ("kubernetes", "rollout status deployment/iris-api"),
    ],
)
def test_deploy_fails_with_the_cloud(
    render: Render, tmp_path: Path, target: str, call: str
) -> None:
    variables = {**TARGETS[target], "REGISTRY": "registry.example.org"}
    answers = [(call, None), *ANSWERS[target]]
    done = deploy(render(), target, tmp_path / "cloud", variables, answers, "v1")
    assert done.code != 0
    assert done.said == ""


def test_beanstalk_bundle_names_the_images_of_its_tag(
    render: Render, check: Check, tmp_path: Path
) -> None:
    done = deploy_well(render, "aws-eb", tmp_path)
    with zipfile.ZipFile(done.files / "bundle.zip") as bundled:
        assert ".env" not in bundled.namelist(), "the platform writes it only if there is none"
        assert ".ebextensions/options.config" in bundled.namelist()
        services = yaml.safe_load(bundled.read("docker-compose.yml"))["services"]
    assert services["api"]["image"] == "registry.example.org/team/iris-api:v1.2"
    assert services["ui"]["image"] == "registry.example.org/team/iris-ui:v1.2"
    assert "Bundle=iris/v1.2.zip" in done.calls
    assert "running Docker" in done.calls
    calls = tmp_path / "calls.sh"
    calls.write_text(done.calls)
    assert check("aws", calls).returncode == 0, check("aws", calls).stdout
    calls.write_text(done.calls.replace("create-storage-location", "make-storage-location"))
    assert "no such call" in check("aws", calls).stdout


def test_beanstalk_platform_is_chosen_once_and_a_certificate_closes_http(
    render: Render, tmp_path: Path
) -> None:
    variables = {**TARGETS["aws-eb"], "REGISTRY": "r", "CERTIFICATE_ARN": "arn:c"}
    answers = [(pattern, answer or "there") for pattern, answer in ANSWERS["aws-eb"]]
    done = deploy(render(), "aws-eb", tmp_path / "one", variables, answers, "v1")
    assert done.code != 0
    assert "DOMAIN" in done.talk
    variables["DOMAIN"] = "iris.example.org"
    done = deploy(render(), "aws-eb", tmp_path / "two", variables, answers, "v1")
    assert "api=https://iris.example.org\n" in done.said
    assert "CertificateArn=arn:c" in done.calls
    assert "Platform=" not in done.calls


def test_app_engine_gets_the_page_first_and_no_secret_on_a_command_line(
    render: Render, check: Check, tmp_path: Path
) -> None:
    tag = "0123456789abcdef0123456789abcdef01234567"
    done = deploy_well(render, "gcp-app-engine", tmp_path, tag)
    deployed = re.findall(
        r"app deploy \S+/(\w+)\.yaml --version=(\S+) --image-url=(\S+)", done.calls
    )
    image = "registry.example.org/team/iris"
    assert deployed == [
        ("ui", "v0123456789ab", f"{image}-ui:{tag}"),
        ("api", "v0123456789ab", f"{image}-api:{tag}"),
    ]
    assert len("v0123456789ab-dot-default-dot-") + 30 <= 63
    assert "hush" not in done.calls
    said = {
        name: yaml.safe_load((done.files / f"{name}.yaml").read_text()) for name in ("api", "ui")
    }
    assert said["api"]["env_variables"] == {"API_KEYS": "d1"}
    address = "https://api-dot-acme.ew.r.appspot.com"
    assert said["ui"]["env_variables"] == {"API_URL": address, "API_KEY": "hush"}
    accepted = check("appengine", done.files / "api.yaml", done.files / "ui.yaml")
    assert accepted.returncode == 0, accepted.stdout


def test_cloud_run_page_is_told_where_the_api_is(
    render: Render, check: Check, tmp_path: Path
) -> None:
    done = deploy_well(render, "gcp-cloud-run", tmp_path)
    accepted = check("cloudrun", done.files / "api.yaml", done.files / "ui.yaml")
    assert accepted.returncode == 0, accepted.stdout
    page = yaml.safe_load((done.files / "ui.yaml").read_text())["spec"]["template"]["spec"]
    assert {"name": "API_URL", "value": "https://a.run.app"} in page["containers"][0]["env"]
    for name in ("api", "ui"):
        text = (done.files / f"{name}.yaml").read_text()
        assert f"registry.example.org/team/iris-{name}:v1.2" in text
        assert "${" not in text


def test_kubernetes_gets_images_host_and_gateway(
    render: Render, check: Check, tmp_path: Path
) -> None:
    done = deploy_well(render, "kubernetes", tmp_path)
    folder = done.files / "folder"
    accepted = check("kubernetes", folder)
    assert accepted.returncode == 0, accepted.stdout
    text = (folder / "kustomization.yaml").read_text()
    said = yaml.safe_load(text)
    assert said["images"][0] == {
        "name": "iris-api",
        "newName": "registry.example.org/team/iris-api",
        "newTag": "v1.2",
    }
    patch = yaml.safe_load(said["patches"][0]["patch"])
    assert [step["value"] for step in patch] == [
        ["iris.example.org"],
        [{"namespace": "gateways", "name": "public"}],
    ]
    (folder / "kustomization.yaml").write_text(text.replace("/spec/hostnames", "/spec/hosts"))
    assert "hosts" in check("kubernetes", folder).stdout


@pytest.mark.parametrize("target", ["gcp-app-engine", "gcp-cloud-run"])
def test_setup_trusts_one_repository_and_shows_no_secret(
    render: Render, tmp_path: Path, target: str
) -> None:
    variables = {"GCP_PROJECT": "acme", "GCP_REGION": "europe-west1", "API_KEYS": "d1"}
    variables["API_KEY"] = "hush"
    pool = "projects/1/locations/global/workloadIdentityPools/iris"
    answers: list[tuple[str, str | None]] = [("providers describe", f"{pool}/providers/github")]

    def setup(name: str, *arguments: str) -> Deployed:
        folder = tmp_path / name
        return deploy(render(), target, folder, variables, answers, *arguments, script="setup.sh")

    done = setup("one", "owner@1/iris@2")
    assert done.code == 0, done.talk
    assert done.said.endswith(f"GCP_PROVIDER={pool}/providers/github\n")
    assert f"repo:owner@1/iris@2:environment:{target}" in done.calls
    assert f"--member=principalSet://iam.googleapis.com/{pool}/*" in done.calls
    assert "hush" not in done.calls
    assert "usage" in setup("two").talk
    answers.insert(0, ("pools create", None))
    refused = setup("three", "owner/iris")
    assert refused.code != 0
    assert "refused" in refused.talk


@pytest.mark.parametrize("target", ["aws-eb", "aws-ecs"])
def test_commands_of_the_readme_are_calls_of_aws(
    render: Render, check: Check, tmp_path: Path, target: str
) -> None:
    readme = (render() / "deploy" / target / "README.md").read_text()
    lines = re.findall(r"^\$ (aws .*)$|`(aws cloudformation .*?)`", readme, re.MULTILINE)
    calls = tmp_path / "calls.sh"
    calls.write_text("\n".join(itertools.chain.from_iterable(lines)))
    assert calls.read_text().count("aws ") > 5
    assert check("aws", calls).returncode == 0, check("aws", calls).stdout
    calls.write_text(calls.read_text().replace("--stack-name", "--stack"))
    assert "no flag --stack" in check("aws", calls).stdout


@pytest.mark.parametrize("name", ["X", "Iris", LONG])
def test_names_fit_the_limits_of_the_clouds(render: Render, name: str) -> None:
    folder = render(name=name) / "deploy"
    apps = re.findall(
        r"containerApps@\S+ = \{\n  name: '(.*)'",
        (folder / "azure-container-apps/main.bicep").read_text(),
    )
    assert len(apps) == 2
    assert all(re.fullmatch("[a-z]([a-z0-9]|-(?!-)){0,30}[a-z0-9]", app) for app in apps)
    for target in ("gcp-cloud-run", "gcp-app-engine"):
        setup = (folder / target / "setup.sh").read_text()
        accounts = re.findall(r"service-accounts create (\S+)", setup)
        assert accounts
        assert all(re.fullmatch("[a-z]([a-z0-9]|-(?!-)){4,28}[a-z0-9]", one) for one in accounts)
        pools = re.findall(r"pools create (\S+)", setup)
        assert all(re.fullmatch("[a-z0-9-]{4,32}", pool) for pool in pools)
        assert f"{accounts[-1]}@" in (folder / target / "action.yml").read_text()
    runner = re.search(
        r"serviceAccountName: (\S+)@", (folder / "gcp-cloud-run/api.yaml").read_text()
    )
    assert runner
    assert f"create {runner[1]}\n" in (folder / "gcp-cloud-run/setup.sh").read_text()
    sites = re.findall(
        r"name: '(\S+)\$\{suffix\}'", (folder / "azure-app-service/main.bicep").read_text()
    )
    assert all(len(site) + 13 <= 60 for site in sites)


def test_every_key_comes_from_a_store(render: Render) -> None:
    """The digests and the key are named in each target's files, and each time as a reference."""
    folder = render() / "deploy"
    sources = {
        "aws-eb/stack.yaml": "parameter/services/iris/{}",
        "aws-ecs/stack.yaml": "parameter/services/iris/{}",
        "gcp-app-engine/deploy.sh": "secret {}",
        "gcp-cloud-run/{part}.yaml": "secretKeyRef: {{ name: iris-{}, key: latest }}",
        "azure-app-service/main.bicep": "vaultUri}}secrets/iris-{})",
        "azure-container-apps/main.bicep": "vaultUri}}secrets/iris-{}'",
        "kubernetes/{part}.yaml": "secretKeyRef: {{ name: iris, key: {} }}",
    }
    for name, source in sources.items():
        for part, secret in (("api", "api-keys"), ("ui", "api-key")):
            text = (folder / name.format(part=part)).read_text()
            assert source.format(secret) in text, (name, secret)


def documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text()))


def test_page_has_one_replica_or_a_balancer_that_keeps_to_it(render: Render) -> None:
    folder = render() / "deploy"
    options = documents(folder / "aws-eb/.ebextensions/options.config")[0]["option_settings"]
    process = options["aws:elasticbeanstalk:environment:process:default"]
    assert process["StickinessEnabled"] == "true"
    stack = (folder / "aws-ecs/stack.yaml").read_text()
    assert "MaxTaskCount: 1" in stack[stack.index("  Ui:") :]
    assert documents(folder / "gcp-app-engine/ui.yaml")[0]["manual_scaling"] == {"instances": 1}
    page = documents(folder / "gcp-cloud-run/ui.yaml")[0]["spec"]["template"]
    assert page["metadata"]["annotations"]["autoscaling.knative.dev/maxScale"] == "1"
    assert page["spec"]["timeoutSeconds"] == 3600
    bicep = (folder / "azure-container-apps/main.bicep").read_text()
    assert "maxReplicas: 1 }" in bicep
    assert "stickySessions: { affinity: 'sticky' }" in bicep
    assert "clientAffinityEnabled: true" in (folder / "azure-app-service/main.bicep").read_text()
    assert documents(folder / "kubernetes/ui.yaml")[0]["spec"]["replicas"] == 1


def test_what_ends_the_service_waits_for_longer_than_it_takes(render: Render) -> None:
    """Or requests in flight are lost with each deployment."""
    project = render(list(TARGETS))
    text = next((project / "src").glob("*/settings.py")).read_text()
    (delay,) = re.findall(r"stop_delay: float = Field\(default=([\d.]+)", text)
    (timeout,) = re.findall(r"stop_timeout: int = Field\(default=(\d+)", text)
    defaults = {"STOP_DELAY": delay, "STOP_TIMEOUT": timeout}
    deploy = project / "deploy"
    pod = next(yaml.safe_load_all((deploy / "kubernetes/api.yaml").read_text()))["spec"]["template"]
    revision = yaml.safe_load((deploy / "gcp-cloud-run/api.yaml").read_text())["spec"]["template"]
    cloud_run, azure, ecs = 10, 30, 30  # seconds, none of which these platforms' files change
    given = [
        (pod["spec"]["terminationGracePeriodSeconds"], pod["spec"]["containers"][0]["env"]),
        (cloud_run, revision["spec"]["containers"][0]["env"]),
        (min(azure, ecs), []),
    ]
    for path in (project / "compose.yaml", deploy / "aws-eb/docker-compose.yml"):
        period = yaml.safe_load(path.read_text())["services"]["api"]["stop_grace_period"]
        given.append((int(period.removesuffix("s")), []))
    for seconds, env in given:
        settings = defaults | {item["name"]: item["value"] for item in env if "value" in item}
        assert float(settings["STOP_DELAY"]) + float(settings["STOP_TIMEOUT"]) < seconds
