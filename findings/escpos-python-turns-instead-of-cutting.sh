#!/usr/bin/env bash
# escpos-python 1.0.2, python-escpos 3.1 (PyPI): instead of cutting the paper the printer prints sideways.
#
# Expected: POSCommand.full_cut() and partial_cut() are the command GS V with 0 and 1; a title in bold and double height has both, as the
# styles of ESC ! are bits of one byte; data of a Code 128 begin with its code set, {A, {B or {C.
#
# Seen: both cuts begin with ESC in place of GS. ESC V turns characters by 90 degrees: the full cut does nothing, and behind the partial one
# every line is printed sideways. Each style is sent in a command of its own that puts the one before it out: the title of a receipt is
# double height and not bold, and an underlined bold line is one of both, the last named. Code 128 is sent without a code set, which
# printers take for wrong data and do not print. python-escpos sends 1D 56 and {B.
#
# Source: Epson, ESC/POS Command Reference (GS V, ESC V, ESC !, GS k function B); https://github.com/DrBackmischung/ESCPOS-Python
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
for package in escpos-python==1.0.2 python-escpos==3.1; do
  python3 -m venv "$folder/$package"
  "$folder/$package/bin/pip" install --quiet --disable-pip-version-check "$package"
done
"$folder/python-escpos==3.1/bin/python" - <<'PY'
from escpos.printer import Dummy

printer = Dummy()
printer.cut()
assert printer.output.endswith(b"\x1dV\x00"), "python-escpos no longer cuts"
printer = Dummy(profile="default")
printer.barcode("{B12345678", "CODE128", function_type="B", check=False)
assert b"\x1dkI\x0a{B12345678" in printer.output, "python-escpos no longer sends the code set"
PY
"$folder/escpos-python==1.0.2/bin/python" - <<'PY'
import re

from escpos import POSBarcodeBuilder, POSCommand, POSPrintStyle, POSReceiptBuilder, POSTextBuilder

print("full cut:", POSCommand.full_cut().hex(" "), "partial cut:", POSCommand.partial_cut().hex(" "))
assert (POSCommand.full_cut(), POSCommand.partial_cut()) == (b"\x1bV\x00", b"\x1bV\x01"), "cuts are no longer as stated"


def style(data, text):
    """The style that is in force where the text stands."""
    return re.findall(rb"\x1b!(.)", data[: data.index(text)], re.DOTALL)[-1][0]


title = POSReceiptBuilder().set_title("CORNER SHOP").build().to_bytes()
both = POSTextBuilder("TOTAL").set_style(POSPrintStyle.BOLD, POSPrintStyle.UNDERLINE).build().to_bytes()
print(f"title: style {style(title, b'CORNER SHOP')}; bold and underlined: style {style(both, b'TOTAL')}")
assert style(title, b"CORNER SHOP") == POSPrintStyle.DOUBLE_HEIGHT, "the title is no longer as stated"
assert style(both, b"TOTAL") == POSPrintStyle.UNDERLINE, "styles are no longer as stated"
code = POSBarcodeBuilder("12345678").build().to_bytes()
print("Code 128:", code)
assert b"\x1dkI\x0812345678" in code, "Code 128 is no longer as stated"
print("as stated")
PY
