#!/usr/bin/env python3
"""Stand in for aws, gcloud, az and kubectl: note each call, keep the files, answer as told.

``CLOUD`` is a folder: ``answers.json`` holds pairs of a pattern and what is then printed, with
``null`` for a failure; ``calls.txt`` gets the calls, ``files`` what they were given.
"""

import json
import os
import re
import shlex
import shutil
import sys
from pathlib import Path


def main() -> int:
    folder = Path(os.environ["CLOUD"])
    called = [Path(sys.argv[0]).name, *sys.argv[1:]]
    with (folder / "calls.txt").open("a") as file:
        print(shlex.join(called), file=file)
    for word in sys.argv[1:]:
        path = Path(word.rpartition("=")[2])
        target = folder / "files" / path.name
        if path.is_file():
            shutil.copy(path, target)
        elif "/" in word and path.is_dir():
            shutil.copytree(path, folder / "files" / "folder")
    for pattern, answer in json.loads((folder / "answers.json").read_text()):
        if re.search(pattern, " ".join(called)):
            if answer is None:
                print("refused", file=sys.stderr)
                return 1
            print(answer)
            return 0
    print("talk that is no address")
    return 0


sys.exit(main())
