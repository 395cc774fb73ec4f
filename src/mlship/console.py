"""Talk to the person at the terminal, on standard error: progress, findings and one question."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from .intake import Model, said

WIDTH = 9
SHOWN_ERRORS = 5


class Progress:
    """The state of a notebook's run, drawn while it lasts."""

    def __init__(self, console: "Console", text: str) -> None:
        from rich.status import Status

        self._text = text
        self._status = None
        if console.animated:
            self._status = Status(text, console=console.rich)
            self._status.start()

    def __call__(self, cell: int, of: int) -> None:
        """Say that ``cell`` is being run."""
        if self._status:
            self._status.update(f"{self._text}: cell {cell} of {of}")

    def stop(self) -> None:
        """Clear the line."""
        if self._status:
            self._status.stop()


class Console:
    """Standard error, as quiet as asked."""

    def __init__(self, quiet: bool = False, verbose: bool = False) -> None:
        from rich.console import Console as RichConsole

        self.rich = RichConsole(stderr=True, quiet=quiet, highlight=False)
        self.verbose = verbose
        self.animated = self.rich.is_terminal and not quiet
        self.interactive = sys.stdin.isatty() and self.rich.is_terminal

    def found(self, what: str, text: str) -> None:
        """Say what was found."""
        self._say(f"{what:<{WIDTH}}", text, "bold")

    def note(self, text: str) -> None:
        """Say something that the user should know."""
        self._say(f"{'note':<{WIDTH}}", text, "yellow")

    def errors(self, errors: Sequence[Mapping[str, str]]) -> None:
        """List the statements that failed and were passed over."""
        shown = len(errors) if self.verbose else SHOWN_ERRORS
        for error in errors[:shown]:
            self.note(f"cell {error['cell']} failed and was passed over: {error['error']}")
            if self.verbose and error["source"]:
                self.note(f"  {error['source'].splitlines()[0]}")
        if len(errors) > shown:
            self.note(f"{len(errors) - shown} more failed; --verbose lists them all.")

    @contextmanager
    def step(self, text: str) -> Iterator[Progress]:
        """Show that something takes its time, and how far it is if that is told."""
        progress = Progress(self, text)
        try:
            yield progress
        finally:
            progress.stop()

    def ask(self, models: Sequence[Model]) -> Model:
        """Ask which of several models to serve; the first is the default."""
        from rich.prompt import IntPrompt

        self.rich.print("The notebook fits several models. Which one is to be served?")
        for number, model in enumerate(models, start=1):
            self.rich.print(f"  {number}  {model.label:<20} {said(model)}", markup=False)
        choices = [str(number) for number in range(1, len(models) + 1)]
        number = IntPrompt.ask("model", choices=choices, default=1, console=self.rich)
        return models[number - 1]

    def _say(self, head: str, text: str, style: str) -> None:
        from rich.text import Text

        self.rich.print(Text.assemble((head, style), " ", text), soft_wrap=True)
