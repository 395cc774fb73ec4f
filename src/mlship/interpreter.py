"""Find the Python that a notebook runs in, or build one from what the notebook imports."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from packaging.version import Version

from . import installing, uv
from .asof import AsOf
from .errors import IntakeError, PreconditionError
from .notebook import Notebook

CPU_ONLY = sys.platform == "linux" and platform.machine() == "x86_64"
"""Where TensorFlow comes without what a graphics card needs, a third of its size."""
TENSORFLOW = "tensorflow-cpu" if CPU_ONLY else "tensorflow"
DISTRIBUTIONS = {
    "Bio": "biopython",
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "category_encoders": "category-encoders",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "imblearn": "imbalanced-learn",
    "keras": TENSORFLOW,
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "tensorflow": TENSORFLOW,
    "yaml": "pyyaml",
}
"""Modules whose distribution has another name."""
KNOWN = DISTRIBUTIONS.keys() | {
    "catboost", "gensim", "imageio", "joblib", "lightgbm", "matplotlib", "nltk", "numba", "numpy",
    "onnxruntime", "openpyxl", "pandas", "patsy", "plotly", "polars", "pyarrow", "regex",
    "requests", "scipy", "seaborn", "shap", "spacy", "statsmodels", "sympy", "tabulate", "torch",
    "torchvision", "tqdm", "transformers", "xgboost", "xlrd", "yellowbrick",
}  # fmt: skip
"""Modules that are installed unasked; any other name could be a stranger's package."""
WRITTEN_WITH = {"pandas"}
"""What the project's code needs, whether or not the notebook imports it."""
ALWAYS_THERE = {"IPython", "google", "ipykernel", "mpl_toolkits", "pylab"}
"""Modules that come with Jupyter or another package, or that only a hosted notebook has."""
ENVIRONMENTS = (".venv", "venv", "env")
NUMPY_2 = Version("1.4.2")
"""Before this one, scikit-learn's wheels are built for numpy 1, and not all of them say so."""
PROBE = """
import importlib.util, json, sys
missing = [name for name in json.loads(sys.argv[1]) if importlib.util.find_spec(name) is None]
print(json.dumps({"version": list(sys.version_info[:3]), "missing": missing, "prefix": sys.prefix,
                  "installer": installer()}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python executable, and why it is the one."""

    executable: Path
    version: tuple[int, int, int]
    found: str
    newest: bool = False
    """uv built it for this run, with the newest libraries that there are."""

    @property
    def minor(self) -> str:
        """The version as ``3.12``."""
        return f"{self.version[0]}.{self.version[1]}"


@dataclass(frozen=True)
class _Probed:
    """What an interpreter says of itself, and of the modules that are wanted."""

    interpreter: Interpreter
    missing: Sequence[str]
    prefix: Path
    installer: str

    def cure(self) -> str:
        """Say how to install what is missing."""
        executable = self.interpreter.executable
        install = installing.command(
            self.installer, executable, self.prefix, _packages(self.missing)
        )
        said = f"Install it with:  {install}"
        if self.installer == "system":
            said = f"{executable} belongs to the system. Make an environment on top:  {install}"
        unknown = sorted(set(self.missing) - KNOWN)
        if unknown:
            said += (
                f"\nCheck the name first: mlship does not know which package has "
                f"{', '.join(unknown)}."
            )
        return said


class Model(Protocol):
    """What is asked of a saved model to find the Python that loads it."""

    @property
    def path(self) -> Path: ...  # noqa: D102 - as in saved.Saved
    @property
    def kernel(self) -> str | None: ...  # noqa: D102
    @property
    def modules(self) -> frozenset[str]: ...  # noqa: D102
    @property
    def versions(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def extras(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def python(self) -> str | None: ...  # noqa: D102


def find(
    notebook: Notebook, explicit: Path | None, scratch: Path, as_of: AsOf | None = None
) -> Interpreter:
    """Return the notebook's interpreter, with all that the notebook imports in it.

    In this order: the one that the user names, the kernel's, the environment in force or beside
    the notebook, and else one that uv builds in ``scratch`` from the notebook's imports, with the
    libraries of the day ``as_of`` if one is given.

    Raises:
        IntakeError: something that the notebook imports is missing there.
        PreconditionError: the interpreter cannot be run, or none can be built.
    """
    modules = notebook.imports() - ALWAYS_THERE
    incomplete = None
    for executable, found in _existing(notebook, explicit):
        probed = _probe(executable, found, modules)
        if not probed.missing:
            unused = f"; --as-of {as_of.day} is not used, as all is there" if as_of else ""
            return replace(probed.interpreter, found=found + unused)
        if not explicit and probed.prefix == Path(sys.prefix):
            continue  # mlship's own environment is no place to look for a notebook's packages
        incomplete = incomplete or probed
    if incomplete and not as_of:
        raise IntakeError(
            f"{notebook.path.name} imports what its Python ({incomplete.interpreter.found}) does "
            f"not have: {', '.join(sorted(incomplete.missing))}.\n{incomplete.cure()}\n"
            "Or name another interpreter with --python."
        )
    return _build(notebook, modules, scratch, as_of)


def find_for_model(model: Model, explicit: Path | None, scratch: Path) -> Interpreter:
    """Return an interpreter that loads a saved model as the one that saved it did.

    In the order of ``find``; one that lacks a library, or has another version of scikit-learn than
    the file was written with, is passed over. Else uv builds one in ``scratch`` from the versions
    that the file names.

    Raises:
        IntakeError: the one that the user names does not fit, or none can be built.
        PreconditionError: the one that the user names cannot be run.
    """
    wanted = model.versions.get("scikit-learn")
    for executable, found in _existing(model, explicit):
        probed = _probe(executable, found, set(model.modules))
        missing = probed.missing
        installed = _version_in(executable, "scikit-learn") if wanted and not missing else wanted
        if not missing and installed == wanted:
            return probed.interpreter
        if explicit and missing:
            raise IntakeError(
                f"{model.path.name} needs what its Python ({found}) does not have: "
                f"{', '.join(sorted(missing))}.\n{probed.cure()}\nOr leave out --python."
            )
        if explicit:
            raise IntakeError(
                f"{model.path.name} was saved with scikit-learn {wanted}, and its Python ({found}) "
                f"has {installed}: it may answer otherwise there. Leave out --python, and mlship "
                f"builds one with {wanted}."
            )
    return _build_for_model(model, scratch)


def _existing(notebook: Notebook | Model, explicit: Path | None) -> Iterable[tuple[Path, str]]:
    if explicit:
        yield _executable_in(explicit), f"from --python {explicit}"
        return
    kernel = _kernel(notebook.kernel)
    if kernel:
        yield kernel, f"of the kernel {notebook.kernel}: {kernel}"
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if os.environ.get(variable):
            home = Path(os.environ[variable])
            yield _executable_in(home), f"of {variable}: {home}"
    folder = notebook.path.parent.resolve()
    for parent in (folder, *list(folder.parents)[:2]):
        for name in ENVIRONMENTS:
            if (parent / name / "pyvenv.cfg").is_file():
                yield _executable_in(parent / name), f"beside {notebook.path.name}: {parent / name}"


def _executable_in(path: Path) -> Path:
    """Return the interpreter of an environment's folder, or ``path`` itself."""
    for inside in ("bin/python", "Scripts/python.exe", "python.exe"):
        if (path / inside).exists():
            return (path / inside).absolute()
    return path


def _kernel(name: str | None) -> Path | None:
    if not name:
        return None
    homes = [Path.home() / ".local/share/jupyter", Path("/usr/local/share/jupyter")]
    homes += [Path(os.environ["JUPYTER_DATA_DIR"])] if os.environ.get("JUPYTER_DATA_DIR") else []
    homes += [Path.home() / "Library/Jupyter", Path("/usr/share/jupyter")]
    for home in homes:
        try:
            spec = json.loads((home / "kernels" / name / "kernel.json").read_text("utf-8"))
            executable = Path(spec["argv"][0])
        except (OSError, ValueError, KeyError, IndexError):
            continue
        if executable.is_absolute() and executable.exists():
            return executable
    return None


def _probe(executable: Path, found: str, modules: set[str]) -> _Probed:
    try:
        result = subprocess.run(
            [executable, "-c", installing.PROBE + PROBE, json.dumps(sorted(modules))],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        answer = json.loads(result.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise PreconditionError(f"{executable} ({found}) is no Python that runs: {error}") from None
    major, minor, patch = answer["version"]
    interpreter = Interpreter(executable, (major, minor, patch), found)
    if interpreter.version < (3, 9):
        raise IntakeError(
            f"{executable} ({found}) is Python {interpreter.minor}; 3.9 is the oldest."
        )
    return _Probed(interpreter, answer["missing"], Path(answer["prefix"]), answer["installer"])


def _build(notebook: Notebook, modules: set[str], scratch: Path, as_of: AsOf | None) -> Interpreter:
    home = scratch / "environment"
    requirements = notebook.path.parent / "requirements.txt"
    unknown = sorted(modules - KNOWN)
    if unknown and not requirements.is_file():
        raise IntakeError(
            f"{notebook.path.name} imports {', '.join(unknown)}, which mlship does not install "
            "unasked. List the packages in a requirements.txt beside the notebook, or name an "
            "interpreter that has them with --python."
        )
    listed = requirements.is_file()
    wanted = ["-r", str(requirements)] if listed else _packages(modules | WRITTEN_WITH)
    source = "requirements.txt" if listed else "the notebook's imports"
    said = f"from {source}"
    try:
        if as_of:
            said += f" as of {as_of}"
            home = _fill_as_of(as_of, scratch, wanted)
        else:
            uv.run(["venv", "--python", f"{sys.version_info[0]}.{sys.version_info[1]}", str(home)])
            _fill(home, wanted)
    except uv.UvError as error:
        raise IntakeError(
            f"No environment could be made for {notebook.path.name} {said}:\n{error}\n"
            "Name an interpreter that has it all with --python."
        ) from None
    probed = _probe(_executable_in(home), f"built by uv {said} for this run", modules)
    if probed.missing:
        raise IntakeError(
            f"{notebook.path.name} imports {', '.join(sorted(probed.missing))}, which {source} "
            "does not bring. Name an interpreter that has it with --python."
        )
    return replace(probed.interpreter, newest=as_of is None)


def _fill(home: Path, wanted: Sequence[str], *options: str) -> None:
    if wanted:
        uv.run(["pip", "install", "--python", str(_executable_in(home)), *options, *wanted])


def _fill_as_of(as_of: AsOf, scratch: Path, wanted: Sequence[str]) -> Path:
    """Make an environment of the newest Python that was out, and had wheels of the libraries, then.

    Raises:
        UvError: no Python that is here had them.
        PreconditionError: no Python of that day is here, or can be had.
    """
    here = {minor: uv.python(minor) or uv.pyenv_python(minor) for minor in as_of.pythons()}
    newest = next(iter(here))  # which uv downloads if none is here
    failed: list[str] = []
    for minor in [minor for minor, path in here.items() if path] or [newest]:
        home = scratch / f"environment-{minor}"
        try:
            uv.run(["venv", "--python", str(here[minor] or minor), str(home)])
        except uv.UvError as error:
            last = str(error).splitlines()[-1].strip()
            raise PreconditionError(
                f"The libraries as of {as_of} need Python {' or '.join(here)}, which is not on "
                f"this machine and cannot be downloaded ({last}). Install it, or give a later day."
            ) from None
        try:
            _fill(home, wanted, "--exclude-newer", as_of.before, *uv.wheels_only("pip"))
        except uv.UvError as error:
            failed.append(f"With Python {minor}: {error}")
        else:
            return home
    missing = [minor for minor, path in here.items() if not path and minor != newest]
    hint = f"\nPython {' or '.join(missing)} may do, but is not here." if missing else ""
    raise uv.UvError("\n".join(failed) + hint)


def _build_for_model(model: Model, scratch: Path) -> Interpreter:
    home = scratch / "environment"
    own = f"{sys.version_info[0]}.{sys.version_info[1]}"
    try:
        uv.run(["venv", "--python", model.python or own, str(home)])
    except uv.UvError:
        uv.run(["venv", "--python", own, str(home)])
    versions = dict(model.versions)
    named = {*_packages(model.modules), *model.extras} | versions.keys()
    wanted = [f"{name}=={versions[name]}" if name in versions else name for name in sorted(named)]
    if "numpy" not in versions and Version(versions.get("scikit-learn", "9")) < NUMPY_2:
        wanted.append("numpy<2")
    said = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    said = f", with {said}, as it was saved" if said else ""
    executable = _executable_in(home)
    try:
        uv.run(["pip", "install", "--no-build", "--python", str(executable), *wanted])
    except uv.UvError as error:
        raise IntakeError(
            f"No environment could be made for {model.path.name}{said}:\n{error}\n"
            "Name an interpreter that has it all with --python, or save the model again with newer "
            "versions."
        ) from None
    probed = _probe(executable, f"built by uv for {model.path.name}{said}", set(model.modules))
    if probed.missing:
        raise IntakeError(
            f"{model.path.name} needs {', '.join(sorted(probed.missing))}, which could not be "
            "installed. Name an interpreter that has it with --python."
        )
    return probed.interpreter


def _version_in(executable: Path, distribution: str) -> str | None:
    code = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
    result = subprocess.run(
        [executable, "-c", code, distribution], capture_output=True, text=True, check=False
    )
    return result.stdout.strip() or None


def _packages(modules: Iterable[str]) -> list[str]:
    return sorted({DISTRIBUTIONS.get(module, module) for module in modules})
