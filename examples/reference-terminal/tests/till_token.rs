//! A till with a token answers whoever shows it.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use support::{Terminal, ask, ask_with, program};

const TOKEN: &str = "00112233445566778899aabbccddeeff";

#[test]
fn whoever_shows_the_token_may_call() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("till.token");
    std::fs::write(&path, format!("{TOKEN}\n")).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let till = Terminal::start(&format!("till_token = {path:?}\n"), &[]);
    let (status, body) = ask(&till.address, "GET", "/status", "");
    assert_eq!(status, 403, "{body}");
    assert!(body.contains("does not show the till's token") && !body.contains(TOKEN), "{body}");
    for (shown, expected) in [(TOKEN, 200), (&TOKEN[1..], 403)] {
        let shown = format!("Bearer {shown}");
        let headers = [("host", "till-1.example:7101"), ("authorization", &shown)];
        assert_eq!(ask_with(&till.address, "GET", "/status", &headers, "").0, expected, "{shown}");
    }
    // From the command line: what is refused for another reason came through.
    let write_off = |token: Option<&str>| {
        let mut command = program(&["terminal", "write-off", "9", "--till", &till.address]);
        command.args(token.iter().flat_map(|token| ["--till-token", token]));
        String::from_utf8_lossy(&command.output().unwrap().stderr).into_owned()
    };
    assert!(write_off(None).contains("does not show the till's token"));
    assert!(!write_off(path.to_str()).contains("token"), "{}", write_off(path.to_str()));
    assert!(write_off(Some("absent")).contains("absent: cannot be read"));
    assert!(!till.log().contains(TOKEN));
}
