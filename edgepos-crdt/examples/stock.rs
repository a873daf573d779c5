//! Two tills that cannot hear each other sell from one shelf, and agree once they can.
//!
//! ```text
//! cargo run -p edgepos-crdt --example stock
//! ```

use edgepos_core::{Chain, EventId, Lane, ReplicaId, Seq};
use edgepos_crdt::{Item, PnTable};

/// A till's own chain, and its copy of the stock.
struct Till {
    chain: Chain,
    recorded: u64,
    stock: PnTable,
}

impl Till {
    fn new(number: u16) -> Self {
        let chain = Chain::new(ReplicaId::new(number, 0xC0FFEE), Lane::Transactions);
        Self { chain, recorded: 0, stock: PnTable::new() }
    }

    fn move_stock(&mut self, item: Item, pieces: i64) -> Result<(), Box<dyn std::error::Error>> {
        self.recorded += 1;
        // What it returns is the one row to write to the disk, together with the event.
        self.stock.apply(EventId::new(self.chain, Seq(self.recorded)), item, pieces)?;
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (coffee, tea) = (Item(0), Item(1));
    let (mut one, mut two) = (Till::new(1), Till::new(2));
    one.move_stock(coffee, 24)?;
    one.move_stock(coffee, -5)?;
    two.move_stock(coffee, -3)?;
    two.move_stock(tea, -1)?;
    println!("cut off:  coffee {} and {}", one.stock.value(coffee)?, two.stock.value(coffee)?);
    // Each says what is on its disk and gets what it lacks; twice, and late, does no harm.
    let to_two = one.stock.delta_since(two.stock.vector());
    let to_one = two.stock.delta_since(one.stock.vector());
    for _ in 0..2 {
        two.stock.merge(&to_two)?;
        one.stock.merge(&to_one)?;
    }
    println!("together: coffee {} and {}", one.stock.value(coffee)?, two.stock.value(coffee)?);
    assert_eq!((one.stock.value(coffee)?, two.stock.value(coffee)?), (16, 16));
    assert_eq!(one.stock, two.stock);
    Ok(())
}
