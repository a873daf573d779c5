//! The signer port: the fiscal device that signs receipts.

use async_trait::async_trait;

use crate::model::Signature;
use crate::retail::sale::fiscal::{SignError, ToSign};

/// Signs receipts. A port that waits: implement it under [`edgepos::async_trait`](macro@crate::async_trait), as in
///
/// ```
/// use edgepos::model::Signature;
/// use edgepos::{SignError, Signer, ToSign};
///
/// struct Printer;
///
/// #[edgepos::async_trait]
/// impl Signer for Printer {
///     async fn sign(&self, receipt: &ToSign) -> Result<Signature, SignError> {
///         let said = format!("{} {}: {}", receipt.series, receipt.number, receipt.total);
///         let signature = Signature::new(&receipt.series, receipt.number, said.into_bytes());
///         signature.map_err(|error| SignError::Away(error.to_string()))
///     }
/// }
/// ```
///
/// A [`Signatory`](crate::Signatory) calls it from a task of its own, one call at a time, outside any transaction.
#[async_trait]
pub trait Signer: Send + Sync {
    /// Signs a receipt. A call that takes longer than [`Config::sign_within`](crate::Config::sign_within) is dropped, and the device counts
    /// as away.
    ///
    /// A receipt is named by its series and number, and its sale is not booked yet when it is first asked for: the process may end in
    /// between, and the same receipt is asked for again. It gets the signature that it has.
    ///
    /// The signature names the receipt that the device says it has signed: one for another receipt is not booked with this one, and counts
    /// as no answer. A call may block its thread, which is the signatory's own; no other call begins before it has returned.
    ///
    /// # Errors
    /// When the device is away, or will not sign this receipt. The sale is booked in both cases.
    async fn sign(&self, receipt: &ToSign) -> Result<Signature, SignError>;
}
