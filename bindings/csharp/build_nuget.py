"""Writes a NuGet package that bundles the library: `python3 build_nuget.py LIBRARY FOLDER`. Needs mcs, or the `csc` that CSC names."""

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from manifest import DESCRIPTION, machine, version  # noqa: E402

# As .NET's runtime identifiers do.
SYSTEMS = {"linux": "linux", "darwin": "osx", "win32": "win"}
PROCESSORS = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}

NUSPEC = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd">
  <metadata>
    <id>Edgepos</id>
    <version>{version}</version>
    <authors>edgepos</authors>
    <license type="expression">MIT OR Apache-2.0</license>
    <description>{description}</description>
    <dependencies><group targetFramework=".NETStandard2.0" /></dependencies>
  </metadata>
</package>
"""
# A package is an archive of Open Packaging Conventions: what each kind of file is, and which one describes the rest.
TYPES = """<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
  <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml" />
  <Default Extension="nuspec" ContentType="application/octet" />
  <Default Extension="dll" ContentType="application/octet" />
  <Default Extension="so" ContentType="application/octet" />
  <Default Extension="dylib" ContentType="application/octet" />
</Types>
"""
RELATIONSHIPS = """<?xml version="1.0" encoding="utf-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
  <Relationship Type="http://schemas.microsoft.com/packaging/2010/07/manifest" Target="/Edgepos.nuspec" Id="R1" />
</Relationships>
"""


def classes() -> bytes:
    """The class library, as C# 7."""
    with tempfile.TemporaryDirectory() as made:
        built = Path(made) / "Edgepos.dll"
        compiler = os.environ.get("CSC", "mcs")
        strict = ["-langversion:7", "-warnaserror", "-target:library", f"-out:{built}"]
        subprocess.run([compiler, *strict, *sorted(HERE.glob("*.cs"))], check=True)
        return built.read_bytes()


def main() -> None:
    """Prints the path of the package."""
    library, folder = Path(sys.argv[1]), Path(sys.argv[2])
    files = {
        "[Content_Types].xml": TYPES.encode(),
        "_rels/.rels": RELATIONSHIPS.encode(),
        "Edgepos.nuspec": NUSPEC.format(version=version(), description=DESCRIPTION).encode(),
        "lib/netstandard2.0/Edgepos.dll": classes(),
        f"runtimes/{machine(SYSTEMS, PROCESSORS)}/native/{library.name}": library.read_bytes(),
    }
    package = folder / f"Edgepos.{version()}.nupkg"
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    print(package)


main()
