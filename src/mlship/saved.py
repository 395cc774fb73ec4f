"""Read what a saved model's file says of itself, without loading it, and have it loaded elsewhere.

Nothing in this process opens a pickle: its bytes are only searched for names and versions.
"""

import bz2
import hashlib
import json
import lzma
import os
import re
import subprocess
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import mlflow
from .errors import IntakeError, UsageError
from .interpreter import KNOWN, Interpreter

START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from mlship.loader.process import main; "
    "del sys.path[0]; main()"
)
"""Runs the loader in another interpreter, which sees mlship's folder for that import only."""
QUIET = {
    "LOKY_MAX_CPU_COUNT": "1",
    "MPLBACKEND": "agg",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONIOENCODING": "utf-8",
}
FORMATS: Mapping[str, tuple[str, ...]] = {
    "catboost": ("catboost",),
    "keras": ("keras", "tensorflow"),
    "lightgbm": ("lightgbm", "sklearn"),
    "onnx": ("onnxruntime",),
    "pickle": (),
    "skops": ("skops", "sklearn"),
    "xgboost": ("xgboost", "sklearn"),
}
"""The modules that a file of each format needs; ``loader.formats.LOADERS`` has the same keys."""
NOT_SERVED = {
    "pytorch": "a PyTorch model",
}
"""Formats that are known, and that mlship cannot serve yet."""
PICKLES = (".joblib", ".pickle", ".pkl", ".sav")
SUFFIXES = {".h5": "keras", ".hdf5": "keras", ".keras": "keras", ".onnx": "onnx",
            ".pt": "pytorch", ".pth": "pytorch"}  # fmt: skip
ROWS = ("csv", "tsv", "parquet", "json", "jsonl", "ndjson", "xls", "xlsx", "npy")
"""What a file of rows may be called; ``loader.table.READERS`` has the same keys."""
PACKED = ("bz2", "gz", "xz", "zip", "zst")
READS_WITH = {"parquet": "pyarrow", "xls": "xlrd", "xlsx": "openpyxl"}
"""What pandas needs to read some of them."""
SEARCHED_BYTES = 256_000_000
"""How much of a pickle is searched."""
VERSION = re.compile(rb"_sklearn_version.{1,24}?(\d+\.\d+(?:\.\d+)?(?:(?:a|b|rc)\d+)?)", re.DOTALL)
UNPACK: Mapping[bytes, Callable[[], Any]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(31),
    b"BZ": bz2.BZ2Decompressor,
    b"\xfd7": lzma.LZMADecompressor,
    b"]\x00": lzma.LZMADecompressor,
    b"x": zlib.decompressobj,
}
"""How what joblib compressed begins, and how it is decompressed."""


@dataclass(frozen=True)
class Saved:
    """A saved model and the rows that it is to be proven on."""

    path: Path
    """What the user named: a file, or an MLflow folder."""
    file: Path
    """The file that holds the model."""
    format: str
    sha256: str
    rows: Path
    trusted: bool
    target: str | None
    modules: frozenset[str]
    """What is imported to load it and to read the rows."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """The distributions that it says it was saved with."""
    extras: tuple[str, ...] = ()
    """Distributions that only reading the rows needs."""
    python: str | None = None
    """The minor version that it was saved with, if it says so."""
    columns: tuple[tuple[str, str], ...] | None = None
    """(name, type) of its columns, where an MLflow signature says so."""

    @property
    def name(self) -> str:
        """The model as it is shown: the file, after its folder if that is what was named."""
        return self.path.name if self.path == self.file else f"{self.path.name}/{self.file.name}"

    @property
    def kernel(self) -> None:
        """A file has no kernel."""


def read(path: Path, rows: Path | None, trusted: bool, target: str | None) -> Saved:
    """Find out what a saved model is, from its bytes alone.

    Args:
        path: a file, or an MLflow folder.
        rows: the file with rows; an MLflow folder with an input example needs none.
        trusted: whether the user allows what runs code on loading.
        target: the column that the model learned, if the user names it.

    Raises:
        IntakeError: it is none that is served, or it is a pickle and ``trusted`` is false.
        UsageError: there are no rows.
    """
    if not path.exists():
        raise IntakeError(f"{path} does not exist.")
    folder = mlflow.read(path) if path.is_dir() else None
    file = folder.file if folder else path
    rows = rows or (folder.example if folder else None)
    if rows is None:
        raise UsageError(
            "--model needs --rows FILE: rows that the model is proven on, and that show what its "
            "columns are."
        )
    kind = _recognise(file)
    if kind == "pickle" and not trusted:
        raise IntakeError(
            f"{file} is a pickle, and opening one runs whatever code is in it; it was not opened. "
            "If you trust who made it, add --allow-pickle; better, save the model with skops."
        )
    suffix = _rows_kind(rows)
    modules = {*FORMATS[kind], *(["numpy"] if suffix == "npy" else ["pandas"])}
    versions = dict(folder.versions) if folder else {}
    if kind in ("pickle", "skops"):
        found, version = _named_in_skops(file) if kind == "skops" else _named_in_pickle(file)
        modules |= found
        modules |= set() if found else {"sklearn"}
        versions |= {"scikit-learn": version} if version else {}
    elif kind == "xgboost" and "xgboost" not in versions:
        versions |= _xgboost_version(file)
    elif kind == "keras" and "keras" not in versions:
        versions |= _keras_version(file)
    return Saved(
        path=path,
        file=file,
        format=kind,
        sha256=_sha256(file),
        rows=rows,
        trusted=trusted,
        target=target,
        modules=frozenset(modules),
        versions=versions,
        extras=(READS_WITH[suffix],) if suffix in READS_WITH else (),
        python=folder.python if folder else None,
        columns=folder.columns if folder else None,
    )


def hand_over(
    saved: Saved, interpreter: Interpreter, folder: Path, synthetic: bool = False
) -> dict[str, Any]:
    """Have the model loaded and asked its rows, and all of it written into ``folder``.

    Returns:
        What is known of it.

    Raises:
        IntakeError: it cannot be loaded or served; the message says why.
    """
    job = {
        "file": str(saved.file.resolve()),
        "format": saved.format,
        "trusted": saved.trusted,
        "rows": str(saved.rows.resolve()),
        "target": saved.target,
        "columns": saved.columns,
        "folder": str(folder),
        "synthetic": synthetic,
    }
    inherited = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    with tempfile.TemporaryFile() as errors:
        process = subprocess.run(
            [interpreter.executable, "-c", START, Path(__file__).parents[1]],
            input=json.dumps(job) + "\n",
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**inherited, **QUIET},
            text=True,
            encoding="utf-8",
            check=False,
        )
        errors.seek(0)
        last = errors.read().decode("utf-8", "replace").strip().splitlines()[-3:]
    for line in process.stdout.splitlines():
        message: dict[str, Any] = json.loads(line)
        if message["event"] == "handover":
            facts: dict[str, Any] = message["facts"]
            return facts
        if message["event"] == "refused":
            raise IntakeError(message["why"])
        raise IntakeError(f"The model could not be handed over:\n{message['why']}")
    said = "".join(f"\n  {line}" for line in last)
    raise IntakeError(
        f"{saved.name} cannot be loaded as {saved.format}: its Python died (exit code "
        f"{process.returncode}), as it does for a damaged file or for lack of memory.{said}"
    )


def facts(saved: Saved, handed: Mapping[str, Any]) -> dict[str, Any]:
    """Put together what ``pack`` is told beside the model itself."""
    return {
        "level": handed["level"],
        "reference": "saved model",
        "provenance": {
            "model_file": saved.name,
            "model_sha256": saved.sha256,
            "estimator": handed["estimator"],
            "python": handed["python"],
            "packages": handed["packages"],
            "data": [{"name": saved.rows.name, "sha256": _sha256(saved.rows)}],
            "metrics": [],
            "notes": handed["notes"],
        },
        "experiments": [],
    }


def _recognise(file: Path) -> str:
    """Return the format of a file by how it begins; its name decides only where that does not."""
    if not file.is_file():
        raise IntakeError(f"{file} does not exist, or is no file.")
    with file.open("rb") as stream:
        head = stream.read(4096)
    if not head:
        raise IntakeError(f"{file} is empty.")
    if head.startswith(b"version https://git-lfs"):
        raise IntakeError(f"{file} is a Git LFS pointer, not the model: run `git lfs pull`.")
    kind = _by_content(file, head) or SUFFIXES.get(file.suffix.lower())
    if kind in NOT_SERVED:
        raise IntakeError(
            f"{file} is {NOT_SERVED[kind]}, which mlship does not serve yet. Give a model with "
            "scikit-learn's API, one of XGBoost, LightGBM, CatBoost or Keras, or export it to ONNX."
        )
    named = any(suffix.lower() in PICKLES for suffix in file.suffixes)
    if kind is None and (named or re.match(rb"\x80[\x02-\x05]", head)):
        kind = "pickle"
    if kind is None:
        raise IntakeError(
            f"{file} is no model that mlship knows. It takes skops, XGBoost's JSON and UBJ, "
            "LightGBM's text, CatBoost's cbm, Keras's keras and h5, ONNX, an MLflow folder, and, "
            "with --allow-pickle, joblib and pickle."
        )
    return kind


def _by_content(file: Path, head: bytes) -> str | None:
    if head.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(file) as archive:
                names = {Path(name).name for name in archive.namelist()}
        except zipfile.BadZipFile as error:
            raise IntakeError(f"{file} is truncated or damaged: {error}.") from None
        signs = {"schema.json": "skops", "config.json": "keras", "data.pkl": "pytorch"}
        return next((kind for sign, kind in signs.items() if sign in names), None)
    if head.startswith(b"CBM1"):
        return "catboost"
    if head.startswith(b"tree\n") or head.startswith(b"tree\r\n"):
        return "lightgbm"
    if head.startswith(b"{") and b"learner" in head[:64]:
        return "xgboost"
    return "keras" if head.startswith(b"\x89HDF") else None


def _rows_kind(rows: Path) -> str:
    """Return the suffix that says how the rows are read."""
    if rows.is_dir() or not rows.exists():
        raise IntakeError(f"{rows} {'is a folder' if rows.exists() else 'does not exist'}.")
    if rows.stat().st_size == 0:
        raise IntakeError(f"{rows} is empty: the model is to be proven on some rows.")
    with rows.open("rb") as stream:
        if stream.read(64).startswith(b"version https://git-lfs"):
            raise IntakeError(f"{rows} is a Git LFS pointer, not the rows: run `git lfs pull`.")
    parts = rows.name.lower().split(".")[1:]
    if len(parts) > 1 and parts[-1] in PACKED and parts[-2] in ("csv", "tsv"):
        return parts[-2]
    if not parts or parts[-1] not in ROWS:
        raise IntakeError(f"{rows} is none of {', '.join(f'.{kind}' for kind in ROWS)}.")
    return parts[-1]


def _named_in_skops(file: Path) -> tuple[set[str], str | None]:
    """Return the modules and the scikit-learn version that a skops file names."""
    try:
        with zipfile.ZipFile(file) as archive:
            text = archive.read("schema.json").decode("utf-8")
    except (KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise IntakeError(f"{file} is no skops file that can be read: {error}.") from None
    modules = {name.partition(".")[0] for name in re.findall(r'"__module__":\s*"([^"]+)"', text)}
    version = re.search(r'"_sklearn_version":\s*\{[^{}]*"content":\s*"\\"([^"\\]+)\\""', text)
    return modules & KNOWN, version[1] if version else None


def _named_in_pickle(file: Path) -> tuple[set[str], str | None]:
    """Search a pickle for the modules and the scikit-learn version that it names."""
    content = _unpacked(file)
    wanted = "|".join(map(re.escape, sorted(KNOWN)))
    named = re.finditer(rb"(?:c|[\x8c\x8dX][^a-z]{1,8})(%s)[.\n\x94q]" % wanted.encode(), content)
    version = VERSION.search(content)
    return {match[1].decode() for match in named}, version[1].decode() if version else None


def _unpacked(file: Path) -> bytes:
    """Return the first bytes of a pickle, decompressed if joblib has compressed it."""
    with file.open("rb") as stream:
        content = stream.read(SEARCHED_BYTES)
    for sign, unpack in UNPACK.items():
        if content.startswith(sign):
            try:
                unpacked: bytes = unpack().decompress(content, SEARCHED_BYTES)
            except (OSError, EOFError, zlib.error, lzma.LZMAError):
                break  # some other kind of file, of which loading it will tell
            return unpacked
    return content


def _xgboost_version(file: Path) -> dict[str, str]:
    """Return the version at the end of an XGBoost file, in JSON or in UBJSON."""
    with file.open("rb") as stream:
        stream.seek(-min(128, file.stat().st_size), os.SEEK_END)
        tail = stream.read()
    text = re.search(rb'"version":\s*\[(\d+),\s*(\d+),\s*(\d+)\]', tail)
    if text:
        return {"xgboost": ".".join(part.decode() for part in text.groups())}
    binary = re.search(rb"version\[#.*?\x03i(.)i(.)i(.)", tail, re.DOTALL)
    return {"xgboost": ".".join(str(part[0]) for part in binary.groups())} if binary else {}


def _keras_version(file: Path) -> dict[str, str]:
    """Return the version that a file of Keras 3 was saved with; an older one says nothing here."""
    try:
        with zipfile.ZipFile(file) as archive:
            text = archive.read("metadata.json").decode("utf-8")
    except (KeyError, ValueError, zipfile.BadZipFile, zlib.error):
        return {}  # HDF5
    version = re.search(r'"keras_version":\s*"(3\.\d+\.\d+)"', text)
    return {"keras": version[1]} if version else {}


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
