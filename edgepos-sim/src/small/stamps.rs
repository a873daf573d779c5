//! The clock of one till is wrong: what it says goes no further than its own events, and it sets no price.

use edgepos::model::{Envelope, Kind};

use crate::check::{Events, Rule, Violation};

/// By how much the clock of a till is ahead where it is wrong: ten years.
pub(super) const AHEAD_MS: u64 = 10 * 365 * 24 * 3_600_000;

/// How far a stamp may be ahead of the time of day that its event bears: a minute, and what a restart leaves out.
const TRUSTED_MS: u64 = 70_000;

/// Stamps that are ahead of the clock of whoever wrote them, beside those of registers, which must be above what they replace.
pub(super) fn check(events: &Events) -> Vec<Violation> {
    let read = events.iter().filter_map(|(id, payload)| Some((id, Envelope::decode(payload).ok()?)));
    let plain = read.filter(|(_, envelope)| ![Kind::PRODUCT_SET, Kind::PRICE_SET].contains(&envelope.kind));
    let ahead = plain.filter(|(_, envelope)| envelope.hlc().ms() > envelope.utc_ms + TRUSTED_MS);
    let wrong = |(id, envelope): (&_, Envelope)| {
        let (stamp, utc) = (envelope.hlc().ms(), envelope.utc_ms);
        Violation::new(Rule::InTime, format!("{id} of {utc} is stamped {stamp}, by another's clock"))
    };
    ahead.map(wrong).collect()
}
