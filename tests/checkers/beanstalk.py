"""Options of Elastic Beanstalk: no tool knows them, so those that are used are listed here.

From AWS's pages "General options for all environments" and "Option namespaces", of 2026.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from .cloudformation import load

BOOLEAN = "true|false"
NUMBER = r"\d+"
ANY = ".+"
PROCESS = {
    "Port": NUMBER,
    "Protocol": "HTTP|HTTPS",
    "HealthCheckPath": r"/\S*",
    "HealthCheckInterval": NUMBER,
    "MatcherHTTPCode": r"[\d,-]+",
    "StickinessEnabled": BOOLEAN,
    "StickinessLBCookieDuration": NUMBER,
}
LISTENER = {
    "DefaultProcess": r"\w+",
    "ListenerEnabled": BOOLEAN,
    "Protocol": "HTTP|HTTPS",
    "Rules": r"\w+(,\w+)*",
    "SSLCertificateArns": ANY,
    "SSLPolicy": ANY,
}
# A rule of an application load balancer takes five values.
RULE = {"PathPatterns": r"[^,]+(,[^,]+){0,4}", "Priority": NUMBER, "Process": r"\w+"}
OPTIONS = {
    "aws:elasticbeanstalk:environment": {
        "EnvironmentType": "LoadBalanced|SingleInstance",
        "LoadBalancerType": "application",
        "ServiceRole": ANY,
    },
    r"aws:elasticbeanstalk:environment:process:\w+": PROCESS,
    r"aws:elbv2:listener:(default|\d+)": LISTENER,
    r"aws:elbv2:listenerrule:\w+": RULE,
    "aws:autoscaling:asg": {"MinSize": NUMBER, "MaxSize": NUMBER, "Cooldown": NUMBER},
    "aws:autoscaling:trigger": {
        "MeasureName": "CPUUtilization|NetworkIn|NetworkOut|RequestCount|Latency",
        "Statistic": "Minimum|Maximum|Sum|Average",
        "Unit": "Seconds|Percent|Bytes|Bits|Count",
        "UpperThreshold": NUMBER,
        "LowerThreshold": NUMBER,
    },
    "aws:autoscaling:launchconfiguration": {
        "DisableIMDSv1": BOOLEAN,
        "IamInstanceProfile": ANY,
        "RootVolumeSize": NUMBER,
    },
    "aws:ec2:instances": {"InstanceTypes": r"[\w.]+(,[\w.]+)*"},
    "aws:elasticbeanstalk:application:environmentsecrets": {r"\w+": "arn:.+"},
    "aws:elasticbeanstalk:command": {
        "DeploymentPolicy": "AllAtOnce|Rolling|RollingWithAdditionalBatch|Immutable"
        "|TrafficSplitting"
    },
    "aws:elasticbeanstalk:healthreporting:system": {"SystemType": "basic|enhanced"},
    "aws:elasticbeanstalk:managedactions": {
        "ManagedActionsEnabled": BOOLEAN,
        "PreferredStartTime": r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun):\d\d:\d\d",
        "ServiceRoleForManagedUpdates": ANY,
    },
    "aws:elasticbeanstalk:managedactions:platformupdate": {"UpdateLevel": "patch|minor"},
}


def problems(path: Path) -> Iterator[str]:
    """Yield what is wrong with the options of a ``.config`` file or of a template."""
    text = path.read_text("utf-8")
    if path.suffix == ".config":
        said = yaml.safe_load(text)
        unknown = set(said) - {"option_settings", "Resources", "files", "container_commands"}
        yield from (f"{name}: unknown section" for name in unknown)
        for namespace, options in said["option_settings"].items():
            for name, value in options.items():
                yield from _option(namespace, name, value)
        yield from _dangling(said["option_settings"])
        return
    environment = load(text)["Resources"]["Environment"]["Properties"]
    for option in _options(environment["OptionSettings"]):
        yield from _option(option["Namespace"], option["OptionName"], option["Value"])


def _options(items: list[Any]) -> Iterator[dict[str, Any]]:
    for item in items:
        if "Fn::If" in item:
            yield from _options([part for part in item["Fn::If"][1:] if "Namespace" in part])
        else:
            yield item


def _option(namespace: str, name: str, value: Any) -> Iterator[str]:
    known = [names for pattern, names in OPTIONS.items() if re.fullmatch(pattern, namespace)]
    if not known:
        yield f"{namespace}: unknown namespace"
        return
    pattern = next((p for n, p in known[0].items() if re.fullmatch(n, name)), None)
    if pattern is None:
        yield f"{namespace}.{name}: unknown option"
    elif isinstance(value, dict):
        return  # a reference; what it becomes is the account's
    elif not isinstance(value, str):
        yield f"{namespace}.{name}: {value!r} must be quoted"
    elif not re.fullmatch(pattern, value):
        yield f"{namespace}.{name}: {value!r} is not one of {pattern}"


def _dangling(options: dict[str, dict[str, str]]) -> Iterator[str]:
    """Yield the rules and processes that are named and not there."""
    for namespace, values in options.items():
        for name in values.get("Rules", "").split(","):
            if name and f"aws:elbv2:listenerrule:{name}" not in options:
                yield f"{namespace}.Rules: no rule is called {name}"
        process = values.get("Process")
        if process and f"aws:elasticbeanstalk:environment:process:{process}" not in options:
            yield f"{namespace}.Process: no process is called {process}"
