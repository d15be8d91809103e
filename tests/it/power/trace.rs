//! What a program did to its files, as strace wrote it down.

use std::collections::HashMap;

/// A system call that came to an end.
#[derive(Debug)]
pub struct Call {
    pub name: String,
    /// As strace writes them.
    pub arguments: Vec<String>,
    pub result: i64,
}

/// What a moment of the trace is.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Begun(usize),
    Done(usize),
}

/// System calls in the order in which they began and ended; they overlap.
#[derive(Debug)]
pub struct Trace {
    pub calls: Vec<Call>,
    /// With the time, in microseconds since 1970.
    pub steps: Vec<(u64, Step)>,
}

impl Trace {
    pub fn read(text: &str) -> Self {
        let (mut calls, mut steps) = (Vec::new(), Vec::new());
        // The call that each thread is in: its number, and its text so far.
        let mut open: HashMap<&str, (usize, String)> = HashMap::new();
        for line in text.lines() {
            let (thread, rest) = line.split_once(' ').unwrap();
            let (time, what) = rest.trim_start().split_once(' ').unwrap();
            let time = micros(time);
            if what.starts_with("+++") || what.starts_with("---") {
                continue;
            }
            let (number, text) = match what.strip_prefix("<... ") {
                Some(resumed) => {
                    let (number, begun) = open.remove(thread).unwrap();
                    (number, begun + resumed.split_once(" resumed>").unwrap().1)
                }
                None => {
                    calls.push(None);
                    steps.push((time, Step::Begun(calls.len() - 1)));
                    (calls.len() - 1, what.to_owned())
                }
            };
            match text.strip_suffix(" <unfinished ...>") {
                Some(begun) => drop(open.insert(thread, (number, begun.to_owned()))),
                None => {
                    calls[number] = Some(call(&text));
                    steps.push((time, Step::Done(number)));
                }
            }
        }
        // What never ended did nothing that counts.
        let nothing = || Call { name: String::new(), arguments: Vec::new(), result: -1 };
        Trace { calls: calls.into_iter().map(|call| call.unwrap_or_else(nothing)).collect(), steps }
    }
}

fn micros(seconds: &str) -> u64 {
    let (seconds, micros) = seconds.split_once('.').unwrap();
    seconds.parse::<u64>().unwrap() * 1_000_000 + micros.parse::<u64>().unwrap()
}

/// `name(argument, argument) = result …`
fn call(text: &str) -> Call {
    let (name, rest) = text.split_once('(').unwrap();
    let (arguments, result) = rest.rsplit_once(") ").unwrap();
    let result = result.trim_start().strip_prefix("= ").unwrap();
    let digits = result.split(|c: char| c != '-' && !c.is_ascii_digit()).next().unwrap();
    Call {
        name: name.to_owned(),
        arguments: arguments.split(", ").map(str::to_owned).collect(),
        result: digits.parse().unwrap_or(-1),
    }
}

/// The bytes of a string, all of which strace was told to write in hexadecimal.
pub fn bytes(argument: &str) -> Vec<u8> {
    let text = argument.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let text = text.unwrap_or_else(|| panic!("not a whole string: {argument:.80}"));
    text.split("\\x").skip(1).map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

/// A number such as `7` or `7</path>`.
pub fn number(argument: &str) -> i64 {
    argument.split('<').next().unwrap().parse().unwrap_or(-1)
}

#[test]
fn calls_that_overlap_are_put_together() {
    let trace = Trace::read(
        "12 1700000000.000001 pwrite64(7</d/db>, \"\\x61\\x2c\", 2, 9 <unfinished ...>\n\
         13 1700000000.000002 fdatasync(7</d/db>) = 0\n\
         12 1700000000.000003 <... pwrite64 resumed>) = 2\n\
         12 1700000000.000004 fsync(8</d>)       = -1 EIO (Input/output error)\n\
         12 1700000000.000005 +++ exited with 0 +++\n",
    );
    let steps: Vec<_> = trace.steps.iter().map(|(time, step)| (time % 10, format!("{step:?}"))).collect();
    let expected =
        [(1, "Begun(0)"), (2, "Begun(1)"), (2, "Done(1)"), (3, "Done(0)"), (4, "Begun(2)"), (4, "Done(2)")];
    assert_eq!(steps, expected.map(|(time, step)| (time, step.to_owned())));
    let Call { name, arguments, result } = &trace.calls[0];
    assert_eq!(
        (name.as_str(), number(&arguments[0]), bytes(&arguments[1]), *result),
        ("pwrite64", 7, b"a,".to_vec(), 2)
    );
    assert_eq!(trace.calls[2].result, -1);
}
