#!/usr/bin/env bash
# react-thermal-printer 0.22.0, escpos-buffer 4.1.0, @point-of-sale/receipt-printer-encoder 4.0.1 (npm), python-escpos 3.1 (PyPI): a payment
# code to "Bäckerei Müller" names somebody with a Japanese bracket.
#
# Expected: the content of a QR code is bytes of UTF-8, or of ISO 8859-1, which is what readers take it for: a code for a SEPA credit transfer
# says in its third line which of the two it is, and the printer's code page, which is for its text, has no part in it.
#
# Seen: react-thermal-printer sends the code in the page of the text (84 and 81 for ä and ü), which a reader takes for Shift JIS: the payee is
# "B�kerei M〕ler". escpos-buffer sends the lower eight bits of each character, so that umlauts come out right and the euro sign is "¬", a
# letter that nobody wrote; receipt-printer-encoder prints a question mark for it. python-escpos sends UTF-8. No error in any of them;
# account and amount are right, so a trial with a shop of plain letters shows nothing.
#
# Source: ISO/IEC 18004 (byte mode); European Payments Council, EPC069-12 (character set);
# https://download4.epson.biz/sec_pubs/pos/reference_en/escpos/gs_lparen_lk_fn180.html
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts react-thermal-printer@0.22.0 react@19.3.1 escpos-buffer@4.1.0 \
  @point-of-sale/receipt-printer-encoder@4.0.1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check python-escpos==3.1 zxing-cpp==3.1.1 segno==1.6.6 pillow==13.0.0
cat > print.mjs <<'JS'
import { createRequire } from "module";
import EncoderOfReceipts from "@point-of-sale/receipt-printer-encoder";

const require = createRequire(import.meta.url);
const { createElement } = require("react");
const { Printer: Page, QRCode, render } = require("react-thermal-printer");
const { InMemory, Printer } = require("escpos-buffer");

const text = process.argv[2];
const memory = new InMemory();
await (await Printer.CONNECT("TM-T20", memory)).qrcode(text);
const page = createElement(Page, { type: "epson", width: 42, characterSet: "pc858_euro" }, createElement(QRCode, { content: text }));
const bytes = {
  "react-thermal-printer": await render(page),
  "escpos-buffer": memory.buffer(),
  "receipt-printer-encoder": new EncoderOfReceipts().qrcode(text).encode(),
};
console.log(JSON.stringify(Object.fromEntries(Object.entries(bytes).map(([name, sent]) => [name, Buffer.from(sent).toString("hex")]))));
process.exit(0);
JS
venv/bin/python - <<'PY'
import io
import json
import subprocess

import segno
import zxingcpp
from escpos.printer import Dummy
from PIL import Image

LINES = ["BCD", "002", "1", "SCT", "", "Bäckerei Müller", "BE71096123456769", "EUR12.50", "", "", "Brötchen 5 €"]
text = "\n".join(LINES)
STATED = {
    "react-thermal-printer": ("B\ufffdkerei M\u3015ler", "Br\u676fchen 5 ?"),
    "escpos-buffer": ("Bäckerei Müller", "Brötchen 5 ¬"),
    "receipt-printer-encoder": ("Bäckerei Müller", "Brötchen 5 ?"),
    "python-escpos": ("Bäckerei Müller", "Brötchen 5 €"),
}


def stored(sent):
    """What a printer is told to put into the code: GS ( k, function 180."""
    at = sent.index(b"1P0")
    return sent[at + 3 : at + sent[at - 2] + 256 * sent[at - 1]]


def read(content):
    picture = io.BytesIO()
    segno.make_qr(content, mode="byte").save(picture, kind="png", scale=6)
    return zxingcpp.read_barcodes(Image.open(picture).convert("L"))[0].text


sent = {name: bytes.fromhex(data) for name, data in json.loads(subprocess.check_output(["node", "print.mjs", text])).items()}
printer = Dummy()
printer.qr(text, native=True)
sent["python-escpos"] = printer.output
assert sorted(sent) == sorted(STATED)
for name, data in sent.items():
    seen = read(stored(data)).split("\n")
    print(f"{name}: {seen[5]!r}, {seen[10]!r}")
    assert (seen[5], seen[10]) == STATED[name], "no longer as stated"
    assert seen[6:8] == LINES[6:8], "the account and the amount are no longer as stated"
print("as stated")
PY
