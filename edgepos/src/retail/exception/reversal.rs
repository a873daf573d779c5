//! What a decision does to the figures of a business day: a sale that is voided is taken out of them, and put back where that is undone.

use minicbor::{Decode, Encode};

use crate::retail::envelope::Envelope;
use crate::retail::money::Currency;
use crate::retail::sale::body::{Tax, TenderType, Transaction};

/// What a decision adds to a day's figures, worked out once by the terminal that was asked: a void the sale's amounts the other way round,
/// its undoing the same amounts again. It stands under the sale's own terminal, operator and drawer.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cbor(map)]
pub struct Reversal {
    /// The business day that it belongs to, as yyyymmdd: the one that was open at the terminal that was asked, or else the sale's.
    #[n(0)]
    pub day: u32,
    /// The number of the sale's terminal.
    #[n(1)]
    pub terminal: u16,
    /// The sale's receipt series.
    #[n(2)]
    pub series: String,
    /// Its number there.
    #[n(3)]
    pub number: u64,
    /// The currency of each amount.
    #[n(4)]
    pub currency: Currency,
    /// What the total changes by.
    #[n(5)]
    pub total: i64,
    /// What the cash rounding changes by, part of the total.
    #[n(6)]
    pub rounding: i64,
    /// What the change that was given changes by.
    #[n(7)]
    pub change: i64,
    /// By means of payment. None where no money was given back.
    #[n(8)]
    pub tenders: Vec<TenderReversal>,
    /// Base and amount of each tax.
    #[n(9)]
    pub taxes: Vec<Tax>,
    /// Who was signed in at the sale.
    #[n(10)]
    pub operator: Option<String>,
    /// The drawer that its cash went to; the terminal's own where absent.
    #[n(11)]
    pub drawer: Option<String>,
}

/// One payment of a sale that is taken back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cbor(map)]
pub struct TenderReversal {
    /// The means of payment.
    #[n(0)]
    pub kind: TenderType,
    /// What it changes by.
    #[n(1)]
    pub amount: i64,
}

impl Reversal {
    /// What voiding a sale does to the figures; `None` where the sale is in those of no business day.
    pub(super) fn of_sale(envelope: &Envelope, sale: Transaction, refund: bool) -> Option<Self> {
        let Transaction { series, number, currency, total, rounding, change, .. } = sale;
        let day = envelope.business_day?;
        // Without a refund no money moved: what was paid stays where it is.
        let (change, tenders) = if refund { (change.unwrap_or(0), sale.tenders) } else { (0, Vec::new()) };
        let tenders = tenders.iter().map(|paid| TenderReversal { kind: paid.kind, amount: paid.amount });
        let sold = Self {
            day,
            terminal: envelope.workstation,
            series,
            number,
            currency,
            total,
            rounding,
            change,
            tenders: tenders.collect(),
            taxes: sale.taxes,
            operator: envelope.operator.clone(),
            drawer: envelope.drawer.clone(),
        };
        Some(sold.backwards())
    }

    /// The same amounts the other way round: a void of a sale, and the undoing of a void. No amount that a shop takes is the end of 64
    /// bits, which has no other side.
    pub(super) fn backwards(mut self) -> Self {
        let amounts = [&mut self.total, &mut self.rounding, &mut self.change].into_iter();
        let tenders = self.tenders.iter_mut().map(|tender| &mut tender.amount);
        let taxes = self.taxes.iter_mut().flat_map(|tax| [&mut tax.base, &mut tax.amount]);
        amounts.chain(tenders).chain(taxes).for_each(|amount| *amount = amount.saturating_neg());
        self
    }
}
