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
from typing import Any

from .models import Refused
from .run import Recorder


def main() -> None:
    """Run the job that comes in, send the record, hand over the model that is asked for."""
    commands = os.fdopen(os.dup(0), encoding="utf-8")
    messages = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)

    def send(message: dict[str, Any]) -> None:
        messages.write(json.dumps(message) + "\n")
        messages.flush()

    job = json.loads(commands.readline())
    os.chdir(job["folder"])
    sys.argv = [""]
    if hasattr(signal, "SIGPROF"):
        signal.signal(signal.SIGPROF, _out_of_time)
    recorder = Recorder(job, send)
    recorder.run()
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


def _out_of_time(*_: Any) -> None:
    raise TimeoutError("the cell used up its processor time")
