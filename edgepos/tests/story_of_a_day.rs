//! `info` alone tells the story of a day: elections with how long they took, exceptions, the cloud lost and found with the reason, terminals
//! that come and go, and why one is refused.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::io;
use std::sync::{Arc, Mutex};

use edgepos::core::{ConnectionId, Now, StoreId};
use edgepos::model::{CounterRow, StockLine, StockMoved, StockReason};
use edgepos::{Config, Input, MemoryStore, Monitor, Notice, Record};
use support::cloud::Cloud;
use support::{Shop, Till, config, line, replica};

/// What is logged in a stretch of the day.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A store of three whose notices are shown as a driver shows them.
struct Day {
    shop: Shop,
    monitors: Vec<Monitor>,
    lines: Lines,
}

impl Day {
    fn begin(lines: Lines) -> Self {
        let mut shop = Shop::new(3);
        shop.cloud = Some(Cloud::default());
        let monitors = (0..3).map(|_| Monitor::new(shop.now)).collect();
        let mut day = Self { shop, monitors, lines };
        day.show();
        day
    }

    fn show(&mut self) {
        for (till, monitor) in self.shop.tills.iter_mut().zip(&mut self.monitors) {
            for notice in till.notices.drain(..) {
                monitor.notice(self.shop.now, &notice);
            }
            if monitor.is_due(self.shop.now) {
                let (status, elections) = (till.terminal.status(), till.terminal.elections(self.shop.now));
                for alert in monitor.sample(self.shop.now, &status, &elections) {
                    monitor.notice(self.shop.now, &Notice::Alert(alert));
                }
            }
        }
    }

    fn pass(&mut self, ms: u64) {
        for _ in 0..ms / 50 {
            self.shop.pass_by(50, 50);
            self.show();
        }
    }

    /// Hours in which nothing happens: clocks go on, and the machines slept.
    fn hours(&mut self, hours: u64) {
        self.pass(60_000);
        let now = self.shop.now;
        let ms = hours * 3_600_000;
        self.shop.now = Now::new(now.mono.0 + ms, now.wall.0 + ms);
        self.pass(60_000);
    }

    /// What was told since the last time that somebody asked.
    fn told(&mut self) -> String {
        self.show();
        String::from_utf8(std::mem::take(&mut *self.lines.0.lock().unwrap())).unwrap()
    }

    /// The first line with all of these in it.
    fn find(told: &str, parts: &[&str]) -> String {
        let line = told.lines().find(|line| parts.iter().all(|part| line.contains(part)));
        line.unwrap_or_else(|| panic!("no line with {parts:?} in:\n{told}")).to_owned()
    }
}

/// The number behind a field's name.
fn number(line: &str, field: &str) -> u64 {
    let behind = line.split(&format!("{field}=")).nth(1).unwrap_or_else(|| panic!("no {field}: {line}"));
    let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("{field} is no number: {line}"))
}

#[test]
fn info_alone_tells_the_story_of_a_day() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || whole_day(lines));
}

fn whole_day(lines: Lines) {
    let mut day = Day::begin(lines);
    morning(&mut day);
    day.hours(4);
    drop(day.told());
    exceptions(&mut day);
    day.hours(3);
    drop(day.told());
    the_cloud_is_away(&mut day);
    the_leader_is_switched_off(&mut day);
    day.hours(2);
    drop(day.told());
    a_stranger_comes(&mut day);
    let text = day.monitors[0].text();
    assert!(text.contains("edgepos_notices_total{notice=\"leader_changed\"}"), "{text}");
}

fn morning(day: &mut Day) {
    day.pass(5_000);
    let told = day.told();
    for peer in 2..=3 {
        Day::find(&told, &[" INFO ", "a terminal is connected", &format!("peer={peer}")]);
    }
    let led = Day::find(&told, &[" INFO ", "a leader is known", "leader="]);
    assert!(number(&led, "term") > 0 && (1..5_000).contains(&number(&led, "without_ms")), "{led}");
    Day::find(&told, &[" INFO ", "this terminal uploads to the cloud"]);
}

fn exceptions(day: &mut Day) {
    let now = day.shop.now;
    let goods = |quantity, reason| {
        let lines = vec![StockLine { product: "milk".into(), quantity }];
        Record::stock_moved(&StockMoved { reason, from: None, to: None, lines }, 0)
    };
    day.shop.tills[1].record(now, goods(1, StockReason::Receipt)).unwrap();
    day.pass(1_000);
    let now = day.shop.now;
    day.shop.tills[2].sell(now, 1, vec![line(1, "milk", 3, 300)]);
    day.pass(5_000);
    let told = day.told();
    let raised = Day::find(&told, &[" WARN ", "an exception is raised", "value=-2", "floor=0"]);
    assert!(raised.contains("exception=") && !raised.contains("milk"), "{raised}");
    let now = day.shop.now;
    day.shop.tills[1].record(now, goods(10, StockReason::Receipt)).unwrap();
    day.pass(10_000);
    Day::find(&day.told(), &[" INFO ", "an exception has ended", "value=8"]);
    let milk = CounterRow::stock("milk", 0);
    assert_eq!(day.shop.tills[0].terminal.counter(&milk), Some(8));
}

fn the_cloud_is_away(day: &mut Day) {
    let cloud = day.shop.cloud.take();
    day.shop.sell_milk(0, 20);
    day.pass(120_000);
    let told = day.told();
    Day::find(&told, &[" WARN ", "the cloud is not reached", "error=cloud did not answer in time"]);
    assert!(told.matches("the cloud is not reached").count() <= 3, "once a terminal for one outage: {told}");
    Day::find(&told, &[" WARN ", "Events are older than 60 s and not in the cloud", "sync_lag"]);
    day.shop.cloud = cloud;
    day.pass(120_000);
    let told = day.told();
    let found = Day::find(
        &told,
        &[" INFO ", "the cloud is reached again", "reason=\"cloud did not answer in time\""],
    );
    assert!(number(&found, "attempts") >= 1, "{found}");
    assert!((10_000..240_000).contains(&number(&found, "away_ms")), "{found}");
    Day::find(&told, &[" INFO ", "an alert ended", "sync_lag"]);
}

fn the_leader_is_switched_off(day: &mut Day) {
    let leader = day.shop.tills.iter().position(|till| till.terminal.status().entitled).unwrap();
    day.shop.cut(leader);
    day.pass(10_000);
    let told = day.told();
    Day::find(&told, &[" INFO ", "a terminal is no longer connected", &format!("peer={}", leader + 1)]);
    Day::find(&told, &[" INFO ", "no leader is known; sales go on"]);
    let led = Day::find(&told, &[" INFO ", "a leader is known", "without_ms="]);
    assert!(number(&led, "without_ms") < 10_000, "{led}");
    assert_ne!(number(&led, "leader"), leader as u64 + 1, "{led}");
    Day::find(&told, &["ERROR ", "No majority of the store's terminals is heard", "remedy="]);
    day.shop.heal();
    day.pass(10_000);
    let told = day.told();
    Day::find(&told, &[" INFO ", "a terminal is connected", &format!("peer={}", leader + 1)]);
    Day::find(&told, &[" INFO ", "a condition is over", "tolerance_lost"]);
}

/// A terminal of another shop was given this one's address.
fn a_stranger_comes(day: &mut Day) {
    let now = day.shop.now;
    let mut theirs = Config { me: replica(9), ..config(1, 3) };
    theirs.genesis.store = StoreId([0xEE; 16]);
    theirs.genesis.voters = vec![theirs.me];
    let mut stranger = Till::open(theirs, MemoryStore::new(), now);
    let (connection, host) = (ConnectionId(9_999), replica(1));
    stranger.terminal.handle(now, Input::PeerUp(host, connection));
    stranger.run(now);
    day.shop.tills[0].terminal.handle(now, Input::PeerUp(replica(9), connection));
    for (_, _, frame) in std::mem::take(&mut stranger.sent) {
        day.shop.tills[0].terminal.handle(now, Input::Frame(replica(9), connection, frame));
        day.shop.tills[0].run(now);
    }
    day.shop.tills[0].terminal.handle(now, Input::PeerLost(replica(9), connection));
    day.shop.tills[0].run(now);
    day.shop.tills[0].sent.clear();
    let told = day.told();
    let store = StoreId([0xEE; 16]).to_string();
    Day::find(&told, &[" WARN ", "a peer belongs to another store", "peer=9", &format!("store={store}")]);
}
