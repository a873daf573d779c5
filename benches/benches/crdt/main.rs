//! The data types beside the crate `crdts`, in one run: time of merges, size of deltas, resident memory.
//!
//! `cargo bench -p edgepos-benches --bench crdt` prints one table with targets; `--features peers` adds automerge, loro and yrs on the
//! same work. `docs/benchmarks-crdt.md` has a run with its machine.
//!
//! Each side starts every round from a fresh state that is larger than the processor's cache, or after the cache was filled with
//! something else. The two sides take turns, what is timed is this thread's processor time, the median counts, and what each side
//! computed is checked.

mod counters;
mod deltas;
mod measure;
mod memory;
#[cfg(feature = "peers")]
mod peers;
mod sets;
mod store;
mod tables;
mod verdict;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == memory::CHILD) {
        memory::child(arguments.get(at + 1).expect("what to build follows the flag"));
        return;
    }
    // `cargo test` builds and starts every benchmark: measuring is only for `cargo bench`.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    // What the allocator gave back to the system comes back page by page, and the time that takes says nothing about either side.
    if std::env::var_os(measure::KEEP_MEMORY.0).is_none() {
        let program = std::env::current_exe().expect("this program has a path");
        let again = std::process::Command::new(program)
            .args(&arguments[1..])
            .env(measure::KEEP_MEMORY.0, measure::KEEP_MEMORY.1)
            .status();
        std::process::exit(again.ok().and_then(|status| status.code()).unwrap_or(1));
    }
    let wanted = arguments.iter().skip(1).find(|argument| !argument.starts_with('-'));
    type Part = fn(&mut verdict::Report);
    let parts: [(&str, Part); 5] = [
        ("tables", tables::run),
        ("counters", counters::run),
        ("sets", sets::run),
        ("deltas", deltas::run),
        ("memory", memory::run),
    ];
    let mut report = verdict::Report::default();
    for (name, part) in parts {
        if wanted.is_none_or(|wanted| wanted == name) {
            part(&mut report);
        }
    }
    println!("{report}");
    #[cfg(feature = "peers")]
    if wanted.is_none_or(|wanted| wanted == "peers") {
        peers::run();
    }
}
