//! One run: the processes, their callers, and what holds after every step.

use super::{
    ask::{Ask, Verb},
    engine::{Disk, Durable, Fault, Held, Progress},
    judge::{self, Told},
    namespace,
    schedule::{Choices, Pace, Task},
};
use crate::{
    domain::time::Timestamp,
    registry::{
        committer::Committer,
        environment::{Clock, Entropy, Environment},
        feed::{Feed, Limits},
        log::{Log, WAITING},
        states::Store,
    },
    store::{engine::Caps, keys},
};
use std::{
    cell::RefCell,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{runtime::Runtime, sync::mpsc};

/// What a run begins with.
#[derive(Clone)]
pub struct Plan {
    pub asks: Vec<Ask>,
    pub faults: Vec<Fault>,
    /// Whether somebody reads the past meanwhile.
    pub reads_past: bool,
    /// Whether the callers are alike: then it is enough that they begin in
    /// their order, and the other schedules are the same with other names.
    pub alike: bool,
    /// Whether all callers but the first begin at once.
    pub crowds: bool,
    /// Whether request ids are swept meanwhile.
    pub sweeps: bool,
    /// Whether the reads of callers wait.
    pub slow_callers: bool,
    /// Whether the reads of committers wait.
    pub slow_committers: bool,
    pub processes: usize,
    pub caps: Caps,
}

/// One change fills a batch.
pub const FULL_WITH_ONE: Caps = Caps { max_writes: 2, ..Caps::EMBEDDED };

impl Plan {
    pub fn of(asks: impl IntoIterator<Item = Ask>) -> Self {
        Plan {
            asks: asks.into_iter().collect(),
            faults: Vec::new(),
            reads_past: false,
            alike: false,
            crowds: false,
            sweeps: false,
            slow_callers: false,
            slow_committers: false,
            processes: 1,
            caps: FULL_WITH_ONE,
        }
    }
}

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A task goes on.
    Go(usize),
    /// A caller stops waiting.
    Leave(usize),
    /// An operation of the engine goes on.
    Engine(usize, Progress),
}

#[derive(Default)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

struct Counter(AtomicU64);

impl Counter {
    /// Draws what was not drawn before.
    fn after(base: &Durable) -> Self {
        Counter(AtomicU64::new((base.size() + 1) << 32))
    }
}

impl Entropy for Counter {
    fn draw(&self) -> [u8; 16] {
        u128::from(self.0.fetch_add(1, Ordering::SeqCst)).to_be_bytes()
    }
}

/// One run.
pub struct World {
    plan: Plan,
    clock: Arc<TestClock>,
    environment: Environment,
    disk: Arc<Mutex<Disk>>,
    told: Rc<RefCell<Told>>,
    tasks: Vec<Task>,
    /// Which of the tasks are callers.
    callers: Vec<usize>,
    feeds: Vec<Arc<Feed>>,
    /// Where the run begins.
    base: Durable,
    taken: Vec<Step>,
}

/// Longer than any request id is remembered.
const DAYS: i64 = 48 * 3_600 * 1_000_000;
/// A run that takes more steps goes round in circles.
const MOST_STEPS: usize = 1_000;
/// Whoever is told of every new size.
const FOLLOWER: &str = "follower";
/// The request id that was used so long ago that it may be forgotten.
pub const OLD_ID: &str = "old";

/// The models `a` and `b`, made two days ago.
pub fn base() -> Durable {
    let asks = [Ask::new(".", Verb::Create("a")).with_id(OLD_ID), Ask::new(".", Verb::Create("b"))];
    let mut durable = Durable::default();
    for ask in asks {
        let mut world = World::new(Plan::of([ask]), durable);
        world.restart(&[0]);
        durable = world.disk.lock().unwrap().durable.clone();
    }
    durable
}

impl World {
    fn new(plan: Plan, base: Durable) -> Self {
        let clock = Arc::new(TestClock::default());
        let environment = Environment { clock: clock.clone(), entropy: Arc::new(Counter::after(&base)) };
        // Days after all that there is.
        clock.0.store(base.head.as_ref().map_or(0, |head| head.time + DAYS), Ordering::SeqCst);
        let disk = Disk::new(base.clone(), plan.caps, &plan.faults);
        let told = Told { outcomes: vec![None; plan.asks.len()], ..Told::default() };
        let told = Rc::new(RefCell::new(told));
        let (tasks, callers, feeds, taken) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        World { plan, clock, environment, disk, told, tasks, callers, feeds, base, taken }
    }

    /// Runs one schedule of a plan, and judges it.
    pub fn run(plan: &Plan, base: &Durable, choices: &mut Choices, time: &Runtime) {
        let mut world = World::new(plan.clone(), base.clone());
        let logs: Vec<_> =
            (0..plan.processes).map(|number| world.open(&format!("committer {number}"))).collect();
        for (index, ask) in plan.asks.iter().enumerate() {
            world.call(&logs[ask.process], index);
        }
        if plan.reads_past {
            world.read_past(&logs[0]);
        }
        if plan.sweeps {
            world.sweep(&logs[0]);
        }
        drop(logs);
        world.go_on(choices, time);
        world.judge();
        let unsettled = world.told.borrow().unsettled(&world.plan.asks);
        if !unsettled.is_empty() {
            world.restart(&unsettled);
            world.judge();
        }
    }

    /// Opens the log as a process does.
    fn open(&mut self, committer: &str) -> Arc<Log> {
        let held = |slow| Held { disk: self.disk.clone(), slow };
        let (outside, inside) =
            (Arc::new(held(self.plan.slow_callers)), Arc::new(held(self.plan.slow_committers)));
        let store: Store = Store::from(outside as Arc<_>);
        let (states, directory) = (store.states.clone(), store.directory.clone());
        let within = Store { engine: inside, states, directory };
        let head = self.disk.lock().unwrap().durable.head.clone();
        let committing =
            Committer::new(namespace(), within, self.environment.clone(), Limits::default(), head).unwrap();
        let (work, receiver) = mpsc::channel(WAITING);
        let (feed, status) = (committing.feed.clone(), committing.status.clone());
        let resolutions = committing.resolutions.clone();
        let environment = self.environment.clone();
        self.feeds.push(feed.clone());
        self.follow(&feed);
        // Until somebody asks, it does not matter when it begins.
        let mut task = Task::new(committer, Pace::Chosen, committing.run(receiver));
        task.poll();
        self.tasks.push(task);
        Arc::new(Log { namespace: namespace(), feed, resolutions, store, environment, status, work })
    }

    fn call(&mut self, log: &Arc<Log>, index: usize) {
        let (log, disk, told, ask) =
            (log.clone(), self.disk.clone(), self.told.clone(), self.plan.asks[index]);
        self.callers.push(self.tasks.len());
        self.tasks.push(Task::new(format!("caller {}", ask.who), Pace::Begins, async move {
            let outcome = log.mutate(Arc::new(ask.verb), ask.call(), ask.digest()).await;
            judge::rests_on_what_is_durable(&outcome, &disk.lock().unwrap().durable);
            told.borrow_mut().outcomes[index] = Some(outcome);
        }));
    }

    /// Somebody is told what the log held at a time, and then the clock is set
    /// back behind it.
    fn read_past(&mut self, log: &Arc<Log>) {
        let (log, disk, told, clock) =
            (log.clone(), self.disk.clone(), self.told.clone(), self.clock.clone());
        self.tasks.push(Task::new("reader of the past", Pace::Begins, async move {
            let past = clock.now().plus_micros(1_000);
            log.settle(past).await;
            let size = disk.lock().unwrap().durable.size_at(past);
            told.borrow_mut().past.push((past, size));
        }));
    }

    fn sweep(&mut self, log: &Arc<Log>) {
        let (log, told) = (log.clone(), self.told.clone());
        self.tasks.push(Task::new("sweeper", Pace::Begins, async move {
            let swept = log.sweep(vec![keys::request(&namespace(), OLD_ID)]).await;
            told.borrow_mut().swept = Some(swept);
        }));
    }

    /// Somebody who is told of every new size, until the log is closed.
    fn follow(&mut self, feed: &Arc<Feed>) {
        let (mut size, told, number) = (feed.watch(), self.told.clone(), self.feeds.len() - 1);
        told.borrow_mut().followed.push(feed.size());
        let mut follower = Task::new(FOLLOWER, Pace::Prompt, async move {
            while size.changed().await.is_ok() {
                told.borrow_mut().followed[number] = *size.borrow_and_update();
            }
        });
        follower.poll();
        self.tasks.push(follower);
    }

    /// Everything that can happen next.
    fn steps(&self) -> Vec<Step> {
        let woken =
            (0..self.tasks.len()).filter(|index| self.tasks[*index].is_woken() && self.may_go(*index));
        let asks = self.plan.asks.iter().zip(&self.callers);
        let leavers =
            asks.filter(|(ask, index)| ask.leaves && !self.tasks[**index].is_over()).map(|(_, index)| *index);
        let operations = self.disk.lock().unwrap().steps().into_iter();
        woken
            .map(Step::Go)
            .chain(operations.map(|(index, progress)| Step::Engine(index, progress)))
            .chain(leavers.map(Step::Leave))
            .collect()
    }

    /// Whether it is the turn of a task that was woken.
    fn may_go(&self, index: usize) -> bool {
        let Some(number) = self.callers.iter().position(|caller| *caller == index) else { return true };
        let before = &self.callers[..number];
        let comes_last = self.plan.asks.get(number).is_some_and(|ask| ask.comes_last);
        (!self.plan.alike || before.iter().all(|caller| self.tasks[*caller].has_begun()))
            && (!comes_last || before.iter().all(|caller| self.tasks[*caller].is_over()))
    }

    fn take(&mut self, step: Step) {
        self.taken.push(step);
        assert!(self.taken.len() < MOST_STEPS, "this goes round in circles");
        match step {
            Step::Go(index) => self.tasks[index].poll(),
            Step::Leave(index) => self.tasks[index].leave(),
            Step::Engine(operation, progress) => self.disk.lock().unwrap().perform(operation, progress),
        }
        if self.plan.crowds && self.tasks[self.callers[1]].has_begun() {
            self.callers.iter().for_each(|index| self.tasks[*index].begin());
        }
        while let Some(task) = self.tasks.iter_mut().find(|task| task.is_prompt() && task.is_woken()) {
            task.poll();
        }
        for feed in &self.feeds {
            judge::shows_what_is_durable(feed, self.base.size(), &self.disk.lock().unwrap().durable);
        }
    }

    /// Takes steps as long as there are any, as they are chosen.
    fn go_on(&mut self, choices: &mut Choices, time: &Runtime) {
        loop {
            let steps = self.steps();
            match steps.len() {
                0 if self.is_over() => break,
                0 => self.wait(time),
                1 => self.take(steps[0]),
                ways => self.take(steps[choices.one_of(ways)]),
            }
        }
        self.close();
    }

    fn is_over(&self) -> bool {
        self.tasks.iter().all(|task| task.is_over() || task.name == FOLLOWER)
    }

    /// Nothing can happen, so time passes: a lost answer is looked up again
    /// after a while. If nobody has waited for that, somebody waits for ever.
    fn wait(&mut self, time: &Runtime) {
        time.block_on(tokio::time::advance(Duration::from_secs(2)));
        let waiting: Vec<_> =
            self.tasks.iter().filter(|task| !task.is_over()).map(|task| task.name.as_str()).collect();
        assert!(!self.steps().is_empty(), "nobody is woken, but these wait: {}", waiting.join(", "));
    }

    /// The log is closed for its followers too.
    fn close(&mut self) {
        if self.plan.processes == 1 {
            let disk = self.disk.lock().unwrap();
            assert!(!disk.overtaken, "a process has overtaken itself");
            let size = disk.durable.size();
            assert!(self.feeds.iter().all(|feed| feed.size() == size), "a feed lacks some of {size} events");
        }
        let sizes: Vec<_> = self.feeds.iter().map(|feed| feed.size()).collect();
        for (seen, size) in self.told.borrow().followed.iter().zip(sizes) {
            assert_eq!(*seen, size, "a follower has not heard of all events");
        }
        self.feeds.clear();
        self.tasks.iter_mut().filter(|task| task.is_woken()).for_each(Task::poll);
        assert!(self.tasks.iter().all(Task::is_over), "a follower waits for a log that is closed");
        self.told.borrow_mut().followed.clear();
    }

    /// Asks again after a restart what was left open, of an engine that answers at once.
    fn restart(&mut self, asks: &[usize]) {
        self.disk.lock().unwrap().prompt = true;
        // What was promised of times ends with the process; time goes on.
        self.clock.0.fetch_add(1_000_000, Ordering::SeqCst);
        let log = self.open("committer after the restart");
        for index in asks {
            self.call(&log, *index);
        }
        drop(log);
        while let Some(step) = self.steps().first() {
            self.take(*step);
        }
        assert!(self.is_over(), "somebody waits after the restart");
        self.close();
    }

    fn judge(&self) {
        let disk = self.disk.lock().unwrap();
        let run =
            judge::Run { asks: &self.plan.asks, told: &self.told.borrow(), base: &self.base, disk: &disk };
        run.judge();
    }
}

/// What led to a failure.
impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the schedule:");
            for step in &self.taken {
                match step {
                    Step::Go(index) | Step::Leave(index) => {
                        eprintln!("  {step:?}: {}", self.tasks[*index].name);
                    }
                    Step::Engine(..) => eprintln!("  {step:?}"),
                }
            }
        }
    }
}
