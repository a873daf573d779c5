"""Writes a jar that bundles the library where JNA looks for it: `python3 build_jar.py LIBRARY JNA FOLDER`, where JNA is its jar. Needs a JDK."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from manifest import DESCRIPTION, machine, version  # noqa: E402

# As `com.sun.jna.Platform.RESOURCE_PREFIX` says.
SYSTEMS = {"linux": "linux", "darwin": "darwin", "win32": "win32"}
PROCESSORS = {"x86_64": "x86-64", "amd64": "x86-64", "aarch64": "aarch64", "arm64": "aarch64"}

# For Maven: what it is called, and what it needs.
POM = """<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>io.edgepos</groupId>
  <artifactId>edgepos</artifactId>
  <version>{version}</version>
  <description>{description}</description>
  <licenses><license><name>MIT OR Apache-2.0</name></license></licenses>
  <dependencies>
    <dependency><groupId>net.java.dev.jna</groupId><artifactId>jna</artifactId><version>[5.0,6.0)</version></dependency>
  </dependencies>
</project>
"""


def main() -> None:
    """Prints the path of the jar."""
    library, jna, folder = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    jar = folder / f"edgepos-{version()}.jar"
    with tempfile.TemporaryDirectory() as made:
        content = Path(made)
        sources = sorted((HERE / "io/edgepos").glob("*.java"))
        strict = ["-Xlint:all", "-Werror", "--release", "17"]
        subprocess.run(["javac", *strict, "-cp", jna, "-d", content, *sources], check=True)
        native = content / machine(SYSTEMS, PROCESSORS)
        native.mkdir()
        shutil.copyfile(library, native / library.name)
        pom = content / "META-INF/maven/io.edgepos/edgepos/pom.xml"
        pom.parent.mkdir(parents=True)
        pom.write_text(POM.format(version=version(), description=DESCRIPTION))
        # No time of the build is in it.
        subprocess.run(["jar", "--create", "--date=2000-01-01T00:00:00Z", "--file", jar, "-C", content, "."], check=True)
    print(jar)


main()
