//! The first message: lost, repeated, of another version, of another store, of a connection that is gone.

mod world;

use std::time::Duration;

use edgepos_core::{Chain, ConnectionId, Lane, ReplicaId, Seq, StoreId, Term, WallMs};
use edgepos_crdt::VersionVector;
use edgepos_sync::{Ack, Hash, Hello, Input, Message, Notice};
use world::bench::{Bench, hello, run, vector};
use world::{World, replica};

fn greeting() -> Hello {
    match hello(VersionVector::new()) {
        Message::Hello(hello) => hello,
        _ => unreachable!(),
    }
}

fn hellos(bench: &mut Bench) -> Vec<bool> {
    let sent = std::mem::take(&mut bench.sent);
    let heard = |message| if let Message::Hello(hello) = message { Some(hello.heard) } else { None };
    sent.into_iter().filter_map(|(_, _, message)| heard(message)).collect()
}

#[test]
fn it_is_repeated_until_the_other_answers_and_no_longer() {
    let mut bench = Bench::terminal(0);
    bench.tell(Input::Leader { leader: Some((replica(1), Term(1))), entitled: false });
    bench.tell(Input::PeerUp(replica(1), ConnectionId(1)));
    bench.wait(Duration::from_secs(10));
    let sent = hellos(&mut bench);
    assert!((3..=8).contains(&sent.len()) && sent.iter().all(|heard| !heard), "{sent:?}");
    bench.say(replica(1), 1, Message::Hello(greeting()));
    bench.wait(Duration::from_secs(100));
    assert_eq!(hellos(&mut bench), [], "both know that both know");
    bench.say(replica(1), 1, Message::Hello(Hello { heard: false, ..greeting() }));
    assert_eq!(hellos(&mut bench), [true], "ours was lost");
}

#[test]
fn a_later_version_that_speaks_ours_is_welcome_and_one_that_does_not_is_named() {
    let mut bench = Bench::terminal(0);
    bench.record(Lane::Transactions, b"sale");
    bench.tell(Input::PeerUp(replica(1), ConnectionId(1)));
    bench.say(replica(1), 1, Message::Hello(Hello { versions: (1, 9), ..greeting() }));
    assert_eq!(bench.take_batches().len(), 1);

    bench.tell(Input::PeerUp(replica(2), ConnectionId(1)));
    bench.say(replica(2), 1, Message::Hello(Hello { versions: (2, 9), ..greeting() }));
    assert_eq!(bench.news, [Notice::Incompatible { peer: replica(2), versions: (2, 9) }]);
    bench.take_batches();
    bench.wait(Duration::from_secs(20));
    assert!(bench.take_batches().iter().all(|(to, ..)| *to != replica(2)));
}

#[test]
fn another_store_gets_and_gives_nothing() {
    let mut bench = Bench::terminal(0);
    bench.record(Lane::Transactions, b"sale");
    bench.tell(Input::PeerUp(replica(1), ConnectionId(1)));
    let store = StoreId([8; 16]);
    bench.say(replica(1), 1, Message::Hello(Hello { store, ..greeting() }));
    assert_eq!(bench.news, [Notice::WrongStore { peer: replica(1), store }]);
    let chain = Chain::new(replica(1), Lane::Transactions);
    bench.receive(replica(1), 1, vec![run(chain, 1, Hash::ZERO, &[b"theirs"]).0]);
    assert!(bench.accepted.is_empty() && bench.take_batches().is_empty());
}

#[test]
fn a_dead_connection_and_a_stranger_say_nothing() {
    let chain = Chain::new(replica(1), Lane::Transactions);
    let mut bench = Bench::terminal(0);
    bench.tell(Input::PeerUp(replica(1), ConnectionId(2)));
    bench.say(replica(1), 1, Message::Hello(greeting()));
    bench.say(replica(5), 2, Message::Hello(greeting()));
    bench.say(replica(1), 2, Message::Ack(Ack { vector: vector(chain, 3), ..Ack::default() }));
    assert_eq!(bench.outbox.ignored(), 3, "dead, stranger, not greeted yet");
    bench.say(replica(1), 2, Message::Hello(greeting()));
    bench.tell(Input::PeerLost(replica(1), ConnectionId(1)));
    bench.say(replica(1), 2, Message::Ack(Ack { vector: vector(chain, 3), ..Ack::default() }));
    assert_eq!(bench.outbox.peer_vector(replica(1)).map(|vector| vector.get(chain)), Some(Seq(3)));
    bench.say(replica(1), 2, Message::Unknown { kind: 99 });
    assert_eq!(bench.outbox.ignored(), 4, "a later version's message is counted and does no harm");
}

#[test]
fn peers_are_limited_and_those_that_are_gone_make_room() {
    let mut bench = Bench::terminal(0);
    for terminal in 1..=64 {
        bench.tell(Input::PeerUp(replica(terminal), ConnectionId(1)));
    }
    assert!(bench.news.is_empty());
    bench.tell(Input::PeerUp(replica(65), ConnectionId(1)));
    assert_eq!(bench.news, [Notice::PeerRefused { peer: replica(65) }]);
    bench.tell(Input::PeerLost(replica(9), ConnectionId(1)));
    bench.tell(Input::PeerUp(replica(65), ConnectionId(2)));
    assert_eq!((bench.news.len(), bench.outbox.peer_vector(replica(9))), (1, None));
}

#[test]
fn lost_greetings_delay_and_do_not_prevent() {
    for seed in 0..20 {
        let mut world = World::new(seed, 2);
        world.weather.loss = 700;
        world.elect(Some(0), 1);
        world.connect(0, 1);
        world.sell(1, Lane::Transactions, b"sale");
        world.run(120_000);
        world.weather.loss = 0;
        world.run(120_000);
        world.assert_converged();
    }
}

/// One of the two clocks may have been set since, or this device have slept.
#[test]
fn what_was_said_of_a_clock_counts_for_two_hours() {
    let mut bench = Bench::terminal(0);
    bench.tell(Input::PeerUp(replica(1), ConnectionId(1)));
    let said = Hello { wall: Some(WallMs(bench.now.mono.0 + 90_000)), ..greeting() };
    bench.say(replica(1), 1, Message::Hello(said));
    let clocks = |bench: &Bench| bench.outbox.peer_clocks(bench.now).collect::<Vec<_>>();
    assert_eq!(clocks(&bench), [(replica(1), 90_000)]);
    bench.wait(Duration::from_secs(2 * 3_600 - 1));
    assert_eq!(clocks(&bench), [(replica(1), 90_000)]);
    bench.wait(Duration::from_secs(1));
    assert_eq!(clocks(&bench), []);
}

/// Two connected peers have one number: each is told of the other, by whoever is connected to both.
#[test]
fn two_of_one_number_are_told_of_each_other() {
    let mut bench = Bench::terminal(0);
    let [one, other] = [ReplicaId::new(9, 1), ReplicaId::new(9, 2)];
    for peer in [one, replica(1), other] {
        bench.tell(Input::PeerUp(peer, ConnectionId(1)));
        bench.say(peer, 1, Message::Hello(greeting()));
    }
    let told = |bench: &mut Bench| {
        let sent = std::mem::take(&mut bench.sent).into_iter();
        let rival = |(to, _, message)| match message {
            Message::Rival { replica } => Some((to, replica)),
            _ => None,
        };
        sent.filter_map(rival).collect::<Vec<_>>()
    };
    assert_eq!(told(&mut bench), [(one, other), (other, one)]);
    bench.wait(Duration::from_secs(180));
    let again = told(&mut bench);
    assert!(again.len() >= 4 && again.iter().all(|(to, rival)| to != rival), "{again:?}");
    let me = bench.me;
    let own = ReplicaId::new(me.terminal(), 77);
    for replica in [me, one] {
        bench.say(one, 1, Message::Rival { replica });
        assert_eq!(bench.outbox.rival(), None, "it is not of our number, or ourselves");
    }
    bench.say(one, 1, Message::Rival { replica: own });
    assert_eq!(bench.outbox.rival(), Some((own, bench.now.mono)));
}

/// Somebody who holds more than is here of what this terminal wrote knows that its disk went back, and so does one with another history
/// of it; what this terminal writes meanwhile takes nothing of that away.
#[test]
fn who_states_more_of_our_chain_than_is_here_contradicts_us() {
    let chain = Chain::new(replica(0), Lane::Transactions);
    let states = |seq, hash: Option<Hash>| {
        let heads = hash.into_iter().map(|hash| (chain, hash)).collect();
        Message::Hello(Hello { vector: vector(chain, seq), heads, ..greeting() })
    };
    let mut bench = Bench::terminal(0);
    bench.record(Lane::Transactions, b"one");
    let here = run(chain, 1, Hash::ZERO, &[b"one"]).1;
    bench.tell(Input::PeerUp(replica(1), ConnectionId(1)));
    assert!(!bench.outbox.is_contradicted(), "nobody has greeted");
    bench.say(replica(1), 1, states(0, None));
    bench.say(replica(1), 1, states(1, Some(here)));
    assert!(!bench.outbox.is_contradicted(), "it holds what is here");
    bench.say(replica(1), 1, states(1, Some(Hash([9; 32]))));
    assert!(bench.outbox.is_contradicted(), "another history");
    bench.tell(Input::PeerLost(replica(1), ConnectionId(1)));
    assert!(!bench.outbox.is_contradicted(), "it is gone, and may have been mistaken");

    bench.tell(Input::PeerUp(replica(1), ConnectionId(2)));
    bench.say(replica(1), 2, states(2, None));
    assert!(bench.outbox.is_contradicted(), "more than is here");
    for text in [b"two", b"six"] {
        bench.record(Lane::Transactions, text);
    }
    bench.say(replica(1), 2, states(2, Some(Hash([9; 32]))));
    assert!(bench.outbox.is_contradicted(), "that was another event");
}

/// A greeting that was held up on its way says less of its sender's chain than has come since by other ways. It proves nothing, and another
/// one is asked for until one agrees: judged for ever, it would keep both from voting for each other.
#[test]
fn a_greeting_that_was_overtaken_is_asked_for_again() {
    let theirs = Chain::new(replica(1), Lane::Transactions);
    let (sent, head) = run(theirs, 1, Hash::ZERO, &[b"one", b"two", b"six"]);
    let first = run(theirs, 1, Hash::ZERO, &[b"one"]).1;
    let states = |heard, seq, head| {
        let heads = [(theirs, head)].into_iter().collect();
        Message::Hello(Hello { heard, vector: vector(theirs, seq), heads, ..greeting() })
    };
    let mut bench = Bench::terminal(0);
    bench.tell(Input::PeerUp(replica(1), ConnectionId(1)));
    bench.say(replica(1), 1, states(true, 3, head));
    bench.receive(replica(1), 1, vec![sent]);
    assert!(bench.outbox.remembers(replica(1)));
    bench.wait(Duration::from_secs(100));
    hellos(&mut bench);

    bench.say(replica(1), 1, states(false, 1, first));
    assert!(!bench.outbox.remembers(replica(1)), "it states less than is held here");
    assert_eq!(hellos(&mut bench), [true], "an answer asks for nothing: both may doubt");
    bench.wait(Duration::from_secs(10));
    let asked = hellos(&mut bench);
    assert!((2..=8).contains(&asked.len()) && asked.iter().all(|heard| !heard), "{asked:?}");
    bench.say(replica(1), 1, states(true, 3, head));
    assert!(bench.outbox.remembers(replica(1)));
    bench.wait(Duration::from_secs(100));
    assert_eq!(hellos(&mut bench), [], "it agrees");
}

/// A claim about our chain that is mistaken, or was not so any more when it came, ends with the next greeting, which is asked for.
#[test]
fn a_contradiction_is_asked_about_until_it_ends() {
    let ours = Chain::new(replica(0), Lane::Transactions);
    let mut bench = Bench::terminal(0);
    bench.record(Lane::Transactions, b"one");
    let here = run(ours, 1, Hash::ZERO, &[b"one"]).1;
    let states = |seq, hash: Hash| {
        let heads = [(ours, hash)].into_iter().collect();
        Message::Hello(Hello { vector: vector(ours, seq), heads, ..greeting() })
    };
    bench.tell(Input::PeerUp(replica(1), ConnectionId(1)));
    bench.say(replica(1), 1, states(1, Hash([9; 32])));
    assert!(bench.outbox.is_contradicted());
    hellos(&mut bench);
    for _ in 0..3 {
        bench.wait(Duration::from_secs(60));
        let asked = hellos(&mut bench);
        assert!(!asked.is_empty() && asked.iter().all(|heard| !heard), "{asked:?}");
        bench.say(replica(1), 1, states(1, Hash([9; 32])));
        assert!(bench.outbox.is_contradicted(), "as long as it says so");
    }
    bench.say(replica(1), 1, states(1, here));
    assert!(!bench.outbox.is_contradicted() && bench.outbox.remembers(replica(1)));
    hellos(&mut bench);
    bench.wait(Duration::from_secs(100));
    assert_eq!(hellos(&mut bench), []);
}
