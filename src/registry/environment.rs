//! What the registry takes from outside: the time and random bytes. Tests put
//! their own in, so that years pass in milliseconds and ids are known.

use crate::domain::time::Timestamp;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Now, as the machine sees it. It may jump, also backwards; the log's own
    /// time never does.
    fn now(&self) -> Timestamp;
}

/// Draws ids.
pub trait Entropy: Send + Sync + 'static {
    /// 128 bits that nobody has drawn before.
    fn draw(&self) -> [u8; 16];
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond()).unwrap_or(Timestamp::MIN)
    }
}

/// The machine's random numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[allow(clippy::disallowed_methods, reason = "the one place that draws random ids")]
    fn draw(&self) -> [u8; 16] {
        uuid::Uuid::new_v4().into_bytes()
    }
}

/// Both together.
#[derive(Clone)]
pub struct Environment {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub entropy: Arc<dyn Entropy>,
}

impl Environment {
    /// That of the machine.
    pub fn system() -> Self {
        Environment { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) }
    }

    /// 32 bytes that nobody can guess. An id has a few fixed bits; three have more than
    /// enough that are not.
    pub fn secret(&self) -> [u8; 32] {
        let drawn = [self.entropy.draw(), self.entropy.draw(), self.entropy.draw()].concat();
        Sha256::digest(drawn).into()
    }
}
