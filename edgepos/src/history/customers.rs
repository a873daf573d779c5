//! Customers as this terminal knows them.

use edgepos_core::{EventId, Space};

use super::stored::HistoryError;
use crate::model::{Body, CustomerKey, KeyId};
use crate::node::{Command, Node};
use crate::retail::customer::{event_of, owner, rows_of};
use crate::retail::unreadable::Unreadable;
use crate::terminal::{Refusal, Reply, Terminal};

/// Bytes of rows that are read at a time: what the store's thread does between two sales.
const PIECE: u32 = 64 << 10;

/// Which customer: by pseudonym, or by another name.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum CustomerQuery {
    /// The customer's pseudonym.
    Customer(String),
    /// A name that was linked with one.
    Name(String),
}

/// Whether what is known of a customer can be read here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum CustomerState {
    /// It is there.
    Open,
    /// The key is not here: see [`Node::keep_key`].
    NoKey,
    /// The customer may have been erased meanwhile: nobody else has said since the start of this terminal what it holds, or it is still
    /// coming. Ask again.
    Unconfirmed,
    /// The customer is forgotten.
    Erased,
}

/// A customer as this terminal knows one.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Customer {
    /// Its pseudonym, as sales name it.
    pub customer: String,
    /// Whether the fields can be read.
    pub state: CustomerState,
    /// The fields, where they can be read and are text.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub text: Option<String>,
    /// The fields, where they can be read and are no text; in hexadecimal where they are shown.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::shown::text::bytes::serialize"))]
    pub bytes: Vec<u8>,
    /// Which key opens them.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub key: Option<KeyId>,
    /// The event that says them.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::shown::text::option::serialize"))]
    pub event: Option<EventId>,
}

impl Node {
    /// A customer by pseudonym or by another name; `None`: none of this name was heard of here. What was said last counts, and an erased
    /// customer is never opened again. Sales go by the pseudonym and ask nothing of this.
    ///
    /// # Errors
    /// When the terminal has stopped, a row cannot be read, or the event's bytes are damaged.
    pub async fn customer(&self, asked: CustomerQuery) -> Result<Option<Customer>, HistoryError> {
        let named = match asked {
            CustomerQuery::Customer(customer) => Some(customer),
            CustomerQuery::Name(name) => self.who_has(&name).await?,
        };
        let Some(customer) = named else { return Ok(None) };
        let found = self.open(customer).await?;
        let Some(mut found) = found else { return Ok(None) };
        // Asked last: what was erased while the rows were read stays closed.
        let name = found.customer.clone();
        let question = move |terminal: &Terminal| {
            (terminal.shop().customers().is_erased(&name), terminal.status().erasures_known)
        };
        match self.query(question).await? {
            (true, _) => found = Customer::closed(found.customer, CustomerState::Erased),
            (false, false) if found.state == CustomerState::Open => {
                found = Customer {
                    key: found.key,
                    event: found.event,
                    ..Customer::closed(found.customer, CustomerState::Unconfirmed)
                };
            }
            (false, _) => {}
        }
        Ok(Some(found))
    }

    /// Keeps the key to a customer's fields on this terminal's disk until the customer is erased: see [`Terminal::keep_key`].
    ///
    /// # Errors
    /// When the customer was erased, or the terminal has stopped.
    pub async fn keep_key(&self, key: CustomerKey) -> Result<(), Refusal> {
        match self.ask(|reply| Command::KeepKey(key, reply)).await? {
            Reply::Kept => Ok(()),
            other => Err(Refusal::MixedUp(format!("{other:?}"))),
        }
    }

    async fn who_has(&self, name: &str) -> Result<Option<String>, HistoryError> {
        let mut found = None;
        self.each_row(name, true, |_, value| {
            found = owner(found.take(), value)?;
            Ok(())
        })
        .await?;
        Ok(found)
    }

    /// What was said last of a customer, opened where its key is here.
    async fn open(&self, customer: String) -> Result<Option<Customer>, HistoryError> {
        let mut last = None;
        self.each_row(&customer, false, |key, _| {
            last = Some(event_of(key)?);
            Ok(())
        })
        .await?;
        let key = customer.as_bytes().to_vec();
        let erased = self.rows_of(Space::ErasedCustomer, key.clone(), key.clone(), PIECE).await?;
        let Some(id) = last else {
            let closed = Customer::closed(customer, CustomerState::Erased);
            return Ok((!erased.is_empty()).then_some(closed));
        };
        let stored = self.event(id).await?.and_then(|stored| stored.envelope);
        let Some(Body::CustomerSet(set)) = stored.and_then(|envelope| envelope.read_body().ok()) else {
            return Err(HistoryError::Missing { id });
        };
        let rows = self.rows_of(Space::CustomerKey, key.clone(), key, PIECE).await?;
        let secret = rows.first().and_then(|(_, secret)| secret.as_slice().try_into().ok());
        let fields = secret.and_then(|secret| CustomerKey::new(customer.as_str(), secret).open(&set));
        let closed = Customer::closed(customer, CustomerState::NoKey);
        let found = Customer { key: Some(set.key), event: Some(id), ..closed };
        Ok(Some(match fields.map(String::from_utf8) {
            None => found,
            Some(Ok(text)) => Customer { state: CustomerState::Open, text: Some(text), ..found },
            Some(Err(bytes)) => Customer { state: CustomerState::Open, bytes: bytes.into_bytes(), ..found },
        }))
    }

    /// Reads the rows of a name in order.
    async fn each_row(
        &self,
        name: &str,
        is_link: bool,
        mut row: impl FnMut(&[u8], &[u8]) -> Result<(), Unreadable>,
    ) -> Result<(), HistoryError> {
        let (space, mut from, to) = rows_of(name, is_link);
        loop {
            let rows = self.rows_of(space, from, to.clone(), PIECE).await?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            from = [last.as_slice(), &[0]].concat();
            for (key, value) in &rows {
                let what = "a row of a customer";
                row(key, value).map_err(|reason| HistoryError::Unreadable { what, reason })?;
            }
        }
    }
}

impl Customer {
    fn closed(customer: String, state: CustomerState) -> Self {
        Self { customer, state, text: None, bytes: Vec::new(), key: None, event: None }
    }
}
