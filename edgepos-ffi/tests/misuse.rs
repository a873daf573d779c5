//! What a program does wrong is answered and harms nothing, and a fault of the library ends no program.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/header.rs"]
mod header;
mod support;

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Output};

use header::{Function, LENT, functions, is_output, owner};

/// Builds a program of `tests/c` and runs it; `None` where this machine cannot.
fn run(name: &str) -> Option<Output> {
    let source = support::root().join(format!("edgepos-ffi/tests/c/{name}.c"));
    run_source(&fs::read_to_string(source).unwrap())
}

/// The same with the text of a program.
fn run_source(source: &str) -> Option<Output> {
    let compiler = support::compiler(false)?;
    let folder = tempfile::tempdir().unwrap();
    let (config, program) = (folder.path().join("till.json"), folder.path().join("program"));
    fs::write(&config, support::config(folder.path())).unwrap();
    let file = folder.path().join("program.c");
    fs::write(&file, source).unwrap();
    support::build(&compiler, "c11", &file, &program);
    let jpeg = support::root().join("edgepos-inference/tests/golden/espresso_1200.jpg");
    Some(Command::new(&program).arg(&config).arg(support::root().join("models")).arg(jpeg).output().unwrap())
}

#[test]
fn wrong_calls_are_answered() {
    let Some(output) = run("misuse") else { return };
    assert_eq!(support::text(&output.stderr), "");
    assert_eq!(support::text(&output.stdout), "0 failures\n");
    assert!(output.status.success());
}

#[test]
fn wrong_calls_of_a_loop_of_ones_own_are_answered() {
    let Some(output) = run("own_loop_misuse") else { return };
    assert_eq!(support::text(&output.stderr), "");
    assert_eq!(support::text(&output.stdout), "0 failures\n");
    assert!(output.status.success());
}

#[test]
fn who_waits_is_told_the_end_and_a_reading_that_was_cut_off_is_not_called_whole() {
    let Some(output) = run("waiting") else { return };
    assert_eq!(support::text(&output.stderr), "");
    assert_eq!(support::text(&output.stdout), "0 failures\n");
    assert!(output.status.success());
}

#[test]
fn a_program_may_work_elsewhere_and_a_process_that_was_forked_has_no_terminal() {
    let Some(output) = run("process") else { return };
    assert_eq!(support::text(&output.stderr), "");
    assert_eq!(support::text(&output.stdout), "0 failures\n");
    assert!(output.status.success());
}

/// How every call of the header is made wrongly.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrong {
    /// On nothing, with nothing.
    Nothing,
    /// On a handle that was never given.
    MadeUp,
    /// On a handle of another type.
    OfAnotherType,
    /// With a place for the answer that is NULL.
    Answer,
    /// With NULL, and a length that says that something is there.
    Null,
    /// With more bytes than any call takes.
    Long,
    /// With bytes that are not UTF-8.
    NotUtf8,
}

impl Wrong {
    const ALL: [Self; 7] = [
        Self::Nothing,
        Self::MadeUp,
        Self::OfAnotherType,
        Self::Answer,
        Self::Null,
        Self::Long,
        Self::NotUtf8,
    ];

    /// An argument in C, and for a length how long it is.
    fn argument(self, kind: &str, is_self: bool, owner: Option<&str>) -> String {
        let other = if owner == Some("node") { "terminal" } else { "node" };
        match (self, kind) {
            (Self::Nothing, "edgepos_scan") => "NULL".into(),
            (Self::Nothing, _) if kind.ends_with('*') => "NULL".into(),
            (Self::MadeUp, _) if is_self => format!("({kind})(uintptr_t)0xdeadbeef"),
            (Self::OfAnotherType, _) if is_self => format!("({kind})(void *){other}"),
            (_, _) if is_self => owner.unwrap_or("NULL").to_owned(),
            (Self::Answer, _) if is_output(kind) => "NULL".into(),
            (Self::Null, _) if LENT.contains(&kind) => "NULL".into(),
            (Self::NotUtf8, _) if LENT.contains(&kind) => format!("({kind})not_utf8"),
            (_, _) if LENT.contains(&kind) => format!("({kind})some"),
            (_, _) if is_output(kind) => format!("({kind})(void *)place"),
            (Self::Null | Self::NotUtf8, "size_t") => "2".into(),
            (Self::Long, "size_t") => "SIZE_MAX".into(),
            (_, "edgepos_scan") => "NULL".into(),
            (_, _) if kind.ends_with('*') => "NULL".into(),
            (_, _) => "0".into(),
        }
    }

    /// What the status must be explained with; `None` where this call cannot be made wrongly in this way.
    fn said(self, function: &Function) -> Option<&'static str> {
        let Function { name, takes, .. } = function;
        let has = |wanted: &dyn Fn(&str) -> bool| takes.iter().any(|(kind, _)| wanted(kind));
        let owned = owner(name).is_some() && !name.ends_with("_new") && !name.ends_with("_open");
        // How many events are left need not be asked.
        let optional = name == "edgepos_node_close";
        match self {
            Self::Nothing => Some("NULL"),
            Self::MadeUp | Self::OfAnotherType => owned.then_some("no living handle of its type"),
            Self::Answer => (has(&is_output) && !optional).then_some("is NULL"),
            Self::Null => has(&|kind| LENT.contains(&kind)).then_some("is NULL"),
            Self::Long => has(&|kind| LENT.contains(&kind)).then_some("over the limit"),
            Self::NotUtf8 => has(&|kind| kind == "const char *").then_some("not UTF-8"),
        }
    }
}

/// A program that makes every call wrongly, and says which were answered otherwise than they must be.
fn every_call() -> String {
    let mut calls = String::new();
    for function in functions().iter().filter(|function| function.gives == "int32_t") {
        let Function { name, takes, .. } = function;
        for wrong in Wrong::ALL {
            let Some(said) = wrong.said(function) else { continue };
            let makes = name.ends_with("_new") || name.ends_with("_open");
            let owner = owner(name).filter(|_| !makes);
            let arguments = takes.iter().enumerate();
            let arguments =
                arguments.map(|(at, (kind, _))| wrong.argument(kind, at == 0 && owner.is_some(), owner));
            let arguments = arguments.collect::<Vec<_>>().join(", ");
            writeln!(calls, "    refused(\"{name}: {wrong:?}\", {name}({arguments}), \"{said}\");").unwrap();
        }
    }
    assert!(calls.lines().count() > 400, "{}", calls.lines().count());
    program(&calls, true)
}

/// A program with one handle of each kind that makes calls, and says which were answered otherwise than they must be. Where they are `harmless`
/// its terminals go on.
fn program(calls: &str, harmless: bool) -> String {
    let unharmed = if harmless { UNHARMED } else { "" };
    format!("{HEAD}{calls}{unharmed}{TAIL}")
}

/// A call of a function with its handle, and otherwise with nothing that is taken: places for answers, and NULL with a length.
fn call_of(function: &Function, handle: &str) -> String {
    let Function { name, takes, .. } = function;
    let arguments =
        takes.iter().enumerate().map(|(at, (kind, _))| Wrong::Null.argument(kind, at == 0, Some(handle)));
    format!("{name}({})", arguments.collect::<Vec<_>>().join(", "))
}

/// The functions that answer for a handle of a type, but those that make one.
fn calls_of(handle: &str) -> Vec<Function> {
    let mut all = functions();
    let makes = |name: &str| name.ends_with("_new") || name.ends_with("_open");
    all.retain(|function| {
        function.gives == "int32_t" && owner(&function.name) == Some(handle) && !makes(&function.name)
    });
    assert!(!all.is_empty(), "{handle}");
    all
}

const HEAD: &str = r#"#include <edgepos.h>
#include <stdio.h>
#include <string.h>

static unsigned char place[64], before[64];
static int failures;
static int32_t expected = EDGEPOS_INVALID;

int32_t edgepos_node_poison(const edgepos_node *node);
int32_t edgepos_terminal_poison(const edgepos_terminal *terminal);
int32_t edgepos_events_poison(const edgepos_events *events);
int32_t edgepos_output_poison(const edgepos_output *output);
int32_t edgepos_rows_poison(const edgepos_rows *rows);

static void refused(const char *call, int32_t status, const char *said) {
    if (status != expected || !strstr(edgepos_last_detail(), said) || memcmp(place, before, sizeof place) != 0) {
        fprintf(stderr, "%s: %d, %s\n", call, status, edgepos_last_detail());
        failures += 1;
        memcpy(place, before, sizeof place);
    }
}

int main(int argc, char **argv) {
    static char config[65536];
    static const char some[64] = "some", not_utf8[2] = {(char)0xff, (char)0xfe};
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    size_t length = file ? fread(config, 1, sizeof config, file) : 0;
    edgepos_node *node = NULL;
    edgepos_terminal *terminal = NULL;
    edgepos_events *events = NULL;
    edgepos_output *output = NULL;
    edgepos_rows *rows = NULL;
    (void)some, (void)not_utf8;
    memset(place, 0x5a, sizeof place);
    memset(before, 0x5a, sizeof before);
    if (!file || edgepos_node_open(config, length, &node) != EDGEPOS_OK ||
        edgepos_terminal_new(config, length, 1, 1, 1, 0, NULL, NULL, &terminal) != EDGEPOS_OK ||
        edgepos_node_events_since(node, NULL, 0, 0, &events) != EDGEPOS_OK || edgepos_rows_new(&rows) != EDGEPOS_OK ||
        edgepos_terminal_poll_output(terminal, &output) != EDGEPOS_OK) {
        fprintf(stderr, "%s\n", edgepos_last_detail());
        return 2;
    }
    fclose(file);
"#;

const UNHARMED: &str = r#"
    edgepos_text *text = NULL;
    if (edgepos_node_status(node, &text) != EDGEPOS_OK || edgepos_terminal_is_stopped(terminal) != EDGEPOS_NOTHING) {
        fprintf(stderr, "a wrong call did harm: %s\n", edgepos_last_detail());
        failures += 1;
    }
    edgepos_text_free(text);
"#;

const TAIL: &str = r#"    edgepos_output_free(output);
    edgepos_rows_free(rows);
    edgepos_events_free(events);
    edgepos_terminal_free(terminal);
    edgepos_node_free(node);
    printf("%d failures\n", failures);
    return failures != 0;
}
"#;

/// Runs a program of which nothing may be answered otherwise.
fn nothing_is_wrong(source: &str) {
    let Some(output) = run_source(source) else { return };
    assert_eq!(support::text(&output.stderr), "");
    assert_eq!(support::text(&output.stdout), "0 failures\n");
    assert!(output.status.success());
}

#[test]
fn every_call_refuses_what_is_not_there_before_it_does_anything() {
    nothing_is_wrong(&every_call());
}

#[test]
fn whatever_has_panicked_is_not_used_again() {
    let mut calls = "    expected = EDGEPOS_POISONED;\n".to_owned();
    // The terminal last: rows and outputs are arguments of its calls.
    for handle in ["node", "events", "output", "rows", "terminal"] {
        writeln!(calls, "    refused(\"{handle}\", edgepos_{handle}_poison({handle}), \"asked for\");")
            .unwrap();
        for function in calls_of(handle) {
            // It can still be closed.
            if function.name != "edgepos_node_close" {
                let call = call_of(&function, handle);
                writeln!(calls, "    refused(\"{}\", {call}, \"an earlier call\");", function.name).unwrap();
            }
        }
        if handle == "rows" {
            let loaded = "edgepos_terminal_loaded(terminal, 1, 1, 1, rows)";
            writeln!(calls, "    refused(\"loaded\", {loaded}, \"an earlier call\");").unwrap();
        }
    }
    calls.push_str(
        "    expected = EDGEPOS_OK;\n    refused(\"close\", edgepos_node_close(node, 0, NULL), \"\");\n",
    );
    nothing_is_wrong(&program(&calls, false));
}

/// With models in use: they are asked no more either.
#[test]
fn whatever_is_asked_of_a_node_after_close_is_that_it_was_closed() {
    let mut calls = "    expected = EDGEPOS_OK;\n".to_owned();
    let used = r#"{\"folder\":\"nowhere\"}"#;
    writeln!(calls, "    refused(\"models\", edgepos_node_use_models(node, \"{used}\", 20), \"\");").unwrap();
    calls.push_str(
        "    refused(\"close\", edgepos_node_close(node, 0, NULL), \"\");\n    expected = EDGEPOS_STOPPED;\n",
    );
    // What was told before the end is taken first.
    calls.push_str("    while (edgepos_node_next_notice(node, 0, &text) == EDGEPOS_OK) {\n        edgepos_text_free(text);\n    }\n");
    for function in calls_of("node") {
        let call = call_of(&function, "node");
        writeln!(calls, "    refused(\"{}\", {call}, \"closed\");", function.name).unwrap();
    }
    calls.push_str("    while ((expected = edgepos_events_next(events, 60000, &text)) == EDGEPOS_OK) {\n        edgepos_text_free(text);\n    }\n    expected = expected == EDGEPOS_END ? EDGEPOS_END : EDGEPOS_STOPPED;\n    refused(\"events\", edgepos_events_next(events, 0, &text), \"\");\n");
    calls.push_str("    edgepos_node_free(node);\n    expected = EDGEPOS_INVALID;\n");
    for function in calls_of("node") {
        let call = call_of(&function, "node");
        writeln!(calls, "    refused(\"{}, freed\", {call}, \"no living handle\");", function.name).unwrap();
    }
    nothing_is_wrong(&program(&format!("    edgepos_text *text = NULL;\n{calls}"), false));
}

#[test]
fn a_terminal_whose_thread_hangs_is_freed_all_the_same() {
    let Some(output) = run("hang") else { return };
    assert_eq!(support::text(&output.stderr), "");
    assert_eq!(support::text(&output.stdout), "0 failures\n");
    assert!(output.status.success(), "{}", output.status);
}

#[test]
#[cfg(target_os = "linux")]
fn signals_are_the_hosts_and_a_broken_connection_ends_no_program() {
    let Some(output) = run("signals") else { return };
    assert_eq!(support::text(&output.stderr), "");
    assert_eq!(support::text(&output.stdout), "0 failures\n");
    assert!(output.status.success());
}

#[test]
fn a_panic_is_an_answer_and_the_program_goes_on() {
    let Some(output) = run("poison") else { return };
    let expected = "-6 a fault that was asked for\n-6 an earlier call of this handle failed inside the library\n0\n0\n0\n";
    assert_eq!(support::text(&output.stdout), expected);
    assert_eq!(support::text(&output.stderr), "", "a host's stderr is not ours");
    assert!(output.status.success());
}
