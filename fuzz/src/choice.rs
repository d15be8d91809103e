//! Values drawn from the bytes of an input, for targets that need more than a text.

use arbitrary::{Result, Unstructured};
use steward_registry::domain::{
    name::{
        AliasId, AliasName, EvaluationId, EvaluationName, ModelId, ModelName, NamespaceId, NamespaceName,
    },
    name::{VersionName, VersionNumber},
    resource::ResourceName,
    time::Timestamp,
};

/// A text of the input, as far as it is one; `None` where no target would look at it.
pub fn text_of(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// Whether something happens that does `n` times of `of`. Nothing does at the end of the
/// input, so that whatever goes on by chance comes to an end.
pub fn chance(u: &mut Unstructured<'_>, n: u8, of: u8) -> Result<bool> {
    Ok(!u.is_empty() && u.ratio(n, of)?)
}

/// A text of at most `max` characters, in which ASCII, other letters and signs
/// that mean something to somebody are all likely.
pub fn text(u: &mut Unstructured<'_>, max: usize) -> Result<String> {
    const SIGNS: [char; 16] =
        ['é', 'ß', '語', '🦀', '\u{2028}', '\0', '\n', '"', '\'', '\\', '%', '/', '*', ' ', 'Σ', 'İ'];
    let length = u.int_in_range(0..=max)?;
    let mut text = String::new();
    for _ in 0..length {
        if u.is_empty() {
            break;
        }
        text.push(match u.arbitrary::<u8>()? {
            byte @ b' '..=b'~' => char::from(byte),
            byte => SIGNS[usize::from(byte) % SIGNS.len()],
        });
    }
    Ok(text)
}

/// Any time that exists.
pub fn time(u: &mut Unstructured<'_>) -> Result<Timestamp> {
    let micros = u.int_in_range(Timestamp::MIN.micros()..=Timestamp::MAX.micros())?;
    Ok(Timestamp::from_micros(micros).expect("within the range"))
}

/// An id from a part of the input, or a plain one where that part is none.
fn id<T>(u: &mut Unstructured<'_>, read: impl Fn(&str) -> Option<T>, plain: [&str; 3]) -> Result<T> {
    let drawn = if chance(u, 1, 2)? { read(&text(u, 12)?) } else { None };
    let plain = u.choose(&plain)?;
    Ok(drawn.or_else(|| read(plain)).expect("plain ids are ids"))
}

/// A namespace.
pub fn namespace(u: &mut Unstructured<'_>) -> Result<NamespaceId> {
    id(u, |text| NamespaceId::new(text).ok(), ["default", "a", "a-b"])
}

/// A model.
pub fn model(u: &mut Unstructured<'_>) -> Result<ModelName> {
    let model = id(u, |text| ModelId::new(text).ok(), ["m", "m n", "é"])?;
    Ok(ModelName { namespace: namespace(u)?, model })
}

/// A version.
pub fn version(u: &mut Unstructured<'_>) -> Result<VersionName> {
    let number = i64::from(u.int_in_range(1..=u32::MAX)?);
    Ok(VersionName { model: model(u)?, number: VersionNumber::new(number).expect("from 1") })
}

/// An alias.
pub fn alias(u: &mut Unstructured<'_>) -> Result<AliasName> {
    let alias = id(u, |text| AliasId::new(text).ok(), ["a", "a.b", "production"])?;
    Ok(AliasName { model: model(u)?, alias })
}

/// An evaluation.
pub fn evaluation(u: &mut Unstructured<'_>) -> Result<EvaluationName> {
    let evaluation = id(u, |text| EvaluationId::new(text).ok(), ["1", "e", "e_1"])?;
    Ok(EvaluationName { version: version(u)?, evaluation })
}

/// Any resource.
pub fn resource(u: &mut Unstructured<'_>) -> Result<ResourceName> {
    Ok(match u.int_in_range(0..=4)? {
        0 => NamespaceName(namespace(u)?).into(),
        1 => model(u)?.into(),
        2 => version(u)?.into(),
        3 => alias(u)?.into(),
        _ => evaluation(u)?.into(),
    })
}
