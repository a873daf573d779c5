#!/usr/bin/env bash
# node-thermal-printer 4.6.1 (npm), python-escpos 3.1 (PyPI): the payment code of a shop with two umlauts in its name says EUR12.
#
# Expected: the command that hands a QR code's content to the printer (GS ( k, function 180) begins with the count of the bytes that follow,
# so a code for a SEPA credit transfer over EUR12.50 to "Bäckerei Müller" is printed whole.
#
# Seen: node-thermal-printer counts characters and sends UTF-8: the code ends one byte early for each umlaut (two for each euro sign).
# Here its last line is EUR12. in place of EUR12.50, and "50" is printed as text below it. No error; names without such letters come out
# right. python-escpos counts bytes.
#
# Source: Epson, ESC/POS commands, GS ( k function 180; https://download4.epson.biz/sec_pubs/pos/reference_en/escpos/gs_lparen_lk_fn180.html
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts node-thermal-printer@4.6.1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check python-escpos==3.1
cat > print.js <<'JS'
const { ThermalPrinter, PrinterTypes } = require("node-thermal-printer");

const printer = new ThermalPrinter({ type: PrinterTypes.EPSON, interface: "tcp://127.0.0.1" });
printer.printQR(process.argv[2]);
process.stdout.write(printer.getBuffer());
JS
venv/bin/python - <<'PY'
import logging
import subprocess

from escpos.printer import Dummy

logging.disable(logging.CRITICAL)


def content(sent):
    """The content of the QR code, and what is left for the paper before the next command."""
    at = sent.index(b"1P0") - 5
    assert sent[at : at + 3] == b"\x1d(k"
    end = at + 5 + sent[at + 3] + 256 * sent[at + 4]
    return sent[at + 8 : end].decode(errors="replace"), sent[end : sent.index(b"\x1d(k", end)].decode()


for name, stated in (("Baker Miller", ("EUR12.50", "")), ("Bäckerei Müller", ("EUR12.", "50"))):
    text = "\n".join(["BCD", "002", "1", "SCT", "", name, "DE89370400440532013000", "EUR12.50"])
    code, rest = content(subprocess.check_output(["node", "print.js", text]))
    print(f"{name}: node-thermal-printer ends with {code.splitlines()[-1]}, and {rest!r} is printed as text; ", end="")
    assert (code.splitlines()[-1], rest) == stated, "node-thermal-printer is no longer as stated"
    printer = Dummy()
    printer.qr(text, native=True)
    code, rest = content(printer.output)
    print("python-escpos ends with", code.splitlines()[-1])
    assert (code, rest) == (text, ""), "python-escpos is no longer as stated"
print("as stated")
PY
