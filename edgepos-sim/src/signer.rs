//! The fiscal device beside a till: it signs, is away for a while, does not answer, answers too late, or signs another receipt.

use std::collections::VecDeque;

use edgepos::model::Signature;
use edgepos::{SignError, SignatureAsked, SignatureId, SignatureWanted, Terminal};
use edgepos_core::Now;

/// The series whose receipts are signed; what comes behind a full stop is an incarnation's.
pub(crate) const SERIES: &str = "S";

/// Whether receipts of this series are signed where any are.
pub(crate) fn is_signed(series: &str) -> bool {
    series.strip_prefix(SERIES).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// How long it does one of these.
const PHASE_US: u64 = 20_000_000;
/// How long it takes where it is slow: longer than any commit waits.
const SLOW_US: u64 = 3_000_000;

/// The device, and its answers that nobody has heard yet.
#[derive(Debug, Default)]
pub(crate) struct Signer {
    late: VecDeque<(u64, SignatureId, Signature)>,
}

impl Signer {
    /// Asks it what its terminal wants signed, and hands in what it says. Whether it said anything.
    pub(crate) fn serve(&mut self, terminal: &mut Terminal, place: u64, now: Now, world_us: u64) -> bool {
        if let Some((_, id, signature)) = self.late.pop_front_if(|(due, ..)| *due <= world_us) {
            terminal.signed(now, id, Ok(signature));
            return true;
        }
        let Some(SignatureAsked { id, wanted, .. }) = terminal.next_to_sign(now) else { return false };
        let (series, number) = match &wanted {
            SignatureWanted::Now(receipt) => (&receipt.series, receipt.number),
            SignatureWanted::Later(receipt) => (&receipt.series, receipt.number),
        };
        let signature = |number| Signature::new(series, number, said(series, number)).expect("a short text");
        match (world_us / PHASE_US + place) % 6 {
            0 => {}
            1 => terminal.signed(now, id, Err(SignError::Away("its cable is out".into()))),
            2 => self.late.push_back((world_us + SLOW_US, id, signature(number))),
            3 => terminal.signed(now, id, Ok(signature(number.saturating_sub(1)))),
            _ => terminal.signed(now, id, Ok(signature(number))),
        }
        true
    }

    /// The power is off: what it was about to say nobody hears.
    pub(crate) fn cut_off(&mut self) {
        self.late.clear();
    }
}

/// The signature of a receipt: the same however often it is asked for.
pub(crate) fn said(series: &str, number: u64) -> Vec<u8> {
    format!("{series} {number}").into_bytes()
}
