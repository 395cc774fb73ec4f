"""Write ``openapi.json``, so that a changed contract is a diff that a reviewer sees."""

import json

from .app import create_app
from .settings import Settings


def main() -> None:
    """Write the service's OpenAPI document beside its model."""
    settings = Settings()
    document = create_app(settings).openapi()
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    (settings.model_dir / "openapi.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
