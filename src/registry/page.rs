//! Pages: a list is read on from the key where the page before it ended, so
//! the hundredth page costs what the first does.

use super::{Registry, error::Error};
use crate::{
    domain::{canonical, name::NamespaceId, person::Personal},
    store::{engine::Pairs, keys},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use std::ops::Range;

/// Results of a page when the caller does not say how many.
const DEFAULT_SIZE: usize = 100;
/// Most results of a page.
const MOST: usize = 1_000;
/// Pairs read at once by tasks that go through everything.
pub const CHUNK: usize = 500;
/// A page looks at so many candidates at most, so that a filter that matches
/// little cannot make one call read everything.
const MOST_EXAMINED: usize = 10_000;
/// A page is closed when what it was read from has so many bytes: clients accept
/// messages of 4 MiB unless they are told otherwise.
const FULL: usize = 2 << 20;
/// First byte of every token of this format.
const FORMAT: u8 = 1;
/// Bytes of the query's digest in a token.
const QUERY: usize = 8;

/// Which page is wanted.
#[derive(Clone, Debug)]
pub struct PageRequest {
    limit: usize,
    cursor: Option<Bytes>,
    query: [u8; QUERY],
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The results.
    pub items: Vec<T>,
    /// Leads to the next page; empty on the last.
    pub next_page_token: String,
}

impl PageRequest {
    /// Reads what a caller says of pages. `query` is everything that decides
    /// which results there are: a token of another query is refused.
    pub fn new(page_size: i32, page_token: &str, query: &impl serde::Serialize) -> Result<Self, Error> {
        let limit = match usize::try_from(page_size) {
            Err(_) => {
                return Err(Error::field("page_size", format!("{page_size} is negative; use 0 to {MOST}")));
            }
            Ok(0) => DEFAULT_SIZE,
            Ok(size) => size.min(MOST),
        };
        let bytes = canonical::to_vec(query).map_err(|error| Error::Internal(error.to_string()))?;
        let mut digest = [0; QUERY];
        digest.copy_from_slice(&crate::audit::merkle::leaf_hash(&bytes)[..QUERY]);
        let mut request = PageRequest { limit, cursor: None, query: digest };
        if !page_token.is_empty() {
            request.cursor = Some(request.read_token(page_token)?);
        }
        Ok(request)
    }

    fn read_token(&self, token: &str) -> Result<Bytes, Error> {
        let broken =
            || Error::field("page_token", "is not a token that this list gave out; begin again without one");
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| broken())?;
        match bytes.split_first() {
            Some((&FORMAT, rest)) if rest.len() > QUERY => {
                let (query, cursor) = rest.split_at(QUERY);
                if query != self.query {
                    let sentence = "belongs to another query; give the same fields as for the first page";
                    return Err(Error::field("page_token", sentence));
                }
                Ok(Bytes::copy_from_slice(cursor))
            }
            _ => Err(broken()),
        }
    }

    fn token(&self, cursor: &[u8]) -> String {
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&self.query);
        bytes.extend_from_slice(cursor);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// How many results of a list that is made anew for each page have to be made.
    pub(super) fn wanted(&self) -> usize {
        self.offset().saturating_add(self.limit).saturating_add(1)
    }

    /// The page of a list that is made anew for each page.
    pub(super) fn part<T>(&self, items: Vec<T>) -> Page<T> {
        self.part_of(items, |_| 0)
    }

    /// The same, of results that have so many bytes each: a page is full with the first that
    /// brings it beyond what clients accept.
    pub(super) fn part_of<T>(&self, items: Vec<T>, bytes: impl Fn(&T) -> usize) -> Page<T> {
        let (all, offset) = (items.len(), self.offset());
        let mut sum = 0;
        let fits = |item: &T| {
            let fits = sum < FULL;
            sum += bytes(item);
            fits
        };
        let items: Vec<T> = items.into_iter().skip(offset).take(self.limit).take_while(fits).collect();
        let end = offset.saturating_add(items.len());
        let cursor = (all > end).then(|| Bytes::copy_from_slice(&(end as u64).to_be_bytes()));
        finish(self, items, cursor)
    }

    /// How many results a page has at most.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Where the page begins, in a list that makes its own cursors.
    pub(super) fn cursor(&self) -> Option<&Bytes> {
        self.cursor.as_ref()
    }

    /// A page of a list that makes its own cursors.
    pub(super) fn page<T>(&self, items: Vec<T>, cursor: Option<Bytes>) -> Page<T> {
        finish(self, items, cursor)
    }

    /// Where the page begins; a forged token leads behind the end at most.
    fn offset(&self) -> usize {
        let bytes = self.cursor.as_deref().and_then(|cursor| cursor.try_into().ok()).map(u64::from_be_bytes);
        bytes.map_or(0, |offset| usize::try_from(offset).unwrap_or(usize::MAX))
    }

    /// The part of a range that is still to be read. A forged cursor leads to
    /// no key outside it.
    fn rest(&self, range: Range<Bytes>, cursor: Option<&Bytes>, reverse: bool) -> Range<Bytes> {
        match cursor {
            None => range,
            Some(cursor) if reverse => range.start.clone()..cursor.clone().min(range.end).max(range.start),
            Some(cursor) => keys::after(cursor).max(range.start).min(range.end.clone())..range.end,
        }
    }
}

/// Where an index entry leads: a state or event key.
type Follow<'a> = &'a (dyn Fn(&[u8]) -> Option<Bytes> + Sync);

/// Reads a result from a key of the range and its value; `None` where it is
/// not wanted. It sees pseudonyms: nothing that names people decides what is listed.
type Read<'a, T> = &'a (dyn Fn(&[u8], &Bytes) -> Result<Option<T>, Error> + Sync);

/// How the keys of a list lead to its results.
pub(super) struct Listing<'a, T> {
    /// The keys.
    pub range: Range<Bytes>,
    /// From the end.
    pub reverse: bool,
    /// Where an index entry leads; `None` when the pairs hold the results themselves.
    pub follow: Option<Follow<'a>>,
    /// Reads the results.
    pub read: Read<'a, T>,
}

impl Registry {
    /// One page of a list, with names in place of the pseudonyms that are known.
    pub(super) async fn page<T: Personal + Send>(
        &self,
        namespace: &NamespaceId,
        listing: Listing<'_, T>,
        request: &PageRequest,
    ) -> Result<Page<T>, Error> {
        let mut page = self.logged_page(namespace, listing, request).await?;
        page.items = self.named(namespace, page.items).await?;
        Ok(page)
    }

    async fn logged_page<T>(
        &self,
        namespace: &NamespaceId,
        listing: Listing<'_, T>,
        request: &PageRequest,
    ) -> Result<Page<T>, Error> {
        let mut cursor = request.cursor.clone();
        let mut items = Vec::new();
        let (mut examined, mut bytes) = (0, 0);
        while examined < MOST_EXAMINED {
            // One more than is missing tells whether there is a next page.
            let chunk = (request.limit - items.len() + 1).max(32);
            let rest = request.rest(listing.range.clone(), cursor.as_ref(), listing.reverse);
            let mut pairs = self.scan(namespace, rest, chunk, listing.reverse).await?;
            let read = pairs.len();
            if let Some(follow) = listing.follow {
                self.follow(namespace, follow, &mut pairs).await?;
            }
            examined += read;
            for (index, (key, value)) in pairs.into_iter().enumerate() {
                if let Some(item) = (listing.read)(&key, &value)? {
                    bytes += value.len();
                    items.push(item);
                }
                cursor = Some(key);
                if items.len() == request.limit || bytes >= FULL {
                    let more = index + 1 < read || read == chunk;
                    return Ok(finish(request, items, cursor.filter(|_| more)));
                }
            }
            if read < chunk {
                return Ok(finish(request, items, None));
            }
        }
        Ok(finish(request, items, cursor))
    }

    /// Puts the values that index entries lead to in place of theirs.
    async fn follow(
        &self,
        namespace: &NamespaceId,
        follow: Follow<'_>,
        pairs: &mut Pairs,
    ) -> Result<(), Error> {
        let lost = || Error::Damaged("an index entry leads to nothing".to_owned());
        let keys: Option<Vec<Bytes>> = pairs.iter().map(|(key, _)| follow(key)).collect();
        let values = self.engine().get(namespace.as_str(), &keys.ok_or_else(lost)?, 0).await?.value;
        for (pair, value) in pairs.iter_mut().zip(values) {
            pair.1 = value.ok_or_else(lost)?;
        }
        Ok(())
    }
}

fn finish<T>(request: &PageRequest, items: Vec<T>, cursor: Option<Bytes>) -> Page<T> {
    let next_page_token = cursor.map(|cursor| request.token(&cursor)).unwrap_or_default();
    Page { items, next_page_token }
}
