//! Frames on a stream: 4 bytes of length, big endian, and so many bytes.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::identity::MAX_ROSTER;
use crate::terminal::MAX_FRAME;

/// In the place of a frame's length: another box of the receiver's name is connected to the sender.
const RIVAL: u32 = 1 << 31;
/// Beside a frame's length: it is a signed roster.
const ROSTER: u32 = 1 << 30;

/// What goes over a connection behind the greetings.
#[derive(Debug)]
pub(super) enum Parcel {
    /// A terminal's; an empty one says that somebody is there.
    Frame(Vec<u8>),
    /// Another box of the receiver's name is connected to the sender.
    Rival,
    /// Who belongs to the store.
    Roster(Vec<u8>),
}

pub(super) async fn write_parcel(writer: &mut (impl AsyncWrite + Unpin), parcel: &Parcel) -> io::Result<()> {
    match parcel {
        Parcel::Frame(frame) => write_frame(writer, frame).await,
        Parcel::Rival => write_headed(writer, RIVAL, &[]).await,
        Parcel::Roster(sealed) => write_headed(writer, ROSTER | length(sealed)?, sealed).await,
    }
}

pub(super) async fn read_parcel(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Parcel> {
    match reader.read_u32().await? {
        RIVAL => Ok(Parcel::Rival),
        head if head & ROSTER != 0 => {
            read_bytes(reader, (head ^ ROSTER) as usize, MAX_ROSTER as usize).await.map(Parcel::Roster)
        }
        length => read_bytes(reader, length as usize, MAX_FRAME).await.map(Parcel::Frame),
    }
}

pub(super) async fn write_frame(writer: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> io::Result<()> {
    write_headed(writer, length(frame)?, frame).await
}

pub(super) async fn read_frame(reader: &mut (impl AsyncRead + Unpin), limit: usize) -> io::Result<Vec<u8>> {
    let length = reader.read_u32().await? as usize;
    read_bytes(reader, length, limit).await
}

fn length(bytes: &[u8]) -> io::Result<u32> {
    let length = u32::try_from(bytes.len()).ok().filter(|length| length & (RIVAL | ROSTER) == 0);
    length.ok_or_else(|| io::Error::other("a frame over 1 GiB"))
}

async fn write_headed(writer: &mut (impl AsyncWrite + Unpin), head: u32, body: &[u8]) -> io::Result<()> {
    // One write: two small segments would wait for each other.
    let mut bytes = Vec::with_capacity(4 + body.len());
    bytes.extend_from_slice(&head.to_be_bytes());
    bytes.extend_from_slice(body);
    writer.write_all(&bytes).await?;
    // What is encrypted may still be in memory here.
    writer.flush().await
}

async fn read_bytes(
    reader: &mut (impl AsyncRead + Unpin),
    length: usize,
    limit: usize,
) -> io::Result<Vec<u8>> {
    if length > limit {
        let reason = format!("a frame of {length} bytes is over the limit of {limit}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    }
    // `take` and not a buffer of `length`: a liar must send what it makes us allocate.
    let mut frame = Vec::new();
    reader.take(length as u64).read_to_end(&mut frame).await?;
    if frame.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(frame)
}
