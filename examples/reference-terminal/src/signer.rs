//! A stand-in for a fiscal device, to try a till with: it signs each receipt with a hash of what it says, which proves nothing to a
//! tax office.

use std::io::{self, Write};
use std::net::SocketAddr;

use axum::Router;
use axum::response::Json;
use axum::routing::post;
use edgepos::ToSign;
use edgepos::model::{Signature, SignatureTooLong};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

use crate::lifeline;
use crate::names::hex;

/// What a device is asked over HTTP.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Asked {
    /// The basket, 32 hexadecimal digits.
    pub basket: String,
    /// The receipt's series and number there: who is asked for them again says the same again.
    pub series: String,
    /// Its number there.
    pub number: u64,
    /// What it comes to, in minor units.
    pub total: i64,
    /// The currency of its amounts, by ISO 4217.
    pub currency: String,
    /// The transaction as it is booked, in CBOR, as hexadecimal digits.
    pub body: String,
    /// The event that booked it, where it is booked already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
}

/// What it says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Said {
    /// The series of the receipt that it has signed.
    pub series: String,
    /// The receipt's number there.
    pub number: u64,
    /// The signature, as hexadecimal digits.
    #[serde(with = "digits")]
    pub signature: Vec<u8>,
}

impl Asked {
    pub(crate) fn of(receipt: &ToSign) -> Self {
        Self {
            basket: receipt.basket.to_string(),
            series: receipt.series.clone(),
            number: receipt.number,
            total: receipt.total,
            currency: receipt.currency.to_string(),
            body: hex(&receipt.body),
            event: receipt.event.map(|event| event.to_string()),
        }
    }
}

impl Said {
    pub(crate) fn into_signature(self) -> Result<Signature, SignatureTooLong> {
        Signature::new(self.series, self.number, self.signature)
    }
}

/// Serves until it is asked to stop; prints `READY http://ADDR/sign` on standard output once it does.
///
/// # Errors
/// When the address is taken, or not this machine's.
pub async fn serve(address: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    let _ = writeln!(io::stdout(), "READY http://{}/sign", listener.local_addr()?);
    tokio::select! {
        served = async { axum::serve(listener, router()).await } => served,
        () = lifeline::asked_to_stop() => Ok(()),
    }
}

pub(crate) fn router() -> Router {
    Router::new().route("/sign", post(sign))
}

async fn sign(Json(asked): Json<Asked>) -> Json<Said> {
    let Asked { series, number, body, .. } = asked;
    let signature = signature(&series, number, &body);
    Json(Said { series, number, signature })
}

/// What the stand-in says of a receipt, whose body is given as hexadecimal digits.
pub(crate) fn signature(series: &str, number: u64, body: &str) -> Vec<u8> {
    Sha256::digest(format!("{series} {number} {body}")).to_vec()
}

/// Bytes as hexadecimal digits.
mod digits {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::names::{hex, parse_bytes};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        parse_bytes(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}
