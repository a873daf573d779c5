//! Clerks, who do at any till what is no sale: customers, documents, pictures of receipts, copies of them, and baskets put aside.

use std::collections::{BTreeMap, VecDeque};

use edgepos::model::{BasketId, Kind, Mode};
use edgepos::{Draft, Refusal, Reply, RequestId};
use edgepos_core::{EventId, IdempotencyKey, Jitter};

use crate::check::{Ledger, Rule, Violation};
use crate::drafts::{longer, payment, sale};
use crate::errand::{Ask, Beside};
use crate::papers::{Papers, Part, Saying, may_be_erased};

/// Requests from this number on are a clerk's.
const FIRST: u64 = 1 << 41;
/// Baskets that clerks have open at once, at all tills.
const MAX_OPEN: usize = 12;

/// What a clerk waits for.
#[derive(Debug)]
enum Doing {
    /// Something is recorded: of which kind, what its body must be where that is known, and the customer whom it is about.
    Say(Option<(Kind, Vec<u8>)>, Option<String>),
    /// A part of something that is attached.
    Attach(Box<Part>),
    /// A customer's key is kept.
    Keep(String),
    /// A page of open baskets behind this one.
    List(Option<BasketId>),
    Begin(Box<Draft>),
    /// What is open becomes this.
    Update(Box<Draft>),
    Park(BasketId),
    Claim(BasketId),
    GiveUp(BasketId),
    /// What was recalled is paid.
    Pay(BasketId, IdempotencyKey),
}

/// A basket that somebody has begun, and nobody has ended.
#[derive(Debug)]
struct Aside {
    draft: Draft,
    /// The number that it has where it is open.
    number: u64,
    /// As what it was parked. A till that has not heard that another recalled and changed it recalls it as it was.
    parked: Vec<Draft>,
}

fn total(draft: &Draft) -> i64 {
    draft.lines.iter().map(|line| line.amount).sum()
}

/// All clerks of a store.
#[derive(Debug)]
pub(crate) struct Clerks {
    rng: Jitter,
    papers: Papers,
    forgiving: bool,
    requests: u64,
    baskets: u64,
    waiting: BTreeMap<RequestId, (usize, Doing)>,
    /// Parts that are still to be recorded at each till.
    parts: Vec<VecDeque<Part>>,
    /// The event that each part came to.
    attached: BTreeMap<(BasketId, [u8; 32], u16), EventId>,
    /// Baskets that are open or parked.
    aside: BTreeMap<BasketId, Aside>,
    /// Those that are open, and at which till.
    open: Vec<(usize, BasketId)>,
    parked: Vec<BasketId>,
    /// Where each till's list of open baskets goes on.
    next_page: BTreeMap<usize, BasketId>,
}

impl Clerks {
    /// Clerks at so many tills, for whom this moment matters; `forgiving` where disks are put back.
    pub(crate) fn new(tills: usize, moment_ms: u64, forgiving: bool, rng: Jitter) -> Self {
        Self {
            rng,
            papers: Papers::new(moment_ms),
            forgiving,
            requests: FIRST,
            baskets: 0,
            waiting: BTreeMap::new(),
            parts: vec![VecDeque::new(); tills],
            attached: BTreeMap::new(),
            aside: BTreeMap::new(),
            open: Vec::new(),
            parked: Vec::new(),
            next_page: BTreeMap::new(),
        }
    }

    /// Whether a reply is for a clerk.
    pub(crate) fn has_asked(request: RequestId) -> bool {
        request.0 >= FIRST
    }

    /// What a clerk asks at this till, now and then: one thing at a time.
    pub(crate) fn act(&mut self, place: usize, ledger: &mut Ledger) -> Option<(RequestId, Ask)> {
        if self.rng.range(0, 10) > 0 || self.waiting.values().any(|(at, _)| *at == place) {
            return None;
        }
        let (doing, ask) = match self.parts[place].front() {
            Some(part) => (Doing::Attach(Box::new(part.clone())), Ask::Record(part.record.clone())),
            None => self.draw(place, ledger)?,
        };
        self.requests += 1;
        let request = RequestId(self.requests);
        self.waiting.insert(request, (place, doing));
        Some((request, ask))
    }

    fn draw(&mut self, place: usize, ledger: &mut Ledger) -> Option<(Doing, Ask)> {
        match self.rng.range(0, 20) {
            0..4 => self.open_basket(place, ledger),
            4..7 => self.go_on(place, ledger),
            7 => {
                let after = self.next_page.remove(&place);
                Some((Doing::List(after), Ask::Beside(Beside::Baskets(after))))
            }
            8 => {
                let key = self.papers.key(&mut self.rng);
                Some((Doing::Keep(key.customer().to_owned()), Ask::Beside(Beside::Keep(key))))
            }
            9 => {
                self.parts[place] = self.papers.attachment(&mut self.rng, place).into();
                None
            }
            _ => {
                let Saying { record, body, about } = self.papers.next(&mut self.rng, place);
                Some((Doing::Say(body, about), Ask::Record(record)))
            }
        }
    }

    /// A basket begins. Some of them are left, until they leave the terminal's memory.
    fn open_basket(&mut self, place: usize, ledger: &mut Ledger) -> Option<(Doing, Ask)> {
        if self.open.len() >= MAX_OPEN {
            return None;
        }
        self.baskets += 1;
        let mut name = [0; 16];
        (name[6], name[7]) = (0xC1, place as u8 + 1);
        name[8..].copy_from_slice(&self.baskets.to_be_bytes());
        let draft = sale(&mut self.rng, BasketId(name));
        ledger.sets_aside(place, &draft);
        Some((Doing::Begin(Box::new(draft.clone())), Ask::Begin(draft)))
    }

    /// A basket is changed, put aside, goes on at another till, is paid there, or is given up.
    fn go_on(&mut self, place: usize, ledger: &mut Ledger) -> Option<(Doing, Ask)> {
        if !self.parked.is_empty() && self.rng.range(0, 2) == 0 {
            let at = self.rng.range(0, self.parked.len() as u64) as usize;
            let basket = self.parked.swap_remove(at);
            ledger.said_mut().takes(basket);
            return Some((Doing::Claim(basket), Ask::Beside(Beside::Claim(basket))));
        }
        let at = self.open.iter().position(|(at, _)| *at == place)?;
        let (_, basket) = self.open.remove(at);
        let aside = self.aside.get(&basket)?;
        let chance = self.rng.range(0, 12);
        if chance < 3 {
            return Some((Doing::GiveUp(basket), Ask::Abandon(basket)));
        }
        if chance < 6 {
            let draft = longer(&mut self.rng, &aside.draft);
            return Some((
                Doing::Update(Box::new(draft.clone())),
                Ask::Beside(Beside::Update(Box::new(draft))),
            ));
        }
        let commit = payment(&aside.draft);
        let in_cash = commit.tenders.as_slice().iter().all(|tender| tender.payment().is_none());
        if chance < 9 && !aside.parked.is_empty() && in_cash {
            ledger.asks_commit(&commit);
            return Some((Doing::Pay(basket, commit.key), Ask::Commit(commit)));
        }
        Some((Doing::Park(basket), Ask::Beside(Beside::Park(basket))))
    }

    /// A terminal has answered.
    ///
    /// # Errors
    /// When the answer breaks a promise.
    pub(crate) fn hear(
        &mut self,
        request: RequestId,
        reply: &Result<Reply, Refusal>,
        ledger: &mut Ledger,
    ) -> Result<(), Violation> {
        let Some((place, doing)) = self.waiting.remove(&request) else {
            let what = format!("a clerk got an answer to request {} twice", request.0);
            return Err(Violation::new(Rule::Alive, what));
        };
        match (doing, reply) {
            (Doing::Say(body, _), Ok(Reply::Recorded(event))) => {
                ledger.records(place, *event)?;
                body.into_iter().for_each(|(kind, body)| ledger.said_mut().says(*event, kind, body));
            }
            (Doing::Attach(part), Ok(Reply::Recorded(event))) => {
                self.is_attached(place, &part, *event, ledger)?;
            }
            (Doing::List(after), Ok(Reply::Unresolved { baskets, next })) => {
                let names: Vec<BasketId> = baskets.iter().map(|open| open.basket).collect();
                let behind = names.first().is_none_or(|first| after.is_none_or(|after| after < *first));
                if !behind || !names.is_sorted_by(|one, other| one < other) {
                    let what =
                        format!("terminal {} lists open baskets {names:?} behind {after:?}", place + 1);
                    return Err(Violation::new(Rule::NothingTwice, what));
                }
                self.next_page.extend(next.map(|next| (place, next)));
            }
            (Doing::Begin(draft), Ok(Reply::Begun { number, total: due })) => {
                self.comes_to(place, draft.basket, *due, total(&draft))?;
                self.open.push((place, draft.basket));
                let aside = Aside { number: *number, draft: *draft, parked: Vec::new() };
                self.aside.insert(aside.draft.basket, aside);
            }
            (Doing::Update(draft), Ok(Reply::Begun { number, total: due })) => {
                self.comes_to(place, draft.basket, *due, total(&draft))?;
                self.open.push((place, draft.basket));
                self.becomes(place, *draft, *number)?;
            }
            (Doing::Claim(basket), Ok(Reply::Claimed { number, total: due, .. })) => {
                self.open.push((place, basket));
                if let Some(aside) = self.aside.get_mut(&basket) {
                    let known = aside.parked.iter().rev().find(|draft| total(draft) == *due).cloned();
                    aside.number = *number;
                    aside.draft = known.unwrap_or_else(|| aside.draft.clone());
                    let parked = total(&aside.draft);
                    self.comes_to(place, basket, *due, parked)?;
                }
            }
            (Doing::Pay(basket, key), Ok(Reply::Committed { receipt, .. })) => {
                ledger.replied(place, basket, Some(key), reply)?;
                if let Some(aside) = self.aside.remove(&basket) {
                    self.comes_to(place, basket, receipt.total, total(&aside.draft))?;
                }
            }
            (Doing::Park(basket), Ok(Reply::Parked)) => {
                ledger.said_mut().parks(basket);
                self.parked.push(basket);
                if let Some(aside) = self.aside.get_mut(&basket) {
                    aside.parked.push(aside.draft.clone());
                }
            }
            // Where it was parked last was not heard of here yet, or the points that it takes have gone meanwhile: it is parked as before.
            (
                Doing::Claim(basket),
                Err(
                    Refusal::UnknownBasket(_)
                    | Refusal::BasketElsewhere(_)
                    | Refusal::BasketEnded(_)
                    | Refusal::Full { .. }
                    | Refusal::Overdrawn { .. }
                    | Refusal::DayClosed(_),
                ),
            ) => {
                ledger.said_mut().parks(basket);
                self.parked.push(basket);
            }
            (Doing::Keep(_), Ok(Reply::Kept)) => {}
            (Doing::GiveUp(basket), Ok(Reply::Abandoned)) => drop(self.aside.remove(&basket)),
            // A guest may have been erased, by whomever.
            (
                Doing::Say(_, Some(customer)) | Doing::Keep(customer),
                Err(Refusal::BadField { field: "customer", .. }),
            ) if may_be_erased(&customer) => {}
            (Doing::Begin(_), Err(Refusal::DayClosed(_) | Refusal::Overdrawn { .. })) => {}
            (_, Err(Refusal::Full { .. } | Refusal::ClockOff { .. })) => {}
            // The points that it takes have gone meanwhile: it stays as it was.
            (Doing::Update(draft), Err(Refusal::Overdrawn { .. })) => self.open.push((place, draft.basket)),
            // The till may have settled it, or settles it at this moment.
            (Doing::Park(_) | Doing::GiveUp(_) | Doing::Update(_) | Doing::Pay(..), Err(refusal))
                if is_not_open(refusal) => {}
            // A trainee's is not put aside.
            (Doing::Park(basket), Err(Refusal::BadField { field: "basket", .. }))
                if self.aside.get(&basket).is_some_and(|aside| aside.draft.mode == Mode::Training) => {}
            (_, Err(_)) if self.forgiving => {}
            (doing, other) => {
                let what = format!("terminal {}: {doing:?} was answered with {other:?}", place + 1);
                return Err(Violation::new(Rule::Alive, what));
            }
        }
        Ok(())
    }

    /// What a terminal says that a basket costs is what is in it.
    fn comes_to(&self, place: usize, basket: BasketId, due: i64, total: i64) -> Result<(), Violation> {
        if due == total || self.forgiving {
            return Ok(());
        }
        let what = format!("basket {basket} costs {due} at terminal {} instead of {total}", place + 1);
        Err(Violation::new(Rule::Receipts, what))
    }

    /// A basket that is open was changed to this, under the number that it has.
    fn becomes(&mut self, place: usize, draft: Draft, number: u64) -> Result<(), Violation> {
        let Some(aside) = self.aside.get_mut(&draft.basket) else { return Ok(()) };
        if number != aside.number && !self.forgiving {
            let (basket, before) = (draft.basket, aside.number);
            let what = format!(
                "basket {basket} is changed at terminal {}, and is {number} after {before}",
                place + 1
            );
            return Err(Violation::new(Rule::Receipts, what));
        }
        aside.draft = draft;
        Ok(())
    }

    /// A part is on record; some ask for it once more, and get the same.
    fn is_attached(
        &mut self,
        place: usize,
        part: &Part,
        event: EventId,
        ledger: &mut Ledger,
    ) -> Result<(), Violation> {
        match self.attached.insert((part.basket, part.hash, part.no), event) {
            Some(before) if before == event => {}
            Some(before) if !self.forgiving => {
                let what = format!("part {} for basket {} is {before} and {event}", part.no, part.basket);
                return Err(Violation::new(Rule::NothingTwice, what));
            }
            _ => ledger.records(place, event)?,
        }
        if self.rng.range(0, 6) > 0 {
            self.parts[place].pop_front();
            if self.parts[place].is_empty() {
                ledger.said_mut().attached(part.basket, part.hash);
            }
        }
        Ok(())
    }

    /// A terminal's process is gone, and with it its requests.
    pub(crate) fn crashed(&mut self, place: usize) {
        self.waiting.retain(|_, (at, _)| *at != place);
        // What is open there is settled by the till.
        self.open.retain(|(at, _)| *at != place);
        self.next_page.remove(&place);
    }
}

/// Whether a basket is refused since it is not open there any more: it was parked, goes on elsewhere, has ended, or is being ended.
fn is_not_open(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::UnknownBasket(_)
            | Refusal::BasketElsewhere(_)
            | Refusal::BasketParked(_)
            | Refusal::BasketEnded(_)
            | Refusal::BasketBusy(_)
    )
}

#[cfg(test)]
mod tests {
    use edgepos::model::{Counter, Currency};
    use edgepos::{OpenBasket, Receipt};
    use edgepos_core::{Chain, Lane, ReplicaId, Seq};

    use super::*;

    const BASKET: BasketId = BasketId([5; 16]);

    fn clerks(forgiving: bool) -> Clerks {
        Clerks::new(2, 1_790_000_030_000, forgiving, Jitter::new(7))
    }

    /// What comes of it when a clerk at the first till does this and hears that.
    fn hears(clerks: &mut Clerks, doing: Doing, reply: &Result<Reply, Refusal>) -> Result<(), Rule> {
        clerks.waiting.insert(RequestId(FIRST), (0, doing));
        let heard = clerks.hear(RequestId(FIRST), reply, &mut Ledger::new());
        heard.map_err(|violation| violation.rule)
    }

    fn event(seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::new(1, 1), Lane::Transactions), Seq(seq))
    }

    fn open(number: u8) -> OpenBasket {
        let (basket, series, lines, operator) = (BasketId([number; 16]), "S".into(), Vec::new(), None);
        let (total, begun_ms, currency, terminal) = (0, 0, Currency::EUR, 1);
        OpenBasket { basket, series, number: 1, total, begun_ms, currency, lines, operator, terminal }
    }

    #[test]
    fn an_answer_to_what_nobody_asked_is_noticed() {
        let heard = clerks(true).hear(RequestId(FIRST), &Ok(Reply::Parked), &mut Ledger::new());
        assert_eq!(heard.unwrap_err().rule, Rule::Alive);
        assert_eq!(
            hears(&mut clerks(true), Doing::Keep("customer-1".into()), &Ok(Reply::Parked)),
            Err(Rule::Alive)
        );
    }

    #[test]
    fn one_event_is_the_name_of_one_thing() {
        let (mut clerks, mut ledger) = (clerks(false), Ledger::new());
        let mut says = |number| {
            clerks.waiting.insert(RequestId(number), (0, Doing::Say(None, None)));
            clerks.hear(RequestId(number), &Ok(Reply::Recorded(event(1))), &mut ledger)
        };
        assert_eq!(says(FIRST), Ok(()));
        assert_eq!(says(FIRST + 1).unwrap_err().rule, Rule::Receipts);
    }

    #[test]
    fn a_list_of_open_baskets_must_rise_behind_what_was_seen() {
        let lists = |after: Option<u8>, names: &[u8]| {
            let baskets = names.iter().copied().map(open).collect();
            let reply = Ok(Reply::Unresolved { baskets, next: None });
            hears(&mut clerks(false), Doing::List(after.map(|name| BasketId([name; 16]))), &reply)
        };
        assert_eq!(lists(None, &[1, 2, 3]), Ok(()));
        assert_eq!(lists(Some(3), &[]), Ok(()));
        assert_eq!(lists(None, &[2, 1]), Err(Rule::NothingTwice));
        assert_eq!(lists(None, &[2, 2]), Err(Rule::NothingTwice));
        assert_eq!(lists(Some(2), &[2, 3]), Err(Rule::NothingTwice));
    }

    #[test]
    fn a_part_that_is_asked_for_again_gets_its_event() {
        let attaches = |forgiving, second| {
            let mut clerks = clerks(forgiving);
            let part = Box::new(clerks.papers.attachment(&mut Jitter::new(1), 0).remove(0));
            hears(&mut clerks, Doing::Attach(part.clone()), &Ok(Reply::Recorded(event(1)))).unwrap();
            hears(&mut clerks, Doing::Attach(part), &Ok(Reply::Recorded(event(second))))
        };
        assert_eq!(attaches(false, 1), Ok(()));
        assert_eq!(attaches(false, 2), Err(Rule::NothingTwice));
        assert_eq!(attaches(true, 2), Ok(()), "a disk may have been put back");
    }

    #[test]
    fn only_guests_may_be_erased() {
        let erased = || Err(Refusal::BadField { field: "customer", reason: "it was erased" });
        for forgets in [false, true] {
            let refused = |customer: &str| {
                let customer = customer.to_owned();
                let doing = if forgets { Doing::Keep(customer) } else { Doing::Say(None, Some(customer)) };
                hears(&mut clerks(false), doing, &erased())
            };
            assert_eq!(refused("guest-3"), Ok(()));
            assert_eq!(refused("customer-3"), Err(Rule::Alive));
        }
        assert_eq!(hears(&mut clerks(false), Doing::Say(None, None), &erased()), Err(Rule::Alive));
    }

    #[test]
    fn a_recalled_basket_is_parked_again_where_that_is_refused_and_the_reason_is_one() {
        let mut clerks = clerks(false);
        let overdrawn = Err(Refusal::Overdrawn { counter: Counter::POINTS, left: 0 });
        assert_eq!(hears(&mut clerks, Doing::Claim(BASKET), &overdrawn), Ok(()));
        assert_eq!(clerks.parked, [BASKET]);
        assert_eq!(hears(&mut clerks, Doing::Claim(BASKET), &Err(Refusal::Overflow)), Err(Rule::Alive));
        assert_eq!(clerks.parked, [BASKET]);
        let draft = Box::new(sale(&mut Jitter::new(1), BASKET));
        assert_eq!(hears(&mut clerks, Doing::Begin(draft), &Err(Refusal::Overflow)), Err(Rule::Alive));
    }

    /// Clerks who have begun a basket at the first till, by a trainee or not.
    fn begun(mode: Mode) -> (Clerks, Draft) {
        let mut clerks = clerks(false);
        let draft = Draft { mode, ..sale(&mut Jitter::new(1), BASKET) };
        let reply = Ok(Reply::Begun { number: 4, total: total(&draft) });
        hears(&mut clerks, Doing::Begin(Box::new(draft.clone())), &reply).unwrap();
        (clerks, draft)
    }

    #[test]
    fn what_is_open_is_refused_for_the_reasons_that_the_pages_give() {
        let doings = |draft: &Draft| {
            let key = payment(draft).key;
            let update = Doing::Update(Box::new(draft.clone()));
            [Doing::Park(BASKET), Doing::GiveUp(BASKET), update, Doing::Pay(BASKET, key)]
        };
        for at in 0..4 {
            let hear = |refusal| {
                let (mut clerks, draft) = begun(Mode::Live);
                let doing = doings(&draft).into_iter().nth(at).unwrap();
                hears(&mut clerks, doing, &Err(refusal))
            };
            for refusal in [
                Refusal::UnknownBasket(BASKET),
                Refusal::BasketElsewhere(BASKET),
                Refusal::BasketParked(BASKET),
                Refusal::BasketEnded(BASKET),
                Refusal::BasketBusy(BASKET),
            ] {
                assert_eq!(hear(refusal), Ok(()), "{at}");
            }
            for refusal in [
                Refusal::Overflow,
                Refusal::BasketExists(BASKET),
                Refusal::BadField { field: "basket", reason: "it is a trainee's" },
            ] {
                assert_eq!(hear(refusal), Err(Rule::Alive), "{at}");
            }
        }
        let trainees = Err(Refusal::BadField { field: "basket", reason: "it is a trainee's" });
        assert_eq!(hears(&mut begun(Mode::Training).0, Doing::Park(BASKET), &trainees), Ok(()));
    }

    #[test]
    fn a_basket_costs_what_is_in_it_and_keeps_its_number_while_it_is_changed() {
        let changed = |number, more| {
            let (mut clerks, draft) = begun(Mode::Live);
            let draft = longer(&mut Jitter::new(2), &draft);
            let reply = Ok(Reply::Begun { number, total: total(&draft) + more });
            hears(&mut clerks, Doing::Update(Box::new(draft)), &reply)
        };
        assert_eq!(changed(4, 0), Ok(()));
        assert_eq!(changed(5, 0), Err(Rule::Receipts));
        assert_eq!(changed(4, 1), Err(Rule::Receipts));
        let recalled = |more| {
            let (mut clerks, draft) = begun(Mode::Live);
            hears(&mut clerks, Doing::Park(BASKET), &Ok(Reply::Parked)).unwrap();
            clerks.aside.get_mut(&BASKET).unwrap().draft = longer(&mut Jitter::new(2), &draft);
            hears(&mut clerks, Doing::Park(BASKET), &Ok(Reply::Parked)).unwrap();
            let reply = Ok(Reply::Claimed { number: 9, total: total(&draft) + more, lines: Vec::new() });
            hears(&mut clerks, Doing::Claim(BASKET), &reply)
        };
        assert_eq!(recalled(0), Ok(()), "as it was before it was changed");
        assert_eq!(recalled(1), Err(Rule::Receipts));
    }

    /// Each thing that a clerk does is asked in a day, and some of what is attached comes in parts.
    #[test]
    fn everything_is_asked() {
        let (mut clerks, mut ledger, mut asked) = (clerks(false), Ledger::new(), BTreeMap::new());
        for seq in 1..4_000 {
            let Some((request, ask)) = clerks.act(0, &mut ledger) else { continue };
            let (name, reply) = match ask {
                Ask::Begin(draft) => ("begin", Reply::Begun { number: seq, total: total(&draft) }),
                Ask::Abandon(_) => ("abandon", Reply::Abandoned),
                Ask::Record(_) => ("record", Reply::Recorded(event(seq))),
                Ask::Beside(Beside::Keep(_)) => ("keep", Reply::Kept),
                Ask::Beside(Beside::Baskets(_)) => {
                    ("list", Reply::Unresolved { baskets: Vec::new(), next: None })
                }
                Ask::Beside(Beside::Park(_)) => ("park", Reply::Parked),
                Ask::Beside(Beside::Claim(basket)) => {
                    let total = total(&clerks.aside[&basket].draft);
                    ("claim", Reply::Claimed { number: seq, total, lines: Vec::new() })
                }
                Ask::Beside(Beside::Update(draft)) => {
                    let number = clerks.aside[&draft.basket].number;
                    ("update", Reply::Begun { number, total: total(&draft) })
                }
                Ask::Commit(commit) => {
                    let Aside { draft, number, .. } = &clerks.aside[&commit.basket];
                    let (basket, series, total) = (draft.basket, draft.series.clone(), total(draft));
                    let receipt = Receipt { event: event(seq), basket, series, number: *number, total };
                    ("pay", Reply::Committed { receipt, repeated: false })
                }
                other => panic!("{other:?}"),
            };
            *asked.entry(name).or_insert(0) += 1;
            // Who asks for a part again gets the event that it has.
            let part = clerks.parts[0].front().map(|part| (part.basket, part.hash, part.no));
            let had = part.and_then(|part| clerks.attached.get(&part));
            let reply = had.map_or(reply, |event| Reply::Recorded(*event));
            clerks.hear(request, &Ok(reply), &mut ledger).unwrap();
        }
        let names: Vec<_> = asked.keys().copied().collect();
        assert_eq!(names, ["abandon", "begin", "claim", "keep", "list", "park", "pay", "record", "update"]);
        assert!(clerks.attached.keys().any(|(_, _, no)| *no > 0), "nothing came in parts");
    }
}
