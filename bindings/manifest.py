"""What the packages of all languages take from the workspace."""

import platform
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
DESCRIPTION = "A point-of-sale terminal that keeps selling"


def version() -> str:
    """That of the workspace."""
    manifest = (ROOT / "Cargo.toml").read_text()
    found = re.search(r'^version = "([^"]+)"', manifest, re.MULTILINE)
    assert found, "Cargo.toml has no version"
    return found.group(1)


def machine(systems: dict[str, str], processors: dict[str, str]) -> str:
    """This machine as a package names it: its system, a dash, its processor. One that is not known is refused, and not called otherwise."""
    system, processor = sys.platform, platform.machine().lower()
    if system not in systems or processor not in processors:
        sys.exit(f"no name is known for {system} on {processor}")
    return f"{systems[system]}-{processors[processor]}"
