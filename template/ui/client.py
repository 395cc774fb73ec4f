"""The prediction service over HTTP: two calls, and one exception for each way out of a failure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

Json = dict[str, Any]

CONNECT_SECONDS = 3
READ_SECONDS = 60
NOT_VALID = "Not valid."


class ApiError(Exception):
    """A call that failed; the message says in plain words what happened and what to do."""


class Unreachable(ApiError):
    """Nothing answers at the address, or something that is not the service."""


class Busy(ApiError):
    """The service is full, starting or too slow: the same call may succeed later."""

    def __init__(self, message: str, wait: float = 0) -> None:
        super().__init__(message)
        self.wait = wait
        """Seconds after which the service asks to be called again; 0 where it does not say."""


class OverQuota(Busy):
    """The caller has asked for more than it may within a time."""


class KeyRefused(ApiError):
    """The service wants a key, or another one."""


@dataclass(frozen=True)
class RowError:
    """One reason why rows were refused; no row means all of them, no field the whole row."""

    row: int | None
    field: str | None
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class Rejected(ApiError):
    """The service answers, but not for these rows."""

    def __init__(self, errors: Sequence[RowError]) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.errors = errors


class Client:
    """The service at one address."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        if key:
            # As bytes: a key with other letters than ASCII is then refused by the service.
            self._session.headers["X-API-Key"] = key.strip().encode()
        retries = Retry(
            total=None,
            connect=0,
            read=0,
            other=0,
            status=2,
            status_forcelist=[503],
            allowed_methods=["GET", "POST"],
            backoff_factor=0.5,
            retry_after_max=5,
            raise_on_status=False,
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=retries))

    def model(self) -> Json:
        """Return what the model is, wants and answers (``GET /model``)."""
        return self._call("GET", "/model", holding=("title", "version", "inputs", "outputs"))

    def predict(self, instances: Sequence[Json]) -> Json:
        """Return one prediction for each instance, and the model that made them.

        Raises:
            Rejected: At least one instance is not valid; then none is answered.
        """
        return self._call(
            "POST", "/predict", {"instances": instances}, holding=("predictions", "model")
        )

    def _call(
        self, method: str, path: str, body: Json | None = None, holding: Sequence[str] = ()
    ) -> Json:
        try:
            response = self._session.request(
                method,
                self.url + path,
                json=body,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,  # requests would hand the key on to wherever it is sent
            )
        except requests.ReadTimeout as error:
            raise Busy(
                f"The service gave no answer within {READ_SECONDS} seconds. Try again later."
            ) from error
        except requests.RequestException as error:
            raise Unreachable(
                f"The service does not answer at {self.url}. "
                "Check that it runs and that API_URL is its address, then try again."
            ) from error
        try:
            answer = response.json()
        except requests.JSONDecodeError:
            answer = {}
        answer = answer if isinstance(answer, dict) else {}
        if response.status_code == requests.codes.ok and all(name in answer for name in holding):
            return answer
        raise _failure(response.status_code, answer, self.url, _wait(response))


def _wait(response: requests.Response) -> float:
    said = response.headers.get("Retry-After", "")
    return float(said) if said.isdecimal() else 0


def about(prediction: Json, target: Json, outputs: Json) -> Json:
    """Return what a prediction says of one target, as if the model answered no other."""
    if "targets" not in outputs:
        return prediction
    name = target["name"]
    single = {"values": "value", "labels": "label", "probabilities": "probabilities"}
    return {single[field]: by_name[name] for field, by_name in prediction.items()}


def _row_error(error: Json) -> RowError:
    return RowError(error.get("row"), error.get("field"), error.get("message", NOT_VALID))


def _later(wait: float) -> str:
    return f"Wait {wait:g} seconds" if wait > 1 else "Wait a moment"


def _failure(status: int, problem: Json, url: str, wait: float) -> ApiError:
    match status:
        case 401 | 403:
            return KeyRefused(
                "The service refused the key. Set API_KEY to one that it accepts, "
                "then restart this app."
            )
        case 413:
            return Rejected(
                [RowError(None, None, "Too large: send a shorter text, or a smaller file.")]
            )
        case 422:
            errors = problem.get("errors") or [{"message": problem.get("detail", NOT_VALID)}]
            return Rejected([_row_error(error) for error in errors])
        case 429:
            return OverQuota(
                "The service takes no more requests from this page for now. "
                f"{_later(wait)}, then try again.",
                wait,
            )
        case 503:
            return Busy(
                f"The service is busy or still starting. {_later(wait)}, then try again.", wait
            )
        case 504:
            return Busy("The service took too long to answer. Try again, with fewer rows.")
        case _ if "title" in problem:
            return ApiError(
                f"The service failed (HTTP {status}, {problem['title']}). "
                "If it happens again, tell whoever runs it; its log says why."
            )
        case _:
            return Unreachable(
                f"What answers at {url} is not the prediction service (HTTP {status}). "
                "Check API_URL, then try again."
            )
