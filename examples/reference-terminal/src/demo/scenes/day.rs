//! A day of the store is closed while a till is cut off, and its figures are the same at every till.

use serde_json::Value;

use super::counter::{Counter, goods, money};
use crate::demo::error::DemoError;

/// A business day of all tills, as yyyymmdd.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoreDay(pub(super) u32);

impl StoreDay {
    /// Opens a day for the store at the first till, and waits until every till has it.
    pub(super) async fn open(self, counter: &Counter<'_>) -> Result<(), DemoError> {
        let day = self.0;
        counter.registers.open_day(0, day).await?;
        everywhere(counter, Some(day), 0..counter.registers.supervisor.len()).await
    }

    /// X figures, then the close while the last till is cut off and sells on, then Z figures: the same at every till, to the cent.
    pub(super) async fn close(self, counter: &Counter<'_>) -> Result<(), DemoError> {
        let day = self.0;
        counter.settle().await?;
        let path = format!("/day?day={day}");
        let x: Value = counter.registers.ask(0, &path).await?;
        let (on_time, sales) = total(&x["figures"]);
        counter.tell(format!("X figures of day {day}, before the close: {sales} sales, {}", money(on_time)));

        let supervisor = &counter.registers.supervisor;
        let late = supervisor.len() - 1;
        counter.screen.say(&format!("terminal {} is cut off, and does not hear of the close", late + 1));
        supervisor.cut_off(late);
        let sold = async {
            counter.registers.close_day(0).await?;
            everywhere(counter, None, 0..late).await?;
            let line = vec![goods("N-coffee", 1, 450)];
            counter.sell(late, "coffee at a till that has not heard of the close", line, |_| {}).await
        };
        let sold = sold.await;
        supervisor.heal(late);
        let sold = sold?;
        counter.settle().await?;
        everywhere(counter, None, 0..supervisor.len()).await?;

        let z: Value = counter.registers.ask(0, &path).await?;
        for terminal in 1..supervisor.len() {
            let other: Value = counter.registers.ask(terminal, &path).await?;
            if other != z {
                counter.find(&format!(
                    "terminal {} has other figures of day {day}: {other} and {z}",
                    terminal + 1
                ));
            }
        }
        let late_ones = total(&z["late"]);
        let is_right = z["closed"] == true
            && z["complete"] == true
            && total(&z["figures"]) == (on_time, sales)
            && late_ones == (i128::from(sold.receipt.total), 1);
        if !is_right {
            counter.find(&format!("the Z figures of day {day} are not its X figures and one late sale: {z}"));
        }
        counter.tell(format!(
            "Z figures of day {day}, the same at every terminal: {sales} sales, {}, and late, from terminal {} which was cut off, {}",
            money(on_time),
            late + 1,
            money(late_ones.0)
        ));
        Ok(())
    }
}

/// Until each of these tills has this day open, or none.
async fn everywhere(
    counter: &Counter<'_>,
    day: Option<u32>,
    tills: std::ops::Range<usize>,
) -> Result<(), DemoError> {
    let until = Counter::limit();
    for terminal in tills {
        while counter.registers.status(terminal).await?.business_day != day {
            counter.still(until, "a terminal did not hear of a business day").await?;
        }
    }
    Ok(())
}

/// What these figures come to, and of how many documents.
fn total(figures: &Value) -> (i128, u64) {
    let all = figures["currencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    let totals = all.iter().filter_map(|of| of["total"].as_i64()).map(i128::from).sum();
    (totals, figures["transactions"].as_u64().unwrap_or_default())
}
