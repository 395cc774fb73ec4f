"""The recorder's process: what it is told and what it tells, one JSON message a line.

The job comes in on standard input; progress, the record and the handover go out on standard
output. The notebook's own output is dropped. The process stays after the run until it is told
which model to hand over, so that a person can be asked in between.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
import types
from typing import Any

from . import pipes
from .models import Refused
from .run import Recorder


def main() -> None:
    """Run the job that comes in, send the record, hand over the model that is asked for."""
    commands, messages, nothing = pipes.kept()

    recorder_id = os.getpid()

    def send(message: dict[str, Any]) -> None:
        if os.getpid() != recorder_id:
            os._exit(0)  # a fork of the notebook's that has come to the end of its cell
        try:
            messages.write(json.dumps(message) + "\n")
            messages.flush()
        except OSError:
            print("The notebook closed what mlship had opened.", file=sys.__stderr__)
            os._exit(1)

    if hasattr(os, "register_at_fork"):  # or a fork would keep the pipe open when this one dies
        os.register_at_fork(after_in_child=lambda: os.dup2(nothing, messages.fileno()))
    job = json.loads(commands.readline())
    os.chdir(job["folder"])
    sys.argv = [""]
    if hasattr(signal, "SIGPROF"):
        signal.signal(signal.SIGPROF, _out_of_time)
    recorder = Recorder(job, send)
    recorder.run()
    os.makedirs(job["folder"], exist_ok=True)  # the notebook may have left or removed it
    os.chdir(job["folder"])
    candidates = recorder.candidates()
    send({"event": "record", "record": recorder.describe(candidates)})
    for line in commands:
        command = json.loads(line)
        try:
            facts = recorder.hand_over(
                candidates[command["model"]], command["folder"], command["synthetic"]
            )
            send({"event": "handover", "facts": facts})
        except Refused as error:
            send({"event": "refused", "why": str(error)})
        except Exception:
            send({"event": "failed", "why": traceback.format_exc()})


class OutOfTime(BaseException):
    """A cell took too long; the notebook's own ``except Exception`` does not catch it."""


def _out_of_time(_: int, frame: types.FrameType | None) -> None:
    """Stop the cell; a signal that comes when none runs is late, and does nothing."""
    while frame:
        if frame.f_code.co_filename.startswith("<cell "):
            raise OutOfTime(
                "the cell takes too long: give it more with --cell-timeout, or have the model and "
                "its rows saved and use --model FILE --rows FILE"
            )
        frame = frame.f_back
