"""The program: the one place where errors become messages and exit codes."""

import signal
import sys


def main() -> None:
    """Run mlship; the exit codes are those of ``errors.EXIT_CODES``."""
    if sys.argv[1:] == ["--version"]:
        from . import __version__

        print(f"mlship {__version__}")
        return
    from .errors import INTERRUPTED, TERMINATED, MlshipError

    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: sys.exit(TERMINATED))

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop)
    try:
        from .cli import app

        app()
    except MlshipError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(INTERRUPTED)


def _stop(*_: object) -> None:
    """Stop at the first ^C; another one must not cut the clearing up short."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
