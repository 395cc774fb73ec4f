"""Start the service: ``python -m`` this package, with its settings in the environment."""

import sys

import uvicorn
from pydantic import ValidationError

from .app import create_app
from .artifact import ModelError
from .settings import Settings


def main() -> None:
    """Serve until a signal; end with 1 and one line if the model or a setting cannot be used."""
    try:
        settings = Settings()
        app = create_app(settings)
    except ValidationError as error:
        wrong = [f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
        sys.exit(f"error: {'; '.join(wrong)}")
    except ModelError as error:
        sys.exit(f"error: {error}")
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=25,
    )


if __name__ == "__main__":
    main()
