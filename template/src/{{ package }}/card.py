"""Write what was measured and tried into README.md and the model card, between two markers.

Everything outside the markers belongs to the team and is never touched.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import arrays, artifact, experiments, pictures

START = "<!-- facts: written by pack, from the model's own receipt -->"
END = "<!-- /facts -->"

SHOWN = 10
"""Categories and labels named in full."""

LEVELS = {
    "raw": "rows as they are in the team's data",
    "frame": "rows that the notebook has prepared in part",
    "direct": "the estimator's own input, prepared by the notebook before it is asked",
}


def write(project: Path, signature: Mapping[str, Any], receipt: Mapping[str, Any]) -> None:
    """Refresh the facts in the README and the model card of ``project``."""
    tried = receipt["experiments"]
    _fill(project / "README.md", glance(signature, receipt))
    _fill(
        project / "README.md",
        experiments.for_readme(tried, project),
        (experiments.START, experiments.END),
    )
    text = facts(signature, receipt, experiments.for_card(tried, project))
    _fill(project / "model" / "MODEL_CARD.md", text)


def glance(signature: Mapping[str, Any], receipt: Mapping[str, Any]) -> str:
    """Say in a few lines what the model takes, answers, and how well that is proven."""
    outputs, provenance = signature["outputs"], signature["provenance"]
    answers = [f"- **Answers** {_answer(target)}." for target in outputs.get("targets", [outputs])]
    origin = f", fitted in {_origin(provenance)}" if "notebook" in provenance else ""
    if "model_file" in provenance:
        origin = f", saved in `{provenance['model_file']}`"
    return "\n".join(
        [
            f"- **Model**: {provenance['estimator']}{origin}.",
            *answers,
            f"- **Takes** {_taken(signature['inputs']['properties'])} "
            f"({signature['level']}: {LEVELS[signature['level']]}).",
            f"- **Proof**: {parity(receipt)}",
            *_cautions(signature),
            *_metric_lines(provenance.get("metrics", [])),
        ]
    )


def _taken(properties: Mapping[str, Any]) -> str:
    """Say how many inputs there are; of an array, which."""
    for name, schema in properties.items():
        if arrays.is_one(schema):
            return f"`{name}`, an {_array(schema)}"
    for name, schema in properties.items():
        if pictures.is_one(schema):
            return f"`{name}`, the file of a {pictures.said(schema)} picture"
    return f"{len(properties)} inputs"


def _array(schema: Mapping[str, Any]) -> str:
    return f"array {arrays.said(schema['x-shape'])} of {np.dtype(schema['x-dtype'])}"


def _answer(outputs: Mapping[str, Any]) -> str:
    answer = f"`{outputs['name']}`"
    if outputs["task"] == "classification":
        answer += f": {_some(f'`{label}`' for label in outputs['labels'])}"
    elif outputs["unit"]:
        answer += f" in {outputs['unit']}"
    if "x-encoded" in outputs:
        answer += f" (encoded in the notebook as {_some(map(str, outputs['x-encoded']))})"
    return answer


def _some(words: Iterable[str]) -> str:
    words = list(words)
    rest = len(words) - SHOWN
    return ", ".join(words[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def facts(
    signature: Mapping[str, Any], receipt: Mapping[str, Any], tried: Sequence[str] = ()
) -> str:
    """Say everything that is known of the model, with where it comes from and what was tried."""
    provenance, saved = signature["provenance"], signature["artifact"]
    sections = [glance(signature, receipt), "## Inputs", _inputs(signature)]
    sections += [*_personal(signature["inputs"], receipt), *tried]
    packages = [(name, version) for name, version in saved["packages"].items()]
    sections += [
        "## Where it comes from",
        _table(
            ("what", "value"), [("Python", provenance["python"]), *packages, *_files(signature)]
        ),
    ]
    if receipt.get("cut"):
        said = "\n".join(_cut(receipt["cut"], signature["inputs"]))
        sections += ["## How a row becomes an answer", said]
    notes = provenance.get("notes", [])
    if notes:
        where = "in the notebook" if "notebook" in provenance else "on the way"
        sections += [f"## Found {where}", "\n".join(f"- {note}" for note in notes)]
    return "\n\n".join(sections)


def parity(receipt: Mapping[str, Any]) -> str:
    """Say the proof in one sentence."""
    result = receipt["parity"]
    left_out = f" {result['unservable_rows']} more hold an infinite number and are not served."
    return (
        f"{result['rows']} rows together and {result['single_rows']} one at a time are answered "
        f"as the {result['reference']} did; labels equal, numbers within "
        f"{result['largest_difference']:.1g} (allowed: {result['tolerance']:.0g})."
        + (left_out if result["unservable_rows"] else "")
    )


def _inputs(signature: Mapping[str, Any]) -> str:
    rows = []
    for name, schema in signature["inputs"]["properties"].items():
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        observed = schema.get("x-observed", {})
        seen = f"{observed.get('missing', 0):.1%} missing"
        if "minimum" in observed:
            seen = f"{observed['minimum']} to {observed['maximum']}, {seen}"
        known = [str(value) for value in schema.get("enum", []) if value is not None]
        allowed = ", ".join(known[:SHOWN]) + (", ..." if len(known) > SHOWN else "")
        kinds = [schema.get("format", kind) if kind == "string" else kind for kind in kinds]
        if arrays.is_one(schema):
            kinds = [_array(schema)]
        elif pictures.is_one(schema):
            kinds = [f"file of a {pictures.said(schema)} picture, in base64"]
            seen = "{} to {} pixels wide, {} to {} high".format(
                *observed["width"], *observed["height"]
            )
        unit = f", in {schema['x-unit']}" if "x-unit" in schema else ""
        meaning = schema.get("description", "")
        rows.append((name, " or ".join(kinds) + unit, allowed, seen, meaning))
    saw = "its rows hold" if "model_file" in signature["provenance"] else "training saw"
    return _table(("input", "type", "allowed", saw, "meaning"), rows)


def _cut(cut: Mapping[str, Any], inputs: Mapping[str, Any]) -> Iterable[str]:
    """Say which rows are served, by what code, and which are not."""
    rows = f"rows of {cut['source']} as they are after cell {cut['cell']} of the notebook"
    if any(map(pictures.is_one, inputs["properties"].values())):
        rows = f"picture files such as those that cell {cut['cell']} of the notebook opens"
    yield (
        f"- Requests are {rows}; `features.py` in the model package makes the model's inputs of "
        "them, in training and in serving alike."
    )
    if cut["left_out"]:
        yield (
            f"- {cut['left_out']} of {cut['rows']} rows were left out by the notebook (filters, "
            "missing values): nothing is proven for rows like them."
        )
    for item in cut["unservable"]:
        yield f"- {item['rows']} rows cannot be served: {item['reason']}."
    if cut["filled"]:
        yield (
            "- The code reads these columns, though no answer depends on them, so that requests "
            f"go without: {', '.join(cut['filled'])}."
        )
    for reason in cut["notes"]:
        yield f"- {reason}"


def _personal(inputs: Mapping[str, Any], receipt: Mapping[str, Any]) -> list[str]:
    """Name the inputs that look personal, and say where real rows of them are kept."""
    found = {
        name: schema["x-personal"]
        for name, schema in inputs["properties"].items()
        if "x-personal" in schema
    }
    if not found:
        return []
    named = "; ".join(f"`{name}` ({why})" for name, why in found.items())
    kept = "The rows in `tests/parity/` are made up: none is a real one."
    if receipt.get("kept_rows") != "synthetic":
        kept = "`tests/parity/rows.json` holds real rows of them."
    return [
        f"These inputs look personal: {named}. Their values are in no list of allowed values, no "
        f"range and no example. {kept}"
    ]


def _files(signature: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield "artifact", f"`{signature['artifact']['sha256'][:12]}`"
    provenance = signature["provenance"]
    if "notebook" in provenance:
        yield "notebook", f"{provenance['notebook']} `{provenance['notebook_sha256'][:12]}`"
    if "model_file" in provenance:
        yield "saved model", f"{provenance['model_file']} `{provenance['model_sha256'][:12]}`"
    for file in provenance.get("data", []):
        yield "data", f"{file['name']} `{file['sha256'][:12]}`"


def _cautions(signature: Mapping[str, Any]) -> Iterable[str]:
    saved = signature["artifact"]
    others = [
        f"{name} {item['served']} in place of {item['made']}"
        for name, item in artifact.replaced(signature).items()
    ]
    if others:
        yield (
            f"- **Other versions**: proven with {', '.join(others)}, since the versions that the "
            "model was made with cannot be had for the service's Python."
        )
    if saved["format"] == "pickle":
        yield (
            f"- **Caution**: `model/{saved['file']}` is a pickle, since its library has no other "
            "format. Loading it runs what it says: take it only from `pack`, which made this one. "
            "The service loads no file with another SHA-256 than the signature's."
        )
    if saved.get("options"):
        asked = ", ".join(f"{name}={value}" for name, value in saved["options"].items())
        yield f"- **Asked** as in the notebook: `{asked}`."


def _origin(provenance: Mapping[str, Any]) -> str:
    return f"cell {provenance['cell']} of `notebooks/{provenance['notebook']}`"


def _metric_lines(metrics: Sequence[Mapping[str, Any]]) -> list[str]:
    if not metrics:
        return []
    return [f"- **Measured**: {'; '.join(map(_score, metrics))}."]


def _score(metric: Mapping[str, Any]) -> str:
    where = f" (cell {metric['cell']}, {metric['rows']})" if "cell" in metric else ""
    return f"{metric['name']} {metric['value']:.4g}{where}"


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(value: Any) -> str:
    return " ".join(str(value).replace("|", "\\|").split())


def _fill(path: Path, text: str, marks: tuple[str, str] = (START, END)) -> None:
    if not path.is_file():
        return
    before, start, rest = path.read_text(encoding="utf-8").partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if start and end:
        path.write_text(f"{before}{start}\n{text}\n{end}{after}", encoding="utf-8")
