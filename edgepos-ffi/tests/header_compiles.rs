//! The header is C and C++ of every standard that is in use, without a warning, and its constants are the numbers of the library.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

#[test]
fn it_compiles_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    for (plus, ending, standards) in [(false, "c", ["c99", "c11"]), (true, "cpp", ["c++17", "c++20"])] {
        let Some(compiler) = support::compiler(plus) else { continue };
        let source = folder.path().join(format!("uses.{ending}"));
        fs::write(
            &source,
            "#include <edgepos.h>\nint main(void) { return edgepos_abi() == EDGEPOS_ABI ? 0 : 1; }\n",
        )
        .unwrap();
        for standard in standards {
            let program = folder.path().join(standard);
            support::build(&compiler, standard, &source, &program);
            assert!(Command::new(&program).status().unwrap().success(), "{standard}");
        }
    }
}

/// Every constant of the header with its number in the library.
fn constants() -> Vec<(&'static str, i64)> {
    macro_rules! numbers {
        ($($name:ident)+) => { vec![$((stringify!($name), i64::try_from(edgepos_ffi::$name).unwrap())),+] };
    }
    numbers!(
        EDGEPOS_MAX_REQUEST EDGEPOS_MAX_NAME EDGEPOS_MAX_BYTES EDGEPOS_MAX_MEDIA EDGEPOS_ABI
        EDGEPOS_ANSWERED EDGEPOS_FALLBACK EDGEPOS_RIGHT EDGEPOS_WRONG
        EDGEPOS_STOCK EDGEPOS_POINTS EDGEPOS_RETURNABLE EDGEPOS_STORED_VALUE EDGEPOS_COUPON_USE EDGEPOS_CASH EDGEPOS_DIFFERENCE EDGEPOS_REFUNDABLE EDGEPOS_VENDOR
        EDGEPOS_ANY_COUNTER EDGEPOS_ON_HAND EDGEPOS_RESERVED EDGEPOS_IN_TRANSIT EDGEPOS_DAMAGED_STOCK
        EDGEPOS_HERE EDGEPOS_AT_LEADER EDGEPOS_IN_CLOUD
        EDGEPOS_OK EDGEPOS_NOTHING EDGEPOS_END EDGEPOS_INVALID EDGEPOS_BAD_REQUEST EDGEPOS_SETUP EDGEPOS_BUSY EDGEPOS_STOPPED
        EDGEPOS_POISONED EDGEPOS_DAMAGED EDGEPOS_UNKNOWN_BASKET EDGEPOS_ELSEWHERE EDGEPOS_BOOKED EDGEPOS_NOT_RETURNABLE
        EDGEPOS_UNREACHABLE EDGEPOS_TIMED_OUT EDGEPOS_REJECTED EDGEPOS_OVERLOADED EDGEPOS_STORE_WELL EDGEPOS_STORE_BUSY EDGEPOS_STORE_FULL
        EDGEPOS_PERSIST EDGEPOS_WRITE EDGEPOS_LOAD EDGEPOS_TRANSMIT EDGEPOS_UPLINK EDGEPOS_REPLY EDGEPOS_NOTICE EDGEPOS_MAX_KEY
        EDGEPOS_TENDERS EDGEPOS_DAY EDGEPOS_DISK_FULL EDGEPOS_CLOCK_OFF EDGEPOS_NOT_DECIDED EDGEPOS_NO_MODEL
    )
}

#[test]
fn a_constant_is_the_same_number_in_c_and_in_rust() {
    let header = fs::read_to_string(support::root().join("edgepos-ffi/include/edgepos.h")).unwrap();
    let defined: Vec<&str> = header
        .lines()
        .filter_map(|line| line.strip_prefix("#define EDGEPOS_"))
        .filter(|rest| rest.contains(' '))
        .map(|rest| rest.split(' ').next().unwrap())
        .collect();
    let known = constants();
    let mut missing: Vec<&str> = defined.clone();
    missing.retain(|name| !known.iter().any(|(known, _)| known.strip_prefix("EDGEPOS_") == Some(name)));
    assert!(missing.is_empty(), "constants of the header that this test does not compare: {missing:?}");
    assert_eq!(defined.len(), known.len(), "constants that the header does not have");

    let Some(compiler) = support::compiler(false) else { return };
    let mut source = "#include <edgepos.h>\n#include <stdio.h>\nint main(void) {\n".to_owned();
    for (name, _) in &known {
        writeln!(source, "    printf(\"%lld\\n\", (long long){name});").unwrap();
    }
    source.push_str("    return 0;\n}\n");
    let folder = tempfile::tempdir().unwrap();
    let (file, program) = (folder.path().join("prints.c"), folder.path().join("prints"));
    fs::write(&file, source).unwrap();
    support::build(&compiler, "c99", &file, &program);
    let printed = support::text(&Command::new(&program).output().unwrap().stdout);
    let printed: Vec<i64> = printed.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(printed, known.iter().map(|(_, number)| *number).collect::<Vec<_>>());
}
