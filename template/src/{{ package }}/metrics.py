"""What Prometheus reads at ``/metrics``: counts of requests, of answers and of unusual inputs.

No label holds a value that a caller sent: paths are the service's own, classes and inputs are the
contract's, and both are bounded.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from . import logs
from .instances import Instance
from .pool import Pool

PATHS = frozenset({"/predict", "/model", "/docs", "/openapi.json"})
MOST = 100
"""Inputs, and classes of each target, that have a series of their own: the first ones."""
OTHER = "other"


class Metrics:
    """The counters of one service."""

    def __init__(self, signature: Mapping[str, Any], version: str, pool: Pool) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = self._counter("http_requests", "Requests", "path", "status")
        self._seconds = Histogram(
            "http_request_duration_seconds", "Time to answer", ["path"], registry=self.registry
        )
        self._rows = self._counter("model_rows", "Rows that were answered")
        self._answers = self._counter("model_predictions", "Answers by class", "target", "label")
        missing = self._counter("model_input_missing", "Rows without a value", "input")
        outside = self._counter(
            "model_input_outside", "Rows with a number beyond those seen in training", "input"
        )
        info = Gauge(
            "model_info", "The model that answers", ["name", "version"], registry=self.registry
        )
        info.labels(signature["name"], version).set(1)
        late = Gauge("model_late", "Predictions given up that still run", registry=self.registry)
        late.set_function(lambda: pool.late)
        lost = Gauge("log_lines_lost", "Lines of the log not written", registry=self.registry)
        lost.set_function(logs.lost)
        outputs = signature["outputs"]
        self._labels = {
            target.get("name", "") if "targets" in outputs else "": [
                str(label) for label in target.get("labels", [])[:MOST]
            ]
            for target in outputs.get("targets", [outputs])
        }
        self._inputs = []
        for name, schema in list(signature["inputs"]["properties"].items())[:MOST]:
            seen = schema.get("x-observed", {})
            bounds = (seen.get("minimum"), seen.get("maximum"))
            numeric = all(isinstance(bound, int | float) for bound in bounds)
            nullable = "null" in schema["type"]
            self._inputs.append(
                (
                    name,
                    missing.labels(name) if nullable else None,
                    outside.labels(name) if numeric else None,
                    *bounds,
                )
            )

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count one request."""
        path = path if path in PATHS else OTHER
        self._requests.labels(path, status).inc()
        self._seconds.labels(path).observe(seconds)

    def answered(
        self, instances: Sequence[Instance], predictions: Sequence[Mapping[str, Any]]
    ) -> None:
        """Count n instances and their predictions."""
        self._rows.inc(len(instances))
        for name, missing, outside, low, high in self._inputs:
            values = [instance[name] for instance in instances]
            if missing and (count := values.count(None)):
                missing.inc(count)
            if outside:
                count = sum(value is not None and _is_beyond(value, low, high) for value in values)
                if count:
                    outside.inc(count)
        for target, known in self._labels.items():
            if known:
                for prediction in predictions:
                    said = prediction["labels"][target] if target else prediction["label"]
                    label = str(said)
                    self._answers.labels(target, label if label in known else OTHER).inc()

    def text(self) -> bytes:
        """Say everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(name, about, labels, registry=self.registry)


def _is_beyond(value: Any, low: float, high: float) -> bool:
    """Say whether a number, or one of an array, lies outside of what training saw."""
    if isinstance(value, np.ndarray | list):
        return bool(np.min(value) < low or np.max(value) > high)
    return not low <= value <= high
