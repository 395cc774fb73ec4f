"""The build hook that puts the template's bundle into the wheel and the source distribution."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BundleHook(BuildHookInterface[Any]):
    """Packs the template; an editable install packs the checkout when it is needed instead."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the bundle to what is built."""
        root = Path(self.root)
        if version == "editable" or (root / "src/mlship/template.bundle").is_file():
            return
        sys.path.insert(0, str(root / "src"))
        from mlship import bundle

        out = Path(tempfile.mkdtemp()) / "template.bundle"
        bundle.build(root, self.metadata.version, out)
        inside = "mlship" if self.target_name == "wheel" else "src/mlship"
        build_data["force_include"][str(out)] = f"{inside}/template.bundle"
