"""Writes a wheel that bundles the library: `python3 build_wheel.py LIBRARY FOLDER`. Needs the standard library alone."""

import base64
import hashlib
import re
import sys
import sysconfig
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from manifest import DESCRIPTION, version  # noqa: E402


def main() -> None:
    """Prints the path of the wheel."""
    library, folder = Path(sys.argv[1]), Path(sys.argv[2])
    name = f"edgepos-{version()}"
    platform = re.sub(r"[-.]", "_", sysconfig.get_platform())
    info = f"{name}.dist-info"
    files = {f"edgepos/{path.name}": path.read_bytes() for path in sorted((HERE / "edgepos").iterdir()) if path.is_file()}
    files[f"edgepos/{library.name}"] = library.read_bytes()
    files[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: edgepos\nVersion: {version()}\nSummary: {DESCRIPTION}\n"
        "License: MIT OR Apache-2.0\nRequires-Python: >=3.9\n"
    ).encode()
    files[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: edgepos\nRoot-Is-Purelib: false\nTag: py3-none-{platform}\n"
    ).encode()
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n"
        for path, data in files.items()
    )
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    wheel = folder / f"{name}-py3-none-{platform}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    print(wheel)


main()
