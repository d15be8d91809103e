//! States as JSON, from the store and from the log: what is read has one canonical
//! form, which reads back as the same and is no longer than it may be.

use steward_registry::domain::{
    canonical,
    resource::{Kind, Resource},
};

const KINDS: [Kind; 5] = [Kind::Namespace, Kind::Model, Kind::Version, Kind::Alias, Kind::Evaluation];

/// The input as a resource of each kind.
pub fn check(data: &[u8]) {
    for kind in KINDS {
        let Ok(resource) = Resource::from_json(kind, data) else { continue };
        assert_eq!(resource.name().kind(), kind);
        let json = canonical::to_vec(&resource).expect("what can be read can be written");
        let again = Resource::from_json(kind, &json).expect("what was written can be read");
        assert_eq!(again, resource, "{}", String::from_utf8_lossy(&json));
        assert_eq!(canonical::to_vec(&again).unwrap(), json, "one form");
    }
}
