"""The container engine of the tests: the one that answers, else one that they start and stop.

An engine that answers is used as it is. Where every tier must run and none answers, Debian's
``dockerd`` is started in a folder of its own, which is kept from run to run. No registry of images
is asked by that engine: each base image is made on this machine, of Debian's packages and of the
CPython that is installed here, and is good for tests only.
"""

import fcntl
import json
import os
import platform
import re
import resource
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mlship import uv

FOLDER = Path(os.environ.get("MLSHIP_ENGINE", "/var/cache/mlship-engine"))
"""Where an engine of the tests' own keeps its images; its path is short, as it holds sockets."""
DEBIAN = "mlship-tests/debian"
LIBRARIES = (
    "ca-certificates", "netbase", "tzdata", "libbz2-1.0", "libexpat1", "libffi8", "liblzma5",
    "libncursesw6", "libreadline8", "libsqlite3-0", "libssl3", "libuuid1", "zlib1g",
)  # fmt: skip
"""What CPython and the official image of it are linked to or come with."""
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
INDEXES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX")
"""Variables that tell a build where packages come from, if not from PyPI."""
NO_CACHE = 'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";'
LEFT_OUT = re.compile(
    r"/(test|idlelib|turtledemo|site-packages|__pycache__|config-[^/]*|EXTERNALLY-MANAGED)$|\.a$"
)
"""What the official image of CPython has not, or what would carry this machine's packages along."""


class NoEngine(Exception):
    """There is no engine to test with, and why."""


class EngineError(Exception):
    """The engine's client failed; the message is the command and the end of what it said."""


@dataclass(frozen=True)
class Engine:
    """A client, and the engine that it speaks with."""

    client: str
    own: bool = False
    """Whether the tests started it, so that base images are made instead of pulled."""
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str | Path, cwd: Path | None = None, **variables: str) -> str:
        """Run the client and return its standard output.

        Raises:
            EngineError: it ended with another code than 0.
        """
        return self._run([self.client, *map(str, arguments)], cwd, variables)

    def compose(self, *arguments: str | Path, cwd: Path, **variables: str) -> str:
        """Run Compose in a folder and return its standard output.

        Raises:
            EngineError: it ended with another code than 0.
        """
        package = find_spec("compose")
        binary = Path(*(package.submodule_search_locations or [])) if package else Path()
        # Not the package's console script, which ends with 0 whatever happens.
        command = [str(binary / "docker-compose")] if package else [self.client, "compose"]
        return self._run([*command, *map(str, arguments)], cwd, variables)

    def build(self, tag: str, folder: Path, dockerfile: str, *, buildkit: bool) -> None:
        """Build an image with BuildKit or with the builder before it, as some clouds still do."""
        self.make_bases(folder / dockerfile)
        arguments = ("--tag", tag, "--file", folder / dockerfile, folder)
        self("build", *arguments, DOCKER_BUILDKIT=str(int(buildkit)))

    @contextmanager
    def container(
        self, image: str, *options: str, command: list[str] | None = None
    ) -> Iterator[str]:
        """Run an image in the background, and remove the container at the end."""
        name = self("run", "--detach", *options, image, *(command or [])).strip()
        try:
            yield name
        finally:
            self("rm", "--force", "--volumes", name)

    def state(self, name: str) -> dict[str, Any]:
        """Return what the engine knows of the state of a container."""
        known: dict[str, Any] = json.loads(self("inspect", "--format", "{{json .State}}", name))
        return known

    def size(self, image: str) -> int:
        """Return the bytes of an image, with those of its base."""
        return int(self("inspect", "--format", "{{.Size}}", image))

    def make_bases(self, *dockerfiles: Path) -> None:
        """Make a stand-in for each image that is based on, if this engine asks no registry."""
        for reference in dict.fromkeys(base for path in dockerfiles for base in bases(path)):
            if self.own:
                self._make(reference)

    def make_debian(self) -> None:
        """Make the image that stand-ins are based on, unless it is there or is not needed."""
        if not self.own or self("images", "--quiet", DEBIAN):
            return
        suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
        options = ["--variant=apt", "--dpkgopt=force-unsafe-io", f"--include={','.join(LIBRARIES)}"]
        with tempfile.TemporaryDirectory(dir=FOLDER) as scratch:
            image = Path(scratch) / "debian.tar"
            # In memory if it has the room: dpkg waits for a disk after each file.
            memory = Path("/dev/shm")
            roomy = memory.is_dir() and shutil.disk_usage(memory).free > 1e9
            place = {"TMPDIR": str(memory if roomy else scratch)}
            self._run(["mmdebstrap", *options, suite, str(image)], None, place)
            self("import", image, DEBIAN)

    def _make(self, reference: str) -> None:
        """Make a stand-in for a base image under its name, unless there is one.

        Raises:
            NoEngine: the image is none of Python's, and is not here.
        """
        named = re.fullmatch(r"python:(3\.\d+)-slim", reference)
        if not named and self("images", "--quiet", reference):
            return
        if not named:
            raise NoEngine(f"no stand-in is known for the base image {reference}")
        # pyenv's first: Debian's own cannot install pip.
        find = ["python", "find", "--system", "--no-project", named[1]]
        python = str(uv.pyenv_python(named[1]) or uv.run(find).strip())
        told = "import sys; print(sys.version, sys.base_prefix, sep='\\n')"
        *version, prefix = self._run([python, "-c", told], None, {}).splitlines()
        settings = {"SSL_CERT_FILE": CERTIFICATES, "PIP_CERT": CERTIFICATES}
        settings |= {name: os.environ[name] for name in INDEXES if name in os.environ}
        recipe = "\n".join(
            [
                f"FROM {DEBIAN}",
                "ADD python.tar /usr/local/",
                f"COPY certificates {CERTIFICATES}",
                "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
                *(f"ENV {name}={json.dumps(value)}" for name, value in settings.items()),
                # As in the official image, where apt keeps no cache.
                f"RUN echo '{NO_CACHE}' > /etc/apt/apt.conf.d/docker-clean",
                "RUN ldconfig && python3 -m ensurepip && ln -s pip3 /usr/local/bin/pip"
                " && python3 -c 'import bz2, ctypes, lzma, sqlite3, ssl, zlib'",
                'CMD ["python3"]',
            ]
        )
        certificates = Path(os.environ.get("SSL_CERT_FILE", CERTIFICATES)).read_bytes()
        known = sha256("".join([recipe, *version]).encode() + certificates).hexdigest()
        label = f"label=mlship.tests={known}"
        if self("images", "--quiet", "--filter", label, reference):
            return
        self.make_debian()
        with tempfile.TemporaryDirectory(dir=FOLDER) as scratch:
            context = Path(scratch)
            (context / "Dockerfile").write_text(recipe)
            (context / "certificates").write_bytes(certificates)
            copy_python(Path(prefix), named[1], context / "python.tar")
            self("build", "--label", label.removeprefix("label="), "--tag", reference, context)

    def _run(self, command: list[str], cwd: Path | None, variables: Mapping[str, str]) -> str:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, "DOCKER_BUILDKIT": "1", **self.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise EngineError(f"{' '.join(command)}: {(done.stderr + done.stdout)[-3000:]}")
        return done.stdout


@contextmanager
def found() -> Iterator[Engine]:
    """Give the engine that answers, or start one where every tier must run.

    Raises:
        NoEngine: there is none, or it cannot be started.
    """
    client = shutil.which("docker")
    if client and answers(Engine(client)):
        yield Engine(client)
    elif not os.environ.get("MLSHIP_ALL_TIERS"):
        raise NoEngine("no container engine answers to `docker version`")
    else:
        with started() as engine:
            yield engine


@contextmanager
def started() -> Iterator[Engine]:
    """Start an engine in ``FOLDER``, and stop it at the end; another session waits for its turn.

    Raises:
        NoEngine: it cannot be started on this machine.
    """
    programs = {"dockerd": "docker.io", "iptables": "iptables", "mmdebstrap": "mmdebstrap"}
    for program, package in programs.items():
        if not shutil.which(program):
            raise NoEngine(f"{program} is not installed (Debian: apt-get install {package})")
    if os.geteuid():
        raise NoEngine("no container engine answers, and only root can start one")
    FOLDER.mkdir(parents=True, exist_ok=True)
    host = f"unix://{FOLDER}/docker.sock"
    # Debian's client is beside its engine; another one may refuse to build with BuildKit.
    client = Path(shutil.which("dockerd") or "").parent.parent / "bin" / "docker"
    engine = Engine(str(client), own=True, environment={"DOCKER_HOST": host})
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    command = [
        # The engine ends with this process, even if this is killed.
        *("setpriv", "--pdeathsig", "TERM", "dockerd", "--host", host),
        *("--data-root", f"{FOLDER}/data", "--exec-root", f"{FOLDER}/run"),
        *("--pidfile", f"{FOLDER}/dockerd.pid", "--default-ulimit", f"nofile={files}:{files}"),
    ]
    with (FOLDER / "lock").open("w") as lock, (FOLDER / "dockerd.log").open("wb") as log:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (FOLDER / "dockerd.pid").unlink(missing_ok=True)
        daemon = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            deadline = time.monotonic() + 60
            while not answers(engine):
                if daemon.poll() is not None or time.monotonic() > deadline:
                    said = (FOLDER / "dockerd.log").read_text(errors="replace")[-1000:]
                    raise NoEngine(f"dockerd does not start: {said}")
                time.sleep(0.2)
            engine("container", "prune", "--force")
            engine("network", "prune", "--force")
            yield engine
        finally:
            daemon.terminate()
            daemon.wait(60)


def answers(engine: Engine) -> bool:
    """Say whether an engine answers."""
    try:
        return bool(engine("version", "--format", "{{.Server.Version}}"))
    except EngineError:
        return False


def bases(dockerfile: Path) -> list[str]:
    """Return the images that a Dockerfile is based on, without its own stages."""
    stages: set[str] = set()
    references = []
    for reference, stage in re.findall(
        r"^FROM\s+(\S+)(?:\s+AS\s+(\S+))?", dockerfile.read_text(), re.MULTILINE | re.IGNORECASE
    ):
        if reference not in stages:
            references.append(reference)
        stages.add(stage)
    return list(dict.fromkeys(references))


def copy_python(prefix: Path, version: str, target: Path) -> None:
    """Write an installed CPython ``X.Y`` into a tar, without the packages that it was given."""

    def kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if LEFT_OUT.search(f"/{member.name}"):
            return None
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        return member

    programs = [f"bin/python{end}" for end in ("", "3", version)]
    with tarfile.open(target, "w") as tar:
        for pattern in (*programs, f"lib/python{version}", "lib/libpython*.so*"):
            for path in sorted(prefix.glob(pattern)):
                tar.add(path, str(path.relative_to(prefix)), filter=kept)
