//! What happens to a log and its readers, as numbers that shrink well.

use crate::{
    ask::{Ask, describe_model, record_batch, set_alias},
    support::create_model,
};
use proptest::prelude::*;

/// One step. Readers and moments are counted from those there are.
#[derive(Clone, Debug)]
pub enum Step {
    /// A mutation of one event or of many.
    Append(Append),
    /// The same while somebody waits for what comes next.
    AppendWhileRead(Append, usize),
    /// So many mutations at once.
    AppendTogether(usize),
    /// A call that is refused, or only tried.
    Refused(usize),
    /// The newest mutation again, under its request id.
    Repeat,
    Subscribe {
        start: Begin,
        filter: usize,
        stop: Option<u64>,
        batch: i32,
    },
    /// Reads so many messages, or as many as are due.
    Read(usize, usize),
    CatchUp(usize),
    /// Leaves a stream and resumes with the newest token but so many.
    Resume(usize, usize),
    /// Lets ten minutes pass in which nobody reads.
    Stall,
    /// Shuts down in order, and starts again.
    Drain,
    /// Cuts all streams, and starts again.
    Restart,
}

#[derive(Clone, Debug)]
pub struct Append {
    pub events: usize,
    pub model: usize,
    pub actor: usize,
}

#[derive(Clone, Debug)]
pub enum Begin {
    Earliest,
    Latest,
    Position(u64),
    /// At a moment that had been the present.
    Time(usize),
}

/// Names of which one begins as the other does.
pub const MODELS: [&str; 2] = ["m", "mm"];
pub const ACTORS: [Option<&str>; 3] = [None, Some("ann"), Some("bob")];

impl Append {
    pub fn model(&self) -> &'static str {
        MODELS[self.model]
    }

    pub fn actor(&self) -> Option<&'static str> {
        ACTORS[self.actor]
    }

    pub fn ask(&self, id: &str) -> Ask {
        match self.events {
            1 => describe_model(self.model(), id, ""),
            events => record_batch(self.model(), 1, id, events),
        }
        .with_request_id(id)
    }
}

/// Calls that write nothing.
pub fn refused(kind: usize) -> Ask {
    match kind {
        0 => create_model("m").into(),
        1 => describe_model("m", "never", "p0"),
        2 => set_alias("m", "production", 1, ""),
        3 => record_batch("m", 9, "never", 3),
        _ => describe_model("m", "never", "").validate_only(),
    }
}

fn append() -> impl Strategy<Value = Append> {
    let events = prop_oneof![3 => Just(1), 2 => 2..5usize, 1 => 5..20usize];
    (events, 0..MODELS.len(), 0..ACTORS.len()).prop_map(|(events, model, actor)| Append {
        events,
        model,
        actor,
    })
}

fn begin() -> impl Strategy<Value = Begin> {
    prop_oneof![
        Just(Begin::Earliest),
        Just(Begin::Latest),
        (0..200u64).prop_map(Begin::Position),
        (0..40usize).prop_map(Begin::Time),
    ]
}

fn subscribe() -> impl Strategy<Value = Step> {
    let filter = prop_oneof![2 => Just(0), 3 => 0..super::expected::FILTERS];
    let stop = proptest::option::weighted(0.4, 0..80u64);
    let batch = prop_oneof![3 => 1..6i32, 1 => Just(500)];
    (begin(), filter, stop, batch).prop_map(|(start, filter, stop, batch)| Step::Subscribe {
        start,
        filter,
        stop,
        batch,
    })
}

pub fn step() -> impl Strategy<Value = Step> {
    let reader = || 0..8usize;
    prop_oneof![
        12 => append().prop_map(Step::Append),
        3 => (append(), reader()).prop_map(|(append, reader)| Step::AppendWhileRead(append, reader)),
        2 => (2..6usize).prop_map(Step::AppendTogether),
        1 => (0..5usize).prop_map(Step::Refused),
        1 => Just(Step::Repeat),
        6 => subscribe(),
        10 => (reader(), 1..5usize).prop_map(|(reader, messages)| Step::Read(reader, messages)),
        3 => reader().prop_map(Step::CatchUp),
        4 => (reader(), 0..4usize).prop_map(|(reader, back)| Step::Resume(reader, back)),
        1 => Just(Step::Stall),
        1 => Just(Step::Drain),
        1 => Just(Step::Restart),
    ]
}
