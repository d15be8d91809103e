//! Reads Rust source just far enough to see which paths it names: a tokenizer
//! that leaves out comments, strings and tests, and an expander of `use`.

/// A word or sign of the source, with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub line: usize,
    pub text: String,
}

/// A path as written, such as `["std", "time", "Instant"]`, with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub line: usize,
    pub segments: Vec<String>,
}

/// One file, without comments, strings and tests.
pub struct Source {
    pub file: String,
    tokens: Vec<Token>,
}

impl Source {
    pub fn read(file: &str, text: &str) -> Self {
        Self { file: file.to_owned(), tokens: without_tests(tokens(text)) }
    }

    /// Every path that the file names; those of `use` trees in full.
    pub fn paths(&self) -> Vec<Named> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let token = &self.tokens[at];
            if token.text == "use" {
                at = expand(&self.tokens, at + 1, &[], &mut found);
            } else if is_word(&token.text) {
                let mut segments = vec![token.text.clone()];
                while self.is(at + 1, "::") && self.tokens.get(at + 2).is_some_and(|next| is_word(&next.text))
                {
                    segments.push(self.tokens[at + 2].text.clone());
                    at += 2;
                }
                found.push(Named { line: token.line, segments });
            }
            at += 1;
        }
        found
    }

    /// Where the file could panic: `unwrap`, `expect`, `panic!` and their like.
    pub fn panics(&self) -> Vec<String> {
        const METHODS: [&str; 4] = ["unwrap", "expect", "unwrap_err", "expect_err"];
        const MACROS: [&str; 4] = ["panic", "todo", "unimplemented", "unreachable"];
        let mut found = Vec::new();
        for (at, token) in self.tokens.iter().enumerate() {
            let method = METHODS.contains(&token.text.as_str())
                && at > 0
                && self.is(at - 1, ".")
                && self.is(at + 1, "(");
            if method || (MACROS.contains(&token.text.as_str()) && self.is(at + 1, "!")) {
                found.push(format!("{}:{}: {}", self.file, token.line, token.text));
            }
        }
        found
    }

    fn is(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.text == text)
    }
}

/// Beginnings of the paths that only tests compile: the file and the folder that
/// a `#[cfg(test)] mod name;` brings in.
pub fn test_modules(files: &[(String, String)]) -> Vec<String> {
    let mut found = Vec::new();
    for (file, text) in files {
        let tokens = tokens(text);
        let folder = module_folder(file);
        for at in tests(&tokens) {
            if let [keyword, name, end] = &tokens[at.end - 3..at.end]
                && keyword.text == "mod"
                && end.text == ";"
            {
                found.push(format!("{folder}/{}.rs", name.text));
                found.push(format!("{folder}/{}/", name.text));
            }
        }
    }
    found
}

/// The folder in which the submodules of a file lie.
fn module_folder(file: &str) -> String {
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    let (folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
    if ["mod", "lib", "main"].contains(&name) { folder.to_owned() } else { stem.to_owned() }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
}

fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let tests = tests(&tokens);
    let tested = |at: usize| tests.iter().any(|range| range.contains(&at));
    tokens.iter().enumerate().filter(|(at, _)| !tested(*at)).map(|(_, token)| token.clone()).collect()
}

/// The items under `#[cfg(test)]`: up to their closing brace or semicolon.
fn tests(tokens: &[Token]) -> Vec<std::ops::Range<usize>> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    for start in 0..tokens.len().saturating_sub(MARK.len()) {
        let marked = MARK.iter().zip(&tokens[start..]).all(|(mark, token)| *mark == token.text);
        if !marked || found.last().is_some_and(|last| last.end > start) {
            continue;
        }
        let mut depth = 0;
        let mut at = start + MARK.len();
        while at < tokens.len() {
            match tokens[at].text.as_str() {
                "{" => depth += 1,
                "}" if depth == 1 => break,
                "}" => depth -= 1,
                ";" if depth == 0 => break,
                _ => {}
            }
            at += 1;
        }
        found.push(start..(at + 1).min(tokens.len()));
    }
    found
}

/// Reads one `use` tree from `at` on and adds its paths; returns where it ends.
fn expand(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Named>) -> usize {
    let mut path = prefix.to_vec();
    let mut line = 0;
    let mut open = false;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "{" => {
                at = expand(tokens, at + 1, &path, found);
                open = false;
            }
            "," | "}" | ";" => {
                if open {
                    found.push(Named { line, segments: std::mem::replace(&mut path, prefix.to_vec()) });
                } else {
                    path = prefix.to_vec();
                }
                open = false;
                if token.text != "," {
                    return at;
                }
            }
            "as" => at += 1,
            text if is_word(text) => {
                path.push(text.to_owned());
                (line, open) = (token.line, true);
            }
            _ => {}
        }
        at += 1;
    }
    at
}

/// Splits source into words and signs, without comments and literals.
fn tokens(text: &str) -> Vec<Token> {
    let letters: Vec<char> = text.chars().collect();
    let (mut at, mut line) = (0, 1);
    let mut found = Vec::new();
    while at < letters.len() {
        let end = end_of(&letters, at);
        let piece: String = letters[at..end].iter().collect();
        let silent = piece.starts_with(|c: char| c.is_whitespace() || c.is_ascii_digit())
            || piece.starts_with("//")
            || piece.starts_with("/*")
            || piece.starts_with('\'')
            || piece.ends_with('"')
            || piece.ends_with("\"#");
        if !silent {
            found.push(Token { line, text: piece.clone() });
        }
        line += piece.matches('\n').count();
        at = end;
    }
    found
}

/// Where the piece that begins at `at` ends.
fn end_of(letters: &[char], at: usize) -> usize {
    let rest = &letters[at..];
    let word = |c: &char| c.is_alphanumeric() || *c == '_';
    let length = match rest {
        ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => block_comment(rest),
        ['"', ..] => quoted(rest, 1),
        ['b' | 'c', '"', ..] => quoted(rest, 2),
        ['r', '"' | '#', ..] | ['b' | 'c', 'r', '"' | '#', ..] if raw(rest).is_some() => {
            raw(rest).unwrap_or(1)
        }
        ['\'', '\\', _, ..] => 4 + rest[3..].iter().position(|c| *c == '\'').unwrap_or(0),
        ['\'', _, '\'', ..] => 3,
        ['\'', ..] => 1 + rest[1..].iter().take_while(|c| word(c)).count(),
        [':', ':', ..] => 2,
        [c, ..] if word(c) => rest.iter().take_while(|c| word(c)).count(),
        _ => 1,
    };
    at + length.clamp(1, rest.len())
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at + 1 < rest.len() {
        match (rest[at], rest[at + 1]) {
            ('/', '*') => (depth, at) = (depth + 1, at + 2),
            ('*', '/') if depth == 1 => return at + 2,
            ('*', '/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    rest.len()
}

fn quoted(rest: &[char], start: usize) -> usize {
    let mut at = start;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The length of a raw string; `None` for a raw word such as `r#type`.
fn raw(rest: &[char]) -> Option<usize> {
    let prefix = rest.iter().take_while(|c| c.is_ascii_lowercase()).count();
    let hashes = rest[prefix..].iter().take_while(|c| **c == '#').count();
    let body = prefix + hashes + 1;
    if rest.get(body - 1) != Some(&'"') {
        return None;
    }
    let closes = |at: &usize| {
        rest[*at] == '"' && rest[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
    };
    (body..rest.len()).find(closes).map(|at| at + 1 + hashes)
}
