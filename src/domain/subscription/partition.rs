//! Which part of a log an event belongs to. All that happens to a model, and to what
//! belongs to it, is in one partition, so its order holds for whoever reads it.

use sha2::{Digest as _, Sha256};

/// One of the parts that a subscription cuts the log into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Which, from 0.
    pub index: u32,
    /// Of how many; at least one.
    pub count: u32,
}

impl Partition {
    /// Whether an event about a resource belongs to it.
    pub fn holds(self, subject: &str) -> bool {
        self.count <= 1 || partition_of(subject, self.count) == self.index
    }
}

/// The partition of an event about a resource: the first 8 bytes of the SHA-256 over the
/// name of the model that the resource is or belongs to, or over its own name if there is
/// none, as a big-endian number modulo the number of partitions. This never changes.
pub fn partition_of(subject: &str, count: u32) -> u32 {
    let hash = Sha256::digest(key(subject).as_bytes());
    let number = hash.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    u32::try_from(number % u64::from(count.max(1))).unwrap_or_default()
}

/// `namespaces/{namespace}/models/{model}` of what lies below it; everything else itself.
fn key(subject: &str) -> &str {
    let mut slashes = subject.match_indices('/');
    let is_below_model = subject.split('/').nth(2) == Some("models");
    match slashes.nth(3) {
        Some((end, _)) if is_below_model => &subject[..end],
        _ => subject,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_model_is_in_one_partition_whatever_their_number() {
        let model = "namespaces/default/models/fundraising";
        for count in 1..=64 {
            let partition = partition_of(model, count);
            assert!(partition < count);
            for below in ["/versions/1", "/versions/12/evaluations/x", "/aliases/production", "/incidents/i"]
            {
                assert_eq!(partition_of(&format!("{model}{below}"), count), partition, "{below}");
            }
        }
    }

    #[test]
    fn the_partition_of_a_name_is_the_documented_one() {
        // printf %s NAME | sha256sum | cut -c1-16, as a number modulo 64.
        let known = [
            ("namespaces/default/models/fundraising/versions/1", 64, 53),
            ("namespaces/default/policies/standard", 64, 62),
        ];
        for (subject, count, partition) in known {
            assert_eq!(partition_of(subject, count), partition, "{subject}");
        }
    }

    #[test]
    fn many_models_are_spread_over_all_partitions() {
        let mut counts = [0; 8];
        for model in 0..8_000 {
            counts[partition_of(&format!("namespaces/default/models/m{model}"), 8) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
    }
}
