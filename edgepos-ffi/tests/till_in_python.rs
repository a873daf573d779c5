//! A till in Python, from a wheel that bundles the library, does what the one in C does.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::process::Command;

use support::tills;

#[test]
fn a_till_in_python_books_once_through_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let Some(till) = tills::in_python(folder.path()) else { return };
    till.lives_through_a_crash();
}

/// What C has no room for, and a time that is over.
const NUMBERS: &str = r#"
with edgepos.Node(config) as node:
    while node.next_notice(100) is not None:
        pass
    assert node.next_notice(-5) is None
    for wrong in (
        lambda: node.write_off(65537),
        lambda: node.replace(-1),
        lambda: node.day_figures(1 << 32),
        lambda: node.price("milk", -1),
        lambda: node.price("milk", 0, 65536),
        lambda: node.counter(edgepos.STOCK, "milk", -1),
    ):
        try:
            wrong()
        except ctypes.ArgumentError as error:
            assert "none of 0 to" in str(error)
        else:
            raise SystemExit("it was cut to another number")
    for half in (lambda: node.product("milk\ud83d"), lambda: node.begin({"basket": "milk\ud83d"})):
        try:
            half()
        except (UnicodeEncodeError, edgepos.Error):
            pass
        else:
            raise SystemExit("it was made another name")
    node.close(-1)
# Events keep the node that they are of from being collected.
config = config.replace("till-1", "till-2")
node = edgepos.Node(config)
for _ in range(300):
    node.record({"type": "custom", "body": "00"})
events = node.events_since(None, False)
del node
assert sum(1 for _ in events) >= 300
print("done")
"#;

#[test]
fn no_number_is_cut_to_another_one_and_a_time_below_zero_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let Some(site) = tills::wheel(folder.path()) else { return };
    let config = support::config(folder.path());
    let source = format!("import ctypes, edgepos\nconfig = '''{config}'''\n{NUMBERS}");
    let output = Command::new("python3").args(["-c", &source]).env("PYTHONPATH", &site).output().unwrap();
    assert_eq!(support::text(&output.stdout), "done\n", "{}", support::text(&output.stderr));
}
