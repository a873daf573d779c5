"""Write the 1000 ImageNet class names, one per line, in the order of the product model's outputs.

Source: the list in torchvision 0.20.1 (BSD-3-Clause), file `torchvision/models/_meta.py`. Only that file is read
out of the wheel; torch is not needed.

    pip download --no-deps torchvision==0.20.1
    python product_labels.py torchvision-0.20.1-*.whl ../imagenet1000_labels.txt
"""
import ast
import sys
import zipfile

wheel, target = sys.argv[1:3]
source = zipfile.ZipFile(wheel).read("torchvision/models/_meta.py").decode()
names = next(
    ast.literal_eval(node.value)
    for node in ast.parse(source).body
    if isinstance(node, ast.Assign) and node.targets[0].id == "_IMAGENET_CATEGORIES"
)
assert len(names) == 1000, len(names)
with open(target, "w", encoding="utf-8", newline="\n") as out:
    out.write("\n".join(names) + "\n")
