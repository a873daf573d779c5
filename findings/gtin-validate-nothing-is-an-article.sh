#!/usr/bin/env bash
# gtin-validate 1.3.0 (crates.io): an empty cell of a list of articles is repaired to a right GTIN, and so is one in ten short numbers.
#
# Expected: fix puts back the zeros that a spreadsheet took from the front of a GTIN; what is empty, or so short that no GTIN can have been
# there, is an error.
#
# Seen: anything is filled up with zeros to the length. "" and "  " become 0000000000000, whose check digit is right, for all four kinds,
# so that all articles without a number become one article with a number. Of the numbers of up to five digits, shelf positions, amounts
# and price look-up codes of fruit, each tenth is a right GTIN: 17, 24, 4022. What is too long, or has another check digit, is an error.
#
# Source: GS1 General Specifications, 7.9 (check digit); https://docs.rs/gtin-validate/1.3.0
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "cells"
version = "0.1.0"
edition = "2021"

[dependencies]
gtin-validate = "=1.3.0"
TOML
cat > src/main.rs <<'RS'
use gtin_validate::{gtin12, gtin13, gtin14, gtin8};

fn main() {
    for cell in ["", "  "] {
        let repaired = [gtin8::fix(cell).ok(), gtin12::fix(cell).ok(), gtin13::fix(cell).ok(), gtin14::fix(cell).ok()];
        println!("{cell:?}: {repaired:?}");
        for (number, length) in repaired.into_iter().zip([8, 12, 13, 14]) {
            assert_eq!(number, Some("0".repeat(length)), "no longer as stated");
        }
    }
    for (cell, stated) in [("17", Some("0000000000017")), ("4011", None), ("4006381333931", Some("4006381333931"))] {
        println!("{cell}: {:?}", gtin13::fix(cell).ok());
        assert_eq!(gtin13::fix(cell).ok().as_deref(), stated, "no longer as stated");
    }
    let right = (0..100_000).filter(|number| gtin13::fix(&number.to_string()).is_ok()).count();
    println!("of the numbers of up to five digits {right} are right");
    assert_eq!(right, 10_000, "no longer as stated");
    let short: Vec<_> = (4_020..4_030).filter(|code| gtin13::fix(&code.to_string()).is_ok()).collect();
    println!("of the price look-up codes from 4020 to 4029: {short:?}");
    assert_eq!(short.len(), 1, "no longer as stated");
    println!("as stated");
}
RS
CARGO_TARGET_DIR="$folder/target" cargo run --quiet
