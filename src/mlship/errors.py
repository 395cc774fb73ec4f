"""Everything that can go wrong on purpose, and the exit code of each."""


class MlshipError(Exception):
    """Something that the user can act on; the message says what, where and what to do."""

    exit_code = 1
    meaning = "an internal error; please report it"


class UsageError(MlshipError):
    """The command, or an answer, is not one that mlship takes."""

    exit_code = 2
    meaning = "wrong usage, a missing or invalid answer, or a choice that only a person can make"


class PreconditionError(MlshipError):
    """The machine or the folder is not ready for what was asked."""

    exit_code = 3
    meaning = (
        "something is in the way: the target exists, git is missing, a tool cannot be found, a "
        "check of `mlship doctor` fails"
    )


class IntakeError(MlshipError):
    """The notebook, its model or its data cannot become a service."""

    exit_code = 5
    meaning = "the notebook, the model or the data cannot be served; the message says why"


INTERRUPTED = 130
TERMINATED = 143
EXIT_CODES: dict[int, str] = {
    0: "done",
    1: MlshipError.meaning,
    2: UsageError.meaning,
    3: PreconditionError.meaning,
    5: IntakeError.meaning,
    INTERRUPTED: "stopped by ^C; there is no project, or a complete one",
    TERMINATED: "ended by a signal; there is no project, or a complete one",
}
