//! Writes JSON in the form of RFC 8785 in one pass: members are put in order
//! where their object ends, which moves bytes only if they came out of order.

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::{cell::RefCell, cmp::Ordering, io};

/// Whole numbers up to here are exact as the doubles that RFC 8785 takes all numbers for.
const EXACT: u64 = 1 << 53;

/// The canonical JSON of a value.
pub(super) fn to_vec<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let out = RefCell::new(Vec::with_capacity(1_024));
    let formatter = Canonical { out: &out, members: Vec::new(), objects: Vec::new() };
    value.serialize(&mut Serializer::with_formatter(Out(&out), formatter))?;
    Ok(out.into_inner())
}

/// What serde_json writes to.
struct Out<'a>(&'a RefCell<Vec<u8>>);

impl io::Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes).map(drop)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where a member of an object stands in the output: its name in quotes from
/// `start` to `colon`, and its value from there to `end`.
#[derive(Clone, Copy)]
struct Member {
    start: usize,
    colon: usize,
    end: usize,
}

struct Canonical<'a> {
    /// The same output.
    out: &'a RefCell<Vec<u8>>,
    /// Members of all open objects, the innermost object's last.
    members: Vec<Member>,
    /// For each open object its first member.
    objects: Vec<usize>,
}

impl Canonical<'_> {
    fn at(&self) -> usize {
        self.out.borrow().len()
    }

    /// Puts the members of the innermost object in order.
    fn sort(&mut self, first: usize) {
        let Some(members) = self.members.get_mut(first..) else { return };
        let Some(begin) = members.first().map(|member| member.start) else { return };
        let mut out = self.out.borrow_mut();
        let name = |member: &Member| &out[member.start + 1..member.colon - 1];
        if members.is_sorted_by(|a, b| order(name(a), name(b)).is_lt()) {
            return;
        }
        members.sort_by(|a, b| order(name(a), name(b)));
        let unsorted = out.split_off(begin);
        for (index, member) in members.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&unsorted[member.start - begin..member.end - begin]);
        }
    }
}

/// Names are ordered by their UTF-16 code units. For ASCII that is the order of
/// the bytes; others are rare.
fn order(a: &[u8], b: &[u8]) -> Ordering {
    let is_plain = |name: &[u8]| name.iter().all(|byte| byte.is_ascii() && *byte != b'\\');
    if is_plain(a) && is_plain(b) {
        return a.cmp(b);
    }
    let units = |name: &[u8]| -> Vec<u16> {
        let quoted = [b"\"", name, b"\""].concat();
        serde_json::from_slice::<String>(&quoted).unwrap_or_default().encode_utf16().collect()
    };
    units(a).cmp(&units(b))
}

impl Formatter for Canonical<'_> {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        if !value.is_finite() {
            return Err(io::Error::other("a number is not finite"));
        }
        writer.write_all(ryu_js::Buffer::new().format_finite(value).as_bytes())
    }

    fn write_f32<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f32) -> io::Result<()> {
        self.write_f64(writer, f64::from(value))
    }

    fn write_i64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: i64) -> io::Result<()> {
        match value.unsigned_abs() <= EXACT {
            true => write!(writer, "{value}"),
            false => self.write_f64(writer, value as f64),
        }
    }

    fn write_u64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: u64) -> io::Result<()> {
        match value <= EXACT {
            true => write!(writer, "{value}"),
            false => self.write_f64(writer, value as f64),
        }
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.objects.push(self.members.len());
        writer.write_all(b"{")
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        let start = self.at();
        self.members.push(Member { start, colon: start, end: start });
        Ok(())
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let colon = self.at();
        // The members of the value come behind this one and are gone at its end.
        if let Some(member) = self.members.last_mut() {
            member.colon = colon;
        }
        writer.write_all(b":")
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        let end = self.at();
        if let Some(member) = self.members.last_mut() {
            member.end = end;
        }
        Ok(())
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if let Some(first) = self.objects.pop() {
            self.sort(first);
            self.members.truncate(first);
        }
        writer.write_all(b"}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    fn key() -> impl Strategy<Value = String> {
        // Around the places where the order of UTF-16 differs from that of UTF-8.
        prop_oneof![
            "[a-z_]{0,4}",
            "[ \"\\\\/\u{0}-\u{1f}a!]{0,4}",
            "[\u{d7ff}\u{e000}\u{ffff}\u{10000}🦀é]{0,3}"
        ]
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            (-1e6..1e6).prop_map(|number: f64| Value::from(number.trunc())),
            key().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 8, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::vec((key(), inner), 0..8)
                    .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    /// An object whose members come in any order.
    struct Unordered(Vec<(String, Value)>);

    impl Serialize for Unordered {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
        }
    }

    proptest! {
        #[test]
        fn any_value_is_written_as_the_library_for_rfc_8785_writes_it(value in json()) {
            prop_assert_eq!(to_vec(&value).unwrap(), serde_json_canonicalizer::to_vec(&value).unwrap());
        }

        #[test]
        fn the_order_in_which_members_come_does_not_matter(
            members in proptest::collection::btree_map(key(), json(), 0..12).prop_map(|map| map.into_iter().collect::<Vec<_>>()).prop_shuffle()
        ) {
            let value = Unordered(members);
            prop_assert_eq!(to_vec(&value).unwrap(), serde_json_canonicalizer::to_vec(&value).unwrap());
        }
    }

    #[test]
    fn the_example_of_the_rfc_comes_out_as_there() {
        let value: Value = serde_json::from_str(
            r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#,
        )
        .unwrap();
        let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(String::from_utf8(to_vec(&value).unwrap()).unwrap(), expected);
    }
}
