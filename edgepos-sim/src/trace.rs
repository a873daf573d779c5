//! What went into and came out of every terminal and the cloud, as bytes to compare and as lines to read.

use std::collections::VecDeque;
use std::fmt::Write as _;

use edgepos::{Input, Output, Refusal, RequestId};
use edgepos_core::{Space, Write};
use edgepos_sync::{CloudReply, CloudRequest, Limits};
use sha2::{Digest, Sha256};

use crate::errand::Ask;

/// How many lines are kept for the report of a violation.
pub(crate) const TAIL: usize = 40;

/// One thing that happened.
#[derive(Debug)]
pub(crate) enum Entry<'a> {
    /// A terminal was told.
    In(&'a Input),
    /// A terminal asked.
    Out(&'a Output),
    /// A till asked its terminal.
    Ask(RequestId, &'a Ask),
    /// The terminal refused at once.
    Refused(RequestId, &'a Refusal),
    /// The cloud got a request.
    CloudGot(&'a [u8]),
    /// The cloud answered.
    CloudDid(&'a CloudReply),
    /// The world did something to a terminal or to all.
    World(&'a str),
}

/// What the trace does beside hashing.
#[derive(Debug, Default)]
pub enum Keep {
    /// Keeps nothing but the hash.
    #[default]
    Hash,
    /// Keeps the bytes, to compare a second run with.
    Bytes(Vec<u8>),
    /// Compares with the bytes of a first run, from a position on.
    Compare(Vec<u8>, usize),
    /// Keeps the last lines.
    Tail(VecDeque<String>),
    /// Keeps every line.
    Lines(Vec<String>),
}

/// The trace of one run.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: Sha256,
    keep: Keep,
    buffer: Vec<u8>,
    diverged: Option<String>,
}

impl Trace {
    /// An empty trace.
    pub(crate) fn new(keep: Keep) -> Self {
        Self { hash: Sha256::new(), keep, buffer: Vec::new(), diverged: None }
    }

    /// Notes what happened at a time of the world; `who` is a terminal's place from 0, `None` the cloud or the world.
    pub(crate) fn note(&mut self, at_us: u64, who: Option<usize>, entry: &Entry<'_>) {
        let mut bytes = std::mem::take(&mut self.buffer);
        bytes.clear();
        bytes.extend_from_slice(&at_us.to_be_bytes());
        bytes.push(who.map_or(0, |who| who as u8 + 1));
        write_entry(&mut bytes, entry);
        self.hash.update(&bytes);
        match &mut self.keep {
            Keep::Hash => {}
            Keep::Bytes(all) => all.extend_from_slice(&bytes),
            Keep::Compare(first, at) => {
                let end = (*at + bytes.len()).min(first.len());
                if self.diverged.is_none() && first[*at..end] != bytes[..] {
                    self.diverged = Some(line(at_us, who, entry));
                }
                *at = end;
            }
            Keep::Tail(lines) => {
                if lines.len() == TAIL {
                    lines.pop_front();
                }
                lines.push_back(line(at_us, who, entry));
            }
            Keep::Lines(lines) => lines.push(line(at_us, who, entry)),
        }
        self.buffer = bytes;
    }

    /// Ends the trace.
    pub(crate) fn finish(self) -> Finished {
        let hash = hex(&self.hash.finalize());
        let (mut bytes, mut lines, mut diverged) = (Vec::new(), Vec::new(), self.diverged);
        match self.keep {
            Keep::Hash => {}
            Keep::Bytes(all) => bytes = all,
            Keep::Compare(first, at) if at < first.len() => {
                diverged.get_or_insert("the end: the first run went on".into());
            }
            Keep::Compare(..) => {}
            Keep::Tail(tail) => lines = tail.into(),
            Keep::Lines(all) => lines = all,
        }
        Finished { hash, bytes, lines, diverged }
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
    }
    text
}

/// An ended trace.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Finished {
    /// SHA-256 over all entries, in hexadecimal.
    pub hash: String,
    /// All entries, where they were kept.
    pub bytes: Vec<u8>,
    /// Lines, where they were kept.
    pub lines: Vec<String>,
    /// Where a second run differed from the first.
    pub diverged: Option<String>,
}

fn write_entry(out: &mut Vec<u8>, entry: &Entry<'_>) {
    match entry {
        Entry::In(Input::Timeout) => out.push(1),
        Entry::In(Input::Persisted(id)) => numbers(out, 2, &[id.0]),
        Entry::In(Input::Loaded(id, rows)) => {
            numbers(out, 3, &[id.0, rows.len() as u64]);
            for (key, value) in rows {
                chunk(out, key);
                chunk(out, value);
            }
        }
        Entry::In(Input::PeerUp(peer, connection)) => numbers(out, 4, &[peer.0, connection.0]),
        Entry::In(Input::PeerLost(peer, connection)) => numbers(out, 5, &[peer.0, connection.0]),
        Entry::In(Input::Frame(peer, connection, frame)) => {
            numbers(out, 6, &[peer.0, connection.0]);
            chunk(out, frame);
        }
        Entry::Out(Output::Persist(persist) | Output::Write(persist)) => {
            let tag = if matches!(entry, Entry::Out(Output::Write(_))) { 15 } else { 7 };
            numbers(out, tag, &[persist.id.0, persist.writes.len() as u64]);
            for write in &persist.writes {
                match write {
                    Write::Put { space, key, value } => {
                        out.push(space.code());
                        chunk(out, key);
                        chunk(out, value);
                    }
                    Write::Delete { space, key } => {
                        out.push(0x80 | space.code());
                        chunk(out, key);
                    }
                }
            }
        }
        Entry::Out(Output::Load(load)) => {
            numbers(out, 8, &[load.id.0, u64::from(load.space.code()), u64::from(load.max_bytes)]);
            chunk(out, &load.from);
            chunk(out, &load.to);
        }
        Entry::Out(Output::Transmit { to, connection, frame }) => {
            numbers(out, 9, &[to.0, connection.0]);
            chunk(out, frame);
        }
        Entry::Out(Output::Uplink(id, request)) => {
            numbers(out, 10, &[id.0]);
            chunk(out, &request.encode());
        }
        Entry::CloudGot(request) => {
            out.push(11);
            chunk(out, request);
        }
        Entry::CloudDid(reply) => {
            out.push(12);
            chunk(out, &reply.encode());
        }
        Entry::In(Input::Uplink(id, Ok(reply))) => {
            numbers(out, 13, &[id.0]);
            chunk(out, &reply.encode());
        }
        // What is rare is written as text.
        other => {
            out.push(14);
            chunk(out, format!("{other:?}").as_bytes());
        }
    }
}

fn numbers(out: &mut Vec<u8>, tag: u8, numbers: &[u64]) {
    out.push(tag);
    numbers.iter().for_each(|number| out.extend_from_slice(&number.to_be_bytes()));
}

fn chunk(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn line(at_us: u64, who: Option<usize>, entry: &Entry<'_>) -> String {
    let who = who.map_or_else(|| "  ".into(), |who| format!("T{}", who + 1));
    let what = match entry {
        Entry::In(Input::Timeout) => "< timeout".into(),
        Entry::In(Input::Frame(peer, connection, frame)) => {
            format!("< T{} c{connection} {}", peer.terminal(), frame_text(frame))
        }
        Entry::In(Input::Loaded(id, rows)) => format!("< loaded {} with {} rows", id.0, rows.len()),
        Entry::In(input) => format!("< {input:?}"),
        Entry::Out(Output::Persist(persist)) => {
            format!("> persist {}: {}", persist.id.0, writes_text(&persist.writes))
        }
        Entry::Out(Output::Write(persist)) => {
            format!("> write {}: {}", persist.id.0, writes_text(&persist.writes))
        }
        Entry::Out(Output::Load(load)) => format!("> load {} {:?}", load.id.0, load.space),
        Entry::Out(Output::Transmit { to, connection, frame }) => {
            format!("> T{} c{connection} {}", to.terminal(), frame_text(frame))
        }
        Entry::Out(Output::Uplink(id, request)) => format!("> uplink {} {}", id.0, request_text(request)),
        Entry::Out(output) => format!("> {output:?}"),
        Entry::Ask(id, ask) => format!("? {} {ask:?}", id.0),
        Entry::Refused(id, refusal) => format!("! {} refused: {refusal}", id.0),
        Entry::CloudGot(request) => match CloudRequest::decode(request, &Limits::DEFAULT) {
            Ok(request) => format!("cloud < {}", request_text(&request)),
            Err(error) => format!("cloud < {error}"),
        },
        Entry::CloudDid(reply) => format!("cloud > {reply:?}"),
        Entry::World(text) => format!("* {text}"),
    };
    let mut line = format!("{:>4}.{:06} {who} {what}", at_us / 1_000_000, at_us % 1_000_000);
    if line.chars().count() > 400 {
        line = line.chars().take(399).chain(['…']).collect();
    }
    line
}

fn frame_text(frame: &[u8]) -> String {
    let text = match frame.split_first() {
        Some((1, body)) => {
            edgepos::consensus::Message::decode(body).map(|message| format!("{message:?}")).ok()
        }
        Some((2, body)) => {
            edgepos_sync::Message::decode(body, &Limits::DEFAULT).ok().map(|message| match message {
                edgepos_sync::Message::Batch { number, batch } => {
                    format!("Batch {number} of {} bytes", batch.len())
                }
                other => format!("{other:?}"),
            })
        }
        _ => None,
    };
    text.unwrap_or_else(|| format!("a frame of {} bytes", frame.len()))
}

fn request_text(request: &CloudRequest) -> String {
    match request {
        CloudRequest::Append { replica, epoch, old, new, batch, .. } => {
            format!("append from {replica}, epoch {epoch}, {} bytes, {old:?} to {new:?}", batch.len())
        }
        other => format!("{other:?}"),
    }
}

fn writes_text(writes: &[Write]) -> String {
    let mut text = String::new();
    for write in writes {
        let (sign, space, key) = match write {
            Write::Put { space, key, .. } => ("", space, key),
            Write::Delete { space, key } => ("-", space, key),
        };
        let name = match space {
            Space::Event => {
                edgepos_core::EventId::from_key(key).map(|id| format!(" {id}")).unwrap_or_default()
            }
            _ => String::new(),
        };
        write!(text, "{sign}{space:?}{name} ").expect("writing to a string does not fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use edgepos_core::{ConnectionId, ReplicaId};

    use super::*;

    fn run(keep: Keep, bytes: &[u8]) -> Finished {
        let mut trace = Trace::new(keep);
        for &byte in bytes {
            let input = Input::Frame(ReplicaId::new(1, 1), ConnectionId(1), vec![byte]);
            trace.note(u64::from(byte), Some(0), &Entry::In(&input));
        }
        trace.finish()
    }

    #[test]
    fn equal_runs_have_equal_hashes_and_others_have_not() {
        assert_eq!(run(Keep::Hash, b"abc").hash, run(Keep::Tail(VecDeque::new()), b"abc").hash);
        assert_ne!(run(Keep::Hash, b"abc").hash, run(Keep::Hash, b"abd").hash);
        assert_eq!(run(Keep::Hash, b"").hash.len(), 64);
    }

    #[test]
    fn a_second_run_is_compared_byte_by_byte() {
        let first = run(Keep::Bytes(Vec::new()), b"abc").bytes;
        assert_eq!(run(Keep::Compare(first.clone(), 0), b"abc").diverged, None);
        let diverged = run(Keep::Compare(first.clone(), 0), b"abd").diverged.unwrap();
        assert!(diverged.contains("0.000100"), "{diverged}");
        assert!(run(Keep::Compare(first.clone(), 0), b"ab").diverged.is_some(), "a shorter run differs");
        assert!(run(Keep::Compare(first, 0), b"abcd").diverged.is_some(), "a longer run differs");
    }

    #[test]
    fn the_tail_is_short() {
        let many: Vec<u8> = (0..100).collect();
        let lines = run(Keep::Tail(VecDeque::new()), &many).lines;
        assert_eq!(lines.len(), TAIL);
        assert!(lines[TAIL - 1].starts_with("   0.000099 T1 <"), "{}", lines[TAIL - 1]);
    }
}
