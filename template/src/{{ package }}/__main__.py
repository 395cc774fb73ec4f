"""Start the service: ``python -m`` this package, with its settings in the environment."""

import os
import sys

from pydantic import ValidationError

from . import logs
from .app import create_app
from .artifact import ModelError
from .server import serve
from .settings import Settings


def main() -> None:
    """Serve until a signal, and end with 0.

    Ends with 1 and one line if the model or a setting cannot be used.
    """
    try:
        settings = Settings()
        app = create_app(settings)
    except ValidationError as error:
        wrong = [f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
        sys.exit(f"error: {'; '.join(wrong)}")
    except ModelError as error:
        sys.exit(f"error: {error}")
    logs.configure()
    serve(app, settings)
    if app.state.pool.late:
        os._exit(0)  # Python would wait for a prediction that may never end


if __name__ == "__main__":
    main()
