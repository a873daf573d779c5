//! The configuration that `run --print-config` prints: every key with its default and a word on it.

/// A file to begin with. What is commented out with one `#` stands there with its default, with two as an example.
pub const DEFAULT_CONFIG: &str = include_str!("default.toml");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use std::path::Path;

    use edgepos::Setup;

    use super::super::Config;
    use super::*;

    fn read(folder: &Path, text: &str) -> Config {
        let path = folder.join("terminal.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    /// Takes the comment signs off the keys that stand behind one of them.
    fn with(mark: &str, text: &str) -> String {
        let key =
            |line: &&str| line.strip_prefix(mark).is_some_and(|rest| rest.split(' ').nth(1) == Some("="));
        let lines =
            text.lines().map(|line| if key(&line) { line[mark.len()..].to_owned() } else { line.to_owned() });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_is_printed_as_a_default_is_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let bare = read(folder.path(), DEFAULT_CONFIG);
        let said = read(folder.path(), &with("# ", DEFAULT_CONFIG));
        let settings = |config: &Config| {
            let mut setup = config.setup.clone();
            setup.seed = Some(7);
            setup.config().unwrap()
        };
        assert_eq!(settings(&bare), settings(&said));
        assert_eq!(
            (bare.stop_patience, bare.recognition_deadline),
            (said.stop_patience, said.recognition_deadline)
        );
        let changed = with("# ", DEFAULT_CONFIG).replace("flush_ms = 5000", "flush_ms = 4000");
        assert_ne!(settings(&bare), settings(&read(folder.path(), &changed)), "the comparison can fail");
    }

    #[test]
    fn every_key_is_there_and_each_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let token = folder.path().join("till.token");
        std::fs::write(&token, "0123456789abcdef0123456789abcdef").unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let all = with("## ", &with("# ", DEFAULT_CONFIG)).replace("joins = false", "joins = false\n");
        let config = read(folder.path(), &all);
        let said: toml::Table = toml::from_str(&all).unwrap();
        // What is refused as no key comes with a list of all there are. Those of before are taken, and not printed.
        let refused = "no_key = 1".parse::<Setup>().unwrap_err().to_string();
        let (_, keys) = refused.split_once("expected one of ").expect("all keys are listed");
        let of_before = ["me", "db", "flush_interval_ms"];
        let own = ["till", "till_token", "stop_patience_ms", "models"];
        let keys: Vec<_> =
            keys.split('`').skip(1).step_by(2).filter(|key| !of_before.contains(key)).collect();
        assert!(keys.len() > 40, "{keys:?}");
        for key in keys.into_iter().chain(own) {
            assert!(said.contains_key(key), "{key} is not printed");
        }
        assert!(
            config.setup.peers.len() == 2 && config.till_token.is_some() && config.alerts_webhook.is_some()
        );
    }
}
