//! Resume tokens: each has one text, and nothing else is one.

use super::choice::text_of;
use arbitrary::Unstructured;
use steward_registry::registry::token::ResumeToken;

/// The input as a text, and as the parts of a token.
pub fn check(data: &[u8]) {
    if let Some(token) = text_of(data).and_then(|text| ResumeToken::decode(text).ok()) {
        assert_eq!(token.encode().as_bytes(), data, "two texts for one token");
    }
    let mut u = Unstructured::new(data);
    if let Ok((log_id, epoch, next, last, other)) = u.arbitrary::<(_, _, _, Option<[u8; 32]>, _)>() {
        let token = ResumeToken::new(log_id, epoch, next, last.as_ref());
        assert_eq!(ResumeToken::decode(&token.encode()), Ok(token));
        assert!(token.witnesses(last.as_ref()));
        let same = |a: &[u8; 32], b: &[u8; 32]| a[..16] == b[..16];
        let last = last.unwrap_or_default();
        assert_eq!(token.witnesses(Some(&other)), same(&last, &other));
    }
}
