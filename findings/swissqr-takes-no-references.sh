#!/usr/bin/env bash
# swissqr 0.2.0, qrbill 1.2.0 (PyPI): a Swiss QR-bill with a reference number cannot be written.
#
# Expected: QRData takes a QR reference (QRR) with a QR-IBAN and a creditor reference (SCOR) with an IBAN, and its text, the content of the
# QR code, has the type and the reference in two lines.
#
# Seen: with QRR and SCOR the data are taken and str() of them raises a TypeError: the two values of the type stand in the library with a
# comma behind them, so they are tuples. Only bills without a reference (NON), which the payee cannot match, come out. qrbill writes
# both.
#
# Source: Swiss Implementation Guidelines for the QR-bill, 4.2.2 (RmtInf, reference type); https://gitlab.com/dinuthehuman/swissqr
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check swissqr==0.2.0 qrbill==1.2.0
"$folder/venv/bin/python" - <<'PY'
from qrbill import QRBill
from swissqr import PaymentParty, QRData
from swissqr.qrdata import ReferenceType

ADDRESS = {"name": "Corner Shop", "street": "Marktgasse", "house_num": "1", "pcode": "3011", "city": "Bern", "country": "CH"}
shop = PaymentParty(name="Corner Shop", street="Marktgasse", street_no="1", zipcode="3011", city="Bern", country="CH")
for kind, iban, reference, stated in [
    (ReferenceType.NON, "CH9300762011623852957", "", "NON"),
    (ReferenceType.QRR, "CH4431999123000889012", "210000000003139471430009017", "TypeError"),
    (ReferenceType.SCOR, "CH9300762011623852957", "RF18539007547034", "TypeError"),
]:
    data = QRData(iban=iban, creditor=shop, amount=12.5, reference_type=kind, reference=reference)
    try:
        seen = str(data).split("\r\n")[27]
    except TypeError as error:
        seen = type(error).__name__
        print(f"{kind.name}: {error}")
    else:
        print(f"{kind.name}: {seen}")
    assert seen == stated, "no longer as stated"
    lines = QRBill(account=iban, creditor=ADDRESS, amount="12.50", reference_number=reference or None).qr_data().split("\r\n")
    assert kind.name in lines and (not reference or reference in lines), "qrbill no longer writes it"
print("as stated")
PY
