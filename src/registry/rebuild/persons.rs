//! The directory of persons, taken back from a copy.

use super::{BATCH, Rebuild};
use crate::{
    domain::{name::PersonName, person::SALT},
    registry::{
        error::Error,
        person::{
            copy::{Heading, Line},
            mask,
        },
        projection,
    },
};

/// A directory on its way back; begun with [`Rebuild::persons`].
pub struct Directory<'r, 'a> {
    rebuild: &'r mut Rebuild<'a>,
    secret: [u8; SALT],
}

impl<'a> Rebuild<'a> {
    /// Begins to take the directory back. All events have to be there: they tell who
    /// was erased since the copy was made.
    pub async fn persons<'r>(&'r mut self, heading: &Heading) -> Result<Directory<'r, 'a>, Error> {
        self.require_whole()?;
        self.flush().await?;
        let secret = heading.secret()?;
        let begun = self.begun()?;
        if heading.log_id != hex::encode(begun.log_id) {
            return Err(Error::Damaged(format!(
                "this is the directory of the log {}; the export is of the log {}",
                heading.log_id,
                hex::encode(begun.log_id)
            )));
        }
        let write = projection::secret(&begun.namespace, &secret);
        self.pending.push(write);
        Ok(Directory { rebuild: self, secret })
    }
}

impl Directory<'_, '_> {
    /// Takes one person back; `false` if the log does not know them yet, or says that
    /// they were erased.
    pub async fn add(&mut self, line: Line) -> Result<bool, Error> {
        let entry = line.entry()?;
        let namespace = self.rebuild.begun()?.namespace.clone();
        let name = PersonName { namespace: namespace.clone(), person: entry.pseudonym() };
        let erased = self.rebuild.record(&namespace, &name.into()).await?.is_some();
        if erased || entry.position >= self.rebuild.tree.size() {
            return Ok(false);
        }
        let by_text = mask::by_text(&namespace, &self.secret, &entry.text);
        self.rebuild.pending.extend(projection::person(&namespace, &entry, by_text));
        self.rebuild.persons += 1;
        if self.rebuild.pending.len() >= BATCH {
            self.rebuild.flush().await?;
        }
        Ok(true)
    }
}
