//! Refusals for people: a sentence, the reason word behind it, and what to do.

use super::table::resource_words;

/// A sentence of the server with the resources that it names in words:
/// `version 2 of fundraising` for `namespaces/default/models/fundraising/versions/2`.
pub fn in_words(sentence: &str) -> String {
    let word = |word: &str| {
        let name = word.trim_end_matches([',', '.', ';', ':', ')']);
        match name.starts_with("namespaces/") {
            true => format!("{}{}", resource_words(name), &word[name.len()..]),
            false => word.to_owned(),
        }
    };
    sentence.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// A refusal as one line: whom it is about, the sentence, the reason word.
pub fn refusal_words(reason: &str, subject: &str, sentence: &str) -> String {
    let sentence = in_words(sentence);
    let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    match subject {
        "" => format!("{sentence}{reason}"),
        subject => format!("{}: {sentence}{reason}", resource_words(subject)),
    }
}

/// What to do about a guard, by its reason word; none for words that this
/// release does not know.
pub fn advice(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "MODEL_DELETED" => "Take the deletion back (`steward model undelete`), or use another model.",
        "PERSON_ERASED" => "Nothing has to be done: nobody can tell any more whom it stands for.",
        "MODEL_NOT_DELETED" => "Nothing has to be done: the model is not deleted.",
        "MODEL_HAS_ALIASES" => "Delete its aliases first (`steward alias list`, `steward alias delete`).",
        "ILLEGAL_TRANSITION" => {
            "See which state it is in (`steward version get`) and take the step that leads on."
        }
        "VERSION_FROZEN" => "Register a new version: what was submitted is not changed any more.",
        "CONTENT_INCOMPLETE" => {
            "Give the draft an artifact with a digest, or --upstream (`steward version update`)."
        }
        "SUNSET_NOT_IN_FUTURE" => "Choose a later --sunset.",
        "REPLACEMENT_MISSING" => "Check the replacement's number (`steward version list`).",
        "REPLACEMENT_NOT_APPROVED" => "Have the replacement approved first, or name another.",
        "REPLACEMENT_CIRCLE" => "Name a replacement that does not lead back here.",
        "EVALUATION_NOT_ACCEPTED" => "Record it for a version that is in use or in review.",
        "DIMENSION_NOT_DECLARED" => {
            "Leave that breakdown out, or declare it on a draft: `steward version update --dimension KEY=CODE,…`."
        }
        "CODE_NOT_DECLARED" => {
            "Record it as OTHER, or declare it on a draft: `steward version update --dimension KEY=CODE,…`."
        }
        "CELLS_TOO_SMALL" => "Record one measurement for OTHER in their place, or leave them out.",
        "VERSION_ON_HOLD" => "Somebody other than who placed the hold lifts it: `steward version release`.",
        "VERSION_NOT_HELD" => "Nothing has to be lifted.",
        "CARD_INCOMPLETE" => {
            "Fill the model's card in: `steward model update --card FILE`, or flags such as --purpose."
        }
        "EVIDENCE_MISSING" => "Record what was measured: `steward evaluation record`.",
        "GATE_FAILED" => {
            "Record an evaluation that passes, or improve the version; break-glass: --override-gates."
        }
        "APPROVAL_REQUIRED" => {
            "Repeat it with --propose; somebody else then agrees with `steward proposal approve`."
        }
        "INCIDENT_REQUIRED" => "Open an incident (`steward incident open`) and name it with --incident.",
        "INCIDENT_CLOSED" => "Name an open incident (`steward incident list`), or open a new one.",
        "UPSTREAM_ENDS_TOO_SOON" => "Choose a version that its provider keeps longer.",
        "NOTICE_TOO_SHORT" => "Choose the --sunset that is named as the earliest, or a later one.",
        "SUNSET_TOO_SOON" => "Choose a --sunset behind the time that callers were promised.",
        "SUNSET_AFTER_UPSTREAM" => "Choose a --sunset before the provider's end and its margin.",
        "SUNSET_NOT_LATER" => "Choose a later --sunset; `steward version shorten` brings it forward.",
        "SUNSET_NOT_EARLIER" => "Choose an earlier --sunset; `steward version extend` puts it off.",
        "EXTENSIONS_EXHAUSTED" => {
            "Move its callers: `steward impact --until` names them. The policy allows no more."
        }
        "EXTENSION_TOO_LONG" => "Choose a --sunset within what the policy allows.",
        "VERSION_RESTORED" => {
            "Reinstate it to keep it (`steward version reinstate`), or wait: it retires by itself."
        }
        "VERSION_IN_USE" => "Move whoever is named to the replacement, or wait for the sunset.",
        "RESTORATION_TOO_LONG" => "Choose an --until within 72 hours.",
        "RETENTION_NOT_OVER" => "Wait until the time that is named.",
        "PROPOSAL_CLOSED" => "Propose it again.",
        "PROPOSAL_NOT_APPROVED" => "Use `steward proposal reject` or `steward proposal comment`.",
        "NO_ALARM" => "Nothing: nobody has to look into it.",
        "SNOOZE_TOO_LONG" => "Choose an earlier --until; it can be snoozed again.",
        "PROPOSAL_OWN" => "Somebody else has to agree (--actor says who acts).",
        "NEW_CONSUMER_REFUSED" => "Use the replacement: what is on its way out takes no new consumers.",
        "NO_SUNSET" => "Nothing has to be said: no end of the version is in sight.",
        "CONSUMER_OWN" => "Somebody other than who registered the consumer has to grant it.",
        "VERSION_BROWNOUT" => {
            "Move to the replacement; until its sunset the version is back after the window."
        }
        "ALIAS_TARGET_NOT_APPROVED" => "Have the version approved, or choose another.",
        "ROLLBACK_TARGET_UNSAFE" => "Choose another version with --to, or put right what makes it unsafe.",
        "NO_WAY_BACK" => "Have another version approved and point the alias to it with `steward alias set`.",
        "RETRAINING_ENDED" => "Ask for another: `steward retraining request`.",
        "RETRAINING_TAKEN" => "End this run; the other one goes on.",
        "RETRAINING_CANDIDATE" => "Name a version that came of it and was submitted.",
        "NO_WEBHOOK" => "Make a subscription with --webhook.",
        "SUBSCRIPTION_HAS_WEBHOOK" => "Make another subscription to read by yourself.",
        "TOO_MANY_SUBSCRIPTIONS" => "Delete those that nobody reads: `steward subscription delete`.",
        "SOURCE_MISSING" => "Register the version that it was made from first, or correct its name.",
        "VERSION_DRAFT" => "Submit it (`steward version submit`) and have it approved.",
        "VERSION_CANDIDATE" => "Have it approved, or ask for it by number.",
        "SUNSET_PASSED" => "Wait a moment: its sunset has come, and the clock is about to record that.",
        "UPSTREAM_IN_USE" => "Deprecate the versions that rest on it first.",
        "TOO_MANY_VERSIONS" => "Deprecate some of the versions that rest on it, then repeat.",
        "REPLACES_OTHERS" => {
            "Name a replacement, so that who moves here is not left alone, or choose a later --sunset."
        }
        "VERSION_RETIRED" => "Use its replacement, or another approved version.",
        "VERSION_REJECTED" | "VERSION_ARCHIVED" => "Use an approved version (`steward version list`).",
        _ => return None,
    })
}

/// What to do about guards, by their reason words; every sentence once.
pub fn advice_on<'a>(reasons: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for sentence in reasons.filter_map(advice) {
        if !sentences.iter().any(|said| said == sentence) {
            sentences.push(sentence.to_owned());
        }
    }
    sentences
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::domain::refusal::Reason;

    #[test]
    fn every_reason_word_has_something_to_do() {
        for reason in Reason::ALL {
            assert!(advice(reason.as_str()).is_some(), "nothing is said about {}", reason.as_str());
        }
        assert_eq!(advice("SOMETHING_NEW"), None);
    }

    #[test]
    fn full_names_within_a_sentence_become_words() {
        assert_eq!(
            in_words("go back to namespaces/n/models/m/versions/1; or wait"),
            "go back to version 1 of m; or wait"
        );
        assert_eq!(in_words("0.07 is above  0.05"), "0.07 is above  0.05");
    }

    #[test]
    fn a_refusal_names_whom_it_is_about_and_its_word() {
        let words = refusal_words("GATE_FAILED", "namespaces/n/models/m/versions/1", "0.07 is above 0.05");
        assert_eq!(words, "version 1 of m: 0.07 is above 0.05 (GATE_FAILED)");
    }
}
