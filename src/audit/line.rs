//! What stands in the lines of the C2SP text formats. Each value has exactly one way
//! to be written, so that nobody can change a text and keep what it says.

use super::merkle::Hash;
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Reads a decimal number without sign and without leading zeroes.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// Reads standard base64 (RFC 4648, section 4) with its padding.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Writes standard base64.
pub(super) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads a hash in base64.
pub(super) fn hash(text: &str) -> Option<Hash> {
    base64(text)?.try_into().ok()
}

/// Why lines are no list of hashes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HashesError {
    /// There are more than can be right.
    TooMany,
    /// This line, counted from 1, is neither a hash nor empty.
    Line(usize),
}

/// Reads hashes, one a line, up to an empty line, and gives what is below it.
pub(super) fn hashes(text: &str, most: usize) -> Result<(Vec<Hash>, &str), HashesError> {
    let (mut hashes, mut rest) = (Vec::new(), text);
    loop {
        let number = hashes.len() + 1;
        let (line, below) = rest.split_once('\n').ok_or(HashesError::Line(number))?;
        rest = below;
        if line.is_empty() {
            return Ok((hashes, rest));
        }
        if number > most {
            return Err(HashesError::TooMany);
        }
        hashes.push(hash(line).ok_or(HashesError::Line(number))?);
    }
}

/// Whether a text can stand in a line: no control characters (C2SP signed-note, "Format").
pub(super) fn is_plain(text: &str) -> bool {
    !text.chars().any(|character| character < ' ')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_number_is_written_in_one_way() {
        assert_eq!(decimal("0"), Some(0));
        assert_eq!(decimal("18446744073709551615"), Some(u64::MAX));
        for other in ["", "00", "01", "+1", "-1", "-0", " 1", "1 ", "1.0", "0x1", "18446744073709551616", "٣"]
        {
            assert_eq!(decimal(other), None, "{other:?}");
        }
    }

    #[test]
    fn base64_is_written_in_one_way() {
        assert_eq!(base64("AAE="), Some(vec![0, 1]));
        for other in ["AAE", "AAF=", "AAE==", "AA_=", "A AE=", "AAE=\n"] {
            assert_eq!(base64(other), None, "{other:?}");
        }
        assert_eq!(hash(&to_base64(&[7; 32])), Some([7; 32]));
        assert_eq!(hash(&to_base64(&[7; 31])), None);
        assert_eq!(hash(&to_base64(&[7; 33])), None);
    }

    #[test]
    fn hashes_end_with_an_empty_line() {
        let line = to_base64(&[7; 32]);
        assert_eq!(hashes("\nbelow", 2), Ok((vec![], "below")));
        assert_eq!(hashes(&format!("{line}\n{line}\n\n"), 2), Ok((vec![[7; 32]; 2], "")));
        assert_eq!(hashes(&format!("{line}\n{line}\n\n"), 1), Err(HashesError::TooMany));
        assert_eq!(hashes(&format!("{line}\n{line}\n"), 2), Err(HashesError::Line(3)));
        assert_eq!(hashes(&format!("{line}\nx\n\n"), 2), Err(HashesError::Line(2)));
        assert_eq!(hashes("", 2), Err(HashesError::Line(1)));
    }
}
