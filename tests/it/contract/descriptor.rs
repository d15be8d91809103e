//! Reads the embedded descriptor set: the files, messages and methods of
//! `steward.v1` with their options and comments.

use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor,
    MethodDescriptor, ServiceDescriptor, Value,
};
use std::{collections::BTreeSet, fmt};

/// Something that breaks a rule.
pub struct Offence {
    /// `Message.field`, `Message`, `Service.Method` or a file.
    place: String,
    file: String,
    what: String,
}

impl Offence {
    /// Whether an exception for this place, or for this fault of it, covers it.
    pub fn is_at(&self, place: &str) -> bool {
        place == self.place || place == format!("{}: {}", self.place, self.what)
    }
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.file, self.place, self.what)
    }
}

/// What a resource says of itself in its `google.api.resource` option.
pub struct Resource {
    pub message: MessageDescriptor,
    pub kind: String,
    pub patterns: Vec<String>,
    pub plural: String,
    pub singular: String,
}

/// All of `steward.v1`.
pub struct Contract {
    pool: DescriptorPool,
}

impl Contract {
    pub fn load() -> Self {
        let pool = DescriptorPool::decode(steward_registry::proto::DESCRIPTOR_SET).expect("a descriptor set");
        let contract = Self { pool };
        assert!(contract.messages().len() > 50, "the descriptor set holds too little to judge");
        assert!(contract.resources().len() > 4, "the google.api options were lost on the way");
        contract
    }

    pub fn files(&self) -> Vec<FileDescriptor> {
        self.pool.files().filter(|file| file.package_name() == "steward.v1").collect()
    }

    pub fn services(&self) -> Vec<ServiceDescriptor> {
        self.pool.services().filter(|service| service.package_name() == "steward.v1").collect()
    }

    pub fn methods(&self) -> Vec<MethodDescriptor> {
        self.services().iter().flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
    }

    /// The methods that change something in the log.
    pub fn mutations(&self) -> Vec<MethodDescriptor> {
        const READS: [&str; 7] = ["Get", "Judge", "List", "Query", "Resolve", "Simulate", "Subscribe"];
        /// They change what stands beside the log, at most, and are safe to repeat by themselves.
        const BESIDE: [&str; 3] = ["ReadSubscription", "AcknowledgeEvents", "TestWebhook"];
        let mut methods = self.methods();
        methods.retain(|method| !BESIDE.contains(&method.name()));
        methods.retain(|method| !READS.iter().any(|verb| method.name().starts_with(verb)));
        methods
    }

    /// The methods whose name is `verb` and a noun, with the noun.
    pub fn methods_with_verb(&self, verb: &str) -> Vec<(MethodDescriptor, String)> {
        let noun = |method: &MethodDescriptor| method.name().strip_prefix(verb).map(str::to_owned);
        self.methods().into_iter().filter_map(|method| noun(&method).map(|noun| (method, noun))).collect()
    }

    /// All messages but the entries of maps.
    pub fn messages(&self) -> Vec<MessageDescriptor> {
        let ours = |message: &MessageDescriptor| message.package_name() == "steward.v1";
        self.pool.all_messages().filter(ours).filter(|message| !message.is_map_entry()).collect()
    }

    pub fn fields(&self) -> Vec<FieldDescriptor> {
        self.messages().iter().flat_map(|message| message.fields().collect::<Vec<_>>()).collect()
    }

    pub fn enums(&self) -> Vec<EnumDescriptor> {
        self.pool.all_enums().filter(|list| list.package_name() == "steward.v1").collect()
    }

    /// Requests, resources, and every message they are made of: what a caller
    /// can send or a resource can hold.
    pub fn sent_or_kept(&self) -> Vec<MessageDescriptor> {
        let mut open: Vec<_> = self.methods().iter().map(|method| method.input()).collect();
        open.extend(self.resources().into_iter().map(|resource| resource.message));
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        while let Some(message) = open.pop() {
            if message.package_name() != "steward.v1" || !seen.insert(message.full_name().to_owned()) {
                continue;
            }
            open.extend(message.fields().filter_map(|field| value_message(&field)));
            if !message.is_map_entry() {
                found.push(message);
            }
        }
        found
    }

    pub fn resources(&self) -> Vec<Resource> {
        self.messages().into_iter().filter_map(|message| self.resource(message)).collect()
    }

    /// The resource whose message or plural is this noun in CamelCase.
    pub fn resource_named(&self, noun: &str) -> Option<Resource> {
        let same = |resource: &Resource| {
            resource.message.name() == noun || resource.plural.eq_ignore_ascii_case(noun)
        };
        self.resources().into_iter().find(same)
    }

    fn resource(&self, message: MessageDescriptor) -> Option<Resource> {
        let option = self.option(&message.options(), "google.api.resource")?;
        let option = option.as_message()?;
        let text = |name: &str| match option.get_field_by_name(name) {
            Some(value) => value.as_str().unwrap_or_default().to_owned(),
            None => String::new(),
        };
        let patterns = option.get_field_by_name("pattern")?;
        let patterns = patterns.as_list()?.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let (kind, plural, singular) = (text("type"), text("plural"), text("singular"));
        Some(Resource { message, kind, patterns, plural, singular })
    }

    /// The field's `google.api.field_behavior`, such as `["REQUIRED"]`.
    pub fn behaviours(&self, field: &FieldDescriptor) -> Vec<String> {
        let Some(option) = self.option(&field.options(), "google.api.field_behavior") else {
            return Vec::new();
        };
        let names = self.pool.get_enum_by_name("google.api.FieldBehavior").expect("the enum of behaviours");
        let number = |value: &Value| value.as_enum_number();
        let name = |number| names.get_value(number).map(|value| value.name().to_owned());
        option.as_list().unwrap_or_default().iter().filter_map(number).filter_map(name).collect()
    }

    /// The resource type that a field refers to: `("type" | "child_type", name)`.
    pub fn reference(&self, field: &FieldDescriptor) -> Option<(&'static str, String)> {
        let option = self.option(&field.options(), "google.api.resource_reference")?;
        ["type", "child_type"].into_iter().find_map(|which| {
            let value = option.as_message()?.get_field_by_name(which)?;
            value.as_str().filter(|name| !name.is_empty()).map(|name| (which, name.to_owned()))
        })
    }

    fn option(&self, options: &DynamicMessage, name: &str) -> Option<Value> {
        let extension = self.pool.get_extension_by_name(name).expect("a google.api extension");
        options.has_extension(&extension).then(|| options.get_extension(&extension).into_owned())
    }
}

/// The comment that stands before the thing at a path of its file, in one line.
pub fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let info =
        file.file_descriptor_proto().source_code_info.as_ref().expect("comments in the descriptor set");
    let location = info.location.iter().find(|location| location.path == path);
    let text = location.map(|location| location.leading_comments()).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The message that a field holds, also as a list; for a map its entry.
pub fn value_message(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    field.kind().as_message().cloned()
}

/// `Model` for a field of that message, also in a list.
pub fn type_name(field: &FieldDescriptor) -> String {
    match field.kind() {
        Kind::Message(message) if message.package_name() == "steward.v1" => message.name().to_owned(),
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(list) => list.name().to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// `display_name` for `DisplayName` or `displayName`.
pub fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

/// An offence of a field.
pub fn by_field(field: &FieldDescriptor, what: impl Into<String>) -> Offence {
    let message = field.parent_message();
    let place = format!("{}.{}", message.name(), field.name());
    Offence { place, file: message.parent_file().name().to_owned(), what: what.into() }
}

/// An offence of a message.
pub fn by_message(message: &MessageDescriptor, what: impl Into<String>) -> Offence {
    let file = message.parent_file().name().to_owned();
    Offence { place: message.name().to_owned(), file, what: what.into() }
}

/// An offence of a method.
pub fn by_method(method: &MethodDescriptor, what: impl Into<String>) -> Offence {
    let service = method.parent_service();
    let place = format!("{}.{}", service.name(), method.name());
    Offence { place, file: service.parent_file().name().to_owned(), what: what.into() }
}

/// An offence of anything else.
pub fn by_place(file: &FileDescriptor, place: impl Into<String>, what: impl Into<String>) -> Offence {
    Offence { place: place.into(), file: file.name().to_owned(), what: what.into() }
}
