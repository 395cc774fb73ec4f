"""The service's settings, read from the environment."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from .keys import Digests


class Settings(BaseSettings):
    """Each field is the environment variable of the same name in capitals."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    model_dir: Path = Path("model")
    api_keys: Digests = ()
    """Digests of the keys that callers may have; without any, nobody is asked for one."""
    max_rows: int | None = Field(default=None, ge=1)
    """Rows that one request may hold, by default 1000, or fewer large ones; more belong in several
    requests."""
    max_bytes: int | None = Field(default=None, ge=1000)
    """Bytes that one request body may have; by default 2 MB, more for many inputs."""
    predict_timeout: float = Field(default=30.0, gt=0)
    """Seconds after which a prediction is given up with 504."""
    predict_threads: int = Field(default=1, ge=1)
    """Predictions that run at the same time; more than the cores only makes each slower."""
