//! A stand-in for a fiscal device, to try a till with: it signs each receipt with a hash of what it says, which proves nothing to a
//! tax office.

use std::io::{self, Write};
use std::net::SocketAddr;

use axum::Router;
use axum::response::Json;
use axum::routing::post;
use edgepos::model::{Signature, SignatureTooLong};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

use crate::lifeline;

/// What it reads of a receipt that it is asked about: see [`ToSign`](edgepos::ToSign) for what there is.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
struct Asked {
    series: String,
    number: u64,
    /// The transaction as it is booked, in CBOR, as hexadecimal digits.
    body: String,
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
    let Asked { series, number, body } = asked;
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
