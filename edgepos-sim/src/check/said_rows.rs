//! What a disk has of what is said beside sales.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::model::{BasketId, Kind};
use edgepos::{Store, StoreError};
use edgepos_core::{EventId, Space};

/// Rows by the code of their space and their key.
pub(super) type SpaceRows = BTreeMap<(u8, Vec<u8>), Vec<u8>>;

/// The rows of a disk that say it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SaidRows {
    /// Of customers and their names, of documents, and of parts that are attached: by the code of their space and their key.
    pub rows: SpaceRows,
    /// Customers who are erased.
    pub erased: BTreeSet<Vec<u8>>,
    /// Customers whose key is kept.
    pub keys: BTreeSet<Vec<u8>>,
    /// Which events parked baskets that nobody has recalled.
    pub parked: BTreeSet<(BasketId, EventId)>,
}

impl SaidRows {
    /// Reads a disk.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(disk: &dyn Store) -> Result<Self, StoreError> {
        let mut said = Self::default();
        for space in [Space::Customer, Space::Document, Space::Attachment] {
            disk.scan_all(space, &mut |key, value| {
                // What a row says of the whole of an attachment stands in its event.
                let value = if space == Space::Attachment { &[] } else { value };
                said.rows.insert((space.code(), key.to_vec()), value.to_vec());
                Ok(())
            })?;
        }
        for (space, names) in
            [(Space::ErasedCustomer, &mut said.erased), (Space::CustomerKey, &mut said.keys)]
        {
            disk.scan_all(space, &mut |key, _| {
                names.insert(key.to_vec());
                Ok(())
            })?;
        }
        let (mut parkings, mut taken) = (Vec::new(), BTreeSet::new());
        disk.scan_all(Space::Parked, &mut |key, _| {
            match key.len() {
                33 => parkings.push(key.to_vec()),
                _ => drop(taken.insert(key[..key.len().min(33)].to_vec())),
            }
            Ok(())
        })?;
        let named = |key: Vec<u8>| {
            let basket = BasketId(*key.first_chunk()?);
            Some((basket, EventId::from_key(&key[16..])?))
        };
        let free = parkings.into_iter().filter(|key| !taken.contains(key));
        said.parked = free.filter_map(named).collect();
        Ok(said)
    }
}

/// Whether events of a kind say something that is judged here.
pub(super) fn is_saying(kind: Kind) -> bool {
    let of_customers =
        [Kind::CUSTOMER_SET, Kind::CUSTOMER_LINKED, Kind::CUSTOMER_UNLINKED, Kind::CUSTOMER_ERASED];
    of_customers.contains(&kind) || [Kind::DOCUMENT_SET, Kind::ATTACHED].contains(&kind)
}

#[cfg(test)]
mod tests {
    use edgepos::MemoryStore;
    use edgepos_core::{Chain, Lane, Persist, PersistId, ReplicaId, Seq, Write};

    use super::*;

    const BASKET: BasketId = BasketId([5; 16]);

    fn id(seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::new(1, 1), Lane::Transactions), Seq(seq))
    }

    /// What is on a disk is read as it lies there: a basket that has been recalled is not parked.
    #[test]
    fn rows_are_read_from_a_disk() {
        let parking = [BASKET.0.as_slice(), &id(1).to_key()].concat();
        let (customer, row) = (b"guest-1".to_vec(), vec![7]);
        let mut disk = MemoryStore::new();
        let writes = vec![
            Write::put(Space::Parked, parking.as_slice(), []),
            Write::put(Space::ErasedCustomer, customer.as_slice(), []),
            Write::put(Space::CustomerKey, customer.as_slice(), []),
            Write::put(Space::Customer, row.as_slice(), [1]),
            Write::put(Space::Attachment, row.as_slice(), [2]),
        ];
        disk.commit(&[Persist { id: PersistId(1), writes }]).unwrap();
        let said = SaidRows::of(&disk).unwrap();
        assert_eq!(said.parked, [(BASKET, id(1))].into());
        assert_eq!((&said.erased, &said.keys), (&[customer.clone()].into(), &[customer].into()));
        let read =
            [((Space::Customer.code(), row.clone()), vec![1]), ((Space::Attachment.code(), row), vec![])];
        assert_eq!(said.rows, read.into());
        let recalled = [parking.as_slice(), b"t"].concat();
        disk.commit(&[Persist { id: PersistId(2), writes: vec![Write::put(Space::Parked, recalled, [])] }])
            .unwrap();
        assert_eq!(SaidRows::of(&disk).unwrap().parked, [].into());
    }
}
