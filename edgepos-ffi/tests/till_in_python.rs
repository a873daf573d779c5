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
def refused(status, call):
    try:
        call()
    except edgepos.Error as error:
        assert error.status == status, error
    else:
        raise SystemExit("it was done")


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
    node.record({"type": "custom", "body": "00"})
    left = node.close(-1)
    assert left == node.close() > 0
# Behind a `with` it is freed, whoever still has it, and what was left is still said; what was raised inside comes out.
assert node.close() == left
refused(edgepos.INVALID, node.status)
try:
    with edgepos.Node(config) as node:
        node.close()
        raise KeyError("marked")
except KeyError as error:
    assert "marked" in str(error)
refused(edgepos.INVALID, node.status)
# Events keep the node that they are of from being collected.
config = config.replace("till-1", "till-2")
node = edgepos.Node(config)
for _ in range(300):
    node.record({"type": "custom", "body": "00"})
events = node.events_since(None, False)
del node
assert sum(1 for _ in events) >= 300


def waits(next):
    """Inside once another call is answered that this one is busy."""
    def wait():
        while True:
            try:
                next(1 << 63)
            except edgepos.Error as error:
                if error.status != edgepos.BUSY:
                    return
    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    while True:
        try:
            next(0)
        except edgepos.Error as error:
            assert error.status == edgepos.BUSY
            return waiting


config = config.replace("till-2", "till-3")
node = edgepos.Node(config)
# Who waits for an event waits no longer when the reading is closed; a second time does nothing.
for close in (lambda events: events.close(), lambda events: events.__exit__(None, None, None)):
    with node.events_since() as events:
        reader = waits(events.next)
        close(events)
        reader.join(60)
        assert not reader.is_alive(), "it waits on"
    events.close()
    refused(edgepos.INVALID, lambda: events.next(0))
waiting = waits(node.next_notice)
# A process that is forked has none of its threads, and ends the node of the other one in no way.
child = os.fork()
if child == 0:
    try:
        node.status()
    except edgepos.Error as error:
        assert error.status == edgepos.STOPPED and "forked" in str(error), error
        # Nothing is closed there, and nobody knows what the cloud has.
        refused(edgepos.STOPPED, lambda: node.close(60_000))
        del node
        os._exit(7)
    os._exit(8)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
node.record({"type": "custom", "body": "00"})
node.close()
waiting.join()
# Left as it is, with a thread that waits: the program ends all the same.
left = edgepos.Node(config)
waits(left.next_notice)
print("done")
"#;

#[test]
fn no_number_is_cut_to_another_one_and_a_time_below_zero_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let Some(site) = tills::wheel(folder.path()) else { return };
    let config = support::config(folder.path());
    let source = format!("import ctypes, os, threading, edgepos\nconfig = '''{config}'''\n{NUMBERS}");
    let output = Command::new("python3").args(["-c", &source]).env("PYTHONPATH", &site).output().unwrap();
    assert_eq!(support::text(&output.stdout), "done\n", "{}", support::text(&output.stderr));
    assert_eq!(support::text(&output.stderr), "");
    assert!(output.status.success());
}
