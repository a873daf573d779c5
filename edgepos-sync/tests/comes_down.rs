//! What the head office has come down reaches every terminal once and in one order, through whoever leads.

mod world;

use edgepos_core::{Chain, EventId, Lane, Seq};
use edgepos_sync::{CloudInstance, CloudReply, IngestState, Limits, Notice};
use world::{STORM, World};

fn feed(world: &World) -> Chain {
    state(world).feed().expect("it has an instance").0
}

fn state(world: &World) -> IngestState {
    IngestState::decode(&world.cloud.row, &Limits::DEFAULT).expect("own row")
}

fn fetches(world: &World) -> usize {
    world.cloud.replies.iter().filter(|reply| matches!(reply, CloudReply::Events { .. })).count()
}

fn mistaken(world: &World) -> usize {
    let news = world.nodes.iter().flat_map(|node| &node.news);
    let faults = news.filter(|notice| matches!(notice, Notice::Mistaken { .. } | Notice::Fork { .. }));
    faults.inspect(|fault| println!("{fault:?}")).count()
}

#[test]
fn an_idle_store_hears_within_one_head_interval() {
    let mut world = World::new(1, 3);
    world.connect_all();
    world.elect(Some(1), 1);
    world.run(5_000);
    world.publish(&[b"milk 1.29", b"bread 2.49"]);
    world.run(70_000);
    world.assert_converged();
    assert_eq!(world.stored(2).len(), 2);
    assert!(feed(&world).replica.is_cloud());
    assert_eq!((fetches(&world), mistaken(&world)), (1, 0), "the leader alone asks, and once");
    assert_eq!(world.cloud.appends, 0, "what came down is not uploaded");
}

/// Whoever knows that something was published need not wait, and whoever asks all the time asks once a second.
#[test]
fn a_flush_asks_what_there_is() {
    let mut world = World::new(4, 2);
    world.connect_all();
    world.elect(Some(0), 1);
    world.run(5_000);
    world.publish(&[b"milk 1.29"]);
    world.flush(0);
    world.run(900);
    world.assert_converged();
    assert_eq!(world.stored(1).len(), 1);
    let asked = |world: &World| {
        world.cloud.replies.iter().filter(|reply| matches!(reply, CloudReply::Head { .. })).count()
    };
    let before = asked(&world);
    for _ in 0..40 {
        world.flush(0);
        world.run(50);
    }
    assert!((1..=3).contains(&(asked(&world) - before)), "{}", asked(&world) - before);
}

#[test]
fn a_store_that_sells_hears_with_its_upload() {
    let mut world = World::new(2, 2);
    world.connect_all();
    world.elect(Some(0), 1);
    world.sell(1, Lane::Transactions, b"one");
    world.run(20_000);
    world.publish(&[b"milk 1.29"]);
    world.sell(1, Lane::Transactions, b"two");
    world.run(15_000);
    world.assert_converged();
}

/// Published before the store was ever heard of, more than one answer or one write holds, in bounded pages.
#[test]
fn a_long_feed_comes_in_pages() {
    let mut world = World::new(3, 2);
    let texts: Vec<_> = (0..700).map(|at| format!("product {at}")).collect();
    world.publish(&texts.iter().map(|text| text.as_bytes()).collect::<Vec<_>>());
    world.cloud.answers = Some(100);
    world.connect_all();
    world.elect(Some(0), 1);
    world.run(60_000);
    world.assert_converged();
    assert_eq!((world.stored(1).len(), mistaken(&world)), (700, 0));
    assert!((7..40).contains(&fetches(&world)), "{}", fetches(&world));
}

/// Whoever leads dies at every moment; the next one goes on where the last one stopped.
#[test]
fn leaders_die_and_nothing_comes_twice() {
    for seed in 0..40 {
        let mut world = World::new(seed, 3);
        world.connect_all();
        world.elect(Some(0), 1);
        world.run(2_000);
        let texts: Vec<_> = (0..300).map(|at| format!("product {at}")).collect();
        world.publish(&texts.iter().map(|text| text.as_bytes()).collect::<Vec<_>>());
        world.sell(1, Lane::Transactions, b"a sale makes the leader ask");
        world.weather = STORM;
        for turn in 0..6 {
            let leader = turn % 3;
            world.run(1_000 + seed * 37);
            world.crash(leader);
            world.run(50);
            world.start(leader);
            world.connect_all();
            world.elect(Some((leader + 1) % 3), 2 + turn as u64);
            if turn == 3 {
                world.publish(&[b"one more"]);
            }
        }
        world.weather = world::CALM;
        world.run(180_000);
        world.assert_converged();
        assert_eq!(world.stored(0).keys().filter(|id| id.chain == feed(&world)).count(), 301, "{seed}");
    }
}

/// A cloud that is put back before the feed's end gets it again from the store, without a sale, and goes on in another chain.
#[test]
fn a_restored_cloud_gets_its_feed_back() {
    let mut world = World::new(5, 2);
    world.connect_all();
    world.elect(Some(0), 1);
    world.sell(1, Lane::Transactions, b"one");
    world.publish(&[b"milk 1.29"]);
    world.run(70_000);
    let (row, events) = (world.cloud.row.clone(), world.cloud.events.clone());
    world.publish(&[b"milk 1.39", b"milk 1.49"]);
    world.sell(1, Lane::Transactions, b"two");
    world.run(70_000);
    world.assert_converged();
    let first = feed(&world);
    (world.cloud.row, world.cloud.events) = (row, events);
    world.run(70_000);
    world.assert_converged();
    assert!(world.cloud.events.contains_key(&EventId::new(first, Seq(3))));
    world.publish(&[b"milk 1.59"]);
    world.run(70_000);
    world.assert_converged();
    assert_ne!(feed(&world), first, "another life writes another chain");
    assert_eq!((world.stored(1).len(), mistaken(&world)), (6, 0));
}

/// As it is on disks and in clouds for ever.
#[test]
fn a_feed_has_this_name() {
    let chain = CloudInstance([0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77]).feed();
    assert_eq!(chain.to_key(), [0xff, 0xff, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 2]);
    assert_eq!(chain.to_string(), "65535-223344556677/2");
}

/// A restored cloud publishes something else before anybody has told it that it was restored: its branch is found to be another one, and
/// the store's is to be set aside.
#[test]
fn what_a_restored_cloud_publishes_at_once_is_found_to_part() {
    let mut world = World::new(6, 2);
    world.connect_all();
    world.elect(Some(0), 1);
    world.publish(&[b"milk 1.29"]);
    world.run(70_000);
    let (row, events) = (world.cloud.row.clone(), world.cloud.events.clone());
    world.publish(&[b"milk 1.39"]);
    world.run(70_000);
    (world.cloud.row, world.cloud.events) = (row, events);
    world.publish(&[b"milk 9.99", b"bread 2.49"]);
    world.sell(1, Lane::Transactions, b"one");
    world.run(300_000);
    assert!(world.outbox(0).sets_aside());
}

/// What a till sold is with the cloud alone: its box is gone, and nobody heard it. Whoever leads next fetches it, and passes it on.
#[test]
fn what_the_cloud_alone_holds_of_a_terminal_comes_down() {
    let mut world = World::new(7, 3);
    world.elect(Some(0), 1);
    let sales: Vec<_> = (0..700).map(|no| world.sell(0, Lane::Transactions, &[7; 40][..no % 40])).collect();
    world.run(40_000);
    assert_eq!(world.cloud.events.len(), 700);
    world.crash(0);
    world.connect(1, 2);
    world.elect(Some(1), 2);
    world.sell(1, Lane::Transactions, b"here");
    world.run(20_000);
    for node in [1, 2] {
        let stored = world.stored(node);
        assert_eq!(stored.len(), 701, "terminal {node}");
        assert!(sales.iter().all(|id| stored[id] == world.cloud.events[id]));
    }
    let mistakes = |notice: &&Notice| matches!(notice, Notice::Mistaken { .. } | Notice::Fork { .. });
    assert_eq!(world.nodes[1].news.iter().find(mistakes), None, "while it comes, nobody is mistaken");
    assert_eq!(world.outbox(1).mistakes().count(), 0);
    assert_eq!((fetches(&world), world.outbox(1).cloud().get(sales[0].chain)), (3, Seq(700)), "256 at once");
}

/// A chain that the cloud claims and does not give back keeps no price from anybody.
#[test]
fn what_it_cannot_give_holds_up_nothing_that_it_can() {
    let mut world = World::new(8, 2);
    world.elect(Some(0), 1);
    let sale = world.sell(0, Lane::Transactions, b"one");
    world.run(40_000);
    world.cloud.withholds = Some(sale.chain);
    world.crash(0);
    world.elect(Some(1), 2);
    world.run(70_000);
    assert_eq!(world.outbox(1).mistakes().count(), 1, "nobody can prove it here");
    world.publish(&[b"milk 1.29"]);
    world.sell(1, Lane::Transactions, b"two");
    world.run(70_000);
    assert_eq!(world.stored(1).len(), 2);
    let asked = fetches(&world);
    assert!((2..40).contains(&asked), "{asked}");
    world.cloud.withholds = None;
    world.run(70_000);
    assert_eq!(world.stored(1)[&sale], b"one");
    assert_eq!(world.outbox(1).mistakes().count(), 0);
}
