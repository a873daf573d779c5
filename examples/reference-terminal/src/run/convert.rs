//! Between the till's JSON and the terminal's types.

use edgepos::consensus::MembershipError;
use edgepos::core::IdempotencyKey;
use edgepos::model::{
    BasketId, CashCount, Counter, CounterRow, Currency, Discount, DocType, Effect, Line, OriginalLine,
    PaymentId, PaymentIntent, PaymentOutcome, PaymentState, PriceSet, ProductSet, StockLine, StockMoved,
    StockReason, StockState, Tax, Tender, TenderType, Tenders,
};
use edgepos::{
    Commit, Committed, Draft, HistoryError, LevelError, Record, Refusal, ReplaceError, ResolveError,
};

use crate::api::{
    Begin, BeginLine, CashPart, Claimed, DiscountPart, EffectPart, IntentPart, KeyedRecord, Original,
    OutcomePart, OutcomeState, Pay, Problem, ProblemCode, RecordEvent, TaxPart, TenderKind,
};

/// A call that does not read.
pub(super) fn bad_request(error: impl ToString) -> Problem {
    Problem::new(ProblemCode::BadRequest, error.to_string())
}

pub(super) fn basket(text: &str) -> Result<BasketId, Problem> {
    text.parse().map_err(|error| bad_request(format!("{text:?}: {error}")))
}

pub(super) fn key(text: &str) -> Result<IdempotencyKey, Problem> {
    text.parse().map_err(|error| bad_request(format!("{text:?}: {error}")))
}

pub(super) fn draft(begin: Begin) -> Result<Draft, Problem> {
    let series = match begin.doc_type {
        DocType::Sale | DocType::Exchange => "S",
        DocType::Return | DocType::Void => "R",
        DocType::NoSale => "N",
    };
    Ok(Draft {
        basket: basket(&begin.basket)?,
        doc_type: begin.doc_type,
        series: begin.series.unwrap_or_else(|| series.into()),
        currency: currency(&begin.currency)?,
        customer: begin.customer,
        operator: begin.operator,
        mode: begin.mode,
        lines: begin.lines.into_iter().map(line).collect::<Result<_, _>>()?,
        taxes: begin.taxes.into_iter().map(tax).collect(),
        rounding: begin.rounding,
        effects: begin.effects.into_iter().map(effect).collect(),
        unreferenced: begin.unreferenced,
        key: begin.key.as_deref().map(key).transpose()?,
    })
}

fn tax(tax: TaxPart) -> Tax {
    let TaxPart { code, rate_ppm, base, amount, included } = tax;
    Tax { code, rate_ppm, base, amount, included }
}

fn effect(effect: EffectPart) -> Effect {
    let EffectPart { counter, key, delta, floor } = effect;
    let row = CounterRow {
        counter: Counter(counter),
        location: 0,
        state: StockState::OnHand,
        key: key.into_bytes(),
    };
    Effect::new(row, delta, floor)
}

fn line(line: BeginLine) -> Result<Line, Problem> {
    let original = line
        .original
        .map(|original| {
            Ok::<_, Problem>(OriginalLine { basket: basket(&original.basket)?, line: original.line })
        })
        .transpose()?;
    let loyalty = (line.loyalty != 0).then(|| Discount { code: "loyalty".into(), amount: line.loyalty });
    let others = line.discounts.into_iter().map(|DiscountPart { code, amount }| Discount { code, amount });
    Ok(Line {
        no: line.no,
        product: line.product,
        quantity: line.quantity,
        scale: line.scale,
        unit_price: line.unit_price,
        amount: line.amount,
        discounts: loyalty.into_iter().chain(others).collect(),
        tax_code: line.tax_code,
        reason: line.reason,
        original,
        lot: line.lot,
        sold: line.sold,
    })
}

pub(super) fn claimed(basket: BasketId, claimed: edgepos::Claimed) -> Claimed {
    let edgepos::Claimed { number, total, lines } = claimed;
    let lines = lines.into_iter().map(|line| BeginLine {
        no: line.no,
        product: line.product,
        quantity: line.quantity,
        scale: line.scale,
        unit_price: line.unit_price,
        amount: line.amount,
        loyalty: 0,
        discounts: line
            .discounts
            .into_iter()
            .map(|discount| DiscountPart { code: discount.code, amount: discount.amount })
            .collect(),
        tax_code: line.tax_code,
        reason: line.reason,
        lot: line.lot,
        original: line
            .original
            .map(|original| Original { basket: original.basket.to_string(), line: original.line }),
        sold: line.sold,
    });
    Claimed { basket: basket.to_string(), number, total, lines: lines.collect() }
}

fn currency(text: &str) -> Result<Currency, Problem> {
    text.parse().map_err(bad_request)
}

pub(super) fn commit(pay: Pay) -> Result<Commit, Problem> {
    let tenders = pay.tenders.into_iter().map(|part| {
        let tender = Tender::new(tender_type(part.kind), part.amount, part.external_ref.as_deref());
        Ok::<_, Problem>(match part.payment.as_deref().map(payment).transpose()? {
            Some(payment) => tender.of_payment(payment),
            None => tender,
        })
    });
    Ok(Commit {
        basket: basket(&pay.basket)?,
        key: key(&pay.key)?,
        tenders: Tenders::new(tenders.collect::<Result<_, _>>()?)
            .map_err(bad_request)?
            .with_change(pay.change)
            .in_drawer(pay.drawer),
    })
}

fn tender_type(kind: TenderKind) -> TenderType {
    match kind {
        TenderKind::Cash => TenderType::CASH,
        TenderKind::Card => TenderType::CARD,
        TenderKind::StoredValue => TenderType::STORED_VALUE,
        TenderKind::Other => TenderType::OTHER,
    }
}

fn payment(text: &str) -> Result<PaymentId, Problem> {
    text.parse().map_err(|error| bad_request(format!("{text:?}: {error}")))
}

fn intent(part: IntentPart) -> Result<PaymentIntent, Problem> {
    let IntentPart { payment: name, basket: of, kind, amount } = part;
    Ok(PaymentIntent { payment: payment(&name)?, basket: basket(&of)?, tender: tender_type(kind), amount })
}

fn outcome(part: OutcomePart) -> Result<PaymentOutcome, Problem> {
    let state = match part.state {
        OutcomeState::Approved => PaymentState::APPROVED,
        OutcomeState::Declined => PaymentState::DECLINED,
        OutcomeState::Reversed => PaymentState::REVERSED,
        OutcomeState::Settled => PaymentState::SETTLED,
    };
    let (name, of, external_ref) =
        (payment(&part.payment)?, basket(&part.basket)?, part.external_ref.as_deref());
    Ok(PaymentOutcome::new(name, of, state, part.amount, external_ref))
}

pub(super) fn record(keyed: KeyedRecord, location: u32) -> Result<Record, Problem> {
    let record = plain_record(keyed.event, location)?;
    let record = if keyed.repair { record.repairing() } else { record };
    let record = if keyed.whatever_clock { record.whatever_clock() } else { record };
    Ok(match keyed.key.as_deref().map(key).transpose()? {
        Some(key) => record.with_key(key),
        None => record,
    })
}

fn plain_record(event: RecordEvent, location: u32) -> Result<Record, Problem> {
    Ok(match event {
        RecordEvent::StockReceived { from, lines } => {
            let lines = lines
                .into_iter()
                .map(|line| StockLine { product: line.product, quantity: line.quantity })
                .collect();
            let moved = StockMoved { reason: StockReason::Receipt, from: Some(from), to: None, lines };
            Record::stock_moved(&moved, location)
        }
        RecordEvent::ProductSet { product, name, base_unit, scale, tax_code, counted, floor } => {
            Record::product(&ProductSet { product, name, base_unit, scale, tax_code, counted, floor })
        }
        RecordEvent::PriceSet {
            product,
            amount,
            currency: code,
            list,
            tax_included,
            valid_from,
            valid_to,
        } => {
            let currency = currency(&code)?;
            Record::price(&PriceSet { product, list, amount, currency, tax_included, valid_from, valid_to })
        }
        RecordEvent::PaymentIntent(part) => Record::payment_intent(intent(part)?),
        RecordEvent::PaymentOutcome(part) => Record::payment_outcome(outcome(part)?),
        RecordEvent::DayOpened { day, float, currency, cash: parts } => {
            Record::day_opened_with(day, float, cash(float, currency, parts)?)
        }
        RecordEvent::DayClosed { counted, currency, cash: parts } => {
            Record::day_closed_with(counted, cash(counted, currency, parts)?)
        }
    })
}

/// What is in the drawers: the amount of the terminal's own, where its currency is named, and the others.
fn cash(amount: i64, code: Option<String>, parts: Vec<CashPart>) -> Result<Vec<CashCount>, Problem> {
    let own = code.map(|code| CashPart { currency: code, amount, drawer: None });
    let counts = own.into_iter().chain(parts).map(|part| {
        let CashPart { currency: code, amount, drawer } = part;
        Ok(CashCount { drawer, ..CashCount::new(currency(&code)?, amount) })
    });
    counts.collect()
}

pub(super) fn problem(refusal: &Refusal) -> Problem {
    let code = match refusal {
        Refusal::NotReturnable { .. } | Refusal::NotRefundable { .. } => ProblemCode::NotReturnable,
        Refusal::UnknownBasket(_) => ProblemCode::UnknownBasket,
        Refusal::Tenders(_) => ProblemCode::Tenders,
        Refusal::UnknownPayment(_) | Refusal::PaymentExists(_) | Refusal::MoneyTaken { .. } => {
            ProblemCode::Payment
        }
        Refusal::BasketElsewhere(_) => ProblemCode::Elsewhere,
        Refusal::Day(_) => ProblemCode::Day,
        Refusal::DayClosed(_) => ProblemCode::DayClosed,
        Refusal::DiskFull => ProblemCode::DiskFull,
        Refusal::Resolve(error) => resolve_code(error),
        Refusal::BelowLevel { .. } => ProblemCode::Level,
        Refusal::ClockOff { .. } => ProblemCode::ClockOff,
        Refusal::BasketBooked(_) | Refusal::KeyInUse { .. } => ProblemCode::Booked,
        Refusal::BasketBusy(_) | Refusal::KeyBusy | Refusal::Full { .. } => ProblemCode::Busy,
        Refusal::Stopped(_) | Refusal::MixedUp(_) | Refusal::Damaged { .. } | Refusal::Log(_) => {
            ProblemCode::Stopped
        }
        _ => ProblemCode::BadRequest,
    };
    let receipt = match refusal {
        Refusal::BasketBooked(booked) => {
            Some(Box::new(Committed { receipt: booked.clone(), repeated: true }))
        }
        _ => None,
    };
    Problem { code, error: refusal.to_string(), receipt }
}

/// Why an exception is not resolved.
fn resolve_code(error: &ResolveError) -> ProblemCode {
    match error {
        ResolveError::Unknown { .. } => ProblemCode::NotFound,
        ResolveError::Ended { .. } => ProblemCode::Ended,
        ResolveError::ResolvedBefore { .. } | ResolveError::VoidedBefore { .. } => ProblemCode::Resolved,
        ResolveError::Stale { .. } | ResolveError::NoSuchStep { .. } => ProblemCode::Stale,
        ResolveError::NoMajority => ProblemCode::NoMajority,
        ResolveError::Undecided => ProblemCode::Undecided,
        ResolveError::Busy => ProblemCode::Busy,
        _ => ProblemCode::BadRequest,
    }
}

/// Why something could not be read back.
pub(super) fn unread(error: &HistoryError) -> Problem {
    match error {
        HistoryError::Stopped(refusal) => problem(refusal),
        error => Problem::new(ProblemCode::Stopped, error.to_string()),
    }
}

/// Why the store's feature level was not raised.
pub(super) fn level_problem(error: &LevelError) -> Problem {
    let code = match error {
        LevelError::NotEntitled => ProblemCode::NotLeader,
        LevelError::Reached { .. } | LevelError::NotAnnounced { .. } => ProblemCode::Level,
        _ => ProblemCode::Busy,
    };
    Problem { code, error: error.to_string(), receipt: None }
}

pub(super) fn membership_problem(error: &MembershipError) -> Problem {
    let code = match error {
        MembershipError::NotEntitled => ProblemCode::NotLeader,
        MembershipError::ChangeUnderWay => ProblemCode::Busy,
        _ => ProblemCode::BadRequest,
    };
    Problem { code, error: error.to_string(), receipt: None }
}

pub(super) fn replace_problem(error: &ReplaceError) -> Problem {
    let code = match error {
        ReplaceError::Connected { .. } => ProblemCode::Connected,
        ReplaceError::NoMajority { .. } => ProblemCode::NoMajority,
        ReplaceError::NotAMember { .. } => ProblemCode::NotLeader,
        ReplaceError::Election(_) => ProblemCode::Busy,
        _ => ProblemCode::BadRequest,
    };
    Problem { code, error: error.to_string(), receipt: None }
}
