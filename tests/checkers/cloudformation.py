"""Templates of CloudFormation by cfn-lint, and what it lets pass."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from cfnlint.api import ManualArgs, lint_file


class _Loader(yaml.SafeLoader):
    """Reads ``!Sub x`` as ``{"Fn::Sub": x}``."""


def _intrinsic(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    if isinstance(node, yaml.MappingNode):
        return {name: loader.construct_mapping(node, deep=True)}
    return {name: loader.construct_scalar(node)}  # type: ignore[arg-type]


_Loader.add_multi_constructor("!", _intrinsic)


def load(text: str) -> Any:
    """Read a template, short forms of functions and all."""
    return yaml.load(text, _Loader)


def problems(path: Path) -> Iterator[str]:
    """Yield every error and warning of cfn-lint, and aliases, which CloudFormation cannot read."""
    config = ManualArgs(regions=["eu-west-1"], ignore_checks=[])
    for match in lint_file(path, config=config):
        yield f"line {match.linenumber}: {match.rule.id} {match.message}"
    for token in yaml.scan(path.read_text("utf-8")):
        if isinstance(token, yaml.AliasToken | yaml.AnchorToken):
            yield f"line {token.start_mark.line + 1}: an alias or an anchor"
