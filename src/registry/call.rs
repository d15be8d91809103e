//! What comes with every change besides its content: who, why, and how a
//! repeat is recognised.

use super::error::Error;
use crate::domain::{check::Violations, person::Personal, resource::ResourceName};

/// Who calls. It comes from one place (`grpc/identity.rs`), which access
/// control will replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// CloudEvents `authid`.
    pub actor: String,
    /// CloudEvents `authtype`.
    pub auth_type: &'static str,
    /// W3C trace context, where known.
    pub traceparent: Option<String>,
    /// Whether the answer waits for a signed checkpoint that covers the change.
    pub waits_for_checkpoint: bool,
}

/// What comes with a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Who calls.
    pub caller: Caller,
    /// Recognises a repeat.
    pub request_id: Option<String>,
    /// Why; may be empty.
    pub reason: String,
    /// The state that the caller has seen; empty means any.
    pub etag: String,
    /// Check only.
    pub validate_only: bool,
}

impl Call {
    /// Checks what comes with a change. An empty `request_id` means none.
    pub fn new(
        caller: Caller,
        request_id: &str,
        reason: &str,
        etag: &str,
        validate_only: bool,
    ) -> Result<Self, Violations> {
        let mut violations = Violations::new();
        if request_id.len() > 64 || !request_id.bytes().all(|b| b.is_ascii_graphic()) {
            violations.add("request_id", "has to be 1-64 printable ASCII characters, such as a UUID");
        }
        violations.text("reason", reason, 0, 1_000);
        violations.into_result()?;
        Ok(Call {
            caller,
            request_id: (!request_id.is_empty()).then(|| request_id.to_owned()),
            reason: reason.to_owned(),
            etag: etag.to_owned(),
            validate_only,
        })
    }

    /// A change that Steward makes by itself.
    pub fn by_system(reason: &str) -> Self {
        Call {
            caller: Caller {
                actor: "steward".to_owned(),
                auth_type: "system",
                traceparent: None,
                waits_for_checkpoint: false,
            },
            request_id: None,
            reason: reason.to_owned(),
            etag: String::new(),
            validate_only: false,
        }
    }

    /// Some verbs need a reason.
    pub fn require_reason(&self) -> Result<(), Violations> {
        if self.reason.trim().is_empty() {
            return Err(Violations::one("reason", "is required: say why, in 1-1,000 characters"));
        }
        Ok(())
    }
}

/// A resource with the position of its last change.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored<T> {
    /// The resource.
    pub value: T,
    /// Position of the event that made this state; `None` when it was only
    /// checked and not written.
    pub position: Option<u64>,
}

impl<T: Personal> Personal for Stored<T> {
    fn visit(&mut self, see: &mut dyn FnMut(&mut String)) {
        self.value.visit(see);
    }
}

impl<T> Stored<T> {
    /// Identifies this state of the resource.
    pub fn etag(&self) -> String {
        self.position.map(|position| format!("p{position}")).unwrap_or_default()
    }

    /// Refuses a caller who has seen another state.
    pub fn require_etag(&self, given: &str, name: impl Into<ResourceName>) -> Result<(), Error> {
        let present = self.etag();
        if given.is_empty() || given == present {
            return Ok(());
        }
        Err(Error::Stale { name: name.into().to_string(), present, given: given.to_owned() })
    }
}
