//! The undo overlay: what the tree held before the batch that is not durable
//! yet. A reader who lets it win over the tree sees the last durable state.

use bytes::Bytes;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::ops::Range;

/// For each key that the batch touches, its durable value; `None` if absent.
#[derive(Debug, Default)]
pub(super) struct Undo {
    before: BTreeMap<Bytes, Option<Bytes>>,
}

impl Undo {
    /// Notes what a key holds, unless the batch has touched it already.
    pub(super) fn note<E>(
        &mut self,
        key: &Bytes,
        value: impl FnOnce() -> Result<Option<Bytes>, E>,
    ) -> Result<(), E> {
        if !self.before.contains_key(key) {
            self.before.insert(key.clone(), value()?);
        }
        Ok(())
    }

    /// The durable value of a key: the inner `None` is an absent key, the outer
    /// one says that the tree has it right.
    pub(super) fn get(&self, key: &Bytes) -> Option<Option<Bytes>> {
        self.before.get(key).cloned()
    }

    /// Lays the overlay over the pairs of the tree in a range, which come in
    /// the order asked for. The range must not be inverted.
    pub(super) fn over<E>(
        &self,
        tree: impl Iterator<Item = Result<(Bytes, Bytes), E>>,
        range: Range<Bytes>,
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<(Bytes, Bytes)>, E> {
        let before = self.before.range(range);
        if reverse {
            merge(tree.peekable(), before.rev().peekable(), limit, |tree, undo| undo.cmp(tree))
        } else {
            merge(tree.peekable(), before.peekable(), limit, Ord::cmp)
        }
    }
}

/// Merges two ordered sequences of keys; where both have a key, `undo` wins.
/// `order` compares a key of the tree with one of the overlay.
fn merge<'u, E>(
    mut tree: Peekable<impl Iterator<Item = Result<(Bytes, Bytes), E>>>,
    mut undo: Peekable<impl Iterator<Item = (&'u Bytes, &'u Option<Bytes>)>>,
    limit: usize,
    order: impl Fn(&Bytes, &Bytes) -> Ordering,
) -> Result<Vec<(Bytes, Bytes)>, E> {
    let mut pairs = Vec::new();
    while pairs.len() < limit {
        let next = match (tree.peek(), undo.peek()) {
            (Some(Ok((in_tree, _))), Some((in_undo, _))) => order(in_tree, in_undo),
            (None, Some(_)) => Ordering::Greater,
            (Some(_), _) => Ordering::Less,
            (None, None) => break,
        };
        if next.is_lt() {
            pairs.extend(tree.next().transpose()?);
            continue;
        }
        if next.is_eq() {
            tree.next();
        }
        if let Some((key, Some(value))) = undo.next() {
            pairs.push((key.clone(), value.clone()));
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    fn pairs(text: &[&'static str]) -> Vec<(Bytes, Bytes)> {
        text.iter().map(|pair| (Bytes::from(&pair[..1]), Bytes::from(&pair[2..]))).collect()
    }

    fn over(undo: &Undo, tree: &[(Bytes, Bytes)], limit: usize, reverse: bool) -> Vec<(Bytes, Bytes)> {
        let mut tree = tree.to_vec();
        if reverse {
            tree.reverse();
        }
        let tree = tree.into_iter().map(Ok::<_, Infallible>);
        undo.over(tree, Bytes::from("a")..Bytes::from("z"), limit, reverse).unwrap()
    }

    #[test]
    fn new_keys_are_hidden_old_values_and_deleted_keys_come_back() {
        let mut undo = Undo::default();
        for (key, value) in [("b", None), ("c", Some("old")), ("d", Some("deleted")), ("x", None)] {
            undo.note(&key.into(), || Ok::<_, Infallible>(value.map(Bytes::from))).unwrap();
        }
        let tree = pairs(&["a=1", "b=new", "c=new", "e=1", "x=new"]);
        let durable = pairs(&["a=1", "c=old", "d=deleted", "e=1"]);
        assert_eq!(over(&undo, &tree, 10, false), durable);
        assert_eq!(over(&undo, &tree, 2, false), durable[..2]);
        assert_eq!(over(&undo, &tree, 3, true), pairs(&["e=1", "d=deleted", "c=old"]));
    }

    #[test]
    fn only_the_first_note_of_a_key_counts() {
        let mut undo = Undo::default();
        undo.note(&"a".into(), || Ok::<_, Infallible>(None)).unwrap();
        undo.note(&"a".into(), || Ok::<_, Infallible>(Some("later".into()))).unwrap();
        assert_eq!(undo.get(&"a".into()), Some(None));
        assert_eq!(undo.get(&"b".into()), None);
    }

    #[test]
    fn an_error_of_the_tree_is_passed_on() {
        let tree = [Ok((Bytes::from("a"), Bytes::new())), Err("damaged")];
        let range = Bytes::from("a")..Bytes::from("z");
        assert_eq!(Undo::default().over(tree.into_iter(), range, 10, false), Err("damaged"));
    }

    proptest! {
        #[test]
        fn a_merge_is_the_map_before_the_batch(
            before in proptest::collection::btree_map(0..20_u8, any::<u8>(), 0..20),
            batch in proptest::collection::vec((0..20_u8, any::<Option<u8>>()), 0..20),
            limit in 0..30_usize,
            reverse in any::<bool>(),
        ) {
            let bytes = |byte: u8| Bytes::from(vec![b'a' + byte % 26]);
            let (mut undo, mut after) = (Undo::default(), before.clone());
            for (key, value) in batch {
                undo.note(&bytes(key), || Ok::<_, Infallible>(after.get(&key).copied().map(bytes))).unwrap();
                match value {
                    Some(value) => after.insert(key, value),
                    None => after.remove(&key),
                };
            }
            let listed = |map: &BTreeMap<u8, u8>| -> Vec<_> {
                map.iter().map(|(key, value)| (bytes(*key), bytes(*value))).collect()
            };
            let mut expected = listed(&before);
            if reverse {
                expected.reverse();
            }
            expected.truncate(limit);
            prop_assert_eq!(over(&undo, &listed(&after), limit, reverse), expected);
        }
    }
}
