//! The steps of `docs/embed.md`, as a program: `cargo run -p edgepos --example embed`.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use edgepos::core::IdempotencyKey;
use edgepos::crdt::VersionVector;
use edgepos::model::{
    BasketId, BookedName, CounterRow, Currency, DocType, Line, OriginalLine, PriceSet, ProductSet, StockLine,
    StockMoved, StockReason, Tender,
};
use edgepos::{Action, Commit, Committed, DayQuery, Draft, Node, OpenTerminal, Record, Resolve, Setup};

type Done<T> = Result<T, Box<dyn Error>>;

/// Step 1: a till from its file, which listens from here on.
pub async fn open(folder: &Path) -> Done<OpenTerminal> {
    let till = Setup::read(&folder.join("till.toml"))?.open().await?;
    println!("listens on {}", till.address);
    Ok(till)
}

/// Step 2: the day begins, and what is sold has a name, a price and a stock.
pub async fn morning(node: &Node, today: u32) -> Done<()> {
    node.record(Record::day_opened(today, 20_000)).await?;
    node.record(Record::product(&ProductSet {
        product: "4006381333931".into(),
        name: "Milk, 1 l".into(),
        base_unit: "piece".into(),
        scale: 0,
        tax_code: None,
        counted: None,
        floor: None,
        valid_from: None,
        valid_to: None,
        version: None,
    }))
    .await?;
    node.record(Record::price(&PriceSet {
        product: "4006381333931".into(),
        list: 0,
        amount: 129,
        currency: Currency::EUR,
        tax_included: true,
        valid_from: None,
        valid_to: None,
        version: None,
    }))
    .await?;
    let lines = vec![StockLine { product: "4006381333931".into(), quantity: 2 }];
    let delivery = StockMoved { reason: StockReason::Receipt, from: Some("dairy".into()), to: None, lines };
    // The delivery note was scanned twice? The same key books it once.
    let note = IdempotencyKey([0xd1; 16]);
    node.record(Record::stock_moved(&delivery, 0).with_key(note)).await?;
    Ok(())
}

/// Step 3: begins a basket, and books it once it is paid.
pub async fn sell(
    node: &Node,
    basket: BasketId,
    key: IdempotencyKey,
    quantity: i64,
    now_ms: u64,
) -> Done<Committed> {
    let price = node.price("4006381333931".into(), 0, now_ms).await?.ok_or("no price")?;
    let milk = Line {
        no: 1,
        product: price.product,
        quantity,
        unit_price: price.amount,
        amount: price.amount * quantity,
        ..Line::default()
    };
    let begun = node.begin(Draft::sale(basket, price.currency, vec![milk])).await?;
    // Here the customer pays `begun.total`.
    Ok(node.commit(Commit { basket, key, tenders: Tender::cash(begun.total).into() }).await?)
}

/// Step 4: what was open when the till went down is closed, one way or the other.
pub async fn after_a_crash(node: &Node) -> Done<()> {
    for open in node.unresolved().await? {
        match node.receipts(BookedName::Basket(open.basket)).await?.first() {
            Some(receipt) => println!("was booked as receipt {}", receipt.number),
            None => node.abandon(open.basket).await?,
        }
    }
    Ok(())
}

/// Step 5: takes one bottle back.
pub async fn take_back(
    node: &Node,
    sold: &Committed,
    basket: BasketId,
    key: IdempotencyKey,
) -> Done<Committed> {
    let original = Some(OriginalLine { basket: sold.receipt.basket, line: 1 });
    let amount = -129;
    let milk = Line {
        no: 1,
        product: "4006381333931".into(),
        quantity: -1,
        unit_price: 129,
        amount,
        original,
        ..Line::default()
    };
    let draft = Draft { doc_type: DocType::Return, ..Draft::sale(basket, Currency::EUR, vec![milk]) };
    node.begin(draft).await?;
    Ok(node.commit(Commit { basket, key, tenders: Tender::cash(amount).into() }).await?)
}

/// Step 6: what there is, what the day came to, and everything that is held.
pub async fn read_back(node: &Node, today: u32) -> Done<(i64, usize)> {
    let on_hand = node.counter(CounterRow::stock("4006381333931", 0)).await?.unwrap_or(0);
    let figures = node.day_figures(DayQuery { day: today, terminal: None }).await?;
    println!("{on_hand} bottles are left; {figures:?}");
    // Everything that this terminal holds, in order, from a cursor of the application's own. `events_since` goes on from there and waits.
    let mut events = node.stored_events(VersionVector::new());
    let mut read = 0;
    while let Some(event) = events.next().await {
        let event = event?;
        println!("{}: {:?}", event.id, event.envelope.map(|envelope| envelope.kind));
        read += 1;
    }
    Ok((on_hand, read))
}

/// Step 7: decides what the store asks of a person.
pub async fn resolve(node: &Node) -> Done<usize> {
    let open = node.open_exceptions_after(None).await?;
    for exception in &open {
        let call = Resolve {
            exception: exception.raised.subject().to_vec(),
            episode: exception.raised.episode,
            action: Action::AdjustInventory { delta: -exception.raised.value },
            actor: "manager".into(),
            reason: "one bottle more than the delivery note says".into(),
            base: Some(exception.base),
            key: IdempotencyKey([0xe1; 16]),
        };
        node.resolve(call).await?;
    }
    Ok(open.len())
}

/// Step 8: the day ends; how many events the cloud does not have.
pub async fn evening(till: OpenTerminal, patience: Duration) -> Done<u64> {
    till.node.record(Record::day_closed(20_258)).await?;
    let status = till.node.status().await?;
    for condition in &status.conditions {
        println!("somebody has to look at {condition:?}");
    }
    // What the cloud does not have by then stays on the disk, and goes up when the till runs again.
    let left = till.node.flush_until_uploaded(patience).await?;
    till.close().await?;
    Ok(left)
}

/// Nobody answers at that address of the cloud.
pub const TILL: &str = r#"
terminal = 1
store = "07070707070707070707070707070707"
database = "till-1.db"
listen = "127.0.0.1:0"
cloud = "http://127.0.0.1:9"
"#;

#[tokio::main]
async fn main() -> Done<()> {
    let folder = std::env::temp_dir().join(format!("edgepos-embed-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("till.toml"), TILL)?;
    let (today, now_ms) = (20_300_101, 1_893_495_600_000);
    let till = open(&folder).await?;
    after_a_crash(&till.node).await?;
    morning(&till.node, today).await?;
    let sold = sell(&till.node, BasketId([1; 16]), IdempotencyKey([0xa1; 16]), 3, now_ms).await?;
    let resolved = resolve(&till.node).await?;
    take_back(&till.node, &sold, BasketId([2; 16]), IdempotencyKey([0xa2; 16])).await?;
    read_back(&till.node, today).await?;
    let left = evening(till, Duration::from_secs(1)).await?;
    println!("{resolved} exceptions were resolved; {left} events wait for a cloud in {}", folder.display());
    Ok(())
}
