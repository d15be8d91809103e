//! The contract against the rules it promises to follow: Google's AIPs, named
//! by number, and the few rules of our own. Each test is one rule and lists
//! everything that breaks it. An exception stands beside its rule with its
//! reason, and fails the test once nothing needs it any more.

pub mod descriptor;
mod fields;
mod messages;
mod methods;
mod names;

use descriptor::{Contract, Offence};

/// Where a rule is deliberately not followed (`Message.field` or `Service.Method`,
/// or one fault of it: `Service.Method: what is said of it`), and why.
type Exceptions = &'static [(&'static str, &'static str)];

/// Checks one rule over the whole contract.
fn holds(exceptions: Exceptions, rule: fn(&Contract) -> Vec<Offence>) {
    let contract = Contract::load();
    let offences = rule(&contract);
    let (excused, broken): (Vec<_>, Vec<_>) =
        offences.iter().partition(|offence| exceptions.iter().any(|(place, _)| offence.is_at(place)));
    let lines: Vec<_> = broken.iter().map(|offence| format!("  {offence}")).collect();
    assert!(lines.is_empty(), "{} break this rule:\n{}", lines.len(), lines.join("\n"));
    for (place, reason) in exceptions {
        let needed = excused.iter().any(|offence| offence.is_at(place));
        assert!(needed, "the exception for {place} is not needed any more (its reason was: {reason})");
    }
}
