//! The rooms and their walls, as the table in ARCHITECTURE.md has them.

use super::source::{Named, Source};

/// One room.
pub struct Room {
    name: &'static str,
    may_import: &'static [&'static str],
    never_names: &'static [&'static str],
}

/// Paths that let the world in: clocks, randomness, IO, threads, tasks.
const WORLD: &[&str] = &[
    "async",
    "tokio",
    "SystemTime",
    "Instant",
    "Timestamp::now",
    "Zoned::now",
    "Uuid::new_v4",
    "rand",
    "getrandom",
    "std::fs",
    "std::io",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "tracing",
    "tonic",
    "prost",
    "prost_types",
    "axum",
    "reqwest",
    "sled",
];

/// Files that may say one of these names all the same, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "src/domain/canonical/writer.rs",
        "std::io",
        "serde_json writes through a trait of that module; nothing leaves memory",
    ),
    ("src/domain/webhook/address.rs", "std::net", "addresses as values; nothing is connected"),
];

const ROOMS: &[Room] = &[
    Room { name: "domain", may_import: &[], never_names: WORLD },
    Room { name: "audit", may_import: &[], never_names: WORLD },
    Room {
        name: "store",
        may_import: &["domain"],
        never_names: &["tonic", "prost", "prost_types", "axum", "hyper", "reqwest"],
    },
    Room {
        name: "registry",
        may_import: &["domain", "audit", "store"],
        never_names: &["tonic", "prost", "prost_types", "axum", "hyper", "http", "reqwest", "sled"],
    },
    Room { name: "grpc", may_import: &["registry", "domain", "proto"], never_names: &["sled"] },
    Room {
        name: "outbound",
        may_import: &["registry", "domain"],
        never_names: &["sled", "tonic", "prost", "axum", "hyper"],
    },
    Room { name: "http", may_import: &["registry", "domain"], never_names: &["sled", "tonic"] },
];

/// Wires everything and decides nothing: it may import every room.
const LOBBY: &[&str] = &["main", "lib", "cli", "server", "config", "telemetry", "proto"];

/// The room of a file: the folder or file right below `src`.
pub fn of(file: &str) -> Option<&str> {
    let top = file.strip_prefix("src/")?.split('/').next()?;
    let top = top.strip_suffix(".rs").unwrap_or(top);
    let known = ROOMS.iter().any(|room| room.name == top) || LOBBY.contains(&top);
    known.then_some(top)
}

fn walls(file: &str) -> Option<&'static Room> {
    let room = of(file)?;
    ROOMS.iter().find(|other| other.name == room)
}

/// What the path enters: the first segment below the crate's root.
fn entered<'a>(file: &str, path: &'a Named) -> Option<&'a str> {
    let stem = file.strip_prefix("src/").and_then(|file| file.strip_suffix(".rs")).unwrap_or(file);
    let depth = stem.split('/').filter(|part| *part != "mod").count();
    let supers = path.segments.iter().take_while(|segment| *segment == "super").count();
    match path.segments.first().map(String::as_str) {
        Some("crate" | "steward_registry") => path.segments.get(1).map(String::as_str),
        Some("super") if supers >= depth => path.segments.get(supers).map(String::as_str),
        _ => None,
    }
}

/// Imports of rooms that this one may not see.
pub fn forbidden_imports(source: &Source) -> Vec<String> {
    let Some(room) = walls(&source.file) else { return Vec::new() };
    let mut found = Vec::new();
    for path in source.paths() {
        let Some(other) = entered(&source.file, &path) else { continue };
        if other != room.name && !room.may_import.contains(&other) {
            found.push(format!("{}:{}: {} imports {other}", source.file, path.line, room.name));
        }
    }
    found
}

/// Names that this room must never say.
pub fn forbidden_names(source: &Source) -> Vec<String> {
    let Some(room) = walls(&source.file) else { return Vec::new() };
    let mut found = Vec::new();
    for path in source.paths() {
        for name in room.never_names {
            if EXCEPTIONS.iter().any(|(file, excepted, _)| (*file, excepted) == (&source.file, name)) {
                continue;
            }
            let words: Vec<_> = name.split("::").collect();
            if path.segments.windows(words.len()).any(|window| window == words) {
                found.push(format!("{}:{}: {} names {name}", source.file, path.line, room.name));
            }
        }
    }
    found
}

/// Paths that begin with the crate `sled`, outside its own file.
pub fn names_of_sled(source: &Source) -> Vec<String> {
    if source.file.starts_with("src/store/sled") {
        return Vec::new();
    }
    let into = |path: &&Named| path.segments.len() > 1 && path.segments[0] == "sled";
    source.paths().iter().filter(into).map(|path| format!("{}:{}", source.file, path.line)).collect()
}

fn judged(file: &str, text: &str) -> usize {
    let source = Source::read(file, text);
    forbidden_imports(&source).len()
        + forbidden_names(&source).len()
        + names_of_sled(&source).len()
        + source.panics().len()
}

#[test]
fn the_judge_finds_each_kind_of_fault() {
    let faults = [
        ("src/domain/model.rs", "use crate::store::Engine;"),
        ("src/domain/model.rs", "use crate::{audit::Tree};"),
        ("src/domain/model.rs", "fn f() { super::super::registry::go() }"),
        ("src/domain/model.rs", "use std::{fmt, time::{Duration, Instant}};"),
        ("src/domain/model.rs", "pub async fn f() {}"),
        ("src/audit.rs", "fn f() { super::domain::g() }"),
        ("src/store/memory.rs", "use crate::{domain::Name, proto};"),
        ("src/registry/mod.rs", "fn f() -> tonic::Status { g() }"),
        ("src/registry/feed.rs", "use crate::store::sled::Sled;"),
        ("src/outbound/witness.rs", "use crate::store::beside::Beside;"),
        ("src/registry/witness.rs", "fn f() -> reqwest::Client { g() }"),
        ("src/grpc/model.rs", "use crate :: audit;"),
        ("src/http/metrics.rs", "use { tonic::Code };"),
        ("src/config.rs", "use sled::Db;"),
        ("src/config.rs", "fn f() { x.unwrap() }"),
        ("src/config.rs", "fn f() { panic!(\"no\") }"),
        ("src/config.rs", "#[cfg(test)] mod tests { } fn f() { x.expect(\"\") }"),
    ];
    for (file, text) in faults {
        assert_eq!(judged(file, text), 1, "{file}: {text}");
    }
}

#[test]
fn the_judge_lets_pass_what_is_right() {
    let right = [
        ("src/domain/model.rs", "//! Not crate::store.\nuse super::name::Name; use crate::domain::name;"),
        ("src/domain/model.rs", "/* tokio /* async */ sled */ const A: &str = \"sled::open \\\" async\";"),
        (
            "src/domain/model.rs",
            "const A: &str = r#\"async \"tokio\" \"#; const B: char = '\"'; const C: char = '\\'';",
        ),
        ("src/domain/model.rs", "fn f<'a>(x: &'a str) -> r#type { x }"),
        ("src/domain/model.rs", "#[cfg(test)] mod tests { use crate::store; fn f() { x.unwrap() } }"),
        ("src/store/mod.rs", "mod sled; pub use self::sled::SledEngine;"),
        ("src/store/sled.rs", "use sled::Db; use crate::domain::Name;"),
        ("src/grpc/model.rs", "use crate::{domain::{Model, audit}, proto::v1 as wire, registry};"),
        ("src/server.rs", "use crate::{grpc, store::sled::SledEngine}; fn f() { x.unwrap_or_default() }"),
    ];
    for (file, text) in right {
        assert_eq!(judged(file, text), 0, "{file}: {text}");
    }
}
