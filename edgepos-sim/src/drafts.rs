//! What customers bring to a till, and how they pay.

use edgepos::model::{
    BasketId, Counter, CounterRow, Currency, DocType, Effect, Line, Mode, OriginalLine, PaymentId,
    PaymentIntent, PaymentOutcome, PaymentState, StockState, Tender, TenderType,
};
use edgepos::{Commit, Draft, Record};
use edgepos_core::{IdempotencyKey, Jitter};

use crate::goods::some_product;
use crate::street::Bought;

/// A few products; sometimes in another series, by a trainee, or with loyalty points.
pub(crate) fn sale(rng: &mut Jitter, basket: BasketId) -> Draft {
    let mut lines = Vec::new();
    for no in 1..=rng.range(1, 5) {
        // A coupon or a service moves no stock.
        let quantity = rng.range(0, 4) as i64;
        let unit_price = rng.range(50, 2_000) as i64;
        let product = some_product(rng);
        let amount = quantity * unit_price;
        lines.push(Line { no: no as u16, product, quantity, unit_price, amount, ..Line::default() });
    }
    let mut draft = Draft::sale(basket, Currency::EUR, lines);
    if rng.range(0, 100) < 3 {
        draft.mode = Mode::Training;
    }
    if rng.range(0, 100) < 20 {
        draft.series = "B".into();
    }
    if rng.range(0, 100) < 25 {
        let customer = format!("customer-{}", rng.range(0, 5));
        let points = CounterRow {
            counter: Counter::POINTS,
            location: 0,
            state: StockState::OnHand,
            key: customer.clone().into_bytes(),
        };
        let moved = rng.range(0, 30) as i64 - 10;
        draft.customer = Some(customer);
        draft.effects = vec![Effect::new(points, moved, Some(0))];
    }
    draft
}

/// The same with one more line.
pub(crate) fn longer(rng: &mut Jitter, draft: &Draft) -> Draft {
    let mut draft = draft.clone();
    let no = draft.lines.iter().map(|line| line.no).max().unwrap_or_default() + 1;
    let unit_price = rng.range(50, 2_000) as i64;
    let product = some_product(rng);
    draft.lines.push(Line { no, product, quantity: 1, unit_price, amount: unit_price, ..Line::default() });
    draft
}

/// One line of a receipt comes back.
pub(crate) fn give_back(bought: &Bought, basket: BasketId) -> Draft {
    let line = Line {
        no: 1,
        product: bought.product.clone(),
        quantity: -bought.quantity,
        amount: -bought.amount,
        original: Some(OriginalLine { basket: bought.basket, line: bought.line }),
        // Every second till reads the paper.
        sold: basket.0[0].is_multiple_of(2).then_some(bought.quantity),
        ..Line::default()
    };
    Draft { doc_type: DocType::Return, ..Draft::sale(basket, Currency::EUR, vec![line]) }
}

/// Cash for the whole of it, or a card for every third, under a key that belongs to the basket.
pub(crate) fn payment(draft: &Draft) -> Commit {
    let mut key = draft.basket.0;
    key[0] = 0xA5;
    let total = draft.lines.iter().map(|line| line.amount).sum();
    let by_card = draft.mode == Mode::Live && draft.basket.0[15].is_multiple_of(3);
    let tender = match by_card {
        true => Tender::new(TenderType::CARD, total, None).of_payment(payment_of(draft.basket)),
        false => Tender::cash(total),
    };
    Commit { basket: draft.basket, key: IdempotencyKey(key), tenders: tender.into() }
}

/// The payment of a basket that is paid by card.
fn payment_of(basket: BasketId) -> PaymentId {
    let mut payment = basket.0;
    payment[0] = 0x5A;
    PaymentId(payment)
}

/// What is on record before a payment terminal is asked, and what it says.
pub(crate) fn card_steps(commit: &Commit) -> Vec<Record> {
    let (payment, basket) = (payment_of(commit.basket), commit.basket);
    let amount = commit.tenders.as_slice().iter().map(|tender| tender.amount).sum();
    let intent = PaymentIntent { payment, basket, tender: TenderType::CARD, amount };
    let approved = PaymentOutcome::new(payment, basket, PaymentState::APPROVED, amount, Some("auth 7"));
    vec![Record::payment_intent(intent), Record::payment_outcome(approved)]
}

/// What a card may have paid for a basket is given back.
pub(crate) fn reversed(basket: BasketId) -> Record {
    let state = PaymentState::REVERSED;
    Record::payment_outcome(PaymentOutcome::new(payment_of(basket), basket, state, 0, None))
}
