//! What stands before a patch: the promise that it breaks, and who finds it.

/// The lines before a patch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Header {
    /// The promise, in a sentence.
    pub(super) breaks: String,
    /// Who finds it, with its limits: the arguments of the simulator, or of `cargo test` behind `test`.
    pub(super) finder: String,
    /// When it was found last, and within how many states or seeds.
    pub(super) within: String,
}

impl Header {
    /// Reads the lines before the first `diff --git`. `None` where one is missing.
    pub(super) fn parse(patch: &str) -> Option<Self> {
        let lines = patch.lines().take_while(|line| !line.starts_with("diff --git "));
        let field = |name: &str| {
            let mut found = lines.clone().filter_map(|line| line.strip_prefix(name));
            found.next().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        Some(Self { breaks: field("breaks:")?, finder: field("finder:")?, within: field("within:")? })
    }

    /// The package to build, and the arguments that find it; the simulator's where no test is named.
    pub(super) fn arguments(&self) -> (bool, Vec<&str>) {
        let mut words = self.finder.split_whitespace().peekable();
        let is_test = words.next_if_eq(&"test").is_some();
        (is_test, words.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_names_the_promise_and_the_finder() {
        let patch = "breaks: a sale is booked once\nfinder: worlds --name one-sale\nwithin: 40 states\n\ndiff --git a/x b/x\n";
        let header = Header::parse(patch).expect("it is whole");
        assert_eq!(header.breaks, "a sale is booked once");
        assert_eq!(header.arguments(), (false, vec!["worlds", "--name", "one-sale"]));
        let test = Header { finder: "test -p edgepos --test returns".into(), ..header };
        assert_eq!(test.arguments(), (true, vec!["-p", "edgepos", "--test", "returns"]));
        for missing in
            ["breaks: a\nwithin: b\n", "finder: a\nbreaks: b\n", "breaks:\nfinder: a\nwithin: b\n", ""]
        {
            assert_eq!(Header::parse(missing), None, "{missing}");
        }
    }
}
