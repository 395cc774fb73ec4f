"""The service's settings, read from the environment."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from .hosts import Hosts
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
    max_waiting: int = Field(default=32, ge=0)
    """Predictions that may wait for a thread; a request beyond them is answered with 503."""
    max_requests_per_minute: int | None = Field(default=None, ge=1)
    """Requests of one key in a minute, beyond which it is answered with 429."""
    allowed_hosts: Hosts = ()
    """Names that requests must ask for; without any, every name is answered."""
    read_timeout: float = Field(default=20.0, gt=0)
    """Seconds in which a request must have arrived, or its connection is closed."""
    max_header_bytes: int = Field(default=32_768, ge=1024)
    """Bytes that the request line and the headers may have."""
    keep_alive: int = Field(default=75, ge=1)
    """Seconds that an idle connection is kept, longer than the proxy before it keeps its own."""
    stop_delay: float = Field(default=1.0, ge=0)
    """Seconds from SIGTERM, when ``/readyz`` turns 503, until no connection is accepted."""
    stop_timeout: int = Field(default=25, ge=1)
    """Seconds that requests in flight then have to end."""
