//! Honest messages and rows, changed field by field: a map from small integers to items.

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

use super::input::Input;

/// The fields of a message that hold one number.
const NUMBERS: [u64; 12] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/// A map, each value in its bytes.
pub(super) struct Fields(Vec<(u64, Vec<u8>)>);

impl Fields {
    /// `None` when the bytes are no map of integers.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut decoder = Decoder::new(bytes);
        let count = decoder.map().ok()??;
        let mut fields = Vec::new();
        for _ in 0..count {
            let key = decoder.u64().ok()?;
            let start = decoder.position();
            decoder.skip().ok()?;
            fields.push((key, bytes[start..decoder.position()].to_vec()));
        }
        Some(Self(fields))
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        encoder.map(self.0.len() as u64).expect("a vector takes all");
        for (key, value) in &self.0 {
            encoder.u64(*key).expect("a vector takes all");
            encoder.writer_mut().extend(value);
        }
        encoder.into_writer()
    }

    pub(super) fn number(&self, key: u64) -> u64 {
        let found = self.0.iter().find(|(known, _)| *known == key);
        found.and_then(|(_, value)| Decoder::new(value).u64().ok()).unwrap_or_default()
    }

    pub(super) fn set(&mut self, key: u64, number: u64) {
        let mut encoder = Encoder::new(Vec::new());
        encoder.u64(number).expect("a vector takes all");
        self.0.retain(|(known, _)| *known != key);
        self.0.push((key, encoder.into_writer()));
    }

    /// One change, as the input chooses.
    pub(super) fn change(&mut self, input: &mut Input<'_>) {
        match input.byte() % 8 {
            0 => {
                let at = input.below(self.0.len());
                if !self.0.is_empty() {
                    self.0.remove(at);
                }
            }
            1..=3 => {
                let key = NUMBERS[input.below(NUMBERS.len())];
                let number = input.number(self.number(key));
                self.set(key, number);
            }
            _ => {
                let at = input.below(self.0.len());
                if let Some((_, value)) = self.0.get_mut(at) {
                    *value = change_number(value, input);
                }
            }
        }
    }
}

/// One number inside an item, however deep, becomes another.
pub(super) fn change_number(item: &[u8], input: &mut Input<'_>) -> Vec<u8> {
    let mut count = 0;
    let mut counted = Encoder::new(Vec::new());
    let whole = copy(&mut Decoder::new(item), &mut counted, &mut |number| {
        count += 1;
        number
    });
    let chosen = input.below(count);
    if whole.is_none() || count == 0 {
        return item.to_vec();
    }
    let mut position = 0;
    let mut encoder = Encoder::new(Vec::new());
    copy(&mut Decoder::new(item), &mut encoder, &mut |number| {
        position += 1;
        if position == chosen + 1 { input.number(number) } else { number }
    });
    encoder.into_writer()
}

/// Copies one item, passing each number through `change`; `None` where it is of another kind than ours.
fn copy(
    decoder: &mut Decoder<'_>,
    encoder: &mut Encoder<Vec<u8>>,
    change: &mut impl FnMut(u64) -> u64,
) -> Option<()> {
    match decoder.datatype().ok()? {
        Type::Map => {
            let fields = decoder.map().ok()??;
            encoder.map(fields).ok()?;
            (0..fields).try_for_each(|_| {
                copy(decoder, encoder, change)?;
                copy(decoder, encoder, change)
            })
        }
        Type::Array => {
            let items = decoder.array().ok()??;
            encoder.array(items).ok()?;
            (0..items).try_for_each(|_| copy(decoder, encoder, change))
        }
        Type::Bytes => encoder.bytes(decoder.bytes().ok()?).ok().map(|_| ()),
        _ => encoder.u64(change(decoder.u64().ok()?)).ok().map(|_| ()),
    }
}
