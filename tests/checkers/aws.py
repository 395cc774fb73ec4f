"""Requests to AWS by botocore's own descriptions: what a template asks for, what a script calls.

A ``.yaml`` file is a template; of any other, each line that begins with ``aws`` is a call.
"""

import shlex
from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.model import ServiceModel
from botocore.session import Session
from botocore.validate import ParamValidator

from .cloudformation import load

GLOBAL = {"--output", "--query", "--region"}
CUSTOM = {
    ("cloudformation", "deploy"): {
        "--capabilities",
        "--no-fail-on-empty-changeset",
        "--parameter-overrides",
        "--stack-name",
        "--template-file",
    },
    ("s3", "cp"): {"--recursive"},
    ("ecr", "get-login-password"): set(),
    ("cloudformation", "wait"): {"--stack-name"},
}
"""What the command line adds to the API, with the flags that are used."""
CREATES = {
    "AWS::ECS::ExpressGatewayService": ("ecs", "CreateExpressGatewayService"),
    "AWS::ElasticBeanstalk::Environment": ("elasticbeanstalk", "CreateEnvironment"),
    "AWS::ElasticBeanstalk::ApplicationVersion": ("elasticbeanstalk", "CreateApplicationVersion"),
}


def problems(path: Path) -> Iterator[str]:
    """Yield the requests that AWS would refuse before it looks at the account."""
    text = path.read_text("utf-8")
    if path.suffix == ".yaml":
        for name, resource in load(text)["Resources"].items():
            if resource["Type"] in CREATES:
                yield from (f"{name}: {problem}" for problem in _request(resource))
        return
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("aws "):
            yield from _call(line)


def _model(service: str) -> ServiceModel:
    return Session().get_service_model(service)


def _request(resource: Mapping[str, Any]) -> Iterator[str]:
    service, name = CREATES[resource["Type"]]
    operation = _model(service).operation_model(name)
    request = _plain(resource["Properties"], lower=service == "ecs")
    if service == "elasticbeanstalk" and "VersionLabel" in operation.input_shape.required_members:
        request["VersionLabel"] = "made by CloudFormation"
    report = ParamValidator().validate(request, operation.input_shape)
    yield from report.generate_report().splitlines()


def _plain(value: Any, lower: bool) -> Any:
    """Return properties as a request: each reference is a text, and names begin as the API's do."""
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)) in {"Ref", "Condition"}:
            return "reference"
        if len(value) == 1 and next(iter(value)).startswith("Fn::"):
            inside = value.get("Fn::If")
            return _plain(inside[1], lower) if inside else "reference"
        return {
            (key[:1].lower() + key[1:] if lower else key): _plain(item, lower)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_plain(item, lower) for item in value]
    return value


def _words(line: str) -> Iterator[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|")
    lexer.whitespace_split = True
    return iter(lexer)


def _call(line: str) -> Iterator[str]:
    try:
        _, service, command, *rest = takewhile(lambda word: word != "|", _words(line))
    except ValueError:
        yield f"cannot be read: {line}"
        return
    flags = {word.split("=")[0] for word in rest if word.startswith("--")}
    if (service, command) in CUSTOM:
        known, required = CUSTOM[service, command], set()
    else:
        try:
            model = _model(service)
        except UnknownServiceError:
            yield f"aws {service}: no such service"
            return
        names = {xform_name(name, "-"): name for name in model.operation_names}
        if command not in names:
            yield f"aws {service} {command}: no such call"
            return
        shape = model.operation_model(names[command]).input_shape
        members = shape.members if shape else {}
        known = {f"--{xform_name(name, '-')}" for name in members}
        known |= {f"--no-{flag[2:]}" for flag in known}
        required = {
            f"--{xform_name(name, '-')}" for name in (shape.required_members if shape else [])
        }
    for flag in sorted(flags - known - GLOBAL):
        yield f"aws {service} {command}: no flag {flag}"
    for flag in sorted(required - flags):
        yield f"aws {service} {command}: {flag} is missing"
