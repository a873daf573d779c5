//! The authority's side of an enrolment: for a quarter of an hour it listens for the one who has the token.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use edgepos::core::WallMs;
use edgepos::identity::KeyId;
use edgepos_wire::{DecodeError, Reader, put_bytes, put_u64, write};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::NoServerSessionStorage;
use rustls::version::TLS13;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::authority::{Authority, AuthorityError, Holder, Issued};
use crate::certify::ENROLMENT_NAME;
use crate::frame;
use crate::token::Token;

/// How long a token is good for.
pub const ENROLMENT_TIME: Duration = Duration::from_secs(15 * 60);
/// Wrong tokens until the right one is good for nothing.
pub const MAX_FAILURES: u32 = 5;
/// How long one caller may take. Callers are heard one behind the other.
const CALL: Duration = Duration::from_secs(5);
/// Largest request, in bytes.
const MAX_REQUEST: u32 = 1_024;

/// A terminal was enrolled.
#[derive(Clone, Copy, Debug)]
pub struct Enrolled {
    /// Its key, as the roster lists it.
    pub key: KeyId,
    /// Wrong tokens that were shown before.
    pub failures: u32,
}

/// Nobody was enrolled.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EnrolError {
    /// Nobody came with the token in time.
    #[error("nobody came with the token in time: make another")]
    TooLate,
    /// Somebody is guessing.
    #[error("{MAX_FAILURES} wrong tokens were shown: this one is good for nothing, make another")]
    Locked,
    /// The authority cannot do it.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// TLS is not to be had.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

/// Who is to be enrolled.
#[derive(Clone, Copy, Debug)]
pub struct Invitation {
    /// The terminal's number.
    pub terminal: u16,
    /// Whether somebody holds it already.
    pub holder: Holder,
    /// How long the token is good for, at most [`ENROLMENT_TIME`], which is the default.
    pub lifetime: Duration,
}

impl Invitation {
    /// One with the usual lifetime.
    pub fn new(terminal: u16, holder: Holder) -> Self {
        Self { terminal, holder, lifetime: ENROLMENT_TIME }
    }
}

/// Enrols one terminal: calls `show` with the token for it, and waits at `listener` until somebody comes with it, before
/// [`MAX_FAILURES`] wrong ones. A token is used once; where its answer was lost on the way, the terminal is enrolled again, in place of
/// itself. Dropped while it waits, nobody is enrolled.
///
/// # Errors
/// [`EnrolError`]. The roster lists nobody more then, unless the authority's directory could not be written.
pub async fn enrol(
    authority: &mut Authority,
    invitation: Invitation,
    listener: &TcpListener,
    clock: impl Fn() -> WallMs,
    show: impl FnOnce(&Token),
) -> Result<Enrolled, EnrolError> {
    let Invitation { terminal, holder, lifetime } = invitation;
    authority.may_hold(terminal, holder)?;
    let trusted = authority.certificate_der()?;
    let token = Token::draw(&trusted)?;
    let (certificate, key) = authority.own(ENROLMENT_NAME.into(), clock())?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![certificate, trusted], key)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    show(&token);
    let until = Instant::now() + lifetime.min(ENROLMENT_TIME);
    let mut failures = 0;
    loop {
        let Ok(called) = timeout_at(until, listener.accept()).await else { return Err(EnrolError::TooLate) };
        // Out of file descriptors or gone again: the next one may do better.
        let Ok((stream, _)) = called else { continue };
        let Ok(Ok((mut stream, request))) = timeout(CALL, heard(&acceptor, stream)).await else { continue };
        if !token.opens(&request.secret) {
            failures += 1;
            // Whether the caller hears that it was wrong is the caller's affair.
            let _ = timeout(CALL, frame::write(&mut stream, &[])).await;
            if failures >= MAX_FAILURES {
                return Err(EnrolError::Locked);
            }
            continue;
        }
        let issued = authority.certify(terminal, holder, &request.public_key, clock())?;
        let answer = answer(authority.roster().store.0, terminal, &issued);
        let _ = timeout(CALL, frame::write(&mut stream, &answer)).await;
        return Ok(Enrolled { key: KeyId::of(&request.public_key), failures });
    }
}

struct Request {
    secret: Vec<u8>,
    public_key: Vec<u8>,
}

async fn heard(acceptor: &TlsAcceptor, stream: TcpStream) -> io::Result<(TlsStream<TcpStream>, Request)> {
    let mut stream = acceptor.accept(stream).await?;
    let bytes = frame::read(&mut stream, MAX_REQUEST).await?;
    let request = read(&bytes).map_err(io::Error::other)?;
    Ok((stream, request))
}

fn read(bytes: &[u8]) -> Result<Request, DecodeError> {
    Reader::all("request", bytes, MAX_REQUEST, |input| {
        let (mut secret, mut public_key) = (None, None);
        input.fields(|input, key| {
            match key {
                0 => secret = Some(input.bytes("secret", 16)?.to_vec()),
                1 => public_key = Some(input.bytes("public key", 256)?.to_vec()),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Request { secret: input.required(secret, 0)?, public_key: input.required(public_key, 1)? })
    })
}

fn answer(store: [u8; 16], terminal: u16, issued: &Issued) -> Vec<u8> {
    write(|out| {
        out.map(5)?;
        put_bytes(out, 0, &store)?;
        put_u64(out, 1, u64::from(terminal))?;
        put_bytes(out, 2, issued.certificate.as_bytes())?;
        put_bytes(out, 3, issued.authority.as_bytes())?;
        put_bytes(out, 4, &issued.roster)
    })
}
