//! Who goes on next. A run asks at every point where it could go on in more
//! than one way; all ways are tried one after the other, or many by chance.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// The choices of one run.
pub struct Choices {
    /// What was chosen at each point, and out of how many.
    path: Vec<(usize, usize)>,
    reached: usize,
    /// State of the dice, if what was not chosen yet is left to chance.
    dice: Option<u64>,
}

impl Choices {
    /// One of so many ways.
    pub fn one_of(&mut self, ways: usize) -> usize {
        if self.reached == self.path.len() {
            let chosen = self.dice.as_mut().map_or(0, |dice| usize::try_from(roll(dice)).unwrap() % ways);
            self.path.push((chosen, ways));
        }
        let (chosen, known) = self.path[self.reached];
        assert_eq!(known, ways, "the same choices led to another point: the run is not deterministic");
        self.reached += 1;
        chosen
    }
}

/// SplitMix64.
fn roll(dice: &mut u64) -> u64 {
    *dice = dice.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*dice ^ (*dice >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed ^ (mixed >> 31)) >> 1
}

/// Runs every schedule there is, depth first; answers how many.
pub fn all(mut run: impl FnMut(&mut Choices)) -> usize {
    let mut path = Vec::new();
    for count in 1.. {
        let mut choices = Choices { path, reached: 0, dice: None };
        run(&mut choices);
        path = choices.path;
        while path.last().is_some_and(|(chosen, ways)| chosen + 1 == *ways) {
            path.pop();
        }
        let Some((chosen, _)) = path.last_mut() else { return count };
        *chosen += 1;
    }
    unreachable!("there are not that many schedules")
}

/// Runs so many schedules, each drawn from its number.
pub fn some(count: usize, mut run: impl FnMut(&mut Choices)) -> usize {
    for seed in 0..count as u64 {
        run(&mut Choices { path: Vec::new(), reached: 0, dice: Some(seed) });
    }
    count
}

/// Remembers that a task was woken.
#[derive(Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// When a task that was woken goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// When it is chosen.
    Chosen,
    /// When it is chosen to begin, and at once from then on: what it does is
    /// seen by nobody else, or is held up by the engine instead.
    Begins,
    /// At once.
    Prompt,
}

/// A future that goes on when the schedule says so, and only if it was woken.
pub struct Task {
    /// For the schedule that is printed.
    pub name: String,
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    bell: Arc<Bell>,
    pace: Pace,
    begun: bool,
}

impl Task {
    /// A task that has not begun.
    pub fn new(name: impl Into<String>, pace: Pace, future: impl Future<Output = ()> + 'static) -> Self {
        let bell = Arc::new(Bell(AtomicBool::new(true)));
        Task { name: name.into(), future: Some(Box::pin(future)), bell, pace, begun: false }
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether it goes on without being chosen.
    pub fn is_prompt(&self) -> bool {
        self.pace == Pace::Prompt || (self.pace == Pace::Begins && self.begun)
    }

    /// Whether it could go on.
    pub fn is_woken(&self) -> bool {
        self.future.is_some() && self.bell.0.load(Ordering::SeqCst)
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.future.is_none()
    }

    /// Ends it where it stands.
    pub fn leave(&mut self) {
        self.future = None;
    }

    /// Begins, if it has not.
    pub fn begin(&mut self) {
        if !self.begun {
            self.poll();
        }
    }

    /// Goes on.
    pub fn poll(&mut self) {
        self.begun = true;
        self.bell.0.store(false, Ordering::SeqCst);
        let Some(future) = &mut self.future else { return };
        let waker = Waker::from(self.bell.clone());
        if let Poll::Ready(()) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            self.future = None;
        }
    }
}
