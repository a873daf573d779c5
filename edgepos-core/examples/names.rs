//! How things are named, and how names travel as text: `cargo run -p edgepos-core --example names`.

use edgepos_core::{Chain, EventId, Gtin, Lane, ParseIdError, ReplicaId, Seq};

fn main() -> Result<(), ParseIdError> {
    // Terminal 3 in its present incarnation, its chain of sales, and the 17th event there.
    let till = ReplicaId::new(3, 0x0123_4567_89ab);
    let sales = Chain::new(till, Lane::Transactions);
    let sale = EventId::new(sales, Seq(17));
    println!("{sale} was written by {till}, terminal {}", till.terminal());
    assert_eq!(sale.to_string().parse::<EventId>()?, sale);

    // As keys they sort as they do as values: a store that orders bytes orders events.
    let next = EventId::new(sales, sale.seq.next());
    assert!(sale.to_key() < next.to_key() && sale < next);

    // Every form of one trade item number is one number.
    let of_label = |text: &str| text.parse::<Gtin>().expect("a label with a right check digit");
    println!("4006381333931 is {}", of_label("4006381333931"));
    assert_eq!(of_label("4006381333931"), of_label("04006381333931"));
    Ok(())
}
