//! The uplink speaks `https` with whom the pinned certificates vouch for, and with nobody else.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use edgepos::core::StoreId;
use edgepos::sync::{CloudRequest, UplinkError};
use edgepos::{HttpUplink, Uplink};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::version::TLS13;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const STORE: StoreId = StoreId([1; 16]);

/// A cloud that is busy for 7 s, and the file with its certificate.
async fn cloud(folder: &Path) -> (String, std::path::PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let roots = folder.join("roots.pem");
    std::fs::write(&roots, made.cert.pem()).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4_096]).await;
            let busy =
                b"HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = stream.write_all(busy).await;
            let _ = stream.shutdown().await;
        }
    });
    (format!("https://localhost:{port}"), roots)
}

async fn asked(uplink: &HttpUplink) -> UplinkError {
    uplink.call(CloudRequest::Head { store: STORE }).await.unwrap_err()
}

#[tokio::test]
async fn who_is_vouched_for_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (url, roots) = cloud(folder.path()).await;
    let pinned = HttpUplink::with_roots(&url, STORE, Some(&roots)).unwrap();
    let busy = UplinkError::Overloaded { retry_after: Duration::from_secs(7) };
    assert_eq!(asked(&pinned).await, busy);
    // Another name than that of the certificate, and another certificate than the pinned one.
    let elsewhere =
        HttpUplink::with_roots(&url.replace("localhost", "127.0.0.1"), STORE, Some(&roots)).unwrap();
    assert_eq!(asked(&elsewhere).await, UplinkError::Unreachable);
    let other = tempfile::tempdir().unwrap();
    let (_, other_roots) = cloud(other.path()).await;
    let wrong = HttpUplink::with_roots(&url, STORE, Some(&other_roots)).unwrap();
    assert_eq!(asked(&wrong).await, UplinkError::Unreachable);
}

#[test]
fn a_file_without_certificates_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    for content in [None, Some(""), Some("no certificate")] {
        if let Some(content) = content {
            std::fs::write(&roots, content).unwrap();
        }
        let refused =
            HttpUplink::with_roots("https://localhost", STORE, Some(&roots)).unwrap_err().to_string();
        assert!(refused.contains("roots.pem"), "{refused}");
    }
}
