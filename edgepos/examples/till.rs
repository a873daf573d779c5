//! The example of the README, as a program: `cargo run -p edgepos --example till`.

use std::path::Path;
use std::sync::Arc;

use edgepos::core::{IdempotencyKey, ReplicaId, StoreGeneration, StoreId};
use edgepos::model::{BasketId, Currency, Line, Tender};
use edgepos::{
    Commit, Committed, Config, Draft, Driver, DriverConfig, Genesis, HttpUplink, SqliteStore, SystemClock,
    TcpConfig, TcpTransport,
};

/// A store of one terminal sells two bottles of milk; its files are in `folder`.
pub async fn sell(folder: &Path) -> Result<Committed, Box<dyn std::error::Error>> {
    let me = ReplicaId::new(1, 0x5EED);
    let genesis =
        Genesis { store: StoreId([7; 16]), generation: StoreGeneration(0), voters: vec![me], recovery: None };
    let (transport, transport_events) = TcpTransport::start(TcpConfig {
        me,
        store: genesis.store,
        generation: genesis.generation,
        listen: "127.0.0.1:0".parse()?,
        peers: Default::default(),
        max_peers: 32,
    })
    .await?;
    let (node, driver) = Driver::start(
        DriverConfig { terminal: Config::new(me, genesis.clone(), 42) },
        Box::new(SqliteStore::open(&folder.join("till-1.db"))?),
        Box::new(transport),
        transport_events,
        // Nobody answers there: the sale is durable here, and goes up when somebody does.
        Arc::new(HttpUplink::new("http://127.0.0.1:9", genesis.store)?),
        Arc::new(SystemClock::new()),
    )?;

    let basket = BasketId([1; 16]);
    let milk = Line { no: 1, product: "4006381333931".into(), quantity: 2, amount: 258, ..Line::default() };
    let begun = node.begin(Draft::sale(basket, Currency::EUR, vec![milk])).await?;
    // … the customer pays …
    let key = IdempotencyKey([2; 16]);
    let tenders = Tender::cash(begun.total).into();
    let sold = node.commit(Commit { basket, key, tenders }).await?;

    node.shutdown().await;
    driver.join().await?;
    Ok(sold)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("edgepos-till-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let sold = sell(&folder).await?;
    println!(
        "receipt {} is event {}, on disk in {}",
        sold.receipt.number,
        sold.receipt.event,
        folder.display()
    );
    Ok(())
}
