//! HTTPS with a certificate of our own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use entente_demo::{DemoCloud, DemoConfig, DemoError, TlsFiles};

use crate::http;

fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("entente-demo-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn https_is_served_with_the_given_files() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let folder = folder("tls");
    let files = TlsFiles { cert: folder.join("cert.pem"), key: folder.join("key.pem") };
    std::fs::write(&files.cert, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let host = DemoCloud::start(DemoConfig { tls: Some(files), ..DemoConfig::default() }).unwrap();
    assert!(host.url().starts_with("https://127.0.0.1:"));

    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let mut connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = TcpStream::connect(host.address()).unwrap();
    let mut stream = rustls::Stream::new(&mut connection, &mut socket);
    stream.write_all(&http::bytes("GET", "/health", &[], "")).unwrap();
    let mut raw = Vec::new();
    // The end may come as a plain close.
    let _ = stream.read_to_end(&mut raw);
    assert_eq!(http::parse(&raw).status, 200);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn files_that_are_no_certificates_are_refused() {
    let folder = folder("bad-tls");
    let files = TlsFiles { cert: folder.join("cert.pem"), key: folder.join("missing.pem") };
    std::fs::write(&files.cert, "nothing").unwrap();
    let error = DemoCloud::start(DemoConfig { tls: Some(files), ..DemoConfig::default() }).err();
    assert!(matches!(error, Some(DemoError::Tls(_))), "{error:?}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_token_does_not_travel_in_clear_unless_allowed() {
    let token = Some(entente_model::Secret::new("let-me-in"));
    let everywhere = "0.0.0.0:0".parse().unwrap();
    let config = DemoConfig { listen: everywhere, token, ..DemoConfig::default() };
    let refused = DemoCloud::start(config.clone()).err().map(|error| error.to_string());
    assert!(refused.is_some_and(|said| said.contains("--plain-http") && !said.contains("let-me-in")));
    DemoCloud::start(DemoConfig { plain_http: true, ..config.clone() }).unwrap().stop();
    DemoCloud::start(DemoConfig { token: None, ..config.clone() }).unwrap().stop();
    DemoCloud::start(DemoConfig { listen: "127.0.0.1:0".parse().unwrap(), ..config }).unwrap().stop();
}
