//! Paths of fields in errors: a client has to find in its request what is named.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

/// Whether the path, such as `version.labels["a.b"]`, leads to a field or a oneof
/// of the message, and through lists and maps only where there are any.
pub fn leads(message: &MessageDescriptor, path: &str) -> bool {
    let end = path.find(['.', '[']).unwrap_or(path.len());
    let (name, rest) = path.split_at(end);
    match message.get_field_by_name(name) {
        Some(field) => into(&field, rest),
        None => rest.is_empty() && message.oneofs().any(|oneof| oneof.name() == name),
    }
}

/// What follows the name of a field: an index or a key, and the fields below.
fn into(field: &FieldDescriptor, rest: &str) -> bool {
    let is_many = field.is_list() || field.is_map();
    let (rest, entered) = match rest.strip_prefix('[') {
        None => (rest, !is_many),
        Some(inside) if is_many => match after_index(inside, field.is_map()) {
            Some(rest) => (rest, true),
            None => return false,
        },
        Some(_) => return false,
    };
    let Some(below) = rest.strip_prefix('.') else { return rest.is_empty() };
    match kind(field) {
        Kind::Message(message) => entered && leads(&message, below),
        _ => false,
    }
}

fn kind(field: &FieldDescriptor) -> Kind {
    match field.kind() {
        Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
        kind => kind,
    }
}

/// What stands behind `0]` or `"key"]`.
fn after_index(inside: &str, quoted: bool) -> Option<&str> {
    if !quoted {
        let (digits, rest) = inside.split_once(']')?;
        return digits.parse::<usize>().ok().map(|_| rest);
    }
    let mut letters = inside.strip_prefix('"')?.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            '"' => return inside[at + 2..].strip_prefix(']'),
            _ => {}
        }
    }
    None
}
