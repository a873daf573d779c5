//! Events of a shop as `edgepos` writes them: a CBOR envelope with integer keys around a CBOR body, and the same as JSON.

use std::collections::BTreeMap;
use std::error::Error;

use edgepos_core::{Jitter, Lane};
use minicbor::Encoder;

type Cbor<'a> = Encoder<&'a mut Vec<u8>>;
type Written = Result<(), minicbor::encode::Error<core::convert::Infallible>>;

/// One event in both forms. The JSON carries the id, which the binary form does not need to.
pub(crate) struct Sample {
    pub(crate) terminal: u16,
    pub(crate) lane: Lane,
    pub(crate) payload: Vec<u8>,
    pub(crate) json: String,
}

pub(crate) struct Basket {
    /// Milliseconds since 1970.
    utc_ms: u64,
    household: u64,
    lines: Vec<Line>,
}

struct Line {
    product: u64,
    quantity: i64,
    amount: i64,
    loyalty: i64,
    coupon: i64,
}

/// Rows of one basket follow on each other.
pub(crate) fn baskets(csv: &str) -> Result<Vec<Basket>, Box<dyn Error>> {
    let mut baskets: Vec<(String, Basket)> = Vec::new();
    for row in csv.lines().skip(1).filter(|row| !row.is_empty()) {
        let fields: Vec<&str> = row.split(',').collect();
        let [timestamp, basket, household, product, quantity, amount, loyalty, coupon] = fields[..] else {
            return Err(format!("eight fields expected: {row}").into());
        };
        if baskets.last().is_none_or(|(id, _)| id != basket) {
            let (utc_ms, household) = (utc_ms(timestamp)?, household.parse()?);
            baskets.push((basket.into(), Basket { utc_ms, household, lines: Vec::new() }));
        }
        let line = Line {
            product: product.parse()?,
            quantity: quantity.parse()?,
            amount: amount.parse()?,
            loyalty: loyalty.parse()?,
            coupon: coupon.parse()?,
        };
        baskets.last_mut().ok_or("no basket")?.1.lines.push(line);
    }
    Ok(baskets.into_iter().map(|(_, basket)| basket).collect())
}

/// Of `2017-01-01T18:24:46`; months count as 31 days, which is good enough for numbers that look like times.
fn utc_ms(timestamp: &str) -> Result<u64, Box<dyn Error>> {
    let part = |from: usize, to: usize| -> Result<u64, Box<dyn Error>> {
        Ok(timestamp.get(from..to).ok_or("timestamp too short")?.parse()?)
    };
    let days = (part(0, 4)? - 1970) * 365 + part(5, 7)? * 31 + part(8, 10)?;
    Ok((days * 86_400 + part(11, 13)? * 3_600 + part(14, 16)? * 60 + part(17, 19)?) * 1_000)
}

/// A made-up store: its own product codes, customers, receipt series and terminals.
pub(crate) struct Store {
    seed: u64,
    jitter: Jitter,
    numbers: BTreeMap<u16, u64>,
    sequences: BTreeMap<(u16, Lane), u64>,
}

impl Store {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, jitter: Jitter::new(seed), numbers: BTreeMap::new(), sequences: BTreeMap::new() }
    }

    /// The sale, and every so often what else happens in a shop.
    pub(crate) fn events(&mut self, basket: &Basket) -> Vec<Sample> {
        let terminal = 1 + self.jitter.range(0, 5) as u16;
        let utc_ms = basket.utc_ms + self.jitter.range(0, 60_000);
        let mut events = vec![self.sale(basket, terminal, utc_ms)];
        if self.jitter.range(0, 10) == 0 {
            events.push(self.stock_moved(basket, terminal, utc_ms));
        }
        if self.jitter.range(0, 20) == 0 {
            events.push(self.price_set(basket, terminal, utc_ms));
        }
        events
    }

    /// A GTIN-13 of this store's own catalogue.
    fn gtin(&self, product: u64) -> String {
        let mut jitter = Jitter::derive(self.seed, &[product]);
        let digits: Vec<u64> = format!("{:012}", 300_000_000_000 + jitter.range(0, 600_000_000_000))
            .bytes()
            .map(|digit| u64::from(digit - b'0'))
            .collect();
        let sum: u64 =
            digits.iter().zip([1, 3].into_iter().cycle()).map(|(digit, weight)| digit * weight).sum();
        digits.iter().map(u64::to_string).collect::<String>() + &((10 - sum % 10) % 10).to_string()
    }

    fn sale(&mut self, basket: &Basket, terminal: u16, utc_ms: u64) -> Sample {
        let id: [u8; 16] = std::array::from_fn(|_| self.jitter.next_u64() as u8);
        let number = self.numbers.entry(terminal).or_insert(1_000);
        *number += 1;
        let number = *number;
        let series = format!("{terminal}-A");
        let customer =
            format!("{}", 10_000_000 + Jitter::derive(self.seed, &[basket.household]).range(0, 80_000_000));
        let total: i64 = basket.lines.iter().map(|line| line.amount).sum();
        let card = self.jitter.range(0, 3) > 0;
        let reference = format!("{:012}", self.jitter.range(0, 1_000_000_000_000));
        let lines: Vec<(String, &Line)> =
            basket.lines.iter().map(|line| (self.gtin(line.product), line)).collect();
        let body = cbor(|out| {
            out.map(9)?.u8(0)?.bytes(&id)?.u8(1)?.u8(0)?.u8(2)?.str(&series)?.u8(3)?.u64(number)?;
            out.u8(4)?.str(&customer)?.u8(5)?.str("USD")?.u8(6)?.array(lines.len() as u64)?;
            for (no, (product, line)) in (1..).zip(&lines) {
                sale_line(out, no, product, line)?;
            }
            out.u8(7)?.array(1)?.array(if card { 3 } else { 2 })?.u8(u8::from(card))?.i64(total)?;
            if card {
                out.str(&reference)?;
            }
            out.u8(10)?.i64(total)?.ok()
        });
        let mut effects = Vec::new();
        for (no, (product, line)) in (1u16..).zip(&lines) {
            effects.push((0, product.clone().into_bytes(), -line.quantity, Some(0)));
            effects.push((2, [id.as_slice(), &no.to_be_bytes()].concat(), line.quantity, Some(0)));
        }
        if !card {
            effects.push((5, format!("till-{terminal}").into_bytes(), total, None));
        }
        let json_lines: Vec<String> =
            (1..).zip(&lines).map(|(no, (product, line))| json_line(no, product, line)).collect();
        let tender = if card {
            format!(r#"{{"type":"card","amount":{total},"external_ref":"{reference}"}}"#)
        } else {
            format!(r#"{{"type":"cash","amount":{total}}}"#)
        };
        let json = format!(
            r#"{{"basket":"{}","doc_type":"sale","series":"{series}","number":{number},"customer":"{customer}","currency":"USD","lines":[{}],"tenders":[{tender}],"total":{total}}}"#,
            hex(&id),
            json_lines.join(",")
        );
        self.envelope(
            Lane::Transactions,
            1,
            "transaction",
            terminal,
            utc_ms,
            Some(id),
            &effects,
            &body,
            &json,
        )
    }

    fn stock_moved(&mut self, basket: &Basket, terminal: u16, utc_ms: u64) -> Sample {
        let lines: Vec<(String, i64)> =
            basket.lines.iter().map(|line| (self.gtin(line.product), 12 + line.quantity)).collect();
        let body = cbor(|out| {
            out.map(2)?.u8(0)?.u8(0)?.u8(1)?.array(lines.len() as u64)?;
            lines.iter().try_for_each(|(product, count)| out.array(2)?.str(product)?.i64(*count)?.ok())
        });
        let effects: Vec<_> =
            lines.iter().map(|(product, count)| (0, product.clone().into_bytes(), *count, Some(0))).collect();
        let json: Vec<String> = lines
            .iter()
            .map(|(product, count)| format!(r#"{{"product":"{product}","quantity":{count}}}"#))
            .collect();
        let json = format!(r#"{{"reason":"receipt","lines":[{}]}}"#, json.join(","));
        self.envelope(Lane::Stock, 3, "stock_moved", terminal, utc_ms, None, &effects, &body, &json)
    }

    fn price_set(&mut self, basket: &Basket, terminal: u16, utc_ms: u64) -> Sample {
        let product = self.gtin(basket.lines[0].product);
        let amount = 99 + 10 * self.jitter.range(0, 200) as i64;
        let body = cbor(|out| {
            out.map(4)?.u8(0)?.str(&product)?.u8(1)?.str("base")?.u8(2)?.i64(amount)?.u8(3)?.str("USD")?.ok()
        });
        let json = format!(r#"{{"product":"{product}","list":"base","amount":{amount},"currency":"USD"}}"#);
        self.envelope(Lane::Prices, 5, "price_set", terminal, utc_ms, None, &[], &body, &json)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one envelope")]
    fn envelope(
        &mut self,
        lane: Lane,
        kind: u16,
        name: &str,
        terminal: u16,
        utc_ms: u64,
        key: Option<[u8; 16]>,
        effects: &[(u16, Vec<u8>, i64, Option<i64>)],
        body: &[u8],
        json_body: &str,
    ) -> Sample {
        let hlc = utc_ms << 16;
        let payload = cbor(|out| {
            out.map(14 + u64::from(key.is_some()))?.u8(0)?.u16(kind)?.u8(1)?.u16(1)?.u8(2)?.u64(utc_ms)?;
            out.u8(3)?.i16(0)?.u8(4)?.u8(0)?.u8(5)?.u64(hlc)?.u8(6)?.u32(20_170_401)?.u8(7)?.u32(0)?;
            out.u8(8)?.u16(terminal)?.u8(11)?.u8(0)?.u8(12)?.array(0)?.u8(13)?.array(effects.len() as u64)?;
            for (counter, key, delta, floor) in effects {
                out.map(6 + u64::from(floor.is_some()))?.u8(0)?.u16(*counter)?.u8(1)?.bytes(key)?;
                out.u8(2)?.u8(0)?.u8(3)?.u8(0)?.u8(4)?.i64(*delta)?.u8(5)?.u8(0)?;
                if let Some(floor) = floor {
                    out.u8(6)?.i64(*floor)?;
                }
            }
            out.u8(14)?.bytes(body)?.u8(15)?.map(0)?;
            if let Some(key) = key {
                out.u8(17)?.bytes(&key)?;
            }
            Ok(())
        });
        let seq = self.sequences.entry((terminal, lane)).or_insert(0);
        *seq += 1;
        let effects: Vec<String> = effects.iter().map(json_effect).collect();
        let key = key.map(|key| format!(r#""idempotency_key":"{}","#, hex(&key))).unwrap_or_default();
        let json = format!(
            r#"{{"id":{{"replica":"{terminal}-5eed0000000{terminal}","lane":{},"seq":{seq}}},"kind":"{name}","schema":1,"utc_ms":{utc_ms},"utc_offset_min":0,"clock_quality":"unset","hlc":{hlc},"business_day":20170401,"location":0,"workstation":{terminal},{key}"mode":"live","effects":[{}],"body":{json_body}}}"#,
            lane.code(),
            effects.join(",")
        );
        Sample { terminal, lane, payload, json }
    }
}

fn sale_line(out: &mut Cbor<'_>, no: u16, product: &str, line: &Line) -> Written {
    let discounts: Vec<(&str, i64)> = discounts(line);
    out.map(7)?.u8(0)?.u16(no)?.u8(1)?.str(product)?.u8(2)?.i64(line.quantity)?.u8(3)?.u8(0)?;
    out.u8(4)?
        .i64(line.amount / line.quantity.max(1))?
        .u8(5)?
        .i64(line.amount)?
        .u8(6)?
        .array(discounts.len() as u64)?;
    discounts.iter().try_for_each(|(code, amount)| out.array(2)?.str(code)?.i64(*amount)?.ok())
}

fn discounts(line: &Line) -> Vec<(&'static str, i64)> {
    [("loyalty", line.loyalty), ("coupon", line.coupon)]
        .into_iter()
        .filter(|(_, amount)| *amount != 0)
        .collect()
}

fn json_line(no: u16, product: &str, line: &Line) -> String {
    let discounts: Vec<String> = discounts(line)
        .iter()
        .map(|(code, amount)| format!(r#"{{"code":"{code}","amount":{amount}}}"#))
        .collect();
    format!(
        r#"{{"no":{no},"product":"{product}","quantity":{},"scale":0,"unit_price":{},"amount":{},"discounts":[{}]}}"#,
        line.quantity,
        line.amount / line.quantity.max(1),
        line.amount,
        discounts.join(",")
    )
}

fn json_effect((counter, key, delta, floor): &(u16, Vec<u8>, i64, Option<i64>)) -> String {
    let (name, key) = match counter {
        0 => ("stock", String::from_utf8_lossy(key).into_owned()),
        2 => ("returnable", format!("{}/{}", hex(&key[..16]), u16::from_be_bytes([key[16], key[17]]))),
        _ => ("cash", String::from_utf8_lossy(key).into_owned()),
    };
    let floor = floor.map(|floor| format!(r#","floor":{floor}"#)).unwrap_or_default();
    format!(
        r#"{{"counter":"{name}","key":"{key}","location":0,"state":"on_hand","delta":{delta},"scale":0{floor}}}"#
    )
}

fn cbor(fill: impl FnOnce(&mut Cbor<'_>) -> Written) -> Vec<u8> {
    let mut bytes = Vec::new();
    fill(&mut Encoder::new(&mut bytes)).expect("writing to a vector cannot fail");
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
