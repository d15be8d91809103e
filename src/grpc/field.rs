//! Reading the fields of a message: each becomes a value of the domain or a
//! violation with its path, and all violations are reported together.

use crate::{
    domain::{
        check::{Check, Valid, Violations},
        metadata::{Properties, PropertyValue},
        name::NameError,
        time::Timestamp,
    },
    proto::v1,
    registry::{
        call::{Call, Caller},
        read::ReadAt,
    },
};
use std::{collections::BTreeMap, str::FromStr};
use tonic::Status;

/// Collects what is wrong with a message while it is read.
#[derive(Debug, Default)]
pub struct Fields {
    violations: Violations,
}

impl Fields {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that a field is wrong.
    pub fn refuse(&mut self, field: &str, description: impl Into<String>) {
        self.violations.add(field, description);
    }

    /// Reads the fields of a message that stands in a field.
    pub fn within<R>(&mut self, field: &str, read: impl FnOnce(&mut Self) -> R) -> R {
        let mut violations = std::mem::take(&mut self.violations);
        let result = violations.within(field, |inner| {
            let mut fields = Fields { violations: std::mem::take(inner) };
            let result = read(&mut fields);
            *inner = fields.violations;
            result
        });
        self.violations = violations;
        result
    }

    /// What was read, if nothing is wrong.
    pub fn all<T>(self, values: Option<T>) -> Result<T, Status> {
        self.violations.into_result()?;
        values.ok_or_else(|| Status::internal("a field was neither read nor refused"))
    }

    /// Whether nothing is wrong, where there is no value to read.
    pub fn finish(self) -> Result<(), Status> {
        Ok(self.violations.into_result()?)
    }

    /// A resource name.
    pub fn name<N: FromStr<Err = NameError>>(&mut self, field: &str, text: &str) -> Option<N> {
        self.take(field, text.parse())
    }

    /// Something that a text can be read as.
    pub fn take<T>(&mut self, field: &str, read: Result<T, NameError>) -> Option<T> {
        read.map_err(|error| self.refuse(field, error.0)).ok()
    }

    /// Content that has rules of its own. A field that could not be read is not
    /// judged again: what stands in its place says nothing about the request.
    pub fn valid<T: Check>(&mut self, field: &str, content: T) -> Option<Valid<T>> {
        Valid::new(content, field).map_err(|found| self.refuse_all(&found)).ok()
    }

    /// Says what else is wrong, of fields that are not named yet.
    pub fn refuse_all(&mut self, found: &Violations) {
        let unread: Vec<_> = found.list().iter().filter(|v| !self.violations.names(&v.field)).collect();
        unread.into_iter().for_each(|v| self.refuse(&v.field, v.description.as_str()));
    }

    /// A message that has to be there.
    pub fn required<T>(&mut self, field: &str, message: Option<T>) -> Option<T> {
        if message.is_none() {
            self.refuse(field, "is required");
        }
        message
    }

    /// A time, if there is one.
    pub fn time(&mut self, field: &str, time: Option<prost_types::Timestamp>) -> Option<Timestamp> {
        let time = time?;
        let read = Timestamp::from_parts(time.seconds, time.nanos);
        if read.is_none() {
            self.refuse(field, "is no time between the years 1 and 9999");
        }
        read
    }

    /// A time that has to be there.
    pub fn required_time(&mut self, field: &str, time: Option<prost_types::Timestamp>) -> Option<Timestamp> {
        let time = self.required(field, time);
        self.time(field, time)
    }

    /// A length of time in whole seconds, `default` when absent. Its range is judged with
    /// the rest of the content.
    pub fn seconds(&mut self, field: &str, given: Option<prost_types::Duration>, default: i64) -> i64 {
        match given {
            None => default,
            Some(given) if given.nanos == 0 => given.seconds,
            Some(_) => {
                self.refuse(field, "has to be whole seconds");
                default
            }
        }
    }

    /// An absolute URI.
    pub fn uri(&mut self, field: &str, text: String) -> Option<String> {
        let mut found = Violations::new();
        found.uri(field, &text);
        self.refuse_all(&found);
        found.list().is_empty().then_some(text)
    }

    /// `start_time` and `end_time` of a list, each optional, the end after the start.
    pub fn span(
        &mut self,
        start: Option<prost_types::Timestamp>,
        end: Option<prost_types::Timestamp>,
    ) -> (Option<Timestamp>, Option<Timestamp>) {
        let span = (self.time("start_time", start), self.time("end_time", end));
        if let (Some(start), Some(end)) = span
            && end <= start
        {
            self.refuse("end_time", format!("{end} is not after start_time, {start}"));
        }
        span
    }

    /// The value of an enum; `None` for the unspecified one.
    pub fn enumeration<E: TryFrom<i32> + Into<i32>>(&mut self, field: &str, value: i32) -> Option<E> {
        if value == 0 {
            return None;
        }
        let read = E::try_from(value).ok();
        if read.is_none() {
            self.refuse(
                field,
                format!("{value} is no value of this enum; see the contract for those that are"),
            );
        }
        read
    }

    /// What comes with a change.
    pub fn call(
        &mut self,
        caller: Caller,
        request_id: &str,
        reason: &str,
        etag: &str,
        validate_only: bool,
    ) -> Option<Call> {
        let call = Call::new(caller, request_id, reason, etag, validate_only);
        call.map_err(|found| self.refuse_all(&found)).ok()
    }

    /// What comes with a change that needs a reason.
    pub fn reasoned(&mut self, call: Call) -> Option<Call> {
        call.require_reason().map_err(|found| self.refuse_all(&found)).ok().map(|()| call)
    }

    /// Typed custom properties.
    pub fn properties(&mut self, properties: BTreeMap<String, v1::PropertyValue>) -> Properties {
        use v1::property_value::Kind;
        let mut read = Properties::new();
        for (key, value) in properties {
            let field = format!("properties[{key:?}]");
            let value = match value.kind {
                Some(Kind::StringValue(text)) => Some(PropertyValue::StringValue(text)),
                Some(Kind::DoubleValue(number)) => Some(PropertyValue::DoubleValue(number)),
                Some(Kind::IntValue(number)) => Some(PropertyValue::IntValue(number)),
                Some(Kind::BoolValue(flag)) => Some(PropertyValue::BoolValue(flag)),
                Some(Kind::TimeValue(time)) => self.time(&field, Some(time)).map(PropertyValue::TimeValue),
                None => {
                    self.refuse(&field, "has no value; set one of its kinds");
                    None
                }
            };
            read.extend(value.map(|value| (key, value)));
        }
        read
    }

    /// When to read, from the `read_at` of a request.
    pub fn read_at<R: Into<At>>(&mut self, at: Option<R>) -> ReadAt {
        match at.map(Into::into) {
            None => ReadAt::Present,
            Some(At::Position(position)) => ReadAt::Position(position),
            Some(At::Time(time)) => self.time("read_time", Some(time)).map_or(ReadAt::Present, ReadAt::Time),
        }
    }
}

/// The `read_at` of any request.
pub enum At {
    /// `read_time`.
    Time(prost_types::Timestamp),
    /// `read_position`.
    Position(u64),
}

/// Each request has a `read_at` type of its own; all say the same.
macro_rules! read_at {
    ($($request:ident),*) => {$(
        impl From<v1::$request::ReadAt> for At {
            fn from(at: v1::$request::ReadAt) -> Self {
                match at {
                    v1::$request::ReadAt::ReadTime(time) => At::Time(time),
                    v1::$request::ReadAt::ReadPosition(position) => At::Position(position),
                }
            }
        }
    )*};
}
read_at!(
    get_namespace_request,
    get_model_request,
    get_version_request,
    resolve_version_request,
    get_alias_request,
    get_evaluation_request,
    get_consumer_request,
    get_incident_request,
    get_monitor_request,
    get_proposal_request,
    get_retraining_request,
    get_subscription_request,
    get_upstream_request
);

/// A time on the wire.
pub fn time(time: Timestamp) -> prost_types::Timestamp {
    let (seconds, nanos) = time.parts();
    prost_types::Timestamp { seconds, nanos }
}

/// A length of time in whole seconds on the wire.
pub fn seconds(seconds: i64) -> prost_types::Duration {
    prost_types::Duration { seconds, nanos: 0 }
}

/// A count on the wire, where no larger one occurs.
pub fn int32(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Typed custom properties on the wire.
pub fn properties(properties: Properties) -> BTreeMap<String, v1::PropertyValue> {
    use v1::property_value::Kind;
    let value = |value| match value {
        PropertyValue::StringValue(text) => Kind::StringValue(text),
        PropertyValue::DoubleValue(number) => Kind::DoubleValue(number),
        PropertyValue::IntValue(number) => Kind::IntValue(number),
        PropertyValue::BoolValue(flag) => Kind::BoolValue(flag),
        PropertyValue::TimeValue(at) => Kind::TimeValue(time(at)),
    };
    properties.into_iter().map(|(key, v)| (key, v1::PropertyValue { kind: Some(value(v)) })).collect()
}

/// The order that a list is wanted in: one of the fields, and whether reversed.
pub fn order_by(fields: &mut Fields, text: &str, allowed: &[&'static str]) -> (&'static str, bool) {
    let mut words = text.split_whitespace();
    let first = allowed.first().copied().unwrap_or_default();
    let (field, descending) = match (words.next(), words.next(), words.next()) {
        (None, ..) => return (first, false),
        (Some(field), None, None) | (Some(field), Some("asc"), None) => (field, false),
        (Some(field), Some("desc"), None) => (field, true),
        _ => ("", false),
    };
    match allowed.iter().find(|known| **known == field) {
        Some(known) => (known, descending),
        None => {
            let allowed = allowed.join(", ");
            fields.refuse(
                "order_by",
                format!("{text:?} is not known; use one of {allowed}, with ` desc` for the reverse"),
            );
            (first, false)
        }
    }
}
