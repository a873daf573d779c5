//! What others say, weighed: of the cloud, of themselves, and of the chains of this terminal. Decides what is proved, who is mistaken,
//! whose branch lost, and when a terminal's own chains may leave it.

use std::collections::BTreeMap;

use edgepos_core::{Chain, EventId, LoadId, Time};

use crate::Hash;
use crate::author::{Author, Outcome, Parting};
use crate::claims::{Said, Source};
use crate::cloud::uploader::Uploader;
use crate::config::Config;
use crate::event::EventRecord;
use crate::io::{Mistake, Notice, Witness};
use crate::log::{Held, Log};
use crate::losing::Losing;
use crate::peers::Peers;
use crate::proofs::{Proofs, Verdict};
use crate::turn::Turn;
use crate::wire::claim::Claim;

/// Claims that wait for a proof, branches that lost, and what the own chains wait for. Lent the peers and the uploader, who are told
/// the verdicts.
#[derive(Debug, Default)]
pub(crate) struct Judging {
    proofs: Proofs,
    losing: Losing,
    /// How far the cloud has last said that our own chains go, until they are confirmed.
    cloud_said: Option<Claim>,
    /// Whether the wait for a confirmation is over.
    has_waited: bool,
}

impl Judging {
    /// A branch lost, as somebody who knows says: see [`Outbox::lose_branch`](crate::Outbox::lose_branch).
    pub(crate) fn lose_branch(&mut self, log: &Log, chain: Chain, parting: Parting) {
        self.losing.note(log, chain, parting, None);
    }

    /// Whether a branch that lost can be set aside.
    pub(crate) fn sets_aside(&self, log: &Log) -> bool {
        self.losing.is_due(log)
    }

    /// Takes those that can.
    pub(crate) fn take_lost_branches(&mut self, log: &Log) -> BTreeMap<Chain, Parting> {
        self.losing.take_due(log)
    }

    /// Claims about the cloud that are not so, as long as they stand.
    pub(crate) fn mistakes<'a>(&'a self, log: &'a Log) -> impl Iterator<Item = Mistake> + 'a {
        self.proofs.mistakes(log)
    }

    /// Whether the cloud is to be asked soon: it contradicts what was proved.
    pub(crate) fn doubts_cloud(&self) -> bool {
        self.proofs.doubts_cloud()
    }

    pub(crate) fn poll_timeout(&self, author: &Author, config: &Config) -> Option<Time> {
        let waits = !author.is_confirmed() && !self.has_waited;
        let unconfirmed = waits.then(|| author.waits_until(config.unconfirmed_wait));
        let timeouts = [self.proofs.poll_timeout(config.claim_grace), author.poll_timeout(), unconfirmed];
        timeouts.into_iter().flatten().min()
    }

    pub(crate) fn wake(&mut self, turn: &mut Turn<'_>) {
        self.has_waited |= turn.now >= turn.author.waits_until(turn.config.unconfirmed_wait);
        for (chain, claimed) in self.proofs.wake(turn) {
            turn.author.suspect(Witness::Cloud, chain, claimed, turn.log.end(chain));
        }
    }

    /// Events are durable: claims about them can be proved.
    pub(crate) fn settled(&mut self, turn: &mut Turn<'_>) {
        self.proofs.recheck(turn);
    }

    /// Rows that were asked for are here. Whether it was this part that asked.
    pub(crate) fn loaded(&mut self, turn: &mut Turn<'_>, id: LoadId, rows: &[(Vec<u8>, Vec<u8>)]) -> bool {
        let Some((event, theirs)) = turn.author.loaded(id) else { return self.proofs.loaded(id, rows) };
        let row = rows.first().and_then(|(key, value)| EventRecord::from_row(key, value));
        let ours = row.filter(|(record, _)| record.id == event).map(|(_, hash)| hash);
        self.compare(turn, event, theirs, ours);
        true
    }

    /// Judges what is known by this call, then asks for what is not.
    pub(crate) fn pump(&mut self, turn: &mut Turn<'_>, peers: &mut Peers, uploader: &mut Uploader) {
        self.judge(turn, peers, uploader);
        search(turn, peers, uploader);
        self.proofs.pump(turn);
    }

    /// Judges what was said in this call, and what has become known of what was said before.
    fn judge(&mut self, turn: &mut Turn<'_>, peers: &mut Peers, uploader: &mut Uploader) {
        while let Some(said) = turn.claims.next() {
            let source = said.source();
            match said {
                Said::ByCloud { claim, latest } => {
                    self.hear_of_cloud(turn, peers, uploader, (source, latest), &claim)
                }
                Said::OfCloud { claim, .. } => {
                    self.hear_of_cloud(turn, peers, uploader, (source, false), &claim)
                }
                Said::Answer { event, hash, .. } => {
                    self.proofs.answered(turn, source, event, hash);
                    self.on_answer(turn, event, hash);
                }
                Said::OfItself { chain, seq, hash, .. } => self.proofs.claim(turn, source, chain, seq, hash),
            }
        }
        let mut teller = None;
        while let Some(verdict) = self.proofs.poll() {
            let Verdict { source, chain, seq, hash, ours } = verdict;
            match source {
                Source::Peer(peer) if ours => peers.proved(turn, peer, chain, seq),
                Source::Peer(peer) => {
                    peers.part(turn, peer, chain);
                    yield_to_others(turn, peers);
                }
                Source::Cloud | Source::CloudBy(_) if ours => {
                    let news = turn.log.proved_mut().raise(chain, seq, hash);
                    teller =
                        if news { Some(teller.map_or(source, |teller| source.min(teller))) } else { teller };
                    if source == Source::Cloud {
                        uploader.agree(chain);
                    }
                }
                Source::Cloud => {
                    turn.author.suspect(source.witness(), chain, seq, turn.log.end(chain));
                    uploader.dispute(turn, chain);
                }
                Source::CloudBy(_) => {
                    let (own, witness) = (turn.log.accepted().get(chain), source.witness());
                    turn.out.notice(Notice::Mistaken { chain, claimed: seq, own, witness });
                }
            }
        }
        turn.log.keep_proved(turn.out);
        self.confirm(turn, peers);
        if let Some(teller) = teller {
            peers.pass_on_cloud(turn, teller.witness());
        }
    }

    /// A witness has answered for the hash of one event: compares it with the one here.
    fn on_answer(&mut self, turn: &mut Turn<'_>, event: EventId, theirs: Option<Hash>) {
        match turn.log.hash_at(event.chain, event.seq) {
            Held::At(ours) => self.compare(turn, event, theirs, Some(ours)),
            Held::Not => self.compare(turn, event, theirs, None),
            Held::OnDisk => {
                let load = turn.out.read(event, event, 1);
                turn.author.read(load, event, theirs);
            }
        }
    }

    fn compare(&mut self, turn: &mut Turn<'_>, event: EventId, theirs: Option<Hash>, ours: Option<Hash>) {
        let (chain, own) = (event.chain, turn.log.end(event.chain).seq);
        if let Outcome::Lost { witness, parting } = turn.author.answered(event, theirs, ours) {
            if chain.replica != turn.author.name() {
                self.losing.note(turn.log, chain, parting, Some(witness));
                return;
            }
            turn.out.notice(Notice::RollbackSuspected { chain, known: event.seq.max(own), own, witness });
        }
    }

    /// Frees sending our own chains once the cloud, the leader or a majority has stated how far they go.
    fn confirm(&mut self, turn: &mut Turn<'_>, peers: &Peers) {
        if turn.author.is_confirmed() {
            return;
        }
        let by_cloud = self.cloud_said.as_ref().is_some_and(|claim| {
            turn.author.chains().all(|chain| {
                let (said, own) = (claim.vector.get(chain), turn.log.accepted().get(chain));
                let known = if claim.is_bare() { own } else { turn.log.cloud().get(chain) };
                said <= known
            })
        });
        if by_cloud || peers.confirm(turn) {
            turn.author.confirm();
            self.cloud_said = None;
        }
    }

    /// Somebody says what the cloud holds. Positions free sending as they stand; the rest is compared first.
    fn hear_of_cloud(
        &mut self,
        turn: &mut Turn<'_>,
        peers: &Peers,
        uploader: &mut Uploader,
        (source, latest): (Source, bool),
        claim: &Claim,
    ) {
        if source == Source::Cloud {
            let log = &*turn.log;
            turn.author.compare(Witness::Cloud, &claim.vector, |chain| log.end(chain));
            // Who claims it again is asked again, where nothing came of it before.
            for (chain, claimed) in self.proofs.unproved(log) {
                turn.author.suspect(Witness::Cloud, chain, claimed, log.end(chain));
            }
            self.cloud_said = (!turn.author.is_confirmed()).then(|| claim.clone());
        }
        let by_leader = matches!(source, Source::CloudBy(peer) if peers.is_led_by(peer));
        if self.proofs.hear_of_cloud(turn, source, claim, latest, by_leader) {
            uploader.tell_restored(claim.instance);
        }
    }
}

/// Asks witnesses for the hashes that tell where histories part.
fn search(turn: &mut Turn<'_>, peers: &mut Peers, uploader: &mut Uploader) {
    let log = &*turn.log;
    let mut questions = Vec::new();
    while let Some(question) = turn.author.next_question(turn.now, |chain| log.end(chain).seq) {
        questions.push(question);
    }
    for (witness, event) in questions {
        match witness {
            Witness::Cloud => uploader.question(event),
            Witness::Peer(peer) => peers.probe(turn, peer, event),
            Witness::Log => {}
        }
    }
}

/// Others hold another history of a chain. Over what the cloud has, the cloud decides; over the rest, who leads; over our own a majority
/// too.
pub(crate) fn yield_to_others(turn: &mut Turn<'_>, peers: &Peers) {
    for (peer, chain, seq) in peers.outvoted(turn) {
        if seq > turn.log.cloud().get(chain) {
            turn.author.suspect(Witness::Peer(peer), chain, seq, turn.log.end(chain));
        }
    }
}
