//! What lies in the store beside states: records, heads, index numbers, the watermark.
//! Bytes of anybody are read or refused; what is written reads back as it was.

use arbitrary::{Result, Unstructured};
use bytes::Bytes;
use std::collections::HashMap;
use steward_registry::store::{
    engine::Head,
    head,
    record::{RequestRecord, StateRecord, decode_number, encode_number},
    watermark::Watermark,
};

/// The input as the bytes of each, and as the values of each.
pub fn check(data: &[u8]) {
    of_bytes(data);
    let _ = of_values(&mut Unstructured::new(data));
}

fn of_bytes(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    if let Ok(record) = StateRecord::decode(&bytes) {
        assert_eq!(StateRecord::encode(record.position, &record.json), bytes);
    }
    if let Ok(record) = RequestRecord::decode(data) {
        assert_eq!(RequestRecord::decode(&record.encode().unwrap()), Ok(record));
    }
    if let Ok(number) = decode_number(data) {
        assert_eq!(encode_number(number), bytes);
    }
    if let Ok(head) = head::decode(data) {
        assert_eq!(head::decode(&head::encode(&head).unwrap()).unwrap(), head);
    }
    if let Ok(log) = head::log_of(data) {
        assert_eq!(head::key(log), bytes);
    }
    if let Ok(watermark) = serde_json::from_slice::<Watermark>(data) {
        let text = serde_json::to_vec(&watermark).unwrap();
        assert_eq!(serde_json::from_slice::<Watermark>(&text).unwrap(), watermark);
    }
}

fn of_values(u: &mut Unstructured<'_>) -> Result<()> {
    let (position, json) = (u.arbitrary()?, u.arbitrary::<Vec<u8>>()?);
    let record = StateRecord::decode(&StateRecord::encode(position, &json));
    assert_eq!(record.is_ok(), !json.is_empty(), "a record without a state is cut short");
    let head = Head {
        log_id: u.arbitrary()?,
        epoch: u.arbitrary()?,
        size: u.arbitrary()?,
        root: u.arbitrary()?,
        frontier: u.arbitrary()?,
        batch_id: u.arbitrary()?,
        time: u.arbitrary()?,
        previous_size: u.arbitrary()?,
        previous_frontier: u.arbitrary()?,
    };
    assert_eq!(head::decode(&head::encode(&head).unwrap()).unwrap(), head);
    let heads = HashMap::from([("default".to_owned(), head.clone())]);
    let watermark = Watermark::of(&heads);
    assert_eq!(watermark.ahead_of(&heads), None);
    let older = Head { size: head.size.saturating_sub(1), ..head.clone() };
    let behind = watermark.ahead_of(&HashMap::from([("default".to_owned(), older)]));
    assert_eq!(behind.is_some(), head.size > 0);
    Ok(())
}
