//! A peer speaks in its own name: what it says about elections in another terminal's is refused and told.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::ConnectionId;
use edgepos::{Input, Notice};
use support::Shop;

#[test]
fn a_message_about_elections_counts_in_its_senders_name_alone() {
    let mut shop = Shop::new(3);
    let leader = shop.elect();
    shop.pass(1_000);
    let [first, second] = [(leader + 1) % 3, (leader + 2) % 3];
    // What the leader says to the first is said to it by the second, word for word.
    let now = shop.now_of(leader);
    let (me, liar) = (shop.tills[first].config.me, shop.tills[second].config.me);
    let mut said = Vec::new();
    while said.is_empty() {
        shop.now.mono.0 += 1;
        let now = shop.now_of(leader);
        shop.tills[leader].terminal.handle(now, Input::Timeout);
        shop.tills[leader].run(now);
        let sent = std::mem::take(&mut shop.tills[leader].sent);
        said.extend(sent.into_iter().filter(|(to, ..)| *to == me).map(|(_, _, frame)| frame));
    }
    let till = &mut shop.tills[first];
    till.terminal.handle(now, Input::PeerUp(liar, ConnectionId(9_999)));
    till.notices.clear();
    let frames = said.len();
    for frame in said {
        till.terminal.handle(now, Input::Frame(liar, ConnectionId(9_999), frame));
    }
    till.run(now);
    let refused = |notice: &&Notice| matches!(notice, Notice::Refused { from, .. } if *from == liar);
    assert_eq!(till.notices.iter().filter(refused).count(), frames, "{:?}", till.notices);
}
