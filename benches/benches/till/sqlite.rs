//! What somebody would write by hand: the sale as JSON, its lines' stock, its key, in one transaction.

use std::sync::Mutex;
use std::time::Instant;

use rusqlite::{Connection, params};
use serde_json::json;

use crate::measure::{Figures, quantiles, written};
use crate::sale::{LINES, PRICE, Sale, Sales, code};

/// Sells with so many callers, who share the one connection that may write.
pub(crate) fn sell(callers: usize, sales: usize) -> Figures {
    let dir = tempfile::tempdir().expect("a folder");
    let db = Connection::open(dir.path().join("till.db")).expect("a file");
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE sale (id INTEGER PRIMARY KEY, number INTEGER NOT NULL, body TEXT NOT NULL);
         CREATE TABLE key (key BLOB PRIMARY KEY, sale INTEGER NOT NULL) WITHOUT ROWID;
         CREATE TABLE stock (product TEXT PRIMARY KEY, quantity INTEGER NOT NULL) WITHOUT ROWID;",
    )
    .expect("tables");
    let (db, took) = (Mutex::new(db), Mutex::new(Vec::with_capacity(sales)));
    let (before, began) = (written(), Instant::now());
    std::thread::scope(|scope| {
        for caller in 0..callers {
            let (db, took) = (&db, &took);
            scope.spawn(move || {
                let mut stream = Sales::new(caller as u64);
                for number in 0..sales / callers {
                    let sale = stream.next();
                    let body = body(&sale, number as u64);
                    let asked = Instant::now();
                    let mut db = db.lock().expect("no caller panics");
                    let transaction = db.transaction().expect("a transaction");
                    transaction
                        .prepare_cached("INSERT INTO sale (number, body) VALUES (?1, ?2)")
                        .and_then(|mut insert| insert.execute(params![number as i64, body]))
                        .expect("a sale");
                    transaction
                        .prepare_cached("INSERT INTO key (key, sale) VALUES (?1, last_insert_rowid())")
                        .and_then(|mut insert| insert.execute(params![sale.key]))
                        .expect("a key");
                    for product in sale.products {
                        transaction
                            .prepare_cached(
                                "INSERT INTO stock (product, quantity) VALUES (?1, -1)
                                 ON CONFLICT (product) DO UPDATE SET quantity = quantity - 1",
                            )
                            .and_then(|mut update| update.execute(params![code(product)]))
                            .expect("stock");
                    }
                    transaction.commit().expect("durable");
                    drop(db);
                    took.lock().expect("no caller panics").push(asked.elapsed());
                }
            });
        }
    });
    let time = began.elapsed();
    drop(db);
    let sales = sales / callers * callers;
    let latency = quantiles(took.into_inner().expect("no caller panics"));
    let bytes = Some(written() - before);
    Figures { sales, time, bytes, commits: Some(sales as u64), writes: Some(0), latency }
}

/// The sale as JSON.
pub(crate) fn body(sale: &Sale, number: u64) -> String {
    let line = |product: &u64| json!({ "product": code(*product), "quantity": 1, "amount": PRICE });
    let lines: Vec<_> = sale.products.iter().map(line).collect();
    let name = |bytes: [u8; 16]| format!("{:032x}", u128::from_be_bytes(bytes));
    let (basket, key) = (name(sale.basket), name(sale.key));
    json!({ "basket": basket, "key": key, "number": number, "lines": lines, "total": PRICE * LINES as i64 })
        .to_string()
}
