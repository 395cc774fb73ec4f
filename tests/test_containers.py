"""The two images, built and run as a platform runs them, up to a prediction in a browser."""

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import engine as engines
import pytest
import yaml
from conftest import MLSHIP, ROOT, lacking, needs, predict_in_browser
from engine import Engine, EngineError, NoEngine
from packaging.requirements import Requirement
from uv import find_uv_bin

from mlship import uv

pytestmark = [pytest.mark.slow, pytest.mark.containers]

APPS = ("api", "ui")
HEALTH = {"api": "/livez", "ui": "/_stcore/health"}
SPECIES = "setosa|versicolor|virginica"
KEY = "the key of the tests, and of nothing else"
KEYS = {"API_KEY": KEY, "API_KEYS": hashlib.sha256(KEY.encode()).hexdigest()}
SANDBOX = (
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--memory=1g",
)
"""The least that some platform gives a container."""
BUDGETS = {"api": 440, "ui": 520}
"""Megabytes that an image may add to its base: the locked wheels of the example (measured: 400 and
470, of which SciPy, pandas and Arrow are most), and a tenth for newer ones. A second application's
libraries, a cache of uv or pip, or a compiler would be more."""
ELSEWHERE = "127.0.0.2"
"""An address of this machine that Streamlit does not take for the developer's own."""
FREE = "127.0.0.1::"
"""Publishes a port on this machine, at a free one."""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """The engine that all of this is built and run with."""
    with ExitStack() as stack:
        try:
            found = stack.enter_context(engines.found())
        except NoEngine as reason:
            lacking(str(reason))
        yield found


@pytest.fixture(scope="module")
def project(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's project, with files around it that belong into no image."""
    target = tmp_path_factory.mktemp("containers") / "irises"
    options = ["--defaults", "-d", "targets=aws-eb,kubernetes"]
    with ThreadPoolExecutor(1) as pool:
        debian = pool.submit(engine.make_debian)
        result = subprocess.run(
            [*MLSHIP, "new", str(target), *options], capture_output=True, text=True, check=False
        )
        debian.result()
    assert result.returncode == 0, result.stderr
    (target / "data").mkdir()
    for name in (
        "data/customers.csv",
        ".env",
        "ui/.env",
        "model/.env",
        "ui/.streamlit/secrets.toml",
    ):
        (target / name).write_text(f"API_KEY={KEY}\n")
    assert (target / ".git").is_dir()
    assert (target / "ui" / ".venv").is_dir()
    return target


@pytest.fixture(scope="module")
def images(engine: Engine, project: Path) -> Iterator[dict[tuple[str, str], str]]:
    """Each image as BuildKit and as the classic builder builds it, with the keys in the shell."""
    builders = {"buildkit": True, "classic": False}
    tags = {
        (app, builder): f"irises-{app}:{'latest' if buildkit else builder}"
        for builder, buildkit in builders.items()
        for app in APPS
    }

    def build(app: str, builder: str) -> None:
        dockerfile = f"docker/{app}.Dockerfile"
        engine.build(tags[app, builder], project, dockerfile, buildkit=builders[builder])

    with pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        engine.make_bases(*(project / "docker" / f"{app}.Dockerfile" for app in APPS))
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda pair: build(*pair), tags))
    yield tags
    if not engine.own:
        engine("rmi", "--force", *tags.values())


@pytest.fixture(scope="module")
def pair(
    engine: Engine, project: Path, images: dict[tuple[str, str], str]
) -> Iterator[dict[str, str]]:
    """The addresses of the pair that ``docker compose up`` starts, with a key."""
    ports = {"api": free_port(), "ui": free_port()}
    where = {f"{app.upper()}_PORT": str(port) for app, port in ports.items()}
    with composed(engine, project, **where, **KEYS):
        yield {app: f"http://127.0.0.1:{port}" for app, port in ports.items()}


@contextmanager
def composed(engine: Engine, folder: Path, *files: str, **variables: str) -> Iterator[None]:
    """Start what a Compose file describes from images that are there; take it down at the end."""
    options = [f"--project-name=mlship-tests-{os.getpid()}", *(f"--file={file}" for file in files)]
    try:
        up = ["up", "--detach", "--no-build", "--wait", "--wait-timeout=120"]
        engine.compose(*options, *up, cwd=folder, **variables)
        yield
    finally:
        engine.compose(*options, "down", "--timeout=5", "--volumes", cwd=folder, **variables)


@contextmanager
def nginx(folder: Path, settings: str) -> Iterator[None]:
    """Run nginx with some settings of its ``http`` block."""
    program = needs("nginx", "nginx")
    temporary = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    lines = [f"{name}_temp_path {folder}/{name};" for name in temporary]
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;\n"
        "events {}\nhttp {\naccess_log off;\n" + "\n".join([*lines, settings]) + "\n}\n"
    )
    command = [program, "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def documented(project: Path, page: str, port: int, *without: str) -> str:
    """Return the settings for nginx that the project's documentation gives, less some lines."""
    text = (project / "docs" / "running.md").read_text()
    settings = re.search(r"```nginx\n(.*?)```", text, re.DOTALL)[1]  # type: ignore[index]
    for name in without:
        settings, times = re.subn(rf"\n *proxy_set_header {name} .*", "", settings)
        assert times == 1
    assert "listen 8080;" in settings
    assert "http://127.0.0.1:8501;" in settings
    settings = settings.replace("listen 8080;", f"listen {ELSEWHERE}:{port};")
    return settings.replace("http://127.0.0.1:8501;", f"{page};")


def smoke(
    project: Path, *addresses: str, script: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run the project's ``poe smoke``, or another copy of its script, with the key."""
    command = ["python", str(script)] if script else ["poe", "smoke"]
    return subprocess.run(
        [find_uv_bin(), "run", "--frozen", *command, *addresses],
        cwd=project,
        env={**os.environ, "API_KEY": KEY, "SMOKE_PATIENCE": "30"},
        capture_output=True,
        text=True,
        check=False,
    )


def checked(said: str) -> set[tuple[str, str]]:
    """Return which checks of ``poe smoke`` were good."""
    return set(re.findall(r"^ok +(api|page) +(\w+)", said, re.MULTILINE))


EVERYTHING = {("api", name) for name in ("health", "key", "contract", "headers", "parity")}
EVERYTHING |= {("page", name) for name in ("page", "websocket")}


def faults(
    engine: Engine, image: str, health: str, variables: Mapping[str, str], patience: float = 120
) -> list[str]:
    """Run an image as the strictest platform does, and say what is wrong with it."""
    settings = [f"--env={name}={value}" for name, value in {"PORT": "9000", **variables}.items()]
    port = free_port()
    address = f"http://127.0.0.1:{port}{health}"
    with engine.container(image, *SANDBOX, *settings, f"--publish=127.0.0.1:{port}:9000") as name:
        if not waited(lambda: status(address) == 200, patience, lambda: running(engine, name)):
            return [f"nothing answers on PORT: {engine('logs', '--tail=5', name)}"]
        found = []
        users = engine("top", name, "-eo", "uid,pid").split()[2::2]
        if set(users) != {"10001"}:
            found.append(f"runs as {', '.join(users)}")
        if not waited(lambda: healthy(engine, name) != "starting", 60):
            found.append("its health is never known")
        elif healthy(engine, name) != "healthy":
            found.append(f"is {healthy(engine, name)}")
        engine("stop", "--time=10", name)
        code = engine.state(name)["ExitCode"]
        if code not in (0, 143):
            found.append(f"ends with {code} when it is asked to")
        return found


def published(engine: Engine, name: str, port: int) -> str:
    """Return the address of this machine that a port of a container is published at."""
    return f"http://{engine('port', name, f'{port}/tcp').split()[0]}"


def running(engine: Engine, name: str) -> bool:
    return bool(engine.state(name)["Running"])


def healthy(engine: Engine, name: str) -> str:
    """Return what the engine says of a container's health: none where it is not asked for."""
    health: dict[str, str] = engine.state(name).get("Health", {"Status": "none"})
    return health["Status"]


def status(address: str) -> int:
    """Return the HTTP status of an address, 0 if nothing answers."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(address, timeout=5) as response:
            code: int = response.status
            return code
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def waited(
    condition: Callable[[], bool], seconds: float, going_on: Callable[[], bool] = lambda: True
) -> bool:
    """Say whether something comes true in time, and while something else goes on."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline or not going_on():
            return False
        time.sleep(0.3)
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
@pytest.mark.parametrize("app", APPS)
def test_image_holds_its_app_and_what_is_locked(
    engine: Engine, project: Path, images: dict[tuple[str, str], str], app: str, builder: str
) -> None:
    image = images[app, builder]
    assert ("# buildkit" in made_by(engine, project, image, app)) == (builder == "buildkit")

    files, installed = held(engine, image)
    assert files == meant(project, app)
    assert names(installed) == locked(project / "ui" if app == "ui" else project)
    assert "streamlit" in installed if app == "ui" else "scikit-learn" in installed
    assert not {"scikit-learn", "fastapi", "skops"} & set(installed) or app == "api"
    assert not {"streamlit", "pyarrow"} & set(installed) or app == "ui"


def held(engine: Engine, image: str) -> tuple[set[str], dict[str, str]]:
    """Return the files in an image's ``/app`` that are none of a library's, and the libraries."""
    listing = (
        "import json, os; from importlib.metadata import distributions; print(json.dumps([[os.path"
        ".join(folder, name) for folder, _, names in os.walk('/app') for name in names],"
        "{d.name: d.version for d in distributions()}]))"
    )
    files, installed = json.loads(engine("run", "--rm", image, "python", "-c", listing))
    return {name for name in files if not name.startswith("/app/.venv/")}, installed


def meant(project: Path, app: str) -> set[str]:
    """Return the files that an image is to hold: the application's, without its tests."""
    root, folders = (project / "ui", [""]) if app == "ui" else (project, ["model", "src"])
    paths = [path for folder in folders for path in (root / folder).rglob("*") if path.is_file()]
    own = {str(path.relative_to(root)) for path in paths}
    left_out = re.compile(r"(^|/)(\.|tests/|__pycache__/)")
    kept = {name for name in own if not left_out.search(name)}
    kept |= {".streamlit/config.toml"} if app == "ui" else set()
    return {f"/app/{name}" for name in kept}


def made_by(engine: Engine, project: Path, image: str, app: str) -> str:
    """Return the steps that made an image from its base, as its builder noted them."""
    [base] = engines.bases(project / "docker" / f"{app}.Dockerfile")
    steps = [
        engine("history", "--no-trunc", "--format={{.CreatedBy}}", name).splitlines()
        for name in (image, base)
    ]
    return "\n".join(steps[0][: -len(steps[1])])


def names(installed: Mapping[str, str]) -> dict[str, str]:
    """Return distributions with names as a lock writes them."""
    return {re.sub("[-_.]+", "-", name).lower(): version for name, version in installed.items()}


def locked(folder: Path) -> dict[str, str]:
    """Return what a lock wants on this machine's kind, without development."""
    options = ["--frozen", "--no-dev", "--no-hashes", "--no-annotate", "--no-header"]
    exported = uv.run(["export", *options, "--no-emit-workspace"], cwd=folder)
    wanted = [Requirement(line) for line in exported.splitlines()]
    return names(
        {
            item.name: str(item.specifier).removeprefix("==")
            for item in wanted
            if not item.marker or item.marker.evaluate()
        }
    )


@pytest.mark.parametrize("app", APPS)
def test_image_keeps_within_its_budget(
    engine: Engine, project: Path, images: dict[tuple[str, str], str], app: str
) -> None:
    [base] = engines.bases(project / "docker" / f"{app}.Dockerfile")
    for builder in ("buildkit", "classic"):
        added = engine.size(images[app, builder]) - engine.size(base)
        assert added / 1e6 < BUDGETS[app]


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
@pytest.mark.parametrize("app", APPS)
def test_image_runs_where_nothing_is_allowed(
    engine: Engine, images: dict[tuple[str, str], str], app: str, builder: str
) -> None:
    settings = {"API_KEYS": KEYS["API_KEYS"]} if app == "api" else {"API_KEY": KEY}
    assert faults(engine, images[app, builder], HEALTH[app], settings) == []


def test_image_holds_no_secret_of_the_shell_that_built_it(
    engine: Engine, images: dict[tuple[str, str], str]
) -> None:
    for image in images.values():
        assert told(engine, image) == []


def told(engine: Engine, image: str) -> list[str]:
    """Return which of the keys anyone can read who has an image."""
    said = engine("inspect", image) + engine("history", "--no-trunc", image)
    assert "PORT" in said
    return [name for name, value in KEYS.items() if value in said]


def test_stranger_in_an_image_is_found(
    engine: Engine, project: Path, images: dict[tuple[str, str], str], tmp_path: Path
) -> None:
    (tmp_path / "rows.json").write_text("[]")
    lines = [f"FROM {images['api', 'buildkit']}", f"ENV API_KEYS={KEYS['API_KEYS']}"]
    lines += ["COPY rows.json tests/parity/"]
    (tmp_path / "Dockerfile").write_text("\n".join(lines))
    engine.build("irises-faulty", tmp_path, "Dockerfile", buildkit=True)
    files, _ = held(engine, "irises-faulty")
    assert files - meant(project, "api") == {"/app/tests/parity/rows.json"}
    assert told(engine, "irises-faulty") == ["API_KEYS"]


@pytest.mark.parametrize(
    ("last_lines", "fault"),
    [
        ("USER 0", "runs as 0"),
        ('CMD ["sh", "-c", "PORT=8000 exec python -m irises"]', "nothing answers on PORT"),
        ('CMD ["sh", "-c", "HOST=127.0.0.1 exec python -m irises"]', "nothing answers on PORT"),
        ("CMD python -m irises; true", "ends with 137"),
        ("HEALTHCHECK --interval=1s --retries=1 CMD curl -f http://127.0.0.1:$PORT/livez", "is unhealthy"),
        ('CMD ["sh", "-c", "touch /app/started && exec python -m irises"]', "nothing answers on PORT"),
    ],
    ids=["root", "fixed port", "loopback", "deaf shell", "curl", "writes"],
)  # fmt: skip
def test_fault_of_an_image_is_found(
    engine: Engine, images: dict[tuple[str, str], str], tmp_path: Path, last_lines: str, fault: str
) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(f"FROM {images['api', 'buildkit']}\n{last_lines}\n")
    engine.build("irises-faulty", tmp_path, "Dockerfile", buildkit=True)
    patience = 20 if "PORT=8000" in last_lines or "HOST=" in last_lines else 120
    [found] = faults(engine, "irises-faulty", HEALTH["api"], {}, patience)
    assert found.startswith(fault)


def test_pair_of_compose_is_this_project_and_wants_the_key(
    engine: Engine, project: Path, pair: dict[str, str]
) -> None:
    result = smoke(project, *pair.values())
    assert result.returncode == 0, result.stdout + result.stderr
    assert checked(result.stdout) == EVERYTHING
    assert "none is accepted without one" in result.stdout
    configured = json.loads(engine.compose("config", "--format=json", cwd=project))["services"]
    assert {name: service["build"]["dockerfile"] for name, service in configured.items()} == {
        app: f"docker/{app}.Dockerfile" for app in APPS
    }
    assert configured["ui"]["depends_on"]["api"]["condition"] == "service_healthy"


def test_answers_in_the_container_are_those_that_were_recorded(
    project: Path, pair: dict[str, str], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    for name in ("scripts/smoke.py", "model/signature.json", "tests/parity/rows.json"):
        (copy / name).parent.mkdir(parents=True)
        shutil.copy(project / name, copy / name)
    script = copy / "scripts" / "smoke.py"
    assert smoke(project, pair["api"], script=script).returncode == 0

    rows = json.loads((copy / "tests/parity/rows.json").read_text())
    probabilities = rows[7]["prediction"]["probabilities"]
    probabilities["setosa"] += 1e-4
    (copy / "tests/parity/rows.json").write_text(json.dumps(rows))
    result = smoke(project, pair["api"], script=script)
    assert result.returncode == 1
    assert "differs from the recorded one by 0.0001" in result.stdout
    assert checked(result.stdout) == {part for part in EVERYTHING if part[0] == "api"} - {
        ("api", "parity")
    }


def test_page_predicts_in_a_browser_through_the_documented_proxy(
    project: Path, pair: dict[str, str], tmp_path: Path
) -> None:
    port = free_port()
    address = f"http://{ELSEWHERE}:{port}"
    with nginx(tmp_path, documented(project, pair["ui"], port)):
        result = smoke(project, address)
        assert result.returncode == 0, result.stdout + result.stderr
        assert checked(result.stdout) == {("page", "page"), ("page", "websocket")}
        predict_in_browser(address, "Irises", SPECIES, tmp_path / "page.png")


@pytest.mark.parametrize(("without", "answer"), [("Upgrade", "200 OK"), ("Host", "403 Forbidden")])
def test_proxy_that_keeps_the_page_empty_is_found(
    project: Path, pair: dict[str, str], tmp_path: Path, without: str, answer: str
) -> None:
    port = free_port()
    address = f"http://{ELSEWHERE}:{port}"
    with nginx(tmp_path, documented(project, pair["ui"], port, without)):
        result = smoke(project, address)
        assert result.returncode == 1
        assert checked(result.stdout) == {("page", "page")}
        assert answer in result.stdout
        assert status(address + HEALTH["ui"]) == 200


TAG = "as-deployed"
REGISTRY = "registry.example.com/team"


@pytest.fixture
def pushed(engine: Engine, images: dict[tuple[str, str], str]) -> Iterator[None]:
    """The images under the names that they are deployed by."""
    references = {app: f"{REGISTRY}/irises-{app}:{TAG}" for app in APPS}
    for app, reference in references.items():
        engine("tag", images[app, "buildkit"], reference)
    yield
    engine("rmi", *references.values())


def deploy(project: Path, target: str, folder: Path) -> Path:
    """Run a target's ``deploy.sh`` without a cloud; return the folder with what it hands over."""
    (folder / "bin").mkdir()
    (folder / "files").mkdir()
    (folder / "answers.json").write_text("[]")
    for program in ("aws", "kubectl"):
        (folder / "bin" / program).symlink_to(ROOT / "tests" / "cloud.py")
    variables = {"CLOUD": str(folder), "REGISTRY": REGISTRY, "AWS_REGION": "eu-central-1"}
    variables |= {"KUBE_HOST": "irises.example.com", "KUBE_GATEWAY": "infrastructure/web"}
    subprocess.run(
        ["bash", str(project / "deploy" / target / "deploy.sh"), TAG],
        env={**os.environ, **variables, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"},
        capture_output=True,
        check=True,
    )
    return folder / "files"


@contextmanager
def beanstalk(
    engine: Engine, project: Path, folder: Path, settings: Mapping[str, str]
) -> Iterator[list[str]]:
    """Run the bundle as the platform does, with its settings; give the addresses of the pair."""
    bundle = folder / "bundle"
    with zipfile.ZipFile(deploy(project, "aws-eb", folder) / "bundle.zip") as packed:
        packed.extractall(bundle)
    assert not (bundle / ".env").exists(), "the platform would not write its own"
    (bundle / ".env").write_text("".join(f"{key}={value}\n" for key, value in settings.items()))

    # Only the ports of this machine are others, as these may be in use.
    ports = {"api": free_port(), "ui": free_port()}
    configured = json.loads(engine.compose("config", "--format=json", cwd=bundle))["services"]
    reached = {
        name: [(port["published"], port["target"]) for port in service["ports"]]
        for name, service in configured.items()
    }
    assert reached == {"api": [("8000", 8000)], "ui": [("80", 8501)]}
    moved = "".join(
        f'  {app}: {{ ports: !override ["127.0.0.1:{port}:{reached[app][0][1]}"] }}\n'
        for app, port in ports.items()
    )
    (bundle / "moved.yml").write_text(f"services:\n{moved}")
    with composed(engine, bundle, "docker-compose.yml", "moved.yml"):
        yield [f"http://127.0.0.1:{port}" for port in ports.values()]


@pytest.mark.usefixtures("pushed")
def test_bundle_of_elastic_beanstalk_runs(engine: Engine, project: Path, tmp_path: Path) -> None:
    with beanstalk(engine, project, tmp_path, KEYS) as addresses:
        result = smoke(project, *addresses)
    assert result.returncode == 0, result.stdout + result.stderr
    assert checked(result.stdout) == EVERYTHING


@pytest.mark.usefixtures("pushed")
def test_bundle_of_elastic_beanstalk_does_not_start_without_its_secret(
    engine: Engine, project: Path, tmp_path: Path
) -> None:
    refused = pytest.raises(EngineError, match=r"api-1 (is unhealthy|exited \(1\)|is restarting)")
    with refused, beanstalk(engine, project, tmp_path, {}):
        pass


@pytest.mark.usefixtures("pushed")
def test_manifests_of_kubernetes_run(engine: Engine, project: Path, tmp_path: Path) -> None:
    folder = deploy(project, "kubernetes", tmp_path) / "folder"
    kubectl = shutil.which("kubectl", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if not kubectl:
        lacking("kubectl is not installed")
    made = subprocess.run(
        [kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=True
    ).stdout
    manifests = list(yaml.safe_load_all(made))
    secrets = {"irises": {"api-keys": KEYS["API_KEYS"], "api-key": KEY}}
    port = free_port()
    with kubernetes(engine, manifests, secrets) as services:
        route = next(m for m in manifests if m["kind"] == "HTTPRoute")
        with nginx(tmp_path, gateway(route["spec"], services, port)):
            result = smoke(project, f"http://{ELSEWHERE}:{port}")
    assert result.returncode == 0, result.stdout + result.stderr
    assert checked(result.stdout) == EVERYTHING


FORWARD = """
import asyncio, sys

async def pump(source, sink):
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    sink.close()

async def forward(reader, writer):
    far, away = await asyncio.open_connection(sys.argv[2], int(sys.argv[3]))
    await asyncio.gather(pump(reader, away), pump(far, writer))

async def main():
    async with await asyncio.start_server(forward, port=int(sys.argv[1])) as server:
        await server.serve_forever()

asyncio.run(main())
"""
"""Passes bytes on, as a Service of Kubernetes does."""


@contextmanager
def kubernetes(
    engine: Engine,
    manifests: list[dict[str, Any]],
    secrets: Mapping[str, Mapping[str, str]],
) -> Iterator[dict[tuple[str, int], str]]:
    """Start one pod of each Deployment and each Service, and give the addresses of the Services.

    Whatever a pod or a container asks for that is not known here is a KeyError or fails.
    """
    network = f"mlship-tests-{os.getpid()}"
    deployments = [m["spec"]["template"] for m in manifests if m["kind"] == "Deployment"]
    with ExitStack() as stack:
        engine("network", "create", network)
        stack.callback(engine, "network", "rm", network)
        services = {}
        for service in (m for m in manifests if m["kind"] == "Service"):
            [port] = service["spec"]["ports"]
            [pod] = [
                d for d in deployments
                if service["spec"]["selector"].items() <= d["metadata"]["labels"].items()
            ]  # fmt: skip
            [container] = pod["spec"]["containers"]
            name = service["metadata"]["name"]
            far = [f"pod-{container['name']}", str(port_of(container, port["targetPort"]))]
            options = [f"--network={network}", f"--network-alias={name}", "--user=0"]
            options += [f"--publish={FREE}{port['port']}"]
            command = ["python", "-c", FORWARD, str(port["port"]), *far]
            started = stack.enter_context(
                engine.container(container["image"], *options, command=command)
            )
            services[name, port["port"]] = published(engine, started, port["port"])
        for pod in deployments:
            options = [f"--network={network}", *pod_options(pod["spec"])]
            for container in pod["spec"]["containers"]:
                own = container_options(container, secrets)
                alias = f"--network-alias=pod-{container['name']}"
                name = stack.enter_context(
                    engine.container(container["image"], *options, alias, *own)
                )
                for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                    probed(engine, name, container, container[probe])
        yield services


def pod_options(spec: dict[str, Any]) -> list[str]:
    """Return what Docker is told for what a pod asks for."""
    spec = {**spec}
    security = {**spec.pop("securityContext")}
    assert security.pop("seccompProfile") == {"type": "RuntimeDefault"}  # Docker's default too
    assert security.pop("runAsNonRoot") is True
    options = [f"--user={security.pop('runAsUser')}:{security.pop('runAsGroup')}"]
    mounts = {m["name"]: m["mountPath"] for c in spec.pop("containers") for m in c["volumeMounts"]}
    options += [
        f"--tmpfs={mounts.pop(v['name'])}" for v in spec.pop("volumes") if v["emptyDir"] == {}
    ]
    assert not mounts
    assert not security
    cluster = "automountServiceAccountToken", "enableServiceLinks", "imagePullSecrets"
    for field in (*cluster, "terminationGracePeriodSeconds"):
        spec.pop(field, None)
    assert not spec
    return options


def container_options(
    container: dict[str, Any], secrets: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """Return what Docker is told for what a container of a pod asks for."""
    container = {**container}
    security = {**container.pop("securityContext")}
    assert security.pop("readOnlyRootFilesystem") is True
    assert security.pop("allowPrivilegeEscalation") is False
    options = ["--read-only", "--security-opt=no-new-privileges"]
    options += [f"--cap-drop={name}" for name in security.pop("capabilities")["drop"]]
    options += [f"--memory={container.pop('resources')['limits']['memory'].removesuffix('i')}"]
    options += [f"--publish={FREE}{port['containerPort']}" for port in container.pop("ports")]
    for variable in container.pop("env"):
        value = variable.get("value")
        if value is None:
            reference = variable["valueFrom"]["secretKeyRef"]
            value = secrets[reference["name"]][reference["key"]]
        options.append(f"--env={variable['name']}={value}")
    assert not security
    for elsewhere in ("name", "image", "volumeMounts"):
        container.pop(elsewhere)
    assert set(container) == {"startupProbe", "readinessProbe", "livenessProbe"}
    return options


def port_of(container: dict[str, Any], port: str | int) -> int:
    """Return the number of a container's port."""
    numbers = {item["name"]: item["containerPort"] for item in container["ports"]}
    number: int = numbers[port] if isinstance(port, str) else port
    return number


def probed(engine: Engine, name: str, container: dict[str, Any], probe: dict[str, Any]) -> None:
    """Ask a container what a probe asks, as long as the probe may take."""
    get = probe["httpGet"]
    address = published(engine, name, port_of(container, get["port"])) + get["path"]
    patience = probe["periodSeconds"] * probe.get("failureThreshold", 3)
    assert waited(lambda: status(address) == 200, patience), engine("logs", name)


def gateway(route: dict[str, Any], services: Mapping[tuple[str, int], str], port: int) -> str:
    """Return the settings for nginx that do what an HTTPRoute asks of a gateway."""
    assert route["hostnames"] == ["irises.example.com"]
    assert route["parentRefs"] == [{"namespace": "infrastructure", "name": "web"}]
    passed = (
        "proxy_http_version 1.1; proxy_set_header Host $http_host; "
        "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection;"
    )
    locations = []
    for rule in route["rules"]:
        [backend] = rule["backendRefs"]
        to = f"proxy_pass {services[backend['name'], backend['port']]}; {passed}"
        for match in (m["path"] for m in rule["matches"]):
            how = {"Exact": "= ", "PathPrefix": ""}[match["type"]]
            locations.append(f"location {how}{match['value']} {{ {to} }}")
    return f"server {{ listen {ELSEWHERE}:{port}; {' '.join(locations)} }}"
