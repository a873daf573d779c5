//! Frames of a few kilobytes: 4 bytes of length, big endian, and so many bytes.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub(crate) async fn write(stream: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), frame].concat()).await?;
    stream.flush().await
}

/// Reads one of at most `limit` bytes.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin), limit: u32) -> io::Result<Vec<u8>> {
    let length = stream.read_u32().await?;
    if length > limit {
        return Err(io::Error::other(format!("a frame of {length} bytes is over the limit of {limit}")));
    }
    let mut frame = Vec::new();
    stream.take(u64::from(length)).read_to_end(&mut frame).await?;
    if frame.len() < length as usize { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(frame) }
}
