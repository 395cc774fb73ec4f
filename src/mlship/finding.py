"""One line of what ``mlship doctor`` finds: what was looked at, how it is, and the cure."""

from collections.abc import Sequence
from dataclasses import dataclass

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Finding:
    """What is said of one thing."""

    of: str
    """The machine, the project, its images, or one of its targets."""
    name: str
    status: str
    """``ok``; ``warn``, where only a part does not work, or it could not be told; ``fail``."""
    said: str
    cure: str | None = None
    """What to do, unless all is well."""


def found(of: str, name: str, well: bool, said: str, cure: str, otherwise: str = FAIL) -> Finding:
    """Return a finding, with the cure if it is not well."""
    return Finding(of, name, OK if well else otherwise, said, None if well else cure)


def shown(findings: Sequence[Finding]) -> str:
    """Write findings for people, a line each and the cure below."""
    lines = []
    width = max(len(finding.of) for finding in findings)
    for finding in findings:
        lines.append(
            f"{finding.status:<5} {finding.of:<{width}}  {finding.name:<9}  {finding.said}"
        )
        if finding.cure:
            lines.append(f"{'':<{width + 6}}  {'':<9}  > {finding.cure}")
    return "\n".join(lines)
