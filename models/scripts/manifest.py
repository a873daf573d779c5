"""Fill in the sizes and SHA-256 digests of manifest.json from the files beside it.

    python manifest.py ..          # rewrite
    python manifest.py .. --check  # exit 1 if anything differs
"""
import hashlib
import json
import pathlib
import sys

directory = pathlib.Path(sys.argv[1])
path = directory / "manifest.json"


def refresh(node):
    """Every object with a `file` is a reference to a file."""
    if isinstance(node, list):
        for item in node:
            refresh(item)
    elif isinstance(node, dict):
        if "file" in node:
            content = (directory / node["file"]).read_bytes()
            node["bytes"] = len(content)
            node["sha256"] = hashlib.sha256(content).hexdigest()
        for item in node.values():
            refresh(item)


before = path.read_text(encoding="utf-8")
manifest = json.loads(before)
refresh(manifest)
after = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
if "--check" in sys.argv:
    sys.exit(before != after)
path.write_text(after, encoding="utf-8", newline="\n")
