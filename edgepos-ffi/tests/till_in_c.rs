//! A till in C sells, takes back, is killed between commit and reply and asks again with the same key; another brings its own loop.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::process::Command;

#[test]
fn a_till_in_c_books_once_through_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let Some(till) = support::tills::in_c(folder.path()) else { return };
    till.lives_through_a_crash();
}

#[test]
fn a_program_with_a_loop_of_its_own_books_once_through_a_restart() {
    let Some(compiler) = support::compiler(false) else { return };
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("own_loop");
    support::build(&compiler, "c11", &support::root().join("examples/c/own_loop.c"), &program);
    let output = Command::new(&program).output().unwrap();
    let expected = "begun \"total\":258}\nbooked \"total\":258,\"repeated\":true}\nleads its store\n";
    assert_eq!(support::text(&output.stdout), expected, "{}", support::text(&output.stderr));
    assert!(output.status.success());
}

/// Each row that the store of its own reads, one after the other, cannot be added: the program ends then, and never goes on without it.
#[test]
fn a_program_with_a_loop_of_its_own_ends_where_its_store_cannot_be_read() {
    let Some(compiler) = support::compiler(false) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (source, program) = (folder.path().join("fails.c"), folder.path().join("fails"));
    let own_loop = support::root().join("examples/c/own_loop.c");
    let failing = r#"
#include <edgepos.h>
#include <stdlib.h>
static int32_t add(const edgepos_rows *rows, const uint8_t *key, size_t key_length, const uint8_t *value, size_t value_length) {
    static int calls;
    calls += 1;
    return calls == atoi(getenv("FAILS")) ? EDGEPOS_INVALID : edgepos_rows_add(rows, key, key_length, value, value_length);
}
#define edgepos_rows_add add
"#;
    std::fs::write(&source, format!("{failing}#include \"{}\"\n", own_loop.display())).unwrap();
    support::build(&compiler, "c11", &source, &program);
    let ends = |fails: usize| Command::new(&program).env("FAILS", fails.to_string()).output().unwrap();
    let rows = (1..).take_while(|fails| !ends(*fails).status.success()).count();
    assert!(rows > 5, "the second start reads {rows} rows");
    // Behind the last one nothing fails.
    for later in rows + 1..rows + 20 {
        let output = ends(later);
        assert!(output.status.success(), "row {later} of {rows}: {}", support::text(&output.stderr));
    }
}

#[test]
fn a_card_is_charged_in_two_steps() {
    let folder = tempfile::tempdir().unwrap();
    let Some(till) = support::tills::in_c(folder.path()) else { return };
    let config = folder.path().join("till.json");
    std::fs::write(&config, support::config(folder.path())).unwrap();
    let output =
        till.command(&config, &["receive", "10", "pay", "1", "receipt", "1", "stock"]).output().unwrap();
    let expected = "received 10\nasked for 1 unresolved\npaid 1 total 258\nreceipt 1\n  2 x 04006381333931  258\n  total 258\nstock 8\n";
    assert_eq!(support::text(&output.stdout), expected, "{}", support::text(&output.stderr));
}

/// Who the till is stands in a file that is read whole: what is cut off might read as well, and say something else.
#[test]
fn a_configuration_that_cannot_be_read_whole_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let Some(till) = support::tills::in_c(folder.path()) else { return };
    let long = folder.path().join("long.json");
    std::fs::write(&long, support::config(folder.path()) + &" ".repeat(65_536)).unwrap();
    for (config, why) in [
        (&long, "too long"),
        (&folder.path().to_owned(), "cannot be read"),
        (&"nowhere".into(), "cannot be read"),
    ] {
        let output = till.command(config, &["stock"]).output().unwrap();
        let errors = support::text(&output.stderr);
        assert_eq!((output.status.code(), support::text(&output.stdout).as_str()), (Some(1), ""), "{errors}");
        assert!(errors.contains(why), "{errors}");
    }
}
