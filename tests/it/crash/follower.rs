//! Subscribers that go on behind their tokens after every death, and what they
//! got, held against the log.

use super::{
    load::died,
    log::{Log, filters},
    tally::{Offence, Tally},
};
use crate::stream::reader::{Reader, behind, from_the_beginning, impatient, in_batches_of, only, up_to};
use std::collections::BTreeSet;
use steward_registry::{
    audit::merkle::{Hash, leaf_hash},
    proto::v1::{SubscribeAuditEventsRequest, subscribe_audit_events_response::Message},
};
use tonic::transport::Channel;

/// One subscriber.
#[derive(Debug)]
pub struct Follower {
    /// Which of the filters it has.
    filter: Option<usize>,
    batch: i32,
    token: String,
    /// What came and was not judged yet.
    came: Vec<(u64, Hash)>,
    /// Everything before this position was judged.
    next: u64,
    /// Passed over, and not come since.
    missing: BTreeSet<u64>,
}

impl Follower {
    /// Four without and four with a filter, in large and small batches.
    pub fn eight() -> Vec<Self> {
        let new = |(filter, batch)| Follower {
            filter,
            batch,
            token: String::new(),
            came: Vec::new(),
            next: 0,
            missing: BTreeSet::new(),
        };
        let whole = [0, 1, 7, 1_000].map(|batch| (None, batch));
        let filtered = [0, 1, 3, 500].into_iter().enumerate().map(|(n, batch)| (Some(n), batch));
        whole.into_iter().chain(filtered).map(new).collect()
    }

    fn request(&self) -> SubscribeAuditEventsRequest {
        let start = if self.token.is_empty() { from_the_beginning() } else { behind(&self.token) };
        let request = impatient(in_batches_of(self.batch, start));
        match self.filter {
            Some(filter) => only(filters()[filter].clone(), request),
            None => request,
        }
    }

    /// Follows until the server dies, or to the end of a log of this size.
    pub async fn follow(mut self, channel: Channel, size: Option<u64>) -> Self {
        let request = self.request();
        let request = size.map_or(request.clone(), |size| up_to(size - 1, request));
        let mut reader = match Reader::over(&channel, request).await {
            Ok(reader) => reader,
            Err(status) => {
                assert!(size.is_none() && died(&status), "{self:?}: {status:?}");
                return self;
            }
        };
        loop {
            match reader.message().await {
                Ok(Some(Message::Batch(batch))) => {
                    self.came
                        .extend(batch.events.iter().map(|event| (event.position, leaf_hash(&event.leaf))));
                    self.token = batch.resume_token;
                }
                Ok(Some(Message::Progress(progress))) => self.token = progress.resume_token,
                Ok(Some(Message::End(end))) => {
                    assert!(size.is_some(), "{end:?}");
                    self.token = end.resume_token;
                    return self;
                }
                Ok(None) => panic!("a stream ended without a last message"),
                Err(status) => {
                    assert!(size.is_none() && died(&status), "{self:?}: {status:?}");
                    return self;
                }
            }
        }
    }

    /// Holds what came against what is in the log, which outlived the server.
    pub fn judge(&mut self, log: &Log, tally: &mut Tally) {
        for (position, hash) in std::mem::take(&mut self.came) {
            tally.delivered += 1;
            if log.hash(position) != Some(hash) {
                self.blame(tally, Offence::Altered, position);
            } else if position >= self.next {
                self.pass_over(log, position, tally);
                self.next = position + 1;
            } else if self.missing.remove(&position) {
                self.blame(tally, Offence::Reordered, position);
            } else {
                self.blame(tally, Offence::Repeated, position);
            }
        }
    }

    /// Notes what was wanted before a position that came, and whether it was.
    fn pass_over(&mut self, log: &Log, position: u64, tally: &mut Tally) {
        for wanted in log.wanted(self.filter, self.next).take_while(|wanted| *wanted < position) {
            self.missing.insert(wanted);
            self.blame(tally, Offence::Gap, wanted);
        }
        if log.wanted(self.filter, position).next() != Some(position) {
            self.blame(tally, Offence::Unwanted, position);
        }
    }

    /// What came to the end of the log has to be all that was wanted.
    pub fn finish(&mut self, log: &Log, tally: &mut Tally) {
        self.judge(log, tally);
        for wanted in log.wanted(self.filter, self.next) {
            self.blame(tally, Offence::Gap, wanted);
        }
    }

    fn blame(&self, tally: &mut Tally, offence: Offence, position: u64) {
        tally.offence(
            offence,
            format!("position {position}, filter {:?}, batches of {}", self.filter, self.batch),
        );
    }
}
