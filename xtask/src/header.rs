//! `cargo xtask header` writes the C header from the source of `edgepos-ffi`; `--check` compares what is committed with it.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use cbindgen::{Builder, Config, DocumentationStyle, ItemType, Language, Style};

use crate::failure::Failure;

/// Where the header is, from the root of the checkout.
pub const PATH: &str = "edgepos-ffi/include/edgepos.h";

const HEAD: &str = "\
/* The C API of edgepos. Made from the source of edgepos-ffi by `cargo xtask header`: do not edit.
 *
 * Every function that can fail answers with a status: EDGEPOS_OK, above it a status without an answer, below it a failure, which
 * edgepos_last_detail() explains. Outputs are written only with EDGEPOS_OK. Texts are UTF-8 with their length. Handles are freed by
 * whoever got them. A handle may be used from any thread; each function says under \"Threads\" whether several may call it at once. There are
 * twenty statuses, of which none changes its meaning and none is added: a new reason comes under the one that says what to do. */";

/// Names that C has for types of Rust.
const NAMES: [(&str, &str); 7] = [
    ("NodeHandle", "edgepos_node"),
    ("EventsHandle", "edgepos_events"),
    ("TextHandle", "edgepos_text"),
    ("TerminalHandle", "edgepos_terminal"),
    ("OutputHandle", "edgepos_output"),
    ("RowsHandle", "edgepos_rows"),
    ("Scan", "edgepos_scan"),
];

/// Functions that fail for a test, in builds for tests alone.
const FOR_TESTS: [&str; 9] = [
    "edgepos_node_poison",
    "edgepos_node_poison_beneath",
    "edgepos_node_poison_hang",
    "edgepos_node_poison_stand_still",
    "edgepos_node_poison_go_on",
    "edgepos_events_poison",
    "edgepos_terminal_poison",
    "edgepos_output_poison",
    "edgepos_rows_poison",
];

/// `arguments` are those behind `header`.
///
/// # Errors
/// When the source cannot be read, or `--check` finds another header.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let root = crate::root();
    let made = text(&root)?;
    let path = root.join(PATH);
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => fs::write(&path, made).map_err(Failure::at(&path)),
        ["--check"] => {
            let committed = fs::read_to_string(&path).map_err(Failure::at(&path))?;
            if committed == made {
                Ok(())
            } else {
                Err(Failure::Stale { path: PATH, remedy: "cargo xtask header" })
            }
        }
        _ => Err(Failure::Usage("usage: cargo xtask header [--check]".into())),
    }
}

/// The header that the source below `root` makes.
///
/// # Errors
/// When the source cannot be read.
pub fn text(root: &Path) -> Result<String, Failure> {
    // It follows the modules that the file declares, in their order.
    let builder = Builder::new().with_config(config()).with_src(root.join("edgepos-ffi/src/lib.rs"));
    let bindings = builder.generate().map_err(|error| Failure::Header(Box::new(error)))?;
    let mut made = Vec::new();
    bindings.write(&mut made);
    String::from_utf8(made).map_err(|error| Failure::Header(Box::new(error)))
}

fn config() -> Config {
    let mut config = Config {
        language: Language::C,
        header: Some(HEAD.into()),
        include_guard: Some("EDGEPOS_H".into()),
        no_includes: true,
        sys_includes: vec!["stddef.h".into(), "stdint.h".into()],
        cpp_compat: true,
        style: Style::Type,
        documentation_style: DocumentationStyle::C,
        usize_is_size_t: true,
        line_length: 110,
        ..Config::default()
    };
    config.export.rename =
        NAMES.map(|(rust, c)| (rust.to_owned(), c.to_owned())).into_iter().collect::<HashMap<_, _>>();
    config.export.exclude = FOR_TESTS.map(String::from).to_vec();
    config.export.item_types =
        vec![ItemType::Constants, ItemType::OpaqueItems, ItemType::Typedefs, ItemType::Functions];
    config
}
