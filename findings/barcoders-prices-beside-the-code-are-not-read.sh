#!/usr/bin/env bash
# barcoders 2.0.0 (crates.io), zxing-cpp 3.1.1 (PyPI): a book for 9.99 dollars has no price that a till can read, as one in ten.
#
# Expected: the five digits beside the code of a book or a magazine are drawn with the parities that their checksum gives, so that each of
# the hundred thousand is read.
#
# Seen: where the checksum is 0 the pattern is LLGGG in place of GGLLL, which belongs to no checksum: a reader finds the EAN-13 and nothing
# beside it. Of 100000 add-ons these are 10000, 50999 among them (9.99 US dollars) and 00000; 52250 (22.50) is read. The bars look as the
# others do, and encode raises no error. The add-ons of two digits are right.
#
# Source: GS1 General Specifications, 5.2 (EAN/UPC symbology: number sets of the five-digit add-on symbol); https://docs.rs/barcoders/2.0.0
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "draw"
version = "0.1.0"
edition = "2021"

[dependencies]
barcoders = { version = "=2.0.0", default-features = false, features = ["std"] }
TOML
cat > src/main.rs <<'RS'
use barcoders::sym::{ean13::EAN13, ean_supp::EANSUPP};

fn print(modules: Vec<u8>) {
    println!("{}", modules.iter().map(|module| char::from(b'0' + module)).collect::<String>());
}

fn main() {
    print(EAN13::new("9781234567897").unwrap().encode());
    for number in 0..100_000 {
        print(EANSUPP::new(format!("{number:05}")).unwrap().encode());
    }
}
RS
CARGO_TARGET_DIR="$folder/target" cargo run --quiet > modules.txt
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check zxing-cpp==3.1.1 numpy==2.3.5
cat > read.py <<'PY'
import numpy as np
import zxingcpp

book, *drawn = open("modules.txt").read().split()
CODE = "9781234567897"


def read(number):
    row = np.array([[0 if module == "1" else 255 for module in book + "0" * 9 + drawn[number]]], np.uint8)
    picture = np.pad(np.kron(row, np.ones((80, 3), np.uint8)), 60, constant_values=255)
    [result] = zxingcpp.read_barcodes(picture, ean_add_on_symbol=zxingcpp.EanAddOnSymbol.Read)
    return result.text


def sets(modules):
    """The number set of each digit: in L an odd number of its seven modules is dark, in G an even one."""
    return "".join("L" if modules[4 + 9 * place : 11 + 9 * place].count("1") % 2 else "G" for place in range(5))


def checksum(number):
    digits = [int(digit) for digit in f"{number:05}"]
    return (3 * sum(digits[0::2]) + 9 * sum(digits[1::2])) % 10


RIGHT = ["GGLLL", "GLGLL", "GLLGL", "GLLLG", "LGGLL", "LLGGL", "LLLGG", "LGLGL", "LGLLG", "LLGLG"]
for number in (50999, 0, 52250, 54495):
    seen = read(number)
    print(f"{number:05}: checksum {checksum(number)}, {sets(drawn[number])}, read as {seen}")
    assert seen == CODE + (f"{number:05}" if checksum(number) else ""), "no longer as stated"
wrong = [number for number in range(100_000) if sets(drawn[number]) != RIGHT[checksum(number)]]
print(f"{len(wrong)} of {len(drawn)} have number sets of no checksum")
assert len(wrong) == 10_000 and all(checksum(number) == 0 for number in wrong), "no longer as stated"
print("as stated")
PY
venv/bin/python read.py
