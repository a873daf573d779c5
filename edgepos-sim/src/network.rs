//! Links between terminals: connections that come, die and come back, and frames that are late, lost, doubled or overtaken.

use std::collections::{BTreeMap, BTreeSet};

use edgepos_core::{ConnectionId, Jitter};

use crate::agenda::Agenda;
use crate::plan::{NetworkStyle, happens};

/// Something that happens in the network.
#[derive(Clone, Debug)]
pub(crate) enum Wire {
    /// A pair without a connection tries to make one.
    Dial(usize, usize),
    /// One end learns that a connection is up (`true`) or gone.
    Change(u64, usize, bool),
    /// A frame reaches one end.
    Frame(u64, usize, Vec<u8>),
    /// Keep-alive: does this connection still carry frames?
    Watch(u64),
}

/// What a terminal is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Tell {
    /// A connection to the peer is up.
    Up(usize, ConnectionId),
    /// It is gone.
    Lost(usize, ConnectionId),
    /// It brought a frame.
    Frame(usize, ConnectionId, Vec<u8>),
}

#[derive(Debug)]
struct Connection {
    ends: [usize; 2],
    ids: [ConnectionId; 2],
    /// Which start of the process each end belongs to: another start never hears of this connection.
    boots: [u64; 2],
    alive: bool,
    up_at: [u64; 2],
    last_arrival: [u64; 2],
    /// Frames to each end that wait for a cut to heal.
    held: [Vec<Vec<u8>>; 2],
}

impl Connection {
    fn side(&self, end: usize) -> usize {
        usize::from(self.ends[1] == end)
    }
}

/// All links of a store.
#[derive(Debug)]
pub(crate) struct Network {
    style: NetworkStyle,
    rng: Jitter,
    boots: Vec<u64>,
    up: Vec<bool>,
    numbered: Vec<u64>,
    connections: BTreeMap<u64, Connection>,
    /// The living connection of each pair.
    living: BTreeMap<(usize, usize), u64>,
    /// What each end believes to be its newest connection to each peer.
    believed: BTreeMap<(usize, usize), u64>,
    cuts: BTreeMap<u64, BTreeSet<(usize, usize)>>,
    serial: u64,
    sent: u64,
}

impl Network {
    /// `ends` terminals, all off.
    pub(crate) fn new(ends: usize, style: NetworkStyle, rng: Jitter) -> Self {
        Self {
            style,
            rng,
            boots: vec![0; ends],
            up: vec![false; ends],
            numbered: vec![0; ends],
            connections: BTreeMap::new(),
            living: BTreeMap::new(),
            believed: BTreeMap::new(),
            cuts: BTreeMap::new(),
            serial: 0,
            sent: 0,
        }
    }

    /// Frames handed over so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// A process starts, with its numbering of connections from 1.
    pub(crate) fn start<W: From<Wire>>(&mut self, now_us: u64, end: usize, agenda: &mut Agenda<W>) {
        self.boots[end] += 1;
        self.up[end] = true;
        self.numbered[end] = 0;
        for peer in (0..self.up.len()).filter(|&peer| peer != end) {
            let wait = self.rng.range(1_000, 60_000);
            agenda.at(now_us + wait, Wire::Dial(end.min(peer), end.max(peer)).into());
        }
    }

    /// A process is gone. Its peers see a reset soon, or with the power cut nothing until their keep-alive fails.
    pub(crate) fn stop<W: From<Wire>>(
        &mut self,
        now_us: u64,
        end: usize,
        power: bool,
        agenda: &mut Agenda<W>,
    ) {
        self.up[end] = false;
        self.believed.retain(|&(from, _), _| from != end);
        let serials: Vec<u64> = self
            .living
            .iter()
            .filter(|((a, b), _)| *a == end || *b == end)
            .map(|(_, &serial)| serial)
            .collect();
        for serial in serials {
            let notice = if power { self.rng.range(300_000, 4_000_000) } else { self.rng.range(500, 20_000) };
            self.kill(now_us, serial, notice, agenda);
        }
    }

    /// Cuts directed ways, under a number by which they heal.
    pub(crate) fn cut<W: From<Wire>>(
        &mut self,
        now_us: u64,
        number: u64,
        ways: impl IntoIterator<Item = (usize, usize)>,
        agenda: &mut Agenda<W>,
    ) {
        let ways: BTreeSet<_> = ways.into_iter().collect();
        let touched: BTreeSet<_> = ways.iter().map(|&(a, b)| (a.min(b), a.max(b))).collect();
        self.cuts.insert(number, ways);
        for pair in touched {
            if let Some(&serial) = self.living.get(&pair) {
                // A short cut goes unnoticed, a long one ends the connection.
                let wait = self.rng.range(200_000, 6_000_000);
                agenda.at(now_us + wait, Wire::Watch(serial).into());
            }
        }
    }

    /// Mends a cut. What streams held back arrives now.
    pub(crate) fn mend<W: From<Wire>>(&mut self, now_us: u64, number: u64, agenda: &mut Agenda<W>) {
        self.cuts.remove(&number);
        self.release(now_us, agenda);
    }

    /// Mends everything, and nothing is lost, doubled or late from here on.
    pub(crate) fn heal<W: From<Wire>>(&mut self, now_us: u64, agenda: &mut Agenda<W>) {
        self.cuts.clear();
        self.style.loss_ppm = 0;
        self.style.duplicate_ppm = 0;
        self.style.hiccup_ppm = 0;
        self.release(now_us, agenda);
    }

    /// A connection dies without a reason.
    pub(crate) fn reset<W: From<Wire>>(&mut self, now_us: u64, a: usize, b: usize, agenda: &mut Agenda<W>) {
        if let Some(&serial) = self.living.get(&(a.min(b), a.max(b))) {
            let notice = self.rng.range(0, 300_000);
            self.kill(now_us, serial, notice, agenda);
        }
    }

    /// Takes a frame over a connection; one that is not the sender's newest carries nothing.
    pub(crate) fn send<W: From<Wire>>(
        &mut self,
        now_us: u64,
        (from, to): (usize, usize),
        connection: ConnectionId,
        frame: Vec<u8>,
        agenda: &mut Agenda<W>,
    ) {
        let Some(&serial) = self.believed.get(&(from, to)) else { return };
        let cut = self.is_cut(from, to);
        let line = self.connections.get_mut(&serial).expect("a believed connection was made");
        let (here, there) = (line.side(from), line.side(to));
        if line.ids[here] != connection || !line.alive {
            return;
        }
        self.sent += 1;
        if cut {
            if self.style.stream {
                line.held[there].push(frame);
            }
            return;
        }
        self.carry(now_us, serial, to, frame, agenda);
    }

    /// Does what was entered in the agenda. Some: a terminal is told.
    pub(crate) fn happen<W: From<Wire>>(
        &mut self,
        now_us: u64,
        wire: Wire,
        agenda: &mut Agenda<W>,
    ) -> Option<(usize, Tell)> {
        match wire {
            Wire::Dial(a, b) => {
                self.dial(now_us, a, b, agenda);
                None
            }
            Wire::Watch(serial) => {
                let line = self.connections.get(&serial).expect("a watched connection was made");
                let [a, b] = line.ends;
                if line.alive && (self.is_cut(a, b) || self.is_cut(b, a)) {
                    let notice = self.rng.range(0, 1_000_000);
                    self.kill(now_us, serial, notice, agenda);
                }
                None
            }
            Wire::Change(serial, end, up) => {
                let line = self.connections.get(&serial).expect("a changed connection was made");
                let side = line.side(end);
                if !self.up[end] || line.boots[side] != self.boots[end] {
                    return None;
                }
                let (peer, id) = (line.ends[1 - side], line.ids[side]);
                if up {
                    self.believed.insert((end, peer), serial);
                    return Some((end, Tell::Up(peer, id)));
                }
                if self.believed.get(&(end, peer)) == Some(&serial) {
                    self.believed.remove(&(end, peer));
                }
                Some((end, Tell::Lost(peer, id)))
            }
            Wire::Frame(serial, end, frame) => {
                let line =
                    self.connections.get(&serial).expect("frames travel over connections that were made");
                let side = line.side(end);
                let heard = self.up[end] && line.boots[side] == self.boots[end];
                // What was under way when a connection died may still come out of its socket.
                let late = line.alive || self.rng.range(0, 2) == 0;
                (heard && late).then(|| (end, Tell::Frame(line.ends[1 - side], line.ids[side], frame)))
            }
        }
    }

    fn is_cut(&self, from: usize, to: usize) -> bool {
        self.cuts.values().any(|ways| ways.contains(&(from, to)))
    }

    fn dial<W: From<Wire>>(&mut self, now_us: u64, a: usize, b: usize, agenda: &mut Agenda<W>) {
        if self.living.contains_key(&(a, b)) || !self.up[a] || !self.up[b] {
            return;
        }
        if self.is_cut(a, b) || self.is_cut(b, a) {
            let wait = self.rng.range(100_000, 800_000);
            agenda.at(now_us + wait, Wire::Dial(a, b).into());
            return;
        }
        self.serial += 1;
        let serial = self.serial;
        let ids = [a, b].map(|end| {
            self.numbered[end] += 1;
            ConnectionId(self.numbered[end])
        });
        let up_at = [now_us + self.rng.range(200, 30_000), now_us + self.rng.range(200, 30_000)];
        self.living.insert((a, b), serial);
        let connection = Connection {
            ends: [a, b],
            ids,
            boots: [self.boots[a], self.boots[b]],
            alive: true,
            up_at,
            last_arrival: up_at,
            held: [Vec::new(), Vec::new()],
        };
        self.connections.insert(serial, connection);
        for (end, at_us) in [(a, up_at[0]), (b, up_at[1])] {
            agenda.at(at_us, Wire::Change(serial, end, true).into());
        }
    }

    /// The ends learn of it one by one, within `notice_us`; a new connection may be up before one of them has.
    fn kill<W: From<Wire>>(&mut self, now_us: u64, serial: u64, notice_us: u64, agenda: &mut Agenda<W>) {
        let line = self.connections.get_mut(&serial).expect("only made connections die");
        line.alive = false;
        line.held = [Vec::new(), Vec::new()];
        let [a, b] = line.ends;
        let up_at = line.up_at;
        self.living.remove(&(a, b));
        for (end, up_at) in [(a, up_at[0]), (b, up_at[1])] {
            let at_us = now_us + notice_us / 2 + self.rng.range(0, notice_us / 2 + 1);
            agenda.at(at_us.max(up_at), Wire::Change(serial, end, false).into());
        }
        let redial = self.rng.range(50_000, 700_000);
        agenda.at(now_us + redial, Wire::Dial(a, b).into());
    }

    fn carry<W: From<Wire>>(
        &mut self,
        now_us: u64,
        serial: u64,
        to: usize,
        frame: Vec<u8>,
        agenda: &mut Agenda<W>,
    ) {
        if happens(&mut self.rng, self.style.loss_ppm) {
            return;
        }
        let copies = 1 + usize::from(happens(&mut self.rng, self.style.duplicate_ppm));
        for _ in 0..copies {
            let mut at_us = now_us + self.style.delay_us + self.rng.range(0, self.style.jitter_us + 1);
            if happens(&mut self.rng, self.style.hiccup_ppm) {
                at_us += self.rng.range(10_000, 500_000);
            }
            let line = self.connections.get_mut(&serial).expect("the caller holds its serial");
            let there = line.side(to);
            at_us = at_us.max(line.up_at[there]);
            if self.style.stream {
                at_us = at_us.max(line.last_arrival[there]);
                line.last_arrival[there] = at_us;
            }
            agenda.at(at_us, Wire::Frame(serial, to, frame.clone()).into());
        }
    }

    fn release<W: From<Wire>>(&mut self, now_us: u64, agenda: &mut Agenda<W>) {
        let serials: Vec<u64> = self.living.values().copied().collect();
        for serial in serials {
            for there in 0..2 {
                let ends = self.connections[&serial].ends;
                let (from, to) = (ends[1 - there], ends[there]);
                if self.is_cut(from, to) {
                    continue;
                }
                let line = self.connections.get_mut(&serial).expect("living connections were made");
                for frame in std::mem::take(&mut line.held[there]) {
                    self.carry(now_us, serial, to, frame, agenda);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: NetworkStyle = NetworkStyle {
        stream: true,
        delay_us: 1_000,
        jitter_us: 5_000,
        loss_ppm: 0,
        duplicate_ppm: 0,
        hiccup_ppm: 0,
    };

    struct Bench {
        network: Network,
        agenda: Agenda<Wire>,
        now_us: u64,
    }

    impl Bench {
        fn new(style: NetworkStyle, seed: u64) -> Self {
            let mut bench =
                Self { network: Network::new(2, style, Jitter::new(seed)), agenda: Agenda::new(), now_us: 0 };
            for end in 0..2 {
                bench.network.start(0, end, &mut bench.agenda);
            }
            let ups = bench.run(1_000_000);
            assert_eq!(ups.len(), 2);
            bench
        }

        fn run(&mut self, for_us: u64) -> Vec<(usize, Tell)> {
            let end = self.now_us + for_us;
            self.agenda.at(end, Wire::Dial(0, 1));
            let mut told = Vec::new();
            while self.now_us < end {
                let (at_us, wire) = self.agenda.pop().unwrap();
                self.now_us = at_us;
                told.extend(self.network.happen(at_us, wire, &mut self.agenda));
            }
            told
        }

        fn send(&mut self, id: u64, byte: u8) {
            self.network.send(self.now_us, (0, 1), ConnectionId(id), vec![byte], &mut self.agenda);
        }
    }

    fn frames(told: &[(usize, Tell)]) -> Vec<u8> {
        told.iter()
            .filter_map(|(_, tell)| if let Tell::Frame(_, _, f) = tell { Some(f[0]) } else { None })
            .collect()
    }

    #[test]
    fn a_stream_keeps_the_order() {
        let mut bench = Bench::new(STREAM, 1);
        (0..50).for_each(|byte| bench.send(1, byte));
        assert_eq!(frames(&bench.run(1_000_000)), (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn datagrams_are_lost_doubled_and_overtaken() {
        let style = NetworkStyle { stream: false, loss_ppm: 300_000, duplicate_ppm: 300_000, ..STREAM };
        let mut bench = Bench::new(style, 2);
        (0..100).for_each(|byte| bench.send(1, byte));
        let arrived = frames(&bench.run(1_000_000));
        let distinct: BTreeSet<_> = arrived.iter().collect();
        assert!(distinct.len() < 90 && distinct.len() > 50, "{}", distinct.len());
        assert!(arrived.len() > distinct.len());
        assert!(!arrived.is_sorted());
    }

    #[test]
    fn a_cut_stream_stalls_and_goes_on_when_it_heals_in_time() {
        let mut bench = Bench::new(STREAM, 3);
        bench.network.cut(bench.now_us, 1, [(0, 1)], &mut bench.agenda);
        bench.send(1, 7);
        assert!(frames(&bench.run(150_000)).is_empty());
        bench.network.mend(bench.now_us, 1, &mut bench.agenda);
        assert_eq!(frames(&bench.run(100_000)), [7]);
    }

    #[test]
    fn a_long_cut_ends_the_connection_and_a_new_one_has_a_higher_number() {
        let mut bench = Bench::new(STREAM, 4);
        bench.network.cut(bench.now_us, 1, [(0, 1), (1, 0)], &mut bench.agenda);
        bench.send(1, 7);
        let told = bench.run(8_000_000);
        assert!(told.contains(&(0, Tell::Lost(1, ConnectionId(1)))));
        assert!(told.contains(&(1, Tell::Lost(0, ConnectionId(1)))));
        bench.network.mend(bench.now_us, 1, &mut bench.agenda);
        let told = bench.run(2_000_000);
        assert!(frames(&told).is_empty(), "what a dead connection held is lost");
        assert!(told.contains(&(0, Tell::Up(1, ConnectionId(2)))));
        bench.send(1, 8);
        bench.send(2, 9);
        assert_eq!(frames(&bench.run(100_000)), [9], "an old connection carries nothing");
    }

    #[test]
    fn a_restarted_process_hears_nothing_of_its_past() {
        let mut bench = Bench::new(STREAM, 5);
        bench.send(1, 7);
        bench.network.stop(bench.now_us, 1, false, &mut bench.agenda);
        bench.network.start(bench.now_us, 1, &mut bench.agenda);
        let told = bench.run(3_000_000);
        assert!(frames(&told).is_empty());
        assert!(told.contains(&(1, Tell::Up(0, ConnectionId(1)))), "its numbering starts again: {told:?}");
        assert!(told.contains(&(0, Tell::Up(1, ConnectionId(2)))));
    }

    #[test]
    fn late_frames_of_a_dead_connection_come_sometimes() {
        let late = (0..40).filter(|&seed| {
            let mut bench = Bench::new(STREAM, seed);
            bench.send(1, 7);
            bench.network.reset(bench.now_us, 0, 1, &mut bench.agenda);
            !frames(&bench.run(500_000)).is_empty()
        });
        let late = late.count();
        assert!((5..35).contains(&late), "{late}");
    }
}
