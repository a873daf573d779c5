//! The example of the README, as a program: `cargo run -p edgepos --example till`.

use std::path::Path;

use edgepos::core::IdempotencyKey;
use edgepos::model::{BasketId, Currency, Line, Tender};
use edgepos::{Commit, Committed, Draft, Setup};

/// A store of one terminal sells two bottles of milk; `till.toml` in `folder` says who it is.
pub async fn sell(folder: &Path) -> Result<Committed, Box<dyn std::error::Error>> {
    let till = Setup::read(&folder.join("till.toml"))?.open().await?;
    let basket = BasketId([1; 16]);
    let milk = Line { no: 1, product: "4006381333931".into(), quantity: 2, amount: 258, ..Line::default() };
    let begun = till.node.begin(Draft::sale(basket, Currency::EUR, vec![milk])).await?;
    // … the customer pays …
    let (key, tenders) = (IdempotencyKey([2; 16]), Tender::cash(begun.total).into());
    let sold = till.node.commit(Commit { basket, key, tenders }).await?;
    till.close().await?;
    Ok(sold)
}

/// Nobody answers at that address of the cloud: the sale is durable here, and goes up when somebody does.
pub const TILL: &str = r#"
terminal = 1
store = "07070707070707070707070707070707"
database = "till-1.db"
listen = "127.0.0.1:0"
cloud = "http://127.0.0.1:9"
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("edgepos-till-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("till.toml"), TILL)?;
    let sold = sell(&folder).await?;
    println!(
        "receipt {} is event {}, on disk in {}",
        sold.receipt.number,
        sold.receipt.event,
        folder.display()
    );
    Ok(())
}
