//! Who was booked under the names that were asked for.

use edgepos_core::EventId;

use super::booked::{Booked, What};
use super::name::{BookedName, Named};
use crate::retail::sale::body::BasketId;

/// Events by rising id, those with the key and those with the basket.
#[derive(Debug, Default)]
pub(crate) struct Found {
    by_key: Vec<Booked>,
    by_basket: Vec<Booked>,
    told: Option<Booked>,
}

impl Found {
    /// One more event of this name; nothing happens where it is here already.
    pub(crate) fn add(&mut self, name: BookedName, booked: Booked) {
        let list = match name {
            BookedName::Key(_) => &mut self.by_key,
            BookedName::Basket(_) => &mut self.by_basket,
        };
        if let Err(at) = list.binary_search_by_key(&booked.event(), Booked::event) {
            list.insert(at, booked);
        }
    }

    /// Another terminal says that it has booked this, and the event is not here.
    pub(crate) fn told(&mut self, booked: Option<&Booked>) {
        self.told = self.told.take().or_else(|| booked.cloned());
    }

    /// The same, for who finds nothing else.
    pub(crate) fn as_told(&self) -> Option<&Booked> {
        self.told.as_ref()
    }

    /// What the key answers: the lowest event that it was meant for, else the lowest of all.
    pub(crate) fn first_of_key(&self, meant: impl Fn(&What) -> bool) -> Option<&Booked> {
        self.by_key.iter().find(|booked| meant(&booked.what)).or_else(|| self.by_key.first())
    }

    /// Every sale of the basket.
    pub(crate) fn events_of_basket(&self) -> impl Iterator<Item = EventId> + '_ {
        self.by_basket.iter().map(Booked::event)
    }

    /// The first sale of the basket.
    pub(crate) fn first_of_basket(&self) -> Option<&Booked> {
        self.by_basket.first()
    }

    /// The first event other than this that has one of the names.
    pub(crate) fn first_but(&self, id: EventId) -> Option<EventId> {
        self.by_key.iter().chain(&self.by_basket).map(Booked::event).filter(|event| *event != id).min()
    }

    /// The names of an event that others have as well, with all who have them. Sales of one basket under one key are one thing
    /// that happened twice, so the basket stands for both then.
    pub(crate) fn doubles(&self, named: Named) -> Vec<(BookedName, Vec<EventId>)> {
        let events = |list: &[Booked]| list.iter().map(Booked::event).collect();
        let mut doubles = Vec::new();
        if let Some(basket) = named.basket.filter(|_| self.by_basket.len() > 1) {
            doubles.push((BookedName::Basket(basket), events(&self.by_basket)));
        }
        let baskets = |list: &[Booked]| list.iter().map(Booked::basket).collect::<Vec<Option<BasketId>>>();
        let one_basket =
            named.basket.is_some() && baskets(&self.by_key).iter().all(|basket| *basket == named.basket);
        if let Some(key) = named.key.filter(|_| self.by_key.len() > 1 && !one_basket) {
            doubles.push((BookedName::Key(key), events(&self.by_key)));
        }
        doubles
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, IdempotencyKey, Lane, ReplicaId, Seq};

    use super::*;
    use crate::retail::sale::receipt::Receipt;

    const KEY: IdempotencyKey = IdempotencyKey([1; 16]);

    fn sale(terminal: u16, key: IdempotencyKey, basket: u8) -> Booked {
        let event = EventId::new(Chain::new(ReplicaId::new(terminal, 1), Lane::Transactions), Seq(1));
        let receipt =
            Receipt { event, basket: BasketId([basket; 16]), series: "S".into(), number: 1, total: 1 };
        Booked { key: Some(key), what: What::Sale(receipt) }
    }

    /// The names under which these are doubles, as any of them finds it.
    fn doubles(sales: &[Booked]) -> Vec<(BookedName, usize)> {
        let mut all = Vec::new();
        for one in sales {
            let named = one.named();
            let mut found = Found::default();
            for other in sales.iter().rev() {
                if other.key == one.key {
                    found.add(BookedName::Key(KEY), other.clone());
                }
                if other.basket() == one.basket() {
                    found.add(BookedName::Basket(BasketId::default()), other.clone());
                }
            }
            all.extend(found.doubles(named).into_iter().map(|(name, events)| (name, events.len())));
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    #[test]
    fn what_was_booked_twice_has_one_name() {
        let other = IdempotencyKey([2; 16]);
        let basket = |number| BookedName::Basket(BasketId([number; 16]));
        assert_eq!(doubles(&[sale(1, KEY, 7)]), []);
        assert_eq!(doubles(&[sale(1, KEY, 7), sale(2, KEY, 7)]), [(basket(7), 2)]);
        assert_eq!(doubles(&[sale(1, KEY, 7), sale(2, other, 7)]), [(basket(7), 2)]);
        assert_eq!(doubles(&[sale(1, KEY, 7), sale(2, KEY, 8)]), [(BookedName::Key(KEY), 2)]);
        let three = [sale(1, KEY, 7), sale(2, KEY, 7), sale(3, KEY, 8)];
        assert_eq!(doubles(&three), [(basket(7), 2), (BookedName::Key(KEY), 3)]);
    }

    #[test]
    fn a_key_answers_the_lowest_event_that_it_was_meant_for() {
        let mut found = Found::default();
        for terminal in [3, 1, 2] {
            found.add(BookedName::Key(KEY), sale(terminal, KEY, if terminal == 1 { 8 } else { 7 }));
        }
        let terminal = |basket| {
            let meant = move |what: &What| matches!(what, What::Sale(receipt) if receipt.basket == BasketId([basket; 16]));
            found.first_of_key(meant).map(|booked| booked.event().chain.replica.terminal())
        };
        assert_eq!(terminal(7), Some(2));
        assert_eq!(terminal(9), Some(1), "that of another basket");
    }
}
