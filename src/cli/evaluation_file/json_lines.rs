//! An Evaluation in proto3 JSON a line.

use std::io::{BufRead, Read as _};

use super::{Entry, Failed, LONGEST, Next, RefusedLine};
use crate::{
    cli::{error::Failure, json::from_json, name},
    proto::v1::Evaluation,
};

/// Reads evaluations line by line. Blank lines are skipped.
pub struct JsonLines<R> {
    reader: R,
    failed: Failed,
    line: u64,
}

impl<R: BufRead> JsonLines<R> {
    /// From the beginning of a file.
    pub fn new(reader: R, failed: Failed) -> Self {
        JsonLines { reader, failed, line: 0 }
    }

    /// The next line without its end; none at the end of the file.
    fn read(&mut self) -> std::io::Result<Option<Result<String, RefusedLine>>> {
        let mut bytes = Vec::new();
        self.line += 1;
        let length = self.reader.by_ref().take(LONGEST).read_until(b'\n', &mut bytes)?;
        if length == 0 {
            return Ok(None);
        }
        if length as u64 == LONGEST && bytes.last() != Some(&b'\n') {
            self.reader.skip_until(b'\n')?;
            return Ok(Some(Err(self.refused(format!("has more than {LONGEST} bytes")))));
        }
        let text = String::from_utf8(bytes);
        Ok(Some(text.map_err(|_| self.refused("is not UTF-8".to_owned()))))
    }

    fn refused(&self, why: String) -> RefusedLine {
        RefusedLine { line: self.line, field: String::new(), why }
    }

    fn parse(&self, text: &str) -> Next {
        match from_json::<Evaluation>(text) {
            Ok(evaluation) => {
                let id = name::id(&evaluation.name);
                Ok(Entry { line: self.line, id, evaluation, point_lines: Vec::new() })
            }
            Err(failure) => Err(self.refused(failure.message())),
        }
    }
}

impl<R: BufRead> Iterator for JsonLines<R> {
    type Item = Result<Next, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.read() {
                Err(error) => return Some(Err((self.failed)(error))),
                Ok(None) => return None,
                Ok(Some(Err(refused))) => return Some(Ok(Err(refused))),
                Ok(Some(Ok(text))) if text.trim().is_empty() => {}
                Ok(Some(Ok(text))) => return Some(Ok(self.parse(&text))),
            }
        }
    }
}
