"""Examine the barcode reader on photographs beside zxing-cpp and zbar: right, wrong and none on the very same files.

    apt-get install libzbar0
    pip install numpy 'pillow>=12' 'zxing-cpp>=3' pyzbar
    cargo build --release -p edgepos-inference --example read_barcodes
    python barcode_exam.py --half tuning PHOTOGRAPHS/... target/release/examples/read_barcodes
    python barcode_exam.py --half held-out PHOTOGRAPHS/... target/release/examples/read_barcodes

PHOTOGRAPHS are folders of one family each, with the expected text of `7.png` in `7.txt`, as ZXing keeps its black-box
photographs (`core/src/test/resources/blackbox`, Apache-2.0). `--quagga FOLDER` takes the expected texts of quagga2 (MIT) from
its tests. A picture without a text is one where nothing may be read. `--repeat N` draws the degradations N times.

Halves are whole folders, so that no product is in both: tuning has those whose last number is even, held-out the others.
Thresholds of ours were fixed on the tuning half.
"""
import argparse
import collections
import itertools
import json
import pathlib
import re
import subprocess
import sys
import time
import zlib

import numpy as np
import zxingcpp
from PIL import Image, ImageFilter
from pyzbar import pyzbar

# Families that all three read; `upcean-extension-1` and the like count with their add-on left out.
FAMILIES = {
    "retail": re.compile(r"ean13|ean8|upc|code128|itf|partial|falsepositives"),
    "databar": re.compile(r"rss|databar"),
}
QUAGGA = ("ean", "ean_8", "ean_extended", "upc", "upc_e", "code_128")


def turned(picture, rng):
    angle = rng.uniform(-90, 90)
    return picture.rotate(angle, Image.BICUBIC, expand=True, fillcolor=int(np.asarray(picture).mean()))


def scaled(share):
    def scale(picture, _):
        size = (max(1, round(picture.width * share)), max(1, round(picture.height * share)))
        return picture.resize(size, Image.LANCZOS)
    return scale


def blurred(low, high):
    return lambda picture, rng: picture.filter(ImageFilter.GaussianBlur(rng.uniform(low, high)))


def low_light(picture, rng):
    """A fifth to two fifths of the light, and the noise of a sensor that is amplified for it."""
    pixels = np.asarray(picture, np.float32) * rng.uniform(0.2, 0.4)
    pixels = rng.poisson(pixels * 2) / 2 + rng.normal(0, rng.uniform(2, 5), pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


DEGRADED = {
    "turned": turned, "turned again": turned, "half size": scaled(0.5), "blurred": blurred(0.8, 1.6),
    "much blurred": blurred(1.6, 2.4), "low light": low_light,
}
SMALL_AND_BLURRED = ("half size", "blurred", "much blurred")


def gtin(text):
    """Fourteen digits for whatever stands for a trade item, so that UPC-A and EAN-13 of one product are equal."""
    return text.zfill(14)


def long_form(text):
    """The UPC-A of a UPC-E of eight digits."""
    system, body, check = text[0], text[1:7], text[7]
    last = body[5]
    if last in "012":
        body = body[:2] + last + "0000" + body[2:5]
    elif last == "3":
        body = body[:3] + "00000" + body[3:5]
    elif last == "4":
        body = body[:4] + "00000" + body[4]
    else:
        body = body[:5] + "0000" + last
    return system + body + check


def key(kind, text):
    """What a till would look up."""
    kind = kind.upper().replace("-", "").replace("_", "")
    if kind.startswith(("RSS", "DATABAR")):
        # With or without brackets, separators and the identifier of the number alone.
        text = re.sub(r"[()\x1d]", "", text)
        return "01" + text if len(text) == 14 else text
    if kind in ("UPCE",) and len(text) == 8:
        return gtin(long_form(text))
    if kind in ("EAN13", "EAN8", "UPCA", "UPCE", "ISBN", "EAN"):
        return gtin(text)
    return text.replace("\x1d", "")


ZXING = {
    "retail": ("EAN13", "EAN8", "UPCA", "UPCE", "Code128", "ITF"),
    "databar": ("DataBar", "DataBarStk", "DataBarExp", "DataBarExpStk"),
}
ZBAR = {"retail": ("EAN13", "EAN8", "UPCA", "UPCE", "CODE128", "I25"), "databar": ("DATABAR", "DATABAR_EXP")}


def zxing(picture, families):
    formats = [getattr(zxingcpp.BarcodeFormat, name) for name in ZXING[families]]
    found = zxingcpp.read_barcodes(np.asarray(picture), formats=formats)
    return [key(str(code.format).split(".")[-1].replace(" ", ""), code.text) for code in found]


def zbar(picture, families):
    symbols = [pyzbar.ZBarSymbol[name] for name in ZBAR[families]]
    return [key(code.type, code.data.decode()) for code in pyzbar.decode(picture, symbols=symbols)]


def photographs(folders, half, families):
    """Family, name, picture and what a till would look up (None: nothing may be read)."""
    for folder in map(pathlib.Path, folders):
        family = folder.name
        number = re.search(r"(\d+)$", family)
        even = int(number.group(1) if number else zlib.crc32(family.encode())) % 2 == 0
        if half != "all" and (half == "tuning") != even or not families.search(family):
            continue
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".gif", ".webp"):
                continue
            text = path.with_suffix(".txt")
            expected = None
            if text.exists():
                kind = re.sub(r"-\d+$", "", family)
                expected = key(kind if kind != "upcean-extension" else "EAN13", text.read_text(encoding="utf-8").strip())
            if family.startswith("itf") and (expected is None or len(expected) != 14):
                continue  # only the 14 digits of a trade item are read
            yield family, str(path), Image.open(path).convert("L"), expected


def quagga(folder):
    folder = pathlib.Path(folder)
    for family in QUAGGA:
        spec = (folder / f"test/integration/decoders/{family}.spec.ts").read_text()
        for name, text in re.findall(r"'name': '([^']+)', 'result': ['`]([^'`]+)['`]", spec):
            text = text.replace("${FNC1}", "")
            kind = {"ean_extended": "ean", "upc": "UPCA", "upc_e": "UPCE"}.get(family, family.replace("_", ""))
            if family == "ean_extended":
                text = text[:13]
            yield family, str(folder / "test/fixtures" / family / name), key(kind, text)


def pictures(arguments):
    yield from photographs(arguments.folders, arguments.half, FAMILIES[arguments.families])
    if arguments.quagga:
        for family, path, expected in quagga(arguments.quagga):
            yield family, path, Image.open(path).convert("L"), expected


def write_all(arguments, target):
    """Every picture that is examined, as files that all contenders read."""
    target.mkdir(parents=True, exist_ok=True)
    for family, path, picture, expected in itertools.islice(pictures(arguments), 0, None, arguments.every):
        name = f"{family}_{pathlib.Path(path).stem}"
        yield family, "plain", save(target / f"{name}.png", picture), expected
        for repeat in range(arguments.repeat):
            for kind, degrade in DEGRADED.items():
                rng = np.random.default_rng(zlib.crc32(f"{name} {kind} {repeat}".encode()))
                file = target / f"{name}_{kind.replace(' ', '-')}_{repeat}.png"
                yield family, kind, save(file, None if file.exists() else degrade(picture, rng)), expected


def save(file, picture):
    if not file.exists():
        picture.save(file, compress_level=1)
    return file


def ours(reader, files):
    """The reader's answers, one JSON line a file."""
    listed = "".join(f"{file}\n" for file in files)
    out = subprocess.run([reader], input=listed, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


# Japanese books carry two symbols, and some photographs show both.
BESIDE = {"09784872348880": "01920081045006", "01920081045006": "09784872348880"}


def verdict(found, expected):
    if not found:
        return "none"
    return "right" if {expected, BESIDE.get(expected)} & set(found) else "wrong"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="*", help="folders of photographs")
    parser.add_argument("reader", help="the program read_barcodes")
    parser.add_argument("--half", choices=("tuning", "held-out", "all"), default="all")
    parser.add_argument("--families", choices=sorted(FAMILIES), default="retail")
    parser.add_argument("--quagga", help="a checkout of quagga2")
    parser.add_argument("--repeat", type=int, default=1, help="how often each degradation is drawn")
    parser.add_argument("--work", default="target/barcode_exam", help="where degraded pictures and peers' answers are kept")
    parser.add_argument("--every", type=int, default=1, help="only every so manyth photograph")
    parser.add_argument("--only", choices=("ours",), help="leave the peers out")
    parser.add_argument("--list", help="write each verdict to this file")
    arguments = parser.parse_args()
    work = pathlib.Path(arguments.work)
    examined = list(write_all(arguments, work / "pictures"))
    answers = ours(arguments.reader, [file for _, _, file, _ in examined])
    assert len(answers) == len(examined), "an answer for every file"
    # What peers said of a file stays true.
    kept = work / "peers.json"
    peers = json.loads(kept.read_text()) if kept.exists() else {}
    counts = collections.defaultdict(collections.Counter)
    log = []
    spent = collections.Counter()
    for (family, kind, file, expected), answer in zip(examined, answers):
        text = answer.get("text")
        if text and answer["symbology"].startswith("DataBar"):
            text = answer.get("gs1") or text
        found = {"ours": [key(answer["symbology"], text)] if text else []}
        unasked = found["ours"] if not answer.get("requires_confirmation") else []
        if arguments.only != "ours":
            if file.name not in peers:
                picture = Image.open(file)
                start = time.perf_counter()
                said = zxing(picture, arguments.families)
                middle = time.perf_counter()
                peers[file.name] = {"zxing-cpp": said, "zbar": zbar(picture, arguments.families)}
                spent["zxing-cpp"] += middle - start
                spent["zbar"] += time.perf_counter() - middle
            found |= peers[file.name]
        said = {who: verdict(texts, expected) for who, texts in found.items()}
        for group in (kind, f"family {family}", "all degraded" if kind != "plain" else "all plain",
                      *(["small and blurred"] if kind in SMALL_AND_BLURRED else [])):
            counts[group].update({(who, what): 1 for who, what in said.items()})
            counts[group][("unasked", verdict(unasked, expected))] += 1
            counts[group]["pictures"] += 1
        log.append({"file": str(file), "kind": kind, "expected": expected, "found": found, "verdict": said, "answer": answer})
    kept.write_text(json.dumps(peers))
    if arguments.list:
        pathlib.Path(arguments.list).write_text("".join(json.dumps(line) + "\n" for line in log))
    table(counts, ["ours", "unasked"] + ([] if arguments.only else ["zxing-cpp", "zbar"]))
    times = sorted(answer["ms"] for answer in answers)
    print(f"\nours: {times[len(times) // 2]:.1f} ms in the median, {times[len(times) * 99 // 100]:.1f} ms p99")


def table(counts, contenders):
    print("| | pictures | " + " | ".join(f"{who}: right / wrong" for who in contenders) + " |")
    print("|---|---|" + "---|" * len(contenders))
    order = ["all plain", "all degraded", "small and blurred", *DEGRADED]
    order += sorted(group for group in counts if group.startswith("family"))
    for group in order:
        if group in counts:
            row = [f"{counts[group][(who, 'right')]} / {counts[group][(who, 'wrong')]}" for who in contenders]
            print(f"| {group} | {counts[group]['pictures']} | " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
