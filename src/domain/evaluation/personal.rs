//! What in a free text looks like personal data: an e-mail address, a telephone
//! number, the number of a payment card. It is a net for accidents, not a proof that
//! a text is harmless.

/// The kind of personal data that a text seems to hold, in words.
pub fn seems_to_hold(text: &str) -> Option<&'static str> {
    if has_email(text) {
        return Some("an e-mail address");
    }
    let runs = number_runs(text);
    if runs.iter().any(Run::is_card) {
        Some("the number of a payment card")
    } else if runs.iter().any(Run::is_telephone) {
        Some("a telephone number")
    } else {
        None
    }
}

/// `name@host.tld`, with letters of any script.
fn has_email(text: &str) -> bool {
    text.match_indices(['@', '＠']).any(|(at, sign)| {
        let (before, after) = (&text[..at], &text[at + sign.len()..]);
        let named = before.ends_with(|c: char| c.is_alphanumeric() || "_%+-\"".contains(c));
        let in_host = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
        let host = after.split(|c| !in_host(c)).next().unwrap_or_default().trim_end_matches(['.', '-']);
        let top = host.rsplit_once('.').map(|(_, top)| top).unwrap_or_default();
        named && top.chars().count() >= 2 && top.chars().all(char::is_alphabetic)
    })
}

/// Groups of digits with single signs between them, such as `+49 30 1234567`.
#[derive(Default)]
struct Run<'a> {
    /// `+` stands before it.
    international: bool,
    /// Brackets stand around its first group.
    bracketed: bool,
    groups: Vec<&'a str>,
}

/// All runs that neither begin nor end within a word.
fn number_runs(text: &str) -> Vec<Run<'_>> {
    let mut runs = Vec::new();
    let mut run = Run::default();
    let mut rest = text;
    let mut before = None;
    while let Some(first) = rest.chars().next() {
        if !first.is_ascii_digit() {
            before = Some(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (group, behind) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
        if run.groups.is_empty() {
            run.international = before == Some('+');
        }
        let starts_in_word = run.groups.is_empty() && before.is_some_and(|c| c.is_alphanumeric() || c == '_');
        run.groups.push(group);
        let (gap, next) = behind.split_at(behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len()));
        let ends_in_word = gap.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let joins = !next.is_empty() && is_gap(gap);
        if run.groups.len() == 1 {
            run.bracketed = before == Some('(') && gap.starts_with(')');
        }
        if starts_in_word || ends_in_word || !joins {
            let ended = std::mem::take(&mut run);
            if !starts_in_word && !ends_in_word {
                runs.push(ended);
            }
        }
        before = gap.chars().next_back().or(Some('0'));
        rest = next;
    }
    runs
}

/// What people write between the groups of one number.
fn is_gap(gap: &str) -> bool {
    let signs = gap.chars().filter(|c| !c.is_whitespace()).count();
    let spaces = gap.chars().filter(|c| c.is_whitespace()).count();
    gap.chars().all(|c| c == ' ' || c == '\u{a0}' || "-./()\u{2011}\u{2013}".contains(c))
        && signs <= 2
        && spaces <= 1 + usize::from(signs > 0)
}

impl Run<'_> {
    /// Whether some of its groups together are a card's number: 13-19 digits that
    /// begin as the networks' numbers do and satisfy Luhn's check.
    fn is_card(&self) -> bool {
        (0..self.groups.len()).any(|from| {
            let ends = (from + 1..=self.groups.len()).map(|to| self.groups[from..to].concat());
            ends.take_while(|digits| digits.len() <= 19).any(|digits| is_card_number(&digits))
        })
    }

    fn is_telephone(&self) -> bool {
        let digits: usize = self.groups.iter().map(|group| group.len()).sum();
        let lengths: Vec<usize> = self.groups.iter().map(|group| group.len()).collect();
        let trunk = self.groups[0].starts_with('0') && (self.groups[0].len() > 1 || self.bracketed);
        let american = matches!(lengths[..], [3, 3, 4] | [1, 3, 3, 4]) && digits <= 11;
        !self.is_date()
            && ((self.international && (8..=15).contains(&digits))
                || (trunk && (9..=15).contains(&digits))
                || american
                || (self.bracketed && self.groups.len() > 1 && (8..=15).contains(&digits)))
    }

    /// `31.12.2026` or `2026-12-31`, perhaps with more behind it.
    fn is_date(&self) -> bool {
        let number = |index: usize| self.groups.get(index).and_then(|group| group.parse::<u32>().ok());
        let [Some(first), Some(second), Some(third)] = [0, 1, 2].map(number) else { return false };
        let is_year = |year| (1900..2200).contains(&year);
        let is_day = |day, month| (1..=31).contains(&day) && (1..=12).contains(&month);
        (is_year(first) && is_day(third, second))
            || (is_year(third) && (is_day(first, second) || is_day(second, first)))
    }
}

fn is_card_number(digits: &str) -> bool {
    let begins = |length: usize| digits.get(..length).and_then(|head| head.parse::<u32>().ok()).unwrap_or(0);
    let known = match begins(1) {
        // Visa; Mastercard, Maestro; Discover, UnionPay, Maestro.
        4..=6 => true,
        // American Express, Diners Club, JCB.
        3 => matches!(begins(2), 30 | 34..=39),
        // Mastercard, Mir.
        2 => matches!(begins(4), 2200..=2204 | 2221..=2720),
        _ => false,
    };
    (13..=19).contains(&digits.len()) && known && satisfies_luhn(digits)
}

fn satisfies_luhn(digits: &str) -> bool {
    let weigh = |(index, byte): (usize, u8)| match u32::from(byte - b'0') << (index % 2) {
        doubled @ 10.. => doubled - 9,
        small => small,
    };
    digits.bytes().rev().enumerate().map(weigh).sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e_mail_addresses_are_seen() {
        for text in ["ask jane.doe@example.org", "<j+x@mail.example.co.uk>", "jörg@müller.example", "a@b.de."]
        {
            assert_eq!(seems_to_hold(text), Some("an e-mail address"), "{text}");
        }
        for text in
            ["judge@2.1", "judge @ home", "precision@k. Then", "p@95", "@team please look", "recall@10"]
        {
            assert_eq!(seems_to_hold(text), None, "{text}");
        }
    }

    #[test]
    fn card_numbers_are_seen() {
        for text in [
            "4111111111111111",
            "paid with 4111 1111 1111 1111.",
            "5500-0000-0000-0004",
            "378282246310005",
            "30 rows, 4111 1111 1111 1111, 12",
            "2223003122003222",
        ] {
            assert_eq!(seems_to_hold(text), Some("the number of a payment card"), "{text}");
        }
        for text in ["4111111111111112", "1772323200000000", "2015 2016 2017 2018", "sha 4111111111111111ab"]
        {
            assert_eq!(seems_to_hold(text), None, "{text}");
        }
    }

    #[test]
    fn telephone_numbers_are_seen() {
        for text in [
            "+49 30 1234567",
            "call +1 (555) 010-1234",
            "0171/1234567",
            "(030) 123 4567",
            "020 7946 0958",
            "0049 30 1234567",
            "555-123-4567",
            "(555) 123-4567",
            "+15550101234",
        ] {
            assert_eq!(seems_to_hold(text), Some("a telephone number"), "{text}");
        }
    }

    #[test]
    fn dates_versions_and_counts_are_no_telephone_numbers() {
        for text in [
            "2026-03-01 to 2026-03-31",
            "31.12.2026 08:00",
            "01.03.2026-31.03.2026",
            "version 2.9.1, build 20260301",
            "p 0.000123456789, n = 100000",
            "1,200,000 of 2,400,000",
            "1 200 000 people",
            "+12.5 % since week 12",
            "accuracy 0.82716 (56,900 of 68,785)",
            "four years (2015-2018) of 2 regions",
            "American Community Survey 2015, Massachusetts",
            "After the outage;\nsee the log.",
            "run 2026-03-01T09:30:00Z",
        ] {
            assert_eq!(seems_to_hold(text), None, "{text}");
        }
    }
}
