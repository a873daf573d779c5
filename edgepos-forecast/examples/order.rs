//! What to order of milk so that it lasts three days: `cargo run -p edgepos-forecast --example order`.

use edgepos_forecast::{Day, Demand, Forecaster, ServiceLevel, ServiceLevelError, Smoothing, WeekProfile};

fn main() -> Result<(), ServiceLevelError> {
    let (mut milk, mut week) = (Demand::new(), WeekProfile::new());
    for day in 0..70u32 {
        let weekday = day % 7;
        let sold = if weekday == 5 { 12 } else { 4 };
        week.observe(weekday, sold);
        milk.observe(&Day { sold, ..Day::default() }, week.factor(weekday));
    }
    let ahead = Smoothing.forecast(&milk, week.factors([4, 5, 6]));
    let (often, always) =
        (ahead.order_up_to(ServiceLevel::new(800)?), ahead.order_up_to(ServiceLevel::new(990)?));
    println!("three days with a Saturday sell about {}", ahead.expected());
    println!("{often} last with a probability of 80 %, {always} with 99 %");
    assert!(ahead.expected() <= often && often < always);
    Ok(())
}
