//! Rows that no election wrote.

use edgepos_consensus::{Election, Input as Told, Output, Restored, StartError};
use edgepos_core::{Now, Space};

use super::forge::change_number;
use super::input::Input;
use super::shop::{Rows, Shop, config};

/// An honest disk, with rows lost, moved and changed, or rows made of the input: an election starts from them or says what is wrong.
/// One that starts neither panics nor halts, alone or led by others.
///
/// # Panics
/// When it does.
pub fn restored_rows(input: &[u8]) {
    let input = &mut Input::new(input);
    let shape = input.byte();
    let terminals = 1 + usize::from(shape & 1) * 2;
    let mut rows = if shape & 2 == 0 { honest(terminals, shape) } else { Rows::new() };
    for _ in 0..40 {
        if input.is_empty() {
            break;
        }
        change(&mut rows, input);
    }
    let mut restored = Restored::new();
    for ((space, key), value) in &rows {
        if restored.insert(*space, key, value).is_err() {
            return;
        }
    }
    match Election::new(Now::new(5000, 0), config(0, terminals, false), restored) {
        Ok(election) => live(election),
        // What is wrong with the rows is found before raft sees them.
        Err(error) => assert!(!matches!(error, StartError::Refused { .. }), "{error}"),
    }
}

/// What is on the first terminal's disk after some decisions.
fn honest(terminals: usize, shape: u8) -> Rows {
    let mut shop = Shop::new(terminals, false);
    shop.run(1000);
    for number in 0..u8::from(shape & 4 != 0) * 20 + 2 {
        let leader = shop.leader();
        shop.propose(leader, &[number; 3]);
        shop.run(20);
    }
    shop.into_disk(0)
}

fn change(rows: &mut Rows, input: &mut Input<'_>) {
    let choice = input.byte() % 8;
    let position = input.below(rows.len());
    let Some((place, value)) = rows.iter().nth(position).map(|(place, value)| (place.clone(), value.clone()))
    else {
        return make(rows, input);
    };
    match choice {
        0 => drop(rows.remove(&place)),
        1..=3 => drop(rows.insert(place, change_number(&value, input))),
        4 => {
            // An entry of the log under another index, in its key and in itself.
            let mut moved = value;
            if place.0 == Space::ElectionLog && moved.len() > 2 {
                let index = input.byte() % 24;
                moved[2] = index;
                rows.insert((place.0, u64::from(index).to_be_bytes().to_vec()), moved);
            }
        }
        5 => {
            let mut cut = value;
            cut.truncate(input.below(256));
            rows.insert(place, cut);
        }
        6 => {
            let other = input.below(rows.len());
            let other = rows.values().nth(other).cloned().unwrap_or_default();
            rows.insert(place, other);
        }
        _ => make(rows, input),
    }
}

/// A row made of the input.
fn make(rows: &mut Rows, input: &mut Input<'_>) {
    let space = Restored::SPACES[input.below(Restored::SPACES.len())];
    let key = match input.byte() % 6 {
        0 => b"hard".to_vec(),
        1 => b"applied".to_vec(),
        2 => b"base".to_vec(),
        3 => b"members".to_vec(),
        4 => u64::from(input.byte()).to_be_bytes().to_vec(),
        _ => input.bytes(20).to_vec(),
    };
    rows.insert((space, key), input.bytes(80).to_vec());
}

/// Some time in which it is told nothing but the time, and its writes are durable.
fn live(mut election: Election) {
    let mut now = 5000;
    for _ in 0..30 {
        while let Some(output) = election.poll_output() {
            if let Output::Persist(persist) = output {
                election.handle(Now::new(now, 0), Told::Persisted(persist.id));
            }
        }
        assert_eq!(election.halted(), None);
        now = election.poll_timeout().map_or(now + 100, |deadline| deadline.0.clamp(now, now + 60_000));
        election.handle(Now::new(now, 0), Told::Timeout);
    }
}
