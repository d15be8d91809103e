//! A device that keeps only what it was told to keep: what had been written to a
//! file before a sync of that file began, once the sync has ended; names of a
//! directory likewise. `sync_file_range` does not count.

use super::trace::{Call, Step, Trace, bytes, number};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::Path,
};

/// Bytes that are written as a whole.
const SECTOR: usize = 512;

/// A change of a file that no sync has covered yet.
#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    SetLen(usize),
}

/// A change of a directory that no sync has covered yet.
#[derive(Clone, Debug)]
enum Naming {
    Link(String, usize),
    Unlink(String),
    Rename(String, String),
}

/// What the device has, and what is on its way with the step that it was done in.
#[derive(Debug)]
enum Node {
    File { kept: Vec<u8>, pending: Vec<(usize, Change)> },
    Directory { now: Names, kept: Names, pending: Vec<(usize, Naming)> },
}

type Names = BTreeMap<String, usize>;

/// What an open file leads to.
#[derive(Debug)]
struct Handle {
    node: usize,
    at: usize,
}

/// The files below one directory.
pub struct Device {
    root: String,
    nodes: Vec<Node>,
    handles: HashMap<i64, Handle>,
    /// Step in which each sync began.
    syncs: HashMap<usize, usize>,
}

/// What became of changes that no sync covered.
pub trait Chance {
    /// Whether one survives.
    fn survives(&mut self) -> bool;
    /// How many of so many sectors of a write survive.
    fn sectors(&mut self, count: usize) -> usize;
}

impl Device {
    /// An empty directory.
    pub fn new(root: &Path) -> Self {
        let nodes = vec![Node::Directory { now: Names::new(), kept: Names::new(), pending: Vec::new() }];
        let root = root.to_str().unwrap().to_owned();
        Device { root, nodes, handles: HashMap::new(), syncs: HashMap::new() }
    }

    /// Whether a step is one that a loss of power just before or after it should be tried.
    pub fn matters(&self, trace: &Trace, step: Step) -> bool {
        let Step::Done(number_of_call) = step else { return false };
        let Call { name, arguments, result } = &trace.calls[number_of_call];
        let of_ours = || self.handles.contains_key(&number(&arguments[0]));
        match name.as_str() {
            "fsync" | "fdatasync" => *result == 0 && of_ours(),
            "rename" | "unlink" | "mkdir" => *result == 0,
            _ => false,
        }
    }

    /// Carries out one step of a trace.
    pub fn step(&mut self, index: usize, step: Step, trace: &Trace) {
        match step {
            Step::Begun(call) if matches!(&*trace.calls[call].name, "fsync" | "fdatasync") => {
                self.syncs.insert(call, index);
            }
            Step::Begun(_) => {}
            Step::Done(call) => self.done(index, call, &trace.calls[call]),
        }
    }

    fn done(&mut self, index: usize, number_of_call: usize, call: &Call) {
        let Call { name, arguments, result } = call;
        if *result < 0 {
            return;
        }
        let fd = arguments.first().map_or(-1, |first| number(first));
        match name.as_str() {
            "openat" => self.open(index, &text(&arguments[1]), &arguments[2], *result),
            "close" => drop(self.handles.remove(&fd)),
            "fcntl" if arguments[1].starts_with("F_DUPFD") => self.duplicate(fd, *result),
            "write" => {
                if let Some(at) = self.handles.get(&fd).map(|handle| handle.at) {
                    self.write(index, fd, at, &bytes(&arguments[1])[..*result as usize]);
                    self.handles.get_mut(&fd).unwrap().at += *result as usize;
                }
            }
            "pwrite64" => {
                let written = &bytes(&arguments[1])[..*result as usize];
                self.write(index, fd, arguments[3].parse().unwrap(), written);
            }
            "ftruncate" => self.change(index, fd, Change::SetLen(arguments[1].parse().unwrap())),
            "fsync" | "fdatasync" => self.sync(fd, self.syncs[&number_of_call]),
            "mkdir" => {
                let made = Node::Directory { now: Names::new(), kept: Names::new(), pending: Vec::new() };
                self.link(index, &text(&arguments[0]), made);
            }
            "rename" => self.rename(index, &text(&arguments[0]), &text(&arguments[1])),
            "unlink" => self.unlink(index, &text(&arguments[0])),
            "sync_file_range" | "fcntl" => {}
            _ => assert!(!self.handles.contains_key(&fd), "{name} is not known here"),
        }
    }

    fn open(&mut self, index: usize, path: &str, flags: &str, fd: i64) {
        // Numbers are given out again.
        self.handles.remove(&fd);
        let Some(node) = self.find(path).or_else(|| {
            let empty = Node::File { kept: Vec::new(), pending: Vec::new() };
            flags.contains("O_CREAT").then(|| self.link(index, path, empty)).flatten()
        }) else {
            return;
        };
        self.handles.insert(fd, Handle { node, at: 0 });
        assert!(!flags.contains("O_APPEND"), "appending is not known here");
        if flags.contains("O_TRUNC") {
            self.change(index, fd, Change::SetLen(0));
        }
    }

    fn duplicate(&mut self, fd: i64, copy: i64) {
        if let Some(Handle { node, at }) = self.handles.get(&fd) {
            let copied = Handle { node: *node, at: *at };
            self.handles.insert(copy, copied);
        }
    }

    fn write(&mut self, index: usize, fd: i64, at: usize, bytes: &[u8]) {
        self.change(index, fd, Change::Write { at, bytes: bytes.to_vec() });
    }

    fn change(&mut self, index: usize, fd: i64, change: Change) {
        if let Some(Handle { node, .. }) = self.handles.get(&fd)
            && let Node::File { pending, .. } = &mut self.nodes[*node]
        {
            pending.push((index, change));
        }
    }

    /// What was done before the sync began is kept.
    fn sync(&mut self, fd: i64, began: usize) {
        let Some(Handle { node, .. }) = self.handles.get(&fd) else { return };
        match &mut self.nodes[*node] {
            Node::File { kept, pending } => {
                let late = pending.partition_point(|(index, _)| *index < began);
                for (_, change) in pending.drain(..late) {
                    change.apply(kept);
                }
            }
            Node::Directory { kept, pending, .. } => {
                let late = pending.partition_point(|(index, _)| *index < began);
                for (_, naming) in pending.drain(..late) {
                    naming.apply(kept);
                }
            }
        }
    }

    /// The parts of a path below the root.
    fn parts<'p>(&self, path: &'p str) -> Option<Vec<&'p str>> {
        let below = path.strip_prefix(&self.root)?;
        Some(below.split('/').filter(|part| !part.is_empty()).collect())
    }

    fn find(&self, path: &str) -> Option<usize> {
        self.parts(path)?.into_iter().try_fold(0, |node, part| match &self.nodes[node] {
            Node::Directory { now, .. } => now.get(part).copied(),
            Node::File { .. } => None,
        })
    }

    /// The directory that a path is in, and its last part.
    fn parent(&self, path: &str) -> Option<(usize, String)> {
        let name = (*self.parts(path)?.last()?).to_owned();
        let parent = self.find(path.trim_end_matches('/').rsplit_once('/')?.0)?;
        Some((parent, name))
    }

    fn link(&mut self, index: usize, path: &str, made: Node) -> Option<usize> {
        let (parent, name) = self.parent(path)?;
        self.nodes.push(made);
        let node = self.nodes.len() - 1;
        self.name(index, parent, Naming::Link(name, node));
        Some(node)
    }

    fn rename(&mut self, index: usize, from: &str, to: &str) {
        let Some((parent, from)) = self.parent(from) else { return };
        let (same, to) = self.parent(to).unwrap();
        assert_eq!(parent, same, "a rename between directories is not known here");
        self.name(index, parent, Naming::Rename(from, to));
    }

    fn unlink(&mut self, index: usize, path: &str) {
        if let Some((parent, name)) = self.parent(path) {
            self.name(index, parent, Naming::Unlink(name));
        }
    }

    fn name(&mut self, index: usize, parent: usize, naming: Naming) {
        if let Node::Directory { now, pending, .. } = &mut self.nodes[parent] {
            naming.clone().apply(now);
            pending.push((index, naming));
        }
    }

    /// What is there when the power comes back. Where nothing was synced, chance
    /// decides; without one, it is gone.
    pub fn restore(&self, to: &Path, mut chance: Option<&mut dyn Chance>) {
        self.restore_node(0, to, &mut chance);
    }

    fn restore_node(&self, node: usize, to: &Path, chance: &mut Option<&mut dyn Chance>) {
        match &self.nodes[node] {
            Node::File { kept, pending } => {
                let (mut content, mut lost) = (kept.clone(), BTreeSet::new());
                for (_, change) in pending {
                    if let Some(chance) = chance {
                        change.clone().survive(&mut content, &mut lost, *chance);
                    }
                }
                fs::write(to, content).unwrap();
            }
            Node::Directory { kept, pending, .. } => {
                let mut names = kept.clone();
                // File systems keep the order of names, up to some point.
                for (_, naming) in pending {
                    if !chance.as_mut().is_some_and(|chance| chance.survives()) {
                        break;
                    }
                    naming.clone().apply(&mut names);
                }
                fs::create_dir_all(to).unwrap();
                for (name, node) in &names {
                    self.restore_node(*node, &to.join(name), chance);
                }
            }
        }
    }
}

impl Change {
    fn apply(self, content: &mut Vec<u8>) {
        match self {
            Change::SetLen(length) => content.resize(length, 0),
            Change::Write { at, bytes } => {
                let end = at + bytes.len();
                content.resize(content.len().max(end), 0);
                content[at..end].copy_from_slice(&bytes);
            }
        }
    }

    /// Some of its sectors. A sector that lost one change has none of the later ones.
    fn survive(self, content: &mut Vec<u8>, lost: &mut BTreeSet<usize>, chance: &mut dyn Chance) {
        let Change::Write { at, bytes } = self else {
            return if chance.survives() {
                self.apply(content)
            };
        };
        let sectors = (at / SECTOR..=(at + bytes.len().max(1) - 1) / SECTOR).collect::<Vec<_>>();
        let kept = if chance.survives() { chance.sectors(sectors.len()) } else { 0 };
        for (index, sector) in sectors.into_iter().enumerate() {
            if index >= kept || lost.contains(&sector) {
                lost.insert(sector);
                continue;
            }
            let (from, to) = ((sector * SECTOR).max(at), ((sector + 1) * SECTOR).min(at + bytes.len()));
            Change::Write { at: from, bytes: bytes[from - at..to - at].to_vec() }.apply(content);
        }
    }
}

impl Naming {
    fn apply(self, names: &mut Names) {
        match self {
            Naming::Link(name, node) => drop(names.insert(name, node)),
            Naming::Unlink(name) => drop(names.remove(&name)),
            Naming::Rename(from, to) => {
                if let Some(node) = names.remove(&from) {
                    names.insert(to, node);
                }
            }
        }
    }
}

fn text(argument: &str) -> String {
    String::from_utf8(bytes(argument)).unwrap()
}
