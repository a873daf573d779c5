#!/usr/bin/env bash
# vietnam-qr-pay 1.0.0 (PyPI) and 1.5.1 (npm): a code that takes cards and two networks takes one of them when an amount is put into it.
#
# Expected: a merchant's fixed payment code is read, the amount of the sale is put in, and the code is written again: everything else stays
# as it was, above all the accounts the payment can go to (02 to 51), and what cannot be kept raises an error.
#
# Seen: of the accounts one is kept, the last of VietQR (38) and VNPAY (26): those of Visa, Mastercard and UnionPay (02 to 16) are gone, and
# VNPAY's is gone where VietQR's is there. The names in another alphabet (64) and the fields 50 to 99 within the additional data are gone,
# too. The checksum is made anew and right, isValid is true, and the shop waits for customers whose app finds no account. The same is seen
# in both languages.
#
# Source: EMV QR Code Specification for Payment Systems, Merchant-Presented Mode (Merchant Account Information, IDs 02 to 51);
# https://www.npmjs.com/package/vietnam-qr-pay; https://pypi.org/project/vietnam-qr-pay/
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts vietnam-qr-pay@1.5.1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check vietnam-qr-pay==1.0.0
cat > again.js <<'JS'
const { QRPay } = require("vietnam-qr-pay");
const code = new QRPay(process.argv[2]);
code.amount = "129000";
console.log(JSON.stringify([code.isValid, code.build()]));
JS
cat > codes.py <<'PY'
import json
import subprocess
from binascii import crc_hqx

from vietnam_qr_pay import QRPay


def field(name, value):
    return f"{name}{len(value):02d}{value}"


def fields(text):
    """The fields of a code or of a template."""
    while text:
        end = 4 + int(text[2:4])
        yield text[:2], text[4:end]
        text = text[end:]


def seal(text):
    return text + "6304" + f"{crc_hqx((text + '6304').encode(), 0xFFFF):04X}"


CARDS = field("02", "4111111111111111") + field("04", "5555555555554444")
VNPAY = field("26", field("00", "A000000775") + field("01", "0312345678"))
VIETQR = field("38", field("00", "A000000727") + field("01", field("00", "970403") + field("01", "0011012345678")) + field("02", "QRIBFTTA"))
REST = field("52", "5411") + field("53", "704") + field("58", "VN") + field("59", "CUA HANG") + field("60", "HANOI")
MORE = field("62", field("01", "HD117") + field("50", field("00", "A1") + field("01", "7"))) + field("64", field("00", "VI") + field("01", "QUAN"))
given = seal(field("00", "01") + field("01", "11") + CARDS + VNPAY + VIETQR + REST + MORE)
code = QRPay(given)
assert code.is_valid
code.amount = "129000"
python = code.build()
valid, node = json.loads(subprocess.run(["node", "again.js", given], check=True, capture_output=True, text=True).stdout)
assert valid
for name, written in (("Python", python), ("Node", node)):
    assert seal(written[:-8]) == written, "the checksum is not right"
    kept = dict(fields(written))
    lost = [tag for tag, _ in fields(given) if tag not in kept]
    print(f"{name}: lost {lost}, additional data {kept['62']}")
    assert lost == ["02", "04", "26", "64"], "no longer as stated"
    assert kept["62"] == field("01", "HD117") and kept["54"] == "129000", "no longer as stated"
print("as stated")
PY
venv/bin/python codes.py
