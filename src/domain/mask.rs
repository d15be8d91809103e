//! Update masks: which fields of a content an update changes.

use super::check::Violations;

/// Content whose fields can be changed one by one.
pub trait Masked: Sized {
    /// The fields that a mask may name.
    const FIELDS: &'static [&'static str];

    /// Whether a field holds nothing, which without a mask means "leave it".
    fn is_empty(&self, field: &str) -> bool;

    /// Takes one field of `update` over.
    fn take(&mut self, field: &str, update: &Self);
}

/// The content after an update. Without a mask, every field that is not empty
/// in the update is taken over; `*` takes all of them over.
pub fn merge<T: Masked + Clone>(current: &T, update: &T, mask: &[String]) -> Result<T, Violations> {
    let mut merged = current.clone();
    let mut violations = Violations::new();
    let mut take = |field: &str| merged.take(field, update);
    match mask {
        [] => T::FIELDS.iter().filter(|field| !update.is_empty(field)).for_each(|field| take(field)),
        [all] if all == "*" => T::FIELDS.iter().for_each(|field| take(field)),
        paths => {
            for path in paths {
                if T::FIELDS.contains(&path.as_str()) {
                    take(path);
                } else {
                    let allowed = T::FIELDS.join(", ");
                    violations.add(
                        "update_mask",
                        format!("{path:?} cannot be changed; use `*` or some of {allowed}"),
                    );
                }
            }
        }
    }
    violations.into_result().map(|()| merged)
}

/// Implements [`Masked`] for a struct whose fields have an emptiness and a clone.
macro_rules! masked {
    ($content:ty { $($field:ident),* $(,)? }) => {
        impl $crate::domain::mask::Masked for $content {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn is_empty(&self, field: &str) -> bool {
                let empty = <$content>::default();
                match field {
                    $(stringify!($field) => self.$field == empty.$field,)*
                    _ => true,
                }
            }

            fn take(&mut self, field: &str, update: &Self) {
                match field {
                    $(stringify!($field) => self.$field = update.$field.clone(),)*
                    _ => {}
                }
            }
        }
    };
}
pub(crate) use masked;
