//! Payloads taken apart into columns.

use std::collections::{BTreeMap, BTreeSet};

use super::ints;
use super::item::{self, Item, Key};
use super::paths::{Paths, Step};
use super::streams::Streams;
use super::strings;
use super::token::{Broken, Token};

/// What a batch has at one place of its payloads.
#[derive(Default)]
struct Column<'p> {
    /// Whether its maps have a column for each value of their key 0.
    has_cases: bool,
    tokens: Vec<u8>,
    /// How many elements its arrays have.
    lengths: Vec<u64>,
    /// Lists of keys that its maps have, and which of them each has.
    shapes: BTreeMap<Vec<Key<'p>>, u64>,
    maps: Vec<u64>,
    ints: Vec<ints::Met>,
    strings: Vec<strings::Met<'p>>,
    heads: Vec<u8>,
}

/// All columns of a batch.
struct Writer<'p> {
    columns: Vec<Column<'p>>,
    paths: Paths<Key<'p>>,
    cases: Cases<'p>,
    /// How many integers and strings were met.
    met: u32,
}

/// The payloads as columns, and where they should be cut to be compressed piece by piece. `None`: there are too many columns.
pub(super) fn write<'p>(payloads: impl Iterator<Item = &'p [u8]> + Clone) -> Option<(Vec<u8>, Vec<usize>)> {
    let items: Vec<Item<'p>> = payloads
        .map(|payload| match Item::whole(payload) {
            // A payload that is a string of bytes alone stays whole as well.
            Some(Item::Bytes(_)) | None => Item::Bytes(payload),
            Some(item) => item,
        })
        .collect();
    let mut cases = Cases::default();
    items.iter().try_for_each(|item| cases.look(item, 0)).ok()?;
    let mut writer = Writer { columns: Vec::new(), paths: Paths::default(), cases, met: 0 };
    writer.columns.push(Column { has_cases: true, ..Column::default() });
    for item in &items {
        let token = matches!(item, Item::Bytes(_)).then_some(Token::Whole);
        writer.item(item, 0, 0, token).ok()?;
    }
    Some(writer.finish())
}

impl<'p> Writer<'p> {
    /// Adds an item to column `at`. `plain` is its place without cases.
    fn item(&mut self, item: &Item<'p>, at: usize, plain: usize, token: Option<Token>) -> Result<(), Broken> {
        let own = match item {
            Item::Int(_) => Token::Int,
            Item::Bytes(_) => Token::Bytes,
            Item::Text(_) => Token::Text,
            Item::Array(_) => Token::Array,
            Item::Map(_) => Token::Map,
            Item::Inside(_) => Token::Inside,
            Item::Head(_) => Token::Head,
        };
        let met = self.met;
        let column = &mut self.columns[at];
        column.tokens.push(token.unwrap_or(own) as u8);
        match item {
            Item::Int(number) => {
                column.ints.push((met, *number));
                self.met += 1;
            }
            Item::Bytes(string) | Item::Text(string) => {
                column.strings.push((met, string));
                self.met += 1;
            }
            Item::Head(bytes) => column.heads.extend_from_slice(bytes),
            Item::Array(items) => {
                column.lengths.push(items.len() as u64);
                for item in items {
                    self.step(item, at, plain, Step::Element)?;
                }
            }
            Item::Map(entries) => self.map(entries, at, plain)?,
            Item::Inside(item) => self.step(item, at, plain, Step::Inside)?,
        }
        Ok(())
    }

    fn map(&mut self, entries: &[(Key<'p>, Item<'p>)], at: usize, plain: usize) -> Result<(), Broken> {
        let column = &mut self.columns[at];
        let shape: Vec<Key<'p>> = entries.iter().map(|(key, _)| *key).collect();
        let next = column.shapes.len() as u64;
        column.maps.push(*column.shapes.entry(shape).or_insert(next));
        let has_cases = column.has_cases;
        let mut inner = at;
        for (place, (key, item)) in entries.iter().enumerate() {
            self.step(item, inner, plain, Step::Value(*key))?;
            if has_cases
                && place == 0
                && let (Key::Number(0), Item::Int(case)) = (key, item)
            {
                inner = self.enter(at, plain, Step::Case(*case))?.0;
            }
        }
        Ok(())
    }

    fn step(&mut self, item: &Item<'p>, at: usize, plain: usize, step: Step<Key<'p>>) -> Result<(), Broken> {
        let (at, plain) = self.enter(at, plain, step)?;
        self.item(item, at, plain, None)
    }

    /// The column that a step leads to, and its place without cases.
    fn enter(&mut self, at: usize, plain: usize, step: Step<Key<'p>>) -> Result<(usize, usize), Broken> {
        let plain =
            if matches!(step, Step::Case(_)) { plain } else { self.cases.paths.step(plain, step.clone())?.0 };
        let (next, is_new) = self.paths.step(at, step)?;
        if is_new {
            let has_cases = self.cases.repeated.contains(&plain);
            self.columns.push(Column { has_cases, ..Column::default() });
        }
        Ok((next, plain))
    }

    fn finish(self) -> (Vec<u8>, Vec<usize>) {
        let mut out = Streams::default();
        out.number(self.columns.len() as u64);
        let ints: Vec<_> = self.columns.iter().map(|column| column.ints.as_slice()).collect();
        let strings: Vec<_> = self.columns.iter().map(|column| column.strings.as_slice()).collect();
        let mut tries = ints::MAX_TRIED;
        for (at, column) in self.columns.iter().enumerate() {
            let parts = [
                column.has_cases,
                !column.lengths.is_empty(),
                !column.maps.is_empty(),
                !column.ints.is_empty(),
                !column.strings.is_empty(),
                !column.heads.is_empty(),
            ];
            out.number(parts.iter().rev().fold(0, |bits, part| bits << 1 | u64::from(*part)));
            out.bytes(&column.tokens);
            if parts[1] {
                out.numbers(&column.lengths);
            }
            if parts[2] {
                shapes(&mut out, &column.shapes);
                out.numbers(&column.maps);
            }
            if parts[3] {
                ints::write(&mut out, &ints, at, &mut tries);
            }
            if parts[4] {
                strings::write(&mut out, &strings, at);
            }
            if parts[5] {
                out.bytes(&column.heads);
            }
        }
        out.finish()
    }
}

/// How many lists of keys, and of each how many keys and what they are.
fn shapes(out: &mut Streams, shapes: &BTreeMap<Vec<Key<'_>>, u64>) {
    let mut keys = Vec::new();
    let mut ordered: Vec<_> = shapes.iter().collect();
    ordered.sort_unstable_by_key(|(_, number)| **number);
    out.number(ordered.len() as u64);
    for (shape, _) in ordered {
        out.number(shape.len() as u64);
        for key in shape {
            match key {
                Key::Number(number) => item::head(&mut keys, item::UNSIGNED, *number),
                Key::Name(name) => {
                    item::head(&mut keys, item::TEXT, name.len() as u64);
                    keys.extend_from_slice(name);
                }
            }
        }
    }
    out.bytes(&keys);
}

/// Where arrays hold maps of several kinds, told apart by their key 0: effects are so by their counter, and lines are not, whose numbers
/// never repeat within a receipt.
#[derive(Default)]
struct Cases<'p> {
    paths: Paths<Key<'p>>,
    repeated: BTreeSet<usize>,
}

impl<'p> Cases<'p> {
    fn look(&mut self, item: &Item<'p>, at: usize) -> Result<(), Broken> {
        match item {
            Item::Array(items) => {
                let (element, _) = self.paths.step(at, Step::Element)?;
                let mut seen = BTreeSet::new();
                for item in items {
                    if let Item::Map(entries) = item
                        && let Some((Key::Number(0), Item::Int(case))) = entries.first()
                        && !seen.insert(*case)
                    {
                        self.repeated.insert(element);
                    }
                    self.look(item, element)?;
                }
            }
            Item::Map(entries) => {
                for (key, item) in entries {
                    let (inner, _) = self.paths.step(at, Step::Value(*key))?;
                    self.look(item, inner)?;
                }
            }
            Item::Inside(item) => {
                let (inner, _) = self.paths.step(at, Step::Inside)?;
                self.look(item, inner)?;
            }
            Item::Int(_) | Item::Bytes(_) | Item::Text(_) | Item::Head(_) => {}
        }
        Ok(())
    }
}
