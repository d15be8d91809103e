//! Sentences of a bounded length, whatever the names and numbers in them.

/// Characters of a sentence.
pub const LONGEST: usize = 280;

/// Characters of a name within one.
const NAME: usize = 40;

/// A name of any length, its middle left out if need be: both of its ends tell names apart.
pub(super) fn name(name: &str) -> String {
    let characters: Vec<char> = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if characters.len() <= NAME {
        return characters.into_iter().collect();
    }
    let (head, tail) = (NAME / 2, NAME - NAME / 2 - 1);
    let tail = &characters[characters.len() - tail..];
    characters[..head].iter().chain(&['…']).chain(tail).collect()
}

/// Three significant digits, without useless zeros.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e6).contains(&size) {
        return format!("{value:.1e}");
    }
    let digits = (2 - size.log10().floor() as i32).clamp(0, 6) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A share in percent.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", number(share * 100.0))
}

/// A count with its thousands set apart; large ones in words.
pub(super) fn count(count: u64) -> String {
    const WORDS: [(u64, &str); 3] =
        [(1_000_000_000_000, "trillion"), (1_000_000_000, "billion"), (1_000_000, "million")];
    match WORDS.iter().find(|(size, _)| count / 10 >= *size) {
        Some((size, word)) => format!("{} {word}", thousands(count / size)),
        None => thousands(count),
    }
}

fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let parts = digits.as_bytes().rchunks(3).rev().filter_map(|part| std::str::from_utf8(part).ok());
    parts.collect::<Vec<_>>().join(",")
}

/// Parts put together. Parts are written to fit; should they not, the end is cut.
pub(super) fn of(parts: &[&str]) -> String {
    let whole = parts.join(" ");
    match whole.char_indices().nth(LONGEST) {
        None => whole,
        Some(_) => whole.chars().take(LONGEST - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_read_them() {
        for (value, wanted) in [
            (0.0, "0"),
            (0.051_23, "0.0512"),
            (-12.0, "-12"),
            (1234.5, "1234"),
            (99.96, "100"),
            (0.000_012, "1.2e-5"),
            (2e9, "2.0e9"),
            (f64::MAX, "1.8e308"),
        ] {
            assert_eq!(number(value), wanted);
        }
        assert_eq!(percent(0.05), "5 %");
        let counts = [(7, "7"), (1_000, "1,000"), (9_999_999, "9,999,999"), (48_469_244, "48 million")];
        for (value, wanted) in counts {
            assert_eq!(count(value), wanted);
        }
        assert_eq!(count((1 << 53) - 1), "9,007 trillion");
    }

    #[test]
    fn a_long_name_keeps_both_ends_and_a_long_sentence_is_cut() {
        assert_eq!(name("short"), "short");
        let long = name(&format!("head{}tail", "-".repeat(100)));
        assert!(long.starts_with("head") && long.ends_with("tail") && long.chars().count() == NAME);
        assert_eq!(of(&[&"x".repeat(300)]).chars().count(), LONGEST);
        assert_eq!(of(&["a", "b"]), "a b");
    }
}
