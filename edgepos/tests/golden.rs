//! The bytes of events, which are on disks and in clouds: they change by addition only.

#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos::SignError;
use edgepos::core::{Chain, EventId, IdempotencyKey, Lane, RepairGen, ReplicaId, Seq};
use edgepos::crdt::{Hlc, VersionVector};
use edgepos::model::{
    Attached, BasketId, BasketParked, BasketTaken, BookedName, CashCount, CashMoved, CashReason, CountLine,
    CountSettled, CounterRow, Currency, CustomerErased, CustomerKey, CustomerLink, CustomerSet, DayClosed,
    DayOpened, DocType, DocumentSet, Effect, Envelope, ExceptionEnded, ExceptionRaised, ExceptionResolved,
    FiscalSigned, Kind, KnownKind, Line, NumberVoided, Origin, PaymentId, PaymentIntent, PaymentOutcome,
    PaymentState, PriceSet, ProductSet, ReceiptNumber, ReceiptPrinted, Ref, RefRole, Reissue,
    ResolutionProposed, Reversal, ShiftClosed, ShiftId, ShiftOpened, Signature, StockCounted, StockLine,
    StockMoved, StockReason, Tax, Tender, TenderReversal, TenderType, Transaction,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn sale() -> Envelope {
    let transaction = Transaction {
        basket: BasketId([0xBB; 16]),
        doc_type: DocType::Sale,
        series: "S".into(),
        number: 7,
        customer: None,
        currency: Currency::EUR,
        lines: vec![Line { no: 1, product: "milk".into(), quantity: 2, amount: 258, ..Line::default() }],
        tenders: vec![Tender::cash(258)],
        taxes: vec![],
        rounding: 0,
        total: 258,
        change: None,
        unreferenced: None,
    };
    let body = minicbor::to_vec(&transaction).unwrap();
    let mut envelope =
        Envelope::new(Kind::TRANSACTION, 1_700_000_000_000, Hlc::from_parts(1_700_000_000_000, 3), body)
            .with_key(Some(IdempotencyKey([0xCC; 16])));
    envelope.business_day = Some(20_231_114);
    envelope.workstation = 2;
    envelope.refs = vec![Ref { role: RefRole::CUSTOMER, id: b"c9".to_vec() }];
    envelope.effects = vec![Effect::new(CounterRow::stock("milk", 0), -2, Some(0))];
    envelope
}

const SALE: &str = "af00010101021b0000018bcfe5680003000400051b018bcfe568000003061a0134b3ca070008020b000c8182034263390d81\
    a7000001446d696c6b020003000421050006000e5845aa0050bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb010002615303070563\
    4555520681a7000101646d696c6b02020300040005190102068007818200190102088009000a1901020fa01150cccccccccc\
    cccccccccccccccccccccc";

#[test]
fn a_sale_is_these_bytes() {
    assert_eq!(hex(&sale().encode()), SALE);
    assert_eq!(Envelope::decode(&bytes(SALE)).unwrap(), sale());
}

#[test]
fn an_event_that_is_written_again_is_these_bytes() {
    let event = event_id();
    let of = Reissue::new(event, edgepos::sync::Hash([0x22; 32]));
    let mut envelope = Envelope::new(Kind::TRANSACTION, 5, Hlc(6), Vec::new());
    let plain = hex(&envelope.encode());
    envelope.origin = Some(Origin { reissue_of: Some(of), ..Origin::default() });
    envelope.duplicate_of = Some(event);
    let (count, rest) = plain.split_at(2);
    let entries = u8::from_str_radix(count, 16).unwrap() + 2;
    let id = format!("51{}", hex(&event.to_key()));
    let golden = format!("{entries:02x}{rest}12a10082{id}5820{}13{id}", "22".repeat(32));
    assert_eq!(hex(&envelope.encode()), golden);
    assert_eq!(Envelope::decode(&bytes(&golden)).unwrap(), envelope);
    let begun = Origin::begun_in(edgepos::core::ReplicaId::new(1, 0xA5));
    assert_eq!(hex(&minicbor::to_vec(&begun).unwrap()), "a1011b00010000000000a5");
}

#[test]
fn a_later_versions_keys_are_skipped_and_its_kinds_are_carried() {
    // {0: 999, 1: 2, 2: 5, 5: 6, 14: h'01', 200: "new"}
    let later = bytes("a6001903e7010202050506 0e4101 18c8636e6577".replace(' ', "").as_str());
    let envelope = Envelope::decode(&later).unwrap();
    assert_eq!((envelope.kind, envelope.schema, envelope.hlc()), (Kind(999), 2, Hlc(6)));
    assert_eq!(envelope.body, [1]);
}

#[test]
fn what_is_no_envelope_is_an_error_with_its_place() {
    for bad in [
        "",
        "a0",
        "80",
        "ff",
        "a1001903e7",
        "a6001903e7010202050506\
        0e410118c8636e657700",
    ] {
        let error = Envelope::decode(&bytes(bad)).unwrap_err().to_string();
        assert!(error.starts_with("envelope does not decode"), "{bad}: {error}");
    }
}

fn link() -> CustomerLink {
    CustomerLink { customer: "c9".into(), name: "card-7".into() }
}

/// One body of each kind that this version knows, and its bytes. A kind that is missing here does not build.
fn body(kind: KnownKind) -> (Vec<u8>, &'static str) {
    match kind {
        KnownKind::Transaction => (sale().body, TRANSACTION),
        KnownKind::NumberVoided => {
            let voided = NumberVoided { series: "S".into(), number: 8, basket: BasketId([0xBB; 16]) };
            (encoded(voided), NUMBER_VOIDED)
        }
        KnownKind::FiscalSigned => {
            let signature = Signature::new("S", 8, vec![0xDE, 0xAD]).unwrap();
            (encoded(FiscalSigned::of(BasketId([0xBB; 16]), "S".into(), 8, Ok(signature))), FISCAL_SIGNED)
        }
        KnownKind::ReceiptPrinted => {
            let (basket, series) = (BasketId([0xBB; 16]), "S".into());
            (encoded(ReceiptPrinted { basket, series, number: 8, copy: 1 }), RECEIPT_PRINTED)
        }
        KnownKind::CustomerSet => {
            let (customer, key) = ("c9".into(), CustomerKey::new("c9", [7; 32]).id());
            let sealed = bytes("2614f5e347e26039ad67d6f619d7ed9f8a6870d2d0fb2ea3fd5d51a6c9e2fb");
            (encoded(CustomerSet { customer, key, sealed }), CUSTOMER_SET)
        }
        KnownKind::CustomerLinked => (encoded(link()), CUSTOMER_LINKED),
        KnownKind::CustomerUnlinked => (encoded(link()), CUSTOMER_UNLINKED),
        KnownKind::CustomerErased => (encoded(CustomerErased { customer: "c9".into() }), CUSTOMER_ERASED),
        KnownKind::DocumentSet => {
            let document = DocumentSet {
                namespace: "promo".into(),
                key: "may".into(),
                version: Some(7),
                effective_at: Some(1_700_000_000_000),
                content: b"{}".to_vec(),
            };
            (encoded(document), DOCUMENT_SET)
        }
        KnownKind::StockMoved => {
            let lines = vec![StockLine { product: "milk".into(), quantity: -24 }];
            let (from, to) = (Some("store room".into()), None);
            (encoded(StockMoved { reason: StockReason::Damage, from, to, lines }), STOCK_MOVED)
        }
        KnownKind::ProductSet => {
            let product = ProductSet {
                product: "milk".into(),
                name: "Milk 1 l".into(),
                base_unit: "piece".into(),
                scale: 0,
                tax_code: Some(2),
                counted: None,
                floor: None,
                valid_from: None,
                valid_to: None,
                version: None,
            };
            (encoded(product), PRODUCT_SET)
        }
        KnownKind::PriceSet => {
            let price = PriceSet {
                product: "milk".into(),
                list: 1,
                amount: 129,
                currency: Currency::EUR,
                tax_included: true,
                valid_from: Some(1_700_000_000_000),
                valid_to: None,
                version: None,
            };
            (encoded(price), PRICE_SET)
        }
        KnownKind::DayOpened => {
            (encoded(DayOpened { day: 20_231_114, float: 10_000, cash: None, store: None }), DAY_OPENED)
        }
        KnownKind::DayClosed => {
            let seen: VersionVector = [(event_id().chain, event_id().seq)].into_iter().collect();
            (encoded(DayClosed::new(20_231_114, 5_000, &seen)), DAY_CLOSED)
        }
        KnownKind::ExceptionRaised => {
            let raised = ExceptionRaised::new(&CounterRow::stock("milk", 1), -3, 0, vec![event_id()]);
            (encoded(raised), EXCEPTION_RAISED)
        }
        KnownKind::ExceptionEnded => {
            let raised = ExceptionRaised::new(&CounterRow::stock("milk", 1), -3, 0, Vec::new());
            (encoded(ExceptionEnded::new(&raised, 4)), EXCEPTION_ENDED)
        }
        KnownKind::PaymentIntent => {
            let (payment, basket) = (PaymentId([0xDD; 16]), BasketId([0xBB; 16]));
            (
                encoded(PaymentIntent { payment, basket, tender: TenderType::CARD, amount: 258 }),
                PAYMENT_INTENT,
            )
        }
        KnownKind::PaymentOutcome => {
            let (payment, basket) = (PaymentId([0xDD; 16]), BasketId([0xBB; 16]));
            let outcome = PaymentOutcome::new(payment, basket, PaymentState::APPROVED, 258, Some("auth 7"));
            (encoded(outcome), PAYMENT_OUTCOME)
        }
        KnownKind::ResolutionProposed => {
            let proposed: ResolutionProposed = minicbor::decode(&bytes(RESOLUTION_PROPOSED)).unwrap();
            let advice = &proposed.advice;
            assert_eq!(
                (proposed.episode, advice.action.name(), advice.by.as_str()),
                (1, "void_transaction", "fraud")
            );
            assert_eq!((advice.scores[0].event, advice.scores[0].per_mille), (event_id(), 700));
            assert_eq!((advice.transaction, advice.fallback.unwrap().name()), (Some(event_id()), "late"));
            (encoded(proposed), RESOLUTION_PROPOSED)
        }
        KnownKind::ExceptionResolved => {
            let resolved: ExceptionResolved = minicbor::decode(&bytes(EXCEPTION_RESOLVED)).unwrap();
            assert_eq!((resolved.actor.as_str(), resolved.base, resolved.amount), ("Ada", 9, Some(-3)));
            assert_eq!((resolved.of, resolved.transaction), (Some(event_id()), Some(event_id())));
            assert_eq!(resolved.refused.unwrap().name(), "resolved_before");
            assert_eq!(resolved.key(), IdempotencyKey([0xCC; 16]));
            (encoded(resolved), EXCEPTION_RESOLVED)
        }
        KnownKind::BasketParked => {
            let parked: BasketParked = minicbor::decode(&bytes(BASKET_PARKED)).unwrap();
            assert_eq!((parked.basket, parked.total), (BasketId([0xBB; 16]), 258));
            assert_eq!((parked.currency, parked.contents()), (Currency::EUR, [0xA0].as_slice()));
            (encoded(parked), BASKET_PARKED)
        }
        KnownKind::BasketClaimed | KnownKind::BasketClosed => {
            (encoded(BasketTaken::new(BasketId([0xBB; 16]), event_id())), BASKET_TAKEN)
        }
        KnownKind::CashMoved => {
            let moved = CashMoved::new(CashReason::SKIM, Currency::EUR, 5_000).into_drawer("safe");
            let note = Some("bag 7".into());
            (encoded(CashMoved { from: Some("terminal-2".into()), note, ..moved }), CASH_MOVED)
        }
        KnownKind::StockCounted => {
            let seen: VersionVector = [(event_id().chain, event_id().seq)].into_iter().collect();
            let line = CountLine { expected: Some(50), ..CountLine::new("milk", 48) };
            (encoded(StockCounted::new(1, vec![line], &seen)), STOCK_COUNTED)
        }
        KnownKind::Attached => {
            let (basket, hash, name) = (BasketId([0xBB; 16]), [0x11; 32], "front.jpg".into());
            let (media_type, content) = ("image/jpeg".into(), vec![0xFF, 0xD8]);
            (encoded(Attached { basket, hash, size: 49_154, part: 1, name, media_type, content }), ATTACHED)
        }
        KnownKind::CountSettled => {
            let (count, product) = (event_id(), "milk".into());
            (encoded(CountSettled { count, product, stands: false }), COUNT_SETTLED)
        }
        KnownKind::ShiftOpened => {
            let cash = Some(vec![CashCount { expected: Some(0), ..CashCount::new(Currency::EUR, 10_000) }]);
            (encoded(ShiftOpened { shift: ShiftId([0xEE; 16]), cash }), SHIFT_OPENED)
        }
        KnownKind::ShiftClosed => {
            let cash =
                Some(vec![CashCount { expected: Some(5_258), ..CashCount::new(Currency::EUR, 5_200) }]);
            (encoded(ShiftClosed { shift: ShiftId([0xEE; 16]), cash }), SHIFT_CLOSED)
        }
        // A vendor's own: opaque, so whatever it is stays.
        KnownKind::Custom => (vec![0xDE, 0xAD], "dead"),
    }
}

fn encoded<T: minicbor::Encode<()>>(body: T) -> Vec<u8> {
    minicbor::to_vec(body).unwrap()
}

fn event_id() -> EventId {
    EventId::new(Chain::new(ReplicaId::new(3, 5), Lane::Stock), Seq(9))
}

/// Reads the bytes of a body and writes them again.
fn read_and_written(kind: KnownKind, bytes: &[u8]) -> Vec<u8> {
    fn again<T: for<'b> minicbor::Decode<'b, ()> + minicbor::Encode<()>>(bytes: &[u8]) -> Vec<u8> {
        encoded(minicbor::decode::<T>(bytes).unwrap())
    }
    match kind {
        KnownKind::Transaction => again::<Transaction>(bytes),
        KnownKind::NumberVoided => again::<NumberVoided>(bytes),
        KnownKind::FiscalSigned => again::<FiscalSigned>(bytes),
        KnownKind::ReceiptPrinted => again::<ReceiptPrinted>(bytes),
        KnownKind::CustomerSet => again::<CustomerSet>(bytes),
        KnownKind::CustomerLinked | KnownKind::CustomerUnlinked => again::<CustomerLink>(bytes),
        KnownKind::CustomerErased => again::<CustomerErased>(bytes),
        KnownKind::DocumentSet => again::<DocumentSet>(bytes),
        KnownKind::StockMoved => again::<StockMoved>(bytes),
        KnownKind::ProductSet => again::<ProductSet>(bytes),
        KnownKind::PriceSet => again::<PriceSet>(bytes),
        KnownKind::DayOpened => again::<DayOpened>(bytes),
        KnownKind::DayClosed => again::<DayClosed>(bytes),
        KnownKind::ExceptionRaised => again::<ExceptionRaised>(bytes),
        KnownKind::ExceptionEnded => again::<ExceptionEnded>(bytes),
        KnownKind::PaymentIntent => again::<PaymentIntent>(bytes),
        KnownKind::PaymentOutcome => again::<PaymentOutcome>(bytes),
        KnownKind::ResolutionProposed => again::<ResolutionProposed>(bytes),
        KnownKind::ExceptionResolved => again::<ExceptionResolved>(bytes),
        KnownKind::BasketParked => again::<BasketParked>(bytes),
        KnownKind::BasketClaimed | KnownKind::BasketClosed => again::<BasketTaken>(bytes),
        KnownKind::CashMoved => again::<CashMoved>(bytes),
        KnownKind::StockCounted => again::<StockCounted>(bytes),
        KnownKind::Attached => again::<Attached>(bytes),
        KnownKind::CountSettled => again::<CountSettled>(bytes),
        KnownKind::ShiftOpened => again::<ShiftOpened>(bytes),
        KnownKind::ShiftClosed => again::<ShiftClosed>(bytes),
        KnownKind::Custom => bytes.to_vec(),
    }
}

#[test]
fn the_body_of_each_kind_is_these_bytes() {
    for &kind in KnownKind::ALL {
        let (written, golden) = body(kind);
        assert_eq!(hex(&written), golden, "{}", kind.name());
        assert_eq!(hex(&read_and_written(kind, &bytes(golden))), golden, "{}", kind.name());
    }
    let unsigned = |error| FiscalSigned::of(BasketId([0xBB; 16]), "S".into(), 8, Err(error));
    let refused = unsigned(SignError::Refused("test".into()));
    assert_eq!((hex(&encoded(refused.clone())), refused.signature()), (FISCAL_REFUSED.to_owned(), None));
    let waiting = unsigned(SignError::Away("test".into()));
    assert_eq!((hex(&encoded(waiting.clone())), waiting.signature()), (FISCAL_WAITING.to_owned(), None));
    let closed: DayClosed = minicbor::decode(&bytes(DAY_CLOSED)).unwrap();
    assert_eq!(closed.watermark().get(event_id().chain), event_id().seq);
    let counted = CashCount {
        drawer: Some("front".into()),
        expected: Some(4_000),
        ..CashCount::new(Currency::USD, 3_900)
    };
    let opened = DayOpened { day: 20_231_114, float: 0, cash: Some(vec![counted.clone()]), store: None };
    assert_eq!(hex(&encoded(opened.clone())), DAY_OPENED_WITH_CASH);
    assert_eq!(minicbor::decode::<DayOpened>(&bytes(DAY_OPENED_WITH_CASH)).unwrap(), opened);
    let with_cash = closed.clone().with_cash(Some(vec![counted]));
    assert_eq!(hex(&encoded(with_cash.clone())), DAY_CLOSED_WITH_CASH);
    assert_eq!(minicbor::decode::<DayClosed>(&bytes(DAY_CLOSED_WITH_CASH)).unwrap(), with_cash);
    let of_store = DayOpened { store: Some(true), ..minicbor::decode(&bytes(DAY_OPENED)).unwrap() };
    assert_eq!(hex(&encoded(of_store)), format!("a3{}03f5", &DAY_OPENED[2..]));
    let of_store: DayClosed = minicbor::decode::<DayClosed>(&bytes(DAY_CLOSED)).unwrap().of_store(true);
    assert_eq!(hex(&encoded(of_store)), format!("a4{}04f5", &DAY_CLOSED[2..]));
    let transaction: Transaction = minicbor::decode(&bytes(TRANSACTION)).unwrap();
    let with_change = Transaction { change: Some(42), ..transaction };
    assert_eq!(hex(&encoded(with_change.clone())), TRANSACTION_WITH_CHANGE);
    assert_eq!(minicbor::decode::<Transaction>(&bytes(TRANSACTION_WITH_CHANGE)).unwrap(), with_change);
    let transaction: Transaction = minicbor::decode(&bytes(TRANSACTION)).unwrap();
    let unreferenced = Transaction { unreferenced: Some(true), ..transaction.clone() };
    assert_eq!(hex(&encoded(unreferenced)), format!("ab{}0cf5", &TRANSACTION[2..]));
    let line = Line { sold: Some(3), ..transaction.lines[0].clone() };
    assert_eq!(hex(&encoded(line)), format!("a8{}0b03", &hex(&encoded(transaction.lines[0].clone()))[2..]));
    let versioned = Line { price_version: Some(7), ..transaction.lines[0].clone() };
    assert_eq!(
        hex(&encoded(versioned)),
        format!("a8{}0c07", &hex(&encoded(transaction.lines[0].clone()))[2..])
    );
    let price: PriceSet = minicbor::decode(&bytes(PRICE_SET)).unwrap();
    let price = PriceSet { valid_to: Some(1_700_000_000_001), version: Some(7), ..price };
    assert_eq!(hex(&encoded(price)), format!("a8{}061b0000018bcfe568010707", &PRICE_SET[2..]));
    let product: ProductSet = minicbor::decode(&bytes(PRODUCT_SET)).unwrap();
    let product = ProductSet { valid_from: Some(1), valid_to: Some(2), version: Some(3), ..product };
    assert_eq!(hex(&encoded(product)), format!("a8{}070108020903", &PRODUCT_SET[2..]));
    let surplus: PaymentOutcome = minicbor::decode(&bytes(SURPLUS)).unwrap();
    assert_eq!((surplus.state, surplus.beside()), (PaymentState::SURPLUS, Some(event_id())));
    assert_eq!(hex(&encoded(surplus)), SURPLUS);
    let of_payment = Tender::new(TenderType::CARD, 258, None).of_payment(PaymentId([0xDD; 16]));
    assert_eq!(hex(&encoded(of_payment)), format!("8401190102f650{}", "dd".repeat(16)));
    let raised: ExceptionRaised = minicbor::decode(&bytes(EXCEPTION_RAISED)).unwrap();
    assert_eq!(raised.row(), Some(CounterRow::stock("milk", 1)));
}

/// A decision that takes a sale out of the figures of its day, or puts it back, says so in key 15.
#[test]
fn a_reversal_is_these_bytes() {
    let reversal = Reversal {
        day: 20_231_114,
        terminal: 2,
        series: "S".into(),
        number: 7,
        currency: Currency::EUR,
        total: -258,
        rounding: -1,
        change: -42,
        tenders: vec![TenderReversal { kind: TenderType::CASH, amount: -300 }],
        taxes: vec![Tax { code: 1, rate_ppm: 190_000, base: -217, amount: -41, included: true }],
        operator: Some("Ada".into()),
        drawer: Some("front".into()),
    };
    assert_eq!(hex(&encoded(reversal.clone())), REVERSAL);
    let mut voids: ExceptionResolved = minicbor::decode(&bytes(EXCEPTION_RESOLVED)).unwrap();
    voids.reversal = Some(Box::new(reversal));
    let golden = format!("b0{}0f{REVERSAL}", &EXCEPTION_RESOLVED[2..]);
    assert_eq!(hex(&encoded(voids.clone())), golden);
    assert_eq!(minicbor::decode::<ExceptionResolved>(&bytes(&golden)).unwrap(), voids);
    let bare = Reversal {
        tenders: Vec::new(),
        taxes: Vec::new(),
        operator: None,
        drawer: None,
        ..*voids.reversal.unwrap()
    };
    let read: Reversal = minicbor::decode(&encoded(bare.clone())).unwrap();
    assert_eq!(read, bare);
    assert_eq!(hex(&encoded(bare)), REVERSAL_WITHOUT_REFUND);
}

/// The page that describes the formats has the table of kinds as the code has it.
#[test]
fn the_page_names_each_kind_with_its_lane() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/formats.md")).unwrap();
    let begin = page.find("| kind | name | lane | subject |").expect("the table of kinds");
    let rows: Vec<&str> = page[begin..].lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    let expected: Vec<String> = KnownKind::ALL
        .iter()
        .map(|kind| {
            let (lane, subject) = (kind.lane().code(), format!("{:?}", kind.subject()).to_lowercase());
            format!("| {} | {} | {lane} | {subject} |", kind.kind().0, kind.name())
        })
        .collect();
    assert_eq!(rows, expected);
}

/// The number of repairs is key 20, and nothing where there was none.
#[test]
fn a_repair_is_these_bytes() {
    let repaired = sale().with_repair(RepairGen(3));
    assert_eq!(hex(&repaired.encode()), format!("b0{}1403", &SALE[2..]));
    assert_eq!(Envelope::decode(&repaired.encode()).unwrap().repair(), RepairGen(3));
    assert_eq!(hex(&sale().with_repair(RepairGen(0)).encode()), SALE);
}

/// A basket or a key that was booked more than once.
#[test]
fn a_duplicate_is_these_bytes() {
    let names = [
        (BookedName::Basket(BasketId([0xBB; 16])), DUPLICATE_BASKET),
        (BookedName::Key(IdempotencyKey([0xCC; 16])), DUPLICATE_KEY),
    ];
    for (name, golden) in names {
        let raised = ExceptionRaised::duplicate(name, vec![event_id()]);
        assert_eq!(hex(&encoded(raised.clone())), golden);
        let read: ExceptionRaised = minicbor::decode(&bytes(golden)).unwrap();
        assert_eq!((read.booked_twice(), read.row()), (Some(name), None));
        assert_eq!(read, raised);
    }
    // A payment that was taken beside the sale is named once more, as key 6.
    let paid = ExceptionRaised::duplicate(names[0].0, vec![event_id()]).with_payments(&[event_id()]);
    assert_eq!(
        hex(&encoded(paid.clone())),
        format!("a7{}0681510003000000000005010000000000000009", &DUPLICATE_BASKET[2..])
    );
    assert_eq!(minicbor::decode::<ExceptionRaised>(&encoded(paid.clone())).unwrap(), paid);
}

/// Two receipts of one number.
#[test]
fn a_shared_number_is_these_bytes() {
    let number = ReceiptNumber { terminal: 3, series: "S".into(), number: 7 };
    let raised = ExceptionRaised::same_number(&number, vec![event_id()]);
    assert_eq!(hex(&encoded(raised.clone())), SAME_NUMBER);
    let read: ExceptionRaised = minicbor::decode(&bytes(SAME_NUMBER)).unwrap();
    assert_eq!((read.receipt_number(), read.booked_twice(), read.row()), (Some(number), None, None));
    assert_eq!(read, raised);
}

const SAME_NUMBER: &str =
    "a600080153ffffffffffffff6e00030000000000000007530201030104010581510003000000000005010000000000000009";
const TRANSACTION: &str = "aa0050bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb0100026153030705634555520681a7000101646d696c6b02020300040005190102068007818200190102088009000a190102";
const NUMBER_VOIDED: &str = "a300615301080250bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const FISCAL_SIGNED: &str = "a50050bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb016153020803000442dead";
const FISCAL_REFUSED: &str = "a50050bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb01615302080301056474657374";
const FISCAL_WAITING: &str = "a50050bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb01615302080302056474657374";
const RECEIPT_PRINTED: &str = "a40050bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb01615302080301";
const CUSTOMER_SET: &str = "a300626339015039cd36714790906f1ecdd5fac3cedb0402581f2614f5e347e26039ad67d6f619d7ed9f8a6870\
    d2d0fb2ea3fd5d51a6c9e2fb";
const CUSTOMER_LINKED: &str = "a2006263390166636172642d37";
const CUSTOMER_UNLINKED: &str = "a2006263390166636172642d37";
const CUSTOMER_ERASED: &str = "a100626339";
const DOCUMENT_SET: &str = "a5006570726f6d6f01636d61790207031b0000018bcfe5680004427b7d";
const STOCK_COUNTED: &str = "a300010181a300646d696c6b0118300218320281510003000000000005010000000000000009";
const ATTACHED: &str = "a70050bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb01582011111111111111111111111111111111111111111111111111111111111111110219c0020301046966726f6e742e6a7067056a696d6167652f6a7065670642ffd8";
const COUNT_SETTLED: &str = "a30051000300000000000501000000000000000901646d696c6b02f4";
const CASH_MOVED: &str = "a60003016345555202191388036a7465726d696e616c2d3204647361666505656261672037";
const SHIFT_OPENED: &str = "a20050eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee0181a30063455552011927100300";
const SHIFT_CLOSED: &str = "a20050eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee0181a30063455552011914500319148a";
const STOCK_MOVED: &str = "a30003016a73746f726520726f6f6d038182646d696c6b37";
const PRODUCT_SET: &str = "a500646d696c6b01684d696c6b2031206c0265706965636503000402";
const PRICE_SET: &str = "a600646d696c6b0101021881036345555204f5051b0000018bcfe56800";
const DAY_OPENED: &str = "a2001a0134b3ca01192710";
const DAY_CLOSED: &str = "a3001a0134b3ca011913880281510003000000000005010000000000000009";
const TRANSACTION_WITH_CHANGE: &str = "ab0050bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb0100026153030705634555520681a7000101646d696c6b02020300040005190102068007818200190102088009000a1901020b182a";
const DAY_OPENED_WITH_CASH: &str = "a3001a0134b3ca01000281a4006355534401190f3c026566726f6e7403190fa0";
const DAY_CLOSED_WITH_CASH: &str = "a4001a0134b3ca0119138802815100030000000000050100000000000000090381a4006355534401190f3c026566726f6e7403190fa0";
const PAYMENT_INTENT: &str =
    "a40050dddddddddddddddddddddddddddddddd0150bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb020103190102";
const PAYMENT_OUTCOME: &str =
    "a50050dddddddddddddddddddddddddddddddd0150bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb0200031901020466617574682037";
const SURPLUS: &str = "a50050dddddddddddddddddddddddddddddddd0150bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb0203031901020551\
    0003000000000005010000000000000009";
const BASKET_PARKED: &str = "a40050bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb0119010202634555520341a0";
const BASKET_TAKEN: &str = "a20050bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb0181510003000000000005010000000000000009";
const EXCEPTION_RAISED: &str =
    "a60000014b000000000001006d696c6b0201032204000581510003000000000005010000000000000009";
const EXCEPTION_ENDED: &str = "a3004b000000000001006d696c6b01010204";
const DUPLICATE_BASKET: &str = "a60005015818ffffffffffffff62bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb0201030104010581510003000000000005010000000000000009";
const DUPLICATE_KEY: &str = "a60005015818ffffffffffffff6bcccccccccccccccccccccccccccccccc0201030104010581510003000000000005010000000000000009";
const RESOLUTION_PROPOSED: &str = "a3004b000000000001006d696c6b010102a60004015100030000000000050100000000000000090265667261756403816a6c6f6f6b2061742069740481825100030000000000050100000000000000091902bc0500";
const REVERSAL: &str = "ac001a0134b3ca0102026153030704634555520539010106200738290881a200000139012b098185011a0002e63038d83828f50a634164610b6566726f6e74";
const REVERSAL_WITHOUT_REFUND: &str = "aa001a0134b3ca01020261530307046345555205390101062007382908800980";
const EXCEPTION_RESOLVED: &str = "af004b000000000001006d696c6b010102040363416461047069742077617320736f6c64206f6e6365051b0000018bcfe5680006090750cccccccccccccccccccccccccccccccc0851000300000000000501000000000000000909220a5100030000000000050100000000000000090bf50c62426f0da60004015100030000000000050100000000000000090265667261756403816a6c6f6f6b2061742069740481825100030000000000050100000000000000091902bc05000e02";
