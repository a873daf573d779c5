//! What is recorded of goods names their item: each label would be a product of its own.

use edgepos_wire::from_cbor;

use super::Labels;
use crate::retail::catalogue::body::{PriceSet, ProductSet};
use crate::retail::kind::KnownKind;
use crate::retail::record::What;
use crate::retail::stock::StockMoved;
use crate::terminal::refusal::Refusal;

/// Refuses a label as the name of a product, of a price, and of goods that move or are counted. One that is a product already, from
/// before its store had labels, can be brought to an end: a price of its own would be in force nowhere.
pub(crate) fn check(
    labels: &Labels,
    what: &What,
    now_ms: u64,
    is_there: impl Fn(&str) -> bool,
) -> Result<(), Refusal> {
    if *labels == Labels::default() {
        return Ok(());
    }
    let check = |product: &str| {
        let checked = labels.check_product(product);
        checked.or_else(|refusal| if is_there(product) { Ok(()) } else { Err(refusal) })
    };
    let check_price = |said: PriceSet| {
        let is_over = said.valid_to.is_some_and(|to| to <= now_ms);
        if is_over { Ok(()) } else { labels.check_product(&said.product) }
    };
    // What cannot be read is refused elsewhere.
    match what {
        What::Event { kind: KnownKind::ProductSet, body, .. } => {
            from_cbor::<ProductSet>("product", body).map_or(Ok(()), |said| check(&said.product))
        }
        What::Event { kind: KnownKind::PriceSet, body, .. } => {
            from_cbor::<PriceSet>("price", body).map_or(Ok(()), check_price)
        }
        What::Event { kind: KnownKind::StockMoved, body, .. } => from_cbor::<StockMoved>("stock", body)
            .map_or(Ok(()), |said| said.lines.iter().try_for_each(|line| check(&line.product))),
        What::Count(record) => record.lines.iter().try_for_each(|line| check(&line.product)),
        What::Event { .. } | What::Day(_) | What::Cash(_) | What::Shift(_) | What::Payment(_) => Ok(()),
    }
}
