//! What an event does beside its effects, read from its body.

use edgepos_core::{EventId, Now};
use edgepos_wire::from_cbor;

use super::attachment;
use super::attachment::body::Attached;
use super::catalogue::{Catalogue, Change as RegisterChange};
use super::counters::Counters;
use super::counting::{self, Tally};
use super::customer::{self, Customers};
use super::day::{self, Day};
use super::document;
use super::document::body::DocumentSet;
use super::envelope::Envelope;
use super::exception::Exceptions;
use super::exception::body::{ExceptionEnded, ExceptionRaised};
use super::exception::judge::Standing;
use super::exception::resolution::{ExceptionResolved, ResolutionProposed};
use super::figures;
use super::keys::name::BookedName;
use super::kind::KnownKind;
use super::parked::{self, Parked};
use super::payment::{self, Payments};
use super::reissued::Reissued;
use super::returns::Returns;
use super::sale::beside::About;
use super::sale::signing::Signing;
use super::unreadable::Unreadable;
use crate::terminal::io::Notice;
use crate::terminal::unit_of_work::{Then, UnitOfWork};

/// What an event does beside its effects.
#[derive(Debug)]
pub(crate) enum Change {
    EffectsAlone,
    Voided,
    Day(day::Change),
    Counted(counting::Change),
    Parked(parked::Change),
    Payment(payment::Change),
    Sale,
    AboutReceipt(About),
    Register(RegisterChange),
    Document(DocumentSet),
    Attached(Box<Attached>),
    Customer(customer::Change),
    Raised(ExceptionRaised),
    Ended(ExceptionEnded),
    Advised(Box<ResolutionProposed>),
    Resolved(Box<ExceptionResolved>),
}

/// The rooms in which a change is made, and what they judge by.
pub(crate) struct Touched<'r> {
    pub(crate) catalogue: &'r mut Catalogue,
    pub(crate) customers: &'r mut Customers,
    pub(crate) exceptions: &'r mut Exceptions,
    pub(crate) returns: &'r mut Returns,
    pub(crate) parked: &'r mut Parked,
    pub(crate) payments: &'r mut Payments,
    pub(crate) signing: &'r mut Signing,
    pub(crate) day: &'r mut Day,
    pub(crate) tally: &'r mut Tally,
    /// What they judge by.
    pub(crate) by: (&'r Counters, &'r Reissued),
}

impl Change {
    /// Reads what an event does beside its effects. One that cannot be read moves no counter either.
    pub(crate) fn read(id: EventId, envelope: &Envelope) -> Result<Self, Unreadable> {
        Ok(match envelope.kind.known() {
            Some(KnownKind::ProductSet) => Self::Register(Catalogue::read_product(id, envelope)?),
            Some(KnownKind::PriceSet) => Self::Register(Catalogue::read_price(id, envelope)?),
            Some(
                kind @ (KnownKind::CustomerSet
                | KnownKind::CustomerLinked
                | KnownKind::CustomerUnlinked
                | KnownKind::CustomerErased),
            ) => Self::Customer(customer::Change::read(kind, envelope)?),
            Some(KnownKind::DocumentSet) => Self::Document(document::read(envelope)?),
            Some(KnownKind::Attached) => Self::Attached(Box::new(attachment::read(envelope)?)),
            Some(KnownKind::ExceptionRaised) if id.chain.replica.is_store() => {
                Self::Raised(Exceptions::read(envelope)?)
            }
            Some(KnownKind::ExceptionEnded) if id.chain.replica.is_store() => {
                Self::Ended(Exceptions::read_end(envelope)?)
            }
            Some(KnownKind::ResolutionProposed) if id.chain.replica.is_store() => {
                Self::Advised(Box::new(Exceptions::read_proposed(envelope)?))
            }
            Some(KnownKind::ExceptionResolved) if id.chain.replica.is_store() => {
                Self::Resolved(Box::new(Exceptions::read_resolved(envelope)?))
            }
            Some(KnownKind::BasketParked) => Self::Parked(Parked::read_parked(envelope)?),
            Some(KnownKind::BasketClaimed | KnownKind::BasketClosed) => {
                Self::Parked(Parked::read_taken(envelope)?)
            }
            Some(KnownKind::PaymentIntent) => Self::Payment(Payments::read_intent(envelope)?),
            Some(KnownKind::PaymentOutcome) => Self::Payment(Payments::read_outcome(envelope)?),
            Some(KnownKind::DayOpened) => Self::Day(Day::read_opened(envelope)?),
            Some(KnownKind::DayClosed) => Self::Day(Day::read_closed(envelope)?),
            Some(kind @ (KnownKind::CashMoved | KnownKind::ShiftOpened | KnownKind::ShiftClosed)) => {
                Self::Day(Day::read_drawers(kind, envelope)?)
            }
            Some(kind @ (KnownKind::StockCounted | KnownKind::CountSettled)) => {
                Self::Counted(Tally::read(kind, envelope)?)
            }
            Some(KnownKind::FiscalSigned) => {
                Self::AboutReceipt(About::Signed(from_cbor("signature", &envelope.body)?))
            }
            Some(KnownKind::ReceiptPrinted) => {
                Self::AboutReceipt(About::Printed(from_cbor("print", &envelope.body)?))
            }
            Some(KnownKind::Transaction) => Self::Sale,
            Some(KnownKind::NumberVoided) => Self::Voided,
            // Their effects say it all, and those of a later version's kinds count as well.
            Some(
                KnownKind::StockMoved
                | KnownKind::ExceptionRaised
                | KnownKind::ExceptionEnded
                | KnownKind::ResolutionProposed
                | KnownKind::ExceptionResolved
                | KnownKind::Custom,
            )
            | None => Self::EffectsAlone,
        })
    }

    /// Does it: the event has its place, and its effects are counted.
    pub(crate) fn carry_out(
        self,
        now: Now,
        id: EventId,
        envelope: &Envelope,
        rooms: Touched<'_>,
        out: &mut UnitOfWork,
    ) {
        let Touched { catalogue, customers, exceptions, returns, parked, payments, signing, day, tally, by } =
            rooms;
        let (counters, reissued) = by;
        match self {
            Self::Register(change) => {
                if let Some(product) = catalogue.apply(change, out) {
                    exceptions.look_at_stock(now, &product, Standing { counters, catalogue, reissued });
                }
            }
            Self::Customer(change) => customers.apply(id, envelope, &change, out),
            Self::Document(set) => document::note(id, envelope, &set, out),
            Self::Attached(attached) => attachment::note(id, &attached, out),
            Self::Raised(raised) => {
                let standing = Standing { counters, catalogue, reissued };
                if exceptions.raise(now, id, &raised, standing, out) {
                    out.then(Then::Tell(Notice::ExceptionRaised(raised)));
                }
            }
            Self::Ended(ended) => {
                let standing = Standing { counters, catalogue, reissued };
                if exceptions.end(now, id, &ended, standing, out) {
                    out.then(Then::Tell(Notice::ExceptionEnded(ended)));
                }
            }
            Self::Advised(proposed) => {
                if exceptions.advised(id, &proposed, out) {
                    out.then(Then::Tell(Notice::ResolutionProposed(proposed)));
                }
            }
            Self::Resolved(resolved) => {
                figures::note(id, envelope, out);
                if exceptions.resolve(now, id, &resolved, &envelope.effects, out) {
                    out.then(Then::Tell(Notice::ExceptionResolved(resolved)));
                }
            }
            Self::Sale => {
                catalogue.note_scales(&envelope.effects, out);
                returns.note(envelope, out);
                payments.sold(envelope, out);
                figures::note(id, envelope, out);
            }
            Self::Payment(change) => {
                if let Some((basket, events)) = Payments::paid_twice(id, &change) {
                    exceptions.note_twice(now, BookedName::Basket(basket), (&events, &[id]), out);
                }
                payments.apply(envelope, change, out);
            }
            Self::Parked(change) => parked.apply(id, envelope, &change, out),
            Self::Day(change) => {
                day.apply(id, &change, out);
                figures::note(id, envelope, out);
            }
            Self::Counted(change) => tally.apply(id, envelope, change, out),
            Self::AboutReceipt(about) => {
                about.note(id, out);
                if let About::Signed(said) = &about {
                    signing.settled(id, said, out);
                }
            }
            Self::Voided => figures::note(id, envelope, out),
            Self::EffectsAlone => {}
        }
    }
}
