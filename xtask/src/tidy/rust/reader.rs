//! Reads the items of a module, and collects the names in its code.

use super::lexer::{Token, tokens};
use super::scope::{Field, Impl, Import, Item, Scope, Visible};

/// What the module with this text says.
pub(super) fn module(text: &str) -> Scope<'_> {
    let tokens = tokens(text);
    let ends = ends(&tokens);
    let reader = Reader { tokens: &tokens, ends: &ends };
    let mut scope = Scope::default();
    reader.module(0, tokens.len(), &mut scope);
    scope
}

/// For each opening bracket where its closing one is.
fn ends(tokens: &[Token<'_>]) -> Vec<usize> {
    let mut ends = vec![tokens.len(); tokens.len()];
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Open(_) => open.push(at),
            Token::Close(_) => {
                if let Some(start) = open.pop() {
                    ends[start] = at;
                }
            }
            _ => {}
        }
    }
    ends
}

#[derive(Clone, Copy)]
struct Reader<'a, 't> {
    tokens: &'a [Token<'t>],
    ends: &'a [usize],
}

impl<'t> Reader<'_, 't> {
    fn is(&self, at: usize, token: Token<'_>) -> bool {
        self.tokens.get(at) == Some(&token)
    }

    fn word(&self, at: usize) -> Option<&'t str> {
        match self.tokens.get(at) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    /// Behind the bracket that closes the one at `at`.
    fn behind(&self, at: usize) -> usize {
        self.ends[at] + 1
    }

    /// The items from `at` to `end`.
    fn module(&self, mut at: usize, end: usize, scope: &mut Scope<'t>) {
        while at < end {
            let (tests, start) = self.attributes(at, scope);
            if tests && self.is(at + 1, Token::Mark('!')) {
                *scope = Scope::default();
                return;
            }
            at = if start >= end {
                end
            } else if tests {
                self.behind_item(start, end)
            } else if self.is(start, Token::Mark('$')) && self.is(start + 1, Token::Open('(')) {
                self.repetition(start, scope)
            } else {
                self.item(start, end, scope)
            };
        }
    }

    /// Reads `$( … )*` in a macro's body.
    fn repetition(&self, at: usize, scope: &mut Scope<'t>) -> usize {
        self.module(at + 2, self.ends[at + 1], scope);
        let mut behind = self.behind(at + 1);
        while matches!(self.tokens.get(behind), Some(Token::Mark('*' | '+' | '?' | ',' | ';'))) {
            behind += 1;
        }
        behind
    }

    /// Whether the attributes at `at` keep what follows for tests, and where that starts.
    fn attributes(&self, mut at: usize, scope: &mut Scope<'t>) -> (bool, usize) {
        let mut tests = false;
        while self.is(at, Token::Mark('#')) {
            let open = if self.is(at + 1, Token::Mark('!')) { at + 2 } else { at + 1 };
            if !self.is(open, Token::Open('[')) {
                break;
            }
            let end = self.ends[open];
            tests |= self.word(open + 1) == Some("cfg")
                && (self.word(open + 3) == Some("test")
                    || self.word(open + 3) == Some("all") && self.word(open + 5) == Some("test"));
            if self.word(open + 1) != Some("doc") {
                self.quoted(open, end, scope);
            }
            at = end + 1;
        }
        (tests, at)
    }

    /// Paths in the strings of an attribute: `with = "cbor::event_id"`.
    fn quoted(&self, at: usize, end: usize, scope: &mut Scope<'t>) {
        for token in &self.tokens[at..end] {
            if let Token::Text(text) = token {
                let path: Vec<&str> = text.split("::").collect();
                let name = |part: &&str| part.chars().all(|c| c.is_alphanumeric() || c == '_');
                match path[..] {
                    [] | [""] => {}
                    [word] => drop(scope.words.insert(word)),
                    _ if path.iter().all(name) => drop(scope.paths.insert(path)),
                    _ => {}
                }
            }
        }
    }

    /// Behind the item, field or statement at `at`, of which nothing is read.
    fn behind_item(&self, at: usize, end: usize) -> usize {
        const ITEMS: [&str; 16] = [
            "pub", "fn", "const", "static", "struct", "enum", "union", "impl", "mod", "use", "type", "trait",
            "unsafe", "async", "let", "extern",
        ];
        let member = !self.word(at).is_some_and(|word| ITEMS.contains(&word));
        let mut here = at;
        while here < end {
            match self.tokens[here] {
                Token::Mark(';') => return here + 1,
                Token::Mark(',') if member => return here + 1,
                Token::Open('{') => {
                    let behind = self.behind(here);
                    return behind + usize::from(self.is(behind, Token::Mark(';')));
                }
                Token::Open(_) => here = self.behind(here),
                _ => here += 1,
            }
        }
        end
    }

    /// Reads one item and returns what is behind it.
    fn item(&self, at: usize, end: usize, scope: &mut Scope<'t>) -> usize {
        let (visible, mut at) = self.visibility(at);
        while at < end {
            match (self.word(at), self.word(at + 1)) {
                (Some("unsafe" | "async" | "default"), _) | (Some("const"), Some("fn")) => at += 1,
                (Some("extern"), None) if matches!(self.tokens.get(at + 1), Some(Token::Text(_))) => at += 2,
                _ => break,
            }
        }
        let name = self.word(at + 1);
        match (self.word(at), name) {
            (Some("mod"), Some(name)) if self.is(at + 2, Token::Open('{')) => {
                let mut inner = Scope::default();
                self.module(at + 3, self.ends[at + 2], &mut inner);
                scope.modules.push((name, Some(inner)));
                return self.behind(at + 2);
            }
            (Some("mod"), Some(name)) => {
                scope.modules.push((name, None));
                return at + 3;
            }
            (Some("use"), _) => return self.import(at + 1, visible != Visible::Here, scope),
            (Some("impl"), _) => return self.block(at, end, scope),
            (Some("macro_rules"), _) => return self.rules(at, end, scope),
            (
                Some(kind @ ("fn" | "const" | "static" | "struct" | "enum" | "union" | "trait" | "type")),
                Some(name),
            ) => {
                let ended = self.behind_definition(at, end, kind);
                let open_fields = if kind == "struct" { self.open_fields(at, ended) } else { Vec::new() };
                scope.items.push(Item { name, visible, open_fields });
                self.code(at + 2, ended, scope);
                return ended;
            }
            _ => {}
        }
        let behind = self.behind_item(at, end).max(at + 1);
        self.code(at, behind.min(end), scope);
        behind
    }

    /// Reads a macro by rules: what they would expand to counts as if it stood here, under the macro's variables.
    fn rules(&self, at: usize, end: usize, scope: &mut Scope<'t>) -> usize {
        if let Some(name) = self.word(at + 2) {
            scope.items.push(Item { name, visible: Visible::Here, open_fields: Vec::new() });
        }
        let Some(open) = (at..end).find(|at| matches!(self.tokens[*at], Token::Open(_))) else { return end };
        let mut here = open + 1;
        while here < self.ends[open] {
            match self.tokens[here] {
                // The pattern, and then the body.
                Token::Open(_) if self.is(self.behind(here), Token::Mark('=')) => here = self.behind(here),
                Token::Open(_) => {
                    self.module(here + 1, self.ends[here], scope);
                    here = self.behind(here);
                }
                _ => here += 1,
            }
        }
        self.behind(open)
    }

    fn visibility(&self, at: usize) -> (Visible, usize) {
        match (self.word(at), self.is(at + 1, Token::Open('('))) {
            (Some("pub"), true) if matches!(self.word(at + 2), Some("crate" | "super" | "in")) => {
                (Visible::InCrate, self.behind(at + 1))
            }
            (Some("pub"), true) if self.word(at + 2) == Some("self") => (Visible::Here, self.behind(at + 1)),
            (Some("pub"), _) => (Visible::Everywhere, at + 1),
            _ => (Visible::Here, at),
        }
    }

    fn behind_definition(&self, mut at: usize, end: usize, kind: &str) -> usize {
        let braces = !matches!(kind, "const" | "static" | "type");
        while at < end {
            match self.tokens[at] {
                Token::Mark(';') => return at + 1,
                Token::Open('{') if braces => return self.behind(at),
                Token::Open(_) => at = self.behind(at),
                _ => at += 1,
            }
        }
        end
    }

    /// The fields of a struct that are not private, by name or by number.
    fn open_fields(&self, at: usize, end: usize) -> Vec<Field> {
        let Some(open) = (at..end).find(|at| matches!(self.tokens[*at], Token::Open('{' | '('))) else {
            return Vec::new();
        };
        let (mut fields, mut index, mut here) = (Vec::new(), 0, open + 1);
        while here < self.ends[open] {
            let (tests, start) = self.attributes(here, &mut Scope::default());
            let (visible, named) = self.visibility(start);
            if visible != Visible::Here && !tests {
                let name = self.word(named).filter(|_| self.is(open, Token::Open('{')));
                fields.push(Field { name: name.map_or_else(|| index.to_string(), str::to_owned), visible });
            }
            index += 1;
            here = self.behind_field(named, self.ends[open]);
        }
        fields
    }

    /// Commas between angle brackets part no fields.
    fn behind_field(&self, mut at: usize, end: usize) -> usize {
        let mut angles = 0_i32;
        while at < end {
            match self.tokens[at] {
                Token::Mark(',') if angles <= 0 => return at + 1,
                Token::Mark('<') => angles += 1,
                Token::Mark('>') if !self.is(at - 1, Token::Mark('-')) => angles -= 1,
                Token::Open(_) => {
                    at = self.behind(at);
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        end
    }

    /// Reads an `impl` block.
    fn block(&self, at: usize, end: usize, scope: &mut Scope<'t>) -> usize {
        let Some(open) = (at..end).find(|at| self.is(*at, Token::Open('{'))) else { return end };
        let mut header = at + 1;
        if self.is(header, Token::Mark('<')) {
            header = self.behind_angles(header, open);
        }
        let of_trait =
            (header..open).any(|at| self.word(at) == Some("for") && !self.is(at + 1, Token::Mark('<')));
        let of = if of_trait { Vec::new() } else { self.path(header, open).0 };
        let changes = (open..self.ends[open]).any(|at| self.word(at) == Some("fn") && self.changes(at, end));
        scope.impls.push(Impl { of, of_trait, changes });
        self.code(at + 1, self.behind(open), scope);
        self.behind(open)
    }

    fn behind_angles(&self, mut at: usize, end: usize) -> usize {
        let mut angles = 0_i32;
        while at < end {
            match self.tokens[at] {
                Token::Mark('<') => angles += 1,
                Token::Mark('>') if !self.is(at - 1, Token::Mark('-')) => angles -= 1,
                _ => {}
            }
            at += 1;
            if angles == 0 {
                break;
            }
        }
        at
    }

    /// Whether the function at `at` takes `&mut self`.
    fn changes(&self, at: usize, end: usize) -> bool {
        let Some(open) = (at..end).find(|at| self.is(*at, Token::Open('('))) else { return false };
        let lifetime = usize::from(self.is(open + 2, Token::Literal));
        self.is(open + 1, Token::Mark('&'))
            && self.word(open + 2 + lifetime) == Some("mut")
            && self.word(open + 3 + lifetime) == Some("self")
    }

    /// `name::name::…` at `at`, and where it ends.
    fn path(&self, mut at: usize, end: usize) -> (Vec<&'t str>, usize) {
        let mut path = Vec::new();
        while let Some(word) = self.word(at).filter(|_| at < end) {
            path.push(word);
            at += 1;
            if !self.double_colon(at) {
                break;
            }
            at += 2;
        }
        (path, at)
    }

    fn double_colon(&self, at: usize) -> bool {
        self.is(at, Token::Mark(':')) && self.is(at + 1, Token::Mark(':'))
    }

    /// Collects what the code from `at` to `end` names.
    fn code(&self, mut at: usize, end: usize, scope: &mut Scope<'t>) {
        while at < end {
            match self.tokens[at] {
                Token::Mark('#') => {
                    let (tests, start) = self.attributes(at, scope);
                    at = if tests { self.behind_item(start, end) } else { start.max(at + 1) };
                }
                Token::Word("use") => at = self.import(at + 1, false, scope),
                Token::Word(_) => {
                    let (path, behind) = self.path(at, end);
                    let method = at > 0 && self.is(at - 1, Token::Mark('.'));
                    // What continues a path, as in `Vec::<u8>::new`, is found in the type.
                    let continued = at > 1 && self.double_colon(at - 2);
                    if !method && !continued {
                        match path[..] {
                            [word] => drop(scope.words.insert(word)),
                            _ => drop(scope.paths.insert(path)),
                        }
                    }
                    at = behind;
                }
                _ => at += 1,
            }
        }
    }

    /// Reads a `use` declaration from behind the keyword, and returns what is behind it.
    fn import(&self, at: usize, shared: bool, scope: &mut Scope<'t>) -> usize {
        let foreign = usize::from(self.double_colon(at)) * 2;
        let behind = if foreign > 0 {
            self.behind_item(at, self.tokens.len())
        } else {
            self.import_tree(at, &[], shared, scope)
        };
        behind + usize::from(self.is(behind, Token::Mark(';')))
    }

    fn import_tree(&self, at: usize, before: &[&'t str], shared: bool, scope: &mut Scope<'t>) -> usize {
        let (names, mut at) = self.path(at, self.tokens.len());
        let mut path = [before, &names].concat();
        match self.tokens.get(at) {
            Some(Token::Mark('*')) => {
                scope.imports.push(Import { name: None, path, shared });
                return at + 1;
            }
            Some(Token::Open('{')) => {
                let end = self.ends[at];
                at += 1;
                while at < end {
                    at = self.import_tree(at, &path, shared, scope).max(at + 1);
                    at += usize::from(self.is(at, Token::Mark(',')));
                }
                return end + 1;
            }
            _ => {}
        }
        // `one::{self}` imports the module itself.
        if path.len() > 1 && path.last() == Some(&"self") {
            path.pop();
        }
        let mut name = path.last().copied();
        if self.word(at) == Some("as") {
            name = self.word(at + 1);
            at += 2;
        }
        if name.is_some() {
            scope.imports.push(Import { name, path, shared });
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(scope: &Scope<'_>) -> Vec<String> {
        scope.imports.iter().map(|i| format!("{}={}", i.name.unwrap_or("*"), i.path.join("::"))).collect()
    }

    #[test]
    fn imports_are_taken_apart() {
        let scope = module("pub use a::{b, c::{self, d as e}, f::*}; use ::g::h; fn i() { use j::{k, l}; }");
        assert_eq!(names(&scope), ["b=a::b", "c=a::c", "e=a::c::d", "*=a::f", "k=j::k", "l=j::l"]);
        assert!(scope.imports[0].shared && !scope.imports[4].shared);
    }

    #[test]
    fn paths_are_found_in_code_attributes_and_macros() {
        let text = "#[cbor(with = \"a::b\")] struct S { x: c::D } fn f() { assert!(e::g(1.2) .h::<i::J>()); Vec::<k::L>::m() }";
        let scope = module(text);
        let paths: Vec<String> = scope.paths.iter().map(|path| path.join("::")).collect();
        assert_eq!(paths, ["a::b", "c::D", "e::g", "i::J", "k::L"]);
        assert!(scope.words.contains("assert") && !scope.words.contains("h") && !scope.words.contains("m"));
    }

    #[test]
    fn what_is_for_tests_is_left_out() {
        let text = "#[cfg(test)] mod tests; #[cfg(all(test, feature = \"x\"))] use a::b;
            struct S { #[cfg(test)] pub(crate) x: c::D, y: u8 }
            impl S { #[cfg(test)] pub(crate) fn f<A, B>(&mut self) { e::f() } fn g(&self) {} }
            mod kept { fn f() {} }";
        let scope = module(text);
        assert!(scope.imports.is_empty() && scope.paths.is_empty(), "{scope:?}");
        assert_eq!(scope.modules.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["kept"]);
        assert!(scope.items[0].open_fields.is_empty());
        assert!(module("#![cfg(test)] use a::b;").imports.is_empty());
    }

    #[test]
    fn items_fields_and_blocks() {
        let text = "pub(crate) struct S<T: Into<u8>> where T: Copy { a: u8, pub(super) b: BTreeMap<u8, (u8, u8)>, pub c: u8 }
            pub struct P(u8, pub(crate) u8);
            pub(crate) const fn f<const N: usize>(x: [u8; N]) -> [u8; N] { x }
            const C: S = S { a: 1 };
            impl<'a, F: Fn(u8) -> u8> inner::S<F> { fn look(&self) {} fn turn(&'a mut self) {} }
            impl From<u8> for S { fn from(_: u8) -> Self {} }
            impl dyn_free::P { fn look(&self) {} }
            macro_rules! m { ($(#[$doc:meta])* $name:ident) => {
                $(#[$doc])* pub struct $name { pub(crate) d: u8 }
                impl $name { fn turn(&mut self) {} }
            }; }
            extern crate alloc; type T = u8; pub trait Port { fn f(&mut self); }";
        let scope = module(text);
        let items: Vec<&str> = scope.items.iter().map(|item| item.name).collect();
        assert_eq!(items, ["S", "P", "f", "C", "m", "$name", "T", "Port"]);
        let fields = |item: usize| scope.items[item].open_fields.iter().map(|field| &field.name[..]);
        assert!(fields(0).eq(["b", "c"]));
        assert!(fields(1).eq(["1"]));
        assert_eq!(scope.items[2].visible, Visible::InCrate);
        let blocks: Vec<_> = scope.impls.iter().map(|i| (i.of.join("::"), i.of_trait, i.changes)).collect();
        assert_eq!(
            blocks,
            [
                ("inner::S".to_owned(), false, true),
                (String::new(), true, false),
                ("dyn_free::P".to_owned(), false, false),
                ("$name".to_owned(), false, true)
            ]
        );
    }
}
