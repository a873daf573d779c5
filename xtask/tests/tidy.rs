//! The tree obeys its rules, and each rule can fail.

use xtask::tidy::{Tree, check, check_tree};

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
        ("docs/guide.md", "[gone](../gone.md)", "leads nowhere"),
        ("docs/out.md", "[out](../../out.md)", "leads nowhere"),
        ("deny.toml", "ignore = [{ id = \"RUSTSEC-2024-0437\" }]", "is not explained"),
        ("docs/advisories.md", "RUSTSEC-2024-0437 does not reach us", "is not ignored"),
        ("fuzz/Cargo.toml", "", "ARCHITECTURE.md: the crate at fuzz is not on the map"),
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
