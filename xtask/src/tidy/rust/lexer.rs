//! Rust's tokens, without comments.

/// A token, as far as the rules tell them apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Token<'t> {
    /// An identifier or a keyword.
    Word(&'t str),
    /// What stands between the quotes of a string, escapes and all.
    Text(&'t str),
    /// A number, a character or a lifetime.
    Literal,
    /// One character of an operator or a separator.
    Mark(char),
    /// An opening bracket.
    Open(char),
    /// A closing bracket.
    Close(char),
}

/// The tokens of `text`. Whatever is no Rust is skipped: the compiler says so better.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::with_capacity(text.len() / 5);
    while let Some(byte) = lexer.byte(0) {
        tokens.extend(lexer.token(byte));
    }
    tokens
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    /// Takes one token, or what lies between two.
    fn token(&mut self, byte: u8) -> Option<Token<'t>> {
        match byte {
            b'/' if self.byte(1) == Some(b'/') => self.line_comment(),
            b'/' if self.byte(1) == Some(b'*') => self.block_comment(),
            b'"' => return Some(self.string()),
            b'\'' => return Some(self.quote()),
            b'0'..=b'9' => return Some(self.number()),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => return Some(self.word()),
            b'$' => return Some(self.variable()),
            b'(' | b'[' | b'{' => return Some(Token::Open(self.mark(byte))),
            b')' | b']' | b'}' => return Some(Token::Close(self.mark(byte))),
            b'!'..=b'~' => return Some(Token::Mark(self.mark(byte))),
            _ => self.at += 1,
        }
        None
    }

    fn mark(&mut self, byte: u8) -> char {
        self.at += 1;
        char::from(byte)
    }

    fn line_comment(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    }

    /// Comments nest.
    fn block_comment(&mut self) {
        let mut depth = 0;
        while let Some(byte) = self.byte(0) {
            match (byte, self.byte(1)) {
                (b'/', Some(b'*')) => (depth, self.at) = (depth + 1, self.at + 2),
                (b'*', Some(b'/')) => (depth, self.at) = (depth - 1, self.at + 2),
                _ => self.at += 1,
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) -> Token<'t> {
        let start = self.at + 1;
        self.at = start;
        while let Some(byte) = self.byte(0) {
            match byte {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        let text = self.text.get(start..self.at).unwrap_or("");
        self.at += 1;
        Token::Text(text)
    }

    /// From the hashes after `r` on.
    fn raw_string(&mut self) -> Token<'t> {
        let rest = &self.text[self.at..];
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let body = rest.get(hashes + 1..).unwrap_or("");
        let end = format!("\"{}", &rest[..hashes]);
        let length = body.find(&end).unwrap_or(body.len());
        self.at += hashes + 1 + length + end.len();
        Token::Text(&body[..length])
    }

    /// A character or a lifetime.
    fn quote(&mut self) -> Token<'t> {
        self.at += 1;
        let inside = self.text[self.at.min(self.text.len())..].chars().next();
        if inside == Some('\\') {
            self.at += 2;
            while self.byte(0).is_some_and(|byte| byte != b'\'') {
                self.at += 1;
            }
            self.at += 1;
        } else if let Some(width) = inside.map(char::len_utf8)
            && self.byte(width) == Some(b'\'')
        {
            self.at += width + 1;
        } else {
            self.identifier();
        }
        Token::Literal
    }

    fn number(&mut self) -> Token<'t> {
        self.identifier();
        if self.byte(0) == Some(b'.') && self.byte(1).is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
            self.identifier();
        }
        Token::Literal
    }

    /// A word, or the string whose prefix it is.
    fn word(&mut self) -> Token<'t> {
        let word = self.identifier();
        match (word, self.byte(0)) {
            ("b" | "c", Some(b'"')) => self.string(),
            ("b", Some(b'\'')) => self.quote(),
            ("r" | "br" | "cr", Some(b'"')) => self.raw_string(),
            ("r" | "br" | "cr", Some(b'#')) if matches!(self.byte(1), Some(b'"' | b'#')) => self.raw_string(),
            ("r", Some(b'#')) => {
                self.at += 1;
                Token::Word(self.identifier())
            }
            _ => Token::Word(word),
        }
    }

    /// A macro's variable is a word of its own, `$` and all; `$crate` is the crate.
    fn variable(&mut self) -> Token<'t> {
        let start = self.at;
        self.at += 1;
        match self.identifier() {
            "" => Token::Mark('$'),
            "crate" => Token::Word("crate"),
            _ => Token::Word(&self.text[start..self.at]),
        }
    }

    fn identifier(&mut self) -> &'t str {
        let rest = &self.text[self.at.min(self.text.len())..];
        let other = |byte: &u8| !byte.is_ascii_alphanumeric() && *byte != b'_';
        let length = rest.bytes().position(|byte| other(&byte)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_strings_stay_whole() {
        let text = r####"a /* b /* c */ d */ "e \" f" // g
            r#"h " i"# b'j' 'k' '\'' 'l: 'é' r#type 1.5e3 0..n $(m $o $crate"####;
        let expected = [
            Token::Word("a"),
            Token::Text("e \\\" f"),
            Token::Text("h \" i"),
            Token::Literal,
            Token::Literal,
            Token::Literal,
            Token::Literal,
            Token::Mark(':'),
            Token::Literal,
            Token::Word("type"),
            Token::Literal,
            Token::Literal,
            Token::Mark('.'),
            Token::Mark('.'),
            Token::Word("n"),
            Token::Mark('$'),
            Token::Open('('),
            Token::Word("m"),
            Token::Word("$o"),
            Token::Word("crate"),
        ];
        assert_eq!(tokens(text), expected);
    }

    #[test]
    fn what_is_cut_off_ends() {
        for text in ["\"open", "r#\"open", "/* open", "'", "'\\", "b'", "r#"] {
            assert!(tokens(text).len() <= 1, "{text}");
        }
    }
}
