//! The tree obeys its rules, and each rule can fail.

use xtask::tidy::{Tree, allowed, check, check_tree};

#[test]
fn the_tree_is_tidy() {
    let findings = check(&xtask::root());
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// A tree that obeys every rule, to be broken in one place.
fn small() -> Tree {
    let mut tree = Tree::default();
    let texts = [
        ("Cargo.toml", "[workspace.package]\nrust-version = \"1.94\"\n"),
        ("README.md", "Needs Rust 1.94. `edgepos-sync`, see [the map](ARCHITECTURE.md#map)\n"),
        ("ARCHITECTURE.md", "`edgepos-sync`\n"),
        ("edgepos-sync/Cargo.toml", "[dependencies]\nzstd.workspace = true\n"),
        ("edgepos-sync/src/lib.rs", "//! Not HashMap.\n#[cfg(test)]\nmod tests { use std::fs; }\n"),
        ("edgepos-sync/tests/a.rs", "#[test]\nfn is_there() {}\nfn of_nobody() {}\n"),
    ];
    for (path, text) in texts {
        tree.texts.insert(path.into(), text.into());
        tree.names.insert(path.into());
    }
    tree
}

#[test]
fn a_tidy_tree_has_no_findings() {
    assert_eq!(check_tree(&small()), Vec::<String>::new());
}

/// A page that names a test that is there, in a file that is there, and one that is not.
const CLAIM: &str = "| number | test |\n|---|---|\n| a | `edgepos-sync/src/lib.rs`, `is_there` |\n| b | `of_nobody` |\n\n| c | `d` |";

#[test]
fn each_rule_can_fail() {
    let long = "\n".repeat(601);
    let broken = [
        ("edgepos-sync/src/queue.rs", "use std::collections::HashMap;", "HashMap"),
        ("edgepos-core/src/time.rs", "let t = Instant::now();", "told the time"),
        ("edgepos/src/terminal/mod.rs", "use tokio::time;", "knows no runtime"),
        ("edgepos-consensus/src/guard.rs", "use raft::RawNode;", "named in edgepos-consensus/src/raft.rs"),
        ("edgepos/src/node.rs", "fn f(c: rusqlite::Connection) {}", "sqlite_store.rs"),
        ("edgepos-sync/src/util.rs", "", "named after"),
        ("edgepos-sync/src/long.rs", &long, "601 lines"),
        ("edgepos-sync/src/doc.rs", "/// ```ignore", "never run"),
        ("edgepos-sync/src/lane.rs", "fn f() -> Result<(u8, Vec<u8>), String> {}", "an error is a type"),
        ("benches/benches/lane.rs", "fn f() -> Result<Result<(), String>, Gone> {}", "an error is a type"),
        ("edgepos/src/tcp.rs", "let socket = unsafe { open() };", "for the edges to C alone"),
        ("edgepos-ffi/src/lib.rs", "#![deny(missing_docs)]", "demand a reason"),
        ("docs/guide.md", "[gone](../gone.md)", "leads nowhere"),
        ("docs/out.md", "[out](../../out.md)", "leads nowhere"),
        ("deny.toml", "ignore = [{ id = \"RUSTSEC-2024-0437\" }]", "is not explained"),
        ("docs/advisories.md", "RUSTSEC-2024-0437 does not reach us", "is not ignored"),
        ("docs/claims.md", CLAIM, "docs/claims.md:4: there is no test of_nobody"),
        ("docs/claims.md", "|---|---|\n| a | none |", "docs/claims.md:2: no test is named"),
        ("README.md", "Needs Rust 1.70. `edgepos-sync`", "1.94"),
        ("README.md", "Needs Rust 1.94.", "edgepos-sync is not on the map"),
        ("fuzz/Cargo.toml", "", "ARCHITECTURE.md: the crate at fuzz is not on the map"),
        ("edgepos-sync/Cargo.toml", "[dependencies]\nzstd = \"0.14\"\n", "workspace.dependencies"),
    ];
    for (path, text, expected) in broken {
        let mut tree = small();
        tree.texts.insert(path.into(), text.into());
        tree.names.insert(path.into());
        let findings = check_tree(&tree);
        assert!(findings.iter().any(|finding| finding.contains(expected)), "{path}: {findings:?}");
    }
}

#[test]
fn the_edge_to_c_may_be_unsafe() {
    let mut tree = small();
    tree.texts.insert("edgepos-ffi/src/text.rs".into(), "fn f() { unsafe { g() } }\n".into());
    tree.texts.insert("edgepos-sync/src/lib.rs".into(), "#![forbid(unsafe_code)]\nfn unsafely() {}\n".into());
    assert_eq!(check_tree(&tree), Vec::<String>::new());
}

#[test]
fn our_own_module_may_be_called_like_its_crate() {
    let mut tree = small();
    let path = "edgepos-consensus/src/election.rs";
    tree.texts.insert(path.into(), "use crate::raft::Core;\nuse self::raft::Core;\n".into());
    assert_eq!(check_tree(&tree), Vec::<String>::new());
}

#[test]
fn a_module_for_tests_alone_may_hash() {
    let mut tree = small();
    tree.texts.insert("edgepos-sync/src/log.rs".into(), "#[cfg(test)]\nmod model;\n".into());
    tree.texts.insert("edgepos-sync/src/log/model.rs".into(), "use std::collections::HashMap;".into());
    assert_eq!(check_tree(&tree), Vec::<String>::new());
    tree.texts.insert("edgepos-sync/src/log.rs".into(), "mod model;\n".into());
    assert_eq!(check_tree(&tree).len(), 1);
}

/// The small tree with further files.
fn with(files: &[(&str, &str)]) -> Tree {
    let mut tree = small();
    for (path, text) in files {
        tree.texts.insert((*path).into(), (*text).into());
        tree.names.insert((*path).into());
    }
    tree
}

/// A library of the given modules, each in a file of its own.
fn library(modules: &[(&str, &str)]) -> Tree {
    let mut tree = small();
    let declared: String = modules.iter().map(|(name, _)| format!("mod {name};\n")).collect();
    tree.texts.insert("edgepos-sync/src/lib.rs".into(), declared);
    for (name, text) in modules {
        tree.texts.insert(format!("edgepos-sync/src/{name}.rs"), (*text).into());
    }
    tree
}

#[track_caller]
fn finds(tree: &Tree, expected: &[&str]) {
    let findings = check_tree(tree);
    assert_eq!(findings.len(), expected.len(), "{findings:?}");
    for (finding, expected) in findings.iter().zip(expected) {
        assert!(finding.contains(expected), "{finding} instead of {expected}");
    }
}

#[test]
fn files_do_not_import_each_other_in_a_circle() {
    let queue = ("queue", "use crate::lane::Lane;\npub(crate) struct Queue(Lane);\n");
    finds(&library(&[queue, ("lane", "pub(crate) struct Lane;\n")]), &[]);
    let circle = "lane.rs → edgepos-sync/src/queue.rs → edgepos-sync/src/lane.rs";
    let inline = ("lane", "pub(crate) struct Lane;\nfn f() { crate::queue::Queue::new() }\n");
    finds(&library(&[queue, inline]), &[circle, "queue.rs: in a circle"]);
    let through_a_third = [
        queue,
        ("lane", "use super::peer::*;\npub(crate) struct Lane(Peer);\n"),
        ("peer", "use super::queue;\npub(crate) struct Peer(queue::Queue);\n"),
    ];
    finds(&library(&through_a_third), &["lane.rs", "peer.rs", "queue.rs"]);
    let of_tests =
        ("lane", "pub(crate) struct Lane;\n#[cfg(test)]\nmod tests { use crate::queue::Queue; }\n");
    finds(&library(&[queue, of_tests]), &[]);
    let linked = ("lane", "/// See [`crate::queue::Queue`] for more.\npub(crate) struct Lane;\n");
    finds(&library(&[queue, linked]), &[]);
}

#[test]
fn a_parent_that_only_hands_on_is_in_no_circle() {
    let peer = ("peer", "use super::lane::Lane;\npub(crate) struct Peer(Lane);\n");
    let lane = "pub(crate) use order::Order;\nmod order;\nmod slot;\npub(crate) struct Lane;\n";
    let order = ("lane/order", "use super::slot::Slot;\npub(crate) struct Order(Slot);\n");
    let slot = ("lane/slot", "pub(crate) struct Slot;\n");
    let tree = |lane: &str, slot: (&str, &str)| {
        let mut tree = library(&[peer, ("lane", lane)]);
        for (name, text) in [order, slot] {
            tree.texts.insert(format!("edgepos-sync/src/{name}.rs"), text.into());
        }
        tree
    };
    finds(&tree(lane, slot), &[]);
    let of_a_sibling = ("lane/slot", "use super::Order;\npub(crate) struct Slot(Order);\n");
    finds(&tree(lane, of_a_sibling), &["order.rs: in a circle", "slot.rs: in a circle"]);
    let of_the_parent = ("lane/slot", "use super::Lane;\npub(crate) struct Slot(Lane);\n");
    finds(&tree(lane, of_the_parent), &[]);
    let used = format!("{lane}fn f(order: Order) {{}}\n");
    finds(&tree(&used, of_the_parent), &["lane.rs: in a circle", "order.rs", "slot.rs"]);
}

#[test]
fn a_struct_that_changes_itself_keeps_its_fields() {
    let record = "pub(crate) struct Lane { pub(crate) depth: u64 }\nimpl Lane { fn depth(&self) -> u64 { self.depth } }\n";
    finds(&library(&[("lane", record)]), &[]);
    let parent = record.replace("&self", "&mut self");
    finds(&library(&[("lane", &parent)]), &["lane.rs: Lane.depth is open"]);
    let hidden = parent.replace("{ pub(crate) depth", "{ pub depth");
    finds(&library(&[("lane", &hidden)]), &["Lane.depth"]);
    finds(&library(&[("lane", &parent.replace("{ pub(crate) depth", "{ depth"))]), &[]);
    let apart = [
        ("lane", record),
        ("turn", "impl super::lane::Lane { fn turn(&mut self) {} }\npub(crate) fn f() {}\n"),
    ];
    finds(&library(&apart), &["Lane.depth"]);
}

#[test]
fn a_file_holds_more_than_methods_of_what_another_defines() {
    let lane = ("lane", "pub(crate) struct Lane;\n");
    let only =
        "use crate::lane::Lane;\nimpl Lane { fn depth(&self) -> u64 { zero() } }\nfn zero() -> u64 { 0 }\n";
    finds(&library(&[lane, ("depth", only)]), &["depth.rs: holds nothing but methods of Lane"]);
    finds(&library(&[lane, ("depth", &format!("{only}pub(crate) struct Depth(u64);\n"))]), &[]);
    finds(
        &library(&[
            lane,
            ("depth", "impl From<u8> for crate::lane::Lane { fn from(_: u8) -> Self { Self } }\n"),
        ]),
        &[],
    );
    let of_tests = format!("#[cfg(test)]\nmod depth {{ {only} }}\n");
    finds(&library(&[lane, ("depth", &of_tests)]), &[]);
}

#[test]
fn a_public_doc_says_more_than_two_words() {
    let cases = [
        ("/// Why.\npub fn why() {}\n", true),
        ("/// Why.\n#[inline]\npub fn why() {}\n", true),
        ("pub enum E {\n    A {\n        /// Why.\n        why: u8,\n    },\n}\n", true),
        ("pub trait T {\n    /// Why not.\n    fn why(&self);\n}\n", true),
        ("pub struct S {\n    /// Why not.\n    why: u8,\n}\n", false),
        ("/// Why.\nfn why() {}\n", false),
        ("/// Why it\n/// failed.\npub fn why() {}\n", false),
        ("fn f() {\n    // Why.\n}\n", false),
    ];
    for (text, fails) in cases {
        let expected: &[&str] = if fails { &["say what it contains"] } else { &[] };
        finds(&with(&[("edgepos-sync/tests/doc.rs", text)]), expected);
    }
}

#[test]
fn cannot_is_one_word() {
    let (apart, one) = (["can", "not"].join(" "), "is one word");
    finds(
        &with(&[("docs/a.md", &format!("It {apart}.\nA terminal\nCan\nnot say.\n"))]),
        &["a.md:1", "a.md:4"],
    );
    finds(
        &with(&[("edgepos-sync/tests/a.rs", &format!("// It `{apart}`\n/// can\n/// not.\n"))]),
        &[one, "a.rs:3"],
    );
    finds(&with(&[("docs/a.md", &format!("It {apart} only sell. It cannot. It can. Not now.\n"))]), &[]);
}

#[test]
fn the_list_of_what_is_allowed_only_gets_shorter() {
    let list = "xtask/tidy-ratchet.txt";
    let only = "impl crate::lane::Lane {}\n";
    let mut tree = library(&[("lane", "pub(crate) struct Lane;\n"), ("a", only), ("b", only)]);
    let [a, b] = ["a", "b"].map(|name| format!("impl-only edgepos-sync/src/{name}.rs\n"));
    tree.texts.insert(list.into(), format!("# Why\n\n{a}circle gone.rs\n"));
    finds(&tree, &["src/b.rs: holds nothing", "`circle gone.rs` is no longer needed"]);
    let written = allowed(&tree, false);
    assert!(written.ends_with(&format!("\n{a}")), "{written}");
    assert!(allowed(&tree, true).ends_with(&format!("\n{a}{b}")));
    tree.texts.insert(list.into(), allowed(&tree, true));
    finds(&tree, &[]);
}

#[test]
fn an_error_may_hold_a_text_and_a_test_may_be_one() {
    let collected =
        "fn f() -> Result<BTreeMap<u8, String>, Gone> { g::<Result<Vec<(u8, String)>, Gone>>() }\n";
    finds(&with(&[("edgepos-sync/src/lane.rs", collected)]), &[]);
    let in_tests = "#[cfg(test)]\nmod tests { fn f() -> Result<(), String> {} }\n";
    finds(&with(&[("edgepos-sync/src/lane.rs", in_tests)]), &[]);
    finds(&with(&[("edgepos-sync/tests/lane.rs", "fn f() -> Result<(), String> {}\n")]), &[]);
}

#[test]
fn a_word_with_one_meaning_names_one_type() {
    let batch = "pub struct Batch;\n";
    let [a, b] = ["edgepos-sync/src/a.rs", "edgepos-inference/src/b.rs"];
    finds(&with(&[(a, batch), (b, "struct Batches;\n/// See `struct Batch`.\nstruct MyBatch;\n")]), &[]);
    finds(&with(&[(a, batch), (b, "pub(crate) enum Batch {}\n")]), &["`Batch` has one meaning"]);
    finds(&with(&[(a, batch), ("edgepos-inference/tests/b.rs", batch)]), &[]);
    let [pace, other] = ["edgepos-consensus/src/pace.rs", "edgepos-sync/src/peers/pace.rs"];
    finds(&with(&[(pace, ""), (other, "")]), &["there is one pace.rs"]);
}

#[test]
fn idioms_are_told_with_what_to_write_instead() {
    finds(
        &with(&[("edgepos-sync/tests/a.rs", "/// When a row is none.\nfn f() {}\n")]),
        &["a.rs:1: `is none.`"],
    );
    finds(&with(&[("docs/a.md", "Sales wait for company.\n")]), &["a.md:1: `company`"]);
    let allowed = "/// `None` where there is none.\nfn company() {}\n";
    finds(&with(&[("edgepos-sync/tests/a.rs", allowed)]), &[]);
}

/// A page with three roads of two files each, and those files.
fn with_roads(page: impl Fn(String) -> String) -> Tree {
    let road = |title: &str| {
        format!("**{title}**\n\n```text\nDesk::begin  desk.rs\n└─► Series: the number  series.rs\n```\n\n")
    };
    let roads = ["A sale.", "A raft message.", "A picture."].map(road).concat();
    let page = page(format!("`edgepos-sync`\n\n## Three roads\n\n{roads}"));
    let mut tree = with(&[("ARCHITECTURE.md", &page)]);
    for krate in ["edgepos", "edgepos-consensus", "edgepos-inference"] {
        let desk =
            "use crate::series::Series;\npub struct Desk(Series);\nimpl Desk { pub fn begin(&self) {} }\n";
        for (file, text) in
            [("desk", desk), ("series", "pub struct Series;\n"), ("alone", "pub struct Alone;\n")]
        {
            tree.texts.insert(format!("{krate}/src/{file}.rs"), text.into());
        }
    }
    tree
}

#[test]
fn the_roads_lead_from_file_to_file() {
    finds(&with_roads(|page| page), &[]);
    let once = |from: &'static str, to: &'static str| with_roads(move |page| page.replacen(from, to, 1));
    finds(&once("desk.rs", "gone.rs"), &["gone.rs is neither there nor in", "Desk::begin is in no file"]);
    finds(&once("Desk::begin", "Desk::commit"), &["Desk::commit is in no file of the road"]);
    finds(
        &once("Series: the number  series.rs", "Alone  alone.rs"),
        &["no file of the road before leads to"],
    );
    finds(&once("**A picture.**", "A picture"), &["there is no road under **A picture.**"]);
}
