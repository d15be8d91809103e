//! Messages drawn from an input by their descriptor alone, so that a new field of the
//! contract is fuzzed the day it lands: plausible values, and values that are not.

use super::choice;
use arbitrary::{Result, Unstructured};
use prost_reflect::prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value,
};
use std::{collections::HashMap, sync::LazyLock};
use steward_registry::proto::DESCRIPTOR_SET;

/// The contract.
pub static CONTRACT: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(DESCRIPTOR_SET).expect("the embedded contract"));

/// Texts that mean something to some field.
const TEXTS: &[&str] = &[
    "",
    "m",
    "default",
    "namespaces/default",
    "namespaces/default/models/m",
    "namespaces/default/models/m/versions/1",
    "namespaces/default/models/m/versions/2",
    "namespaces/default/models/m/aliases/production",
    "namespaces/default/models/m/versions/1/evaluations/e",
    "accuracy",
    "because",
    "1.0.0",
    "s3://bucket/file",
    "sha256:0000000000000000000000000000000000000000000000000000000000000000",
    "EUR",
    "create_time desc",
    "labels.team = \"a\"",
    "*",
    "labels",
    "p3",
    "VersionApproved",
];
const NUMBERS: &[f64] = &[
    0.0,
    -0.0,
    0.5,
    1.0,
    -1.0,
    1e-320,
    1e21,
    f64::MAX,
    f64::MIN,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
];
const COUNTS: &[i64] = &[0, 1, 2, 3, 10, -1, i64::MAX, i64::MIN, (1 << 53) - 1, 1 << 53, 4_294_967_296];
/// More than any list or map may hold.
const MANY: usize = 401;

/// Draws a message; where the input ends, the rest stays empty.
pub fn draw(u: &mut Unstructured<'_>, descriptor: &MessageDescriptor) -> Result<DynamicMessage> {
    let mut message = DynamicMessage::new(descriptor.clone());
    if descriptor.full_name() == "google.protobuf.Timestamp" && choice::chance(u, 7, 8)? {
        let parts = choice::time(u)?.parts();
        message.set_field_by_name("seconds", Value::I64(parts.0));
        message.set_field_by_name("nanos", Value::I32(parts.1));
        return Ok(message);
    }
    for oneof in descriptor.oneofs() {
        let fields: Vec<_> = oneof.fields().collect();
        if choice::chance(u, 7, 8)? {
            let field = u.choose(&fields)?;
            message.set_field(field, value(u, field)?);
        }
    }
    for field in descriptor.fields().filter(|field| field.containing_oneof().is_none()) {
        if choice::chance(u, 3, 4)? {
            message.set_field(&field, value(u, &field)?);
        }
    }
    Ok(message)
}

fn value(u: &mut Unstructured<'_>, field: &FieldDescriptor) -> Result<Value> {
    if !field.is_list() && !field.is_map() {
        return single(u, &field.kind());
    }
    // Once in a while so many that a limit is reached.
    let (different, times) = if choice::chance(u, 1, 32)? { (1, MANY) } else { (u.int_in_range(0..=3)?, 1) };
    if field.is_map() {
        let Kind::Message(entry) = field.kind() else { unreachable!("entries are messages") };
        let mut map = HashMap::new();
        for number in 0..different * times {
            let key = if times > 1 { format!("key{number}") } else { text(u)? };
            map.insert(MapKey::String(key), single(u, &entry.map_entry_value_field().kind())?);
        }
        return Ok(Value::Map(map));
    }
    let mut list = Vec::new();
    for _ in 0..different {
        let one = single(u, &field.kind())?;
        // Many of what is large already would only cost memory.
        let is_large = one.as_message().is_some_and(|message| message.encoded_len() > 1_000);
        list.extend(vec![one; if is_large { 1 } else { times }]);
    }
    Ok(Value::List(list))
}

fn single(u: &mut Unstructured<'_>, kind: &Kind) -> Result<Value> {
    let count = |u: &mut Unstructured<'_>| {
        if choice::chance(u, 7, 8)? { u.choose(COUNTS).copied() } else { u.arbitrary() }
    };
    Ok(match kind {
        Kind::String => Value::String(text(u)?),
        Kind::Bytes => Value::Bytes(u.arbitrary::<Vec<u8>>()?.into()),
        Kind::Bool => Value::Bool(u.arbitrary()?),
        Kind::Double => {
            Value::F64(if choice::chance(u, 7, 8)? { *u.choose(NUMBERS)? } else { u.arbitrary()? })
        }
        Kind::Int32 => Value::I32(count(u)? as i32),
        Kind::Int64 => Value::I64(count(u)?),
        Kind::Uint32 => Value::U32(count(u)? as u32),
        Kind::Uint64 => Value::U64(count(u)? as u64),
        Kind::Enum(_) => {
            Value::EnumNumber(if choice::chance(u, 7, 8)? { u.int_in_range(0..=4)? } else { u.arbitrary()? })
        }
        Kind::Message(message) => Value::Message(draw(u, message)?),
        other => unreachable!("the contract has no {other:?}"),
    })
}

fn text(u: &mut Unstructured<'_>) -> Result<String> {
    Ok(match u.int_in_range(0..=15)? {
        0 => choice::text(u, 8)?.repeat(u.int_in_range(1..=9_000)?),
        1..=4 => choice::text(u, 20)?,
        _ => (*u.choose(TEXTS)?).to_owned(),
    })
}
