//! Use cases of series: what was measured, over time.

use super::{
    Registry,
    error::Error,
    page::{Page, PageRequest},
    read::ReadAt,
};
use crate::{
    domain::{
        check::Valid,
        name::{ModelName, NamespaceId, VersionName},
        series::{Listed, Listing, Point, Resolution, Segment, Selection, Series, Step, slice_digest},
        time::Timestamp,
    },
    store::{keys, record::decode_point},
};
use bytes::Bytes;
use serde::Serialize;
use std::ops::Range;

/// Most points of one query.
const MOST_POINTS: usize = 50_000;
/// Most bytes of the points of one query.
const MOST_BYTES: usize = 32 << 20;
/// Points that are read at once.
const CHUNK: usize = 2_000;
/// A page of a list is closed at the next series when so many points were counted for it.
const MOST_COUNTED: usize = 200_000;

/// Whose series are asked for.
#[derive(Clone, Debug, Serialize)]
pub enum Measured {
    /// One version.
    Version(VersionName),
    /// All versions of a model.
    Model(ModelName),
}

/// Which series are asked for, and how closely.
#[derive(Clone, Debug, Serialize)]
pub struct MetricQuery {
    /// Of what.
    pub of: Measured,
    /// Which of their series.
    pub selection: Valid<Selection>,
    /// Windows that end at this time or later.
    pub start_time: Option<Timestamp>,
    /// Windows that end before this time.
    pub end_time: Option<Timestamp>,
    /// How closely.
    #[serde(skip)]
    pub resolution: Resolution,
}

impl MetricQuery {
    fn model(&self) -> &ModelName {
        match &self.of {
            Measured::Version(version) => &version.model,
            Measured::Model(model) => model,
        }
    }

    fn wants(&self, point: &Point) -> bool {
        self.selection.takes(point)
            && self.start_time.is_none_or(|start| start <= point.end)
            && self.end_time.is_none_or(|end| point.end < end)
    }
}

/// A page of series.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricSeries {
    /// Segments with their steps on this page.
    pub segments: Page<Segment>,
    /// The length of the steps in microseconds.
    pub step: Option<i64>,
    /// Points that later recorded ones supersede.
    pub superseded: usize,
    /// Points that statistics do not hold.
    pub excluded: usize,
}

impl Registry {
    /// The series of a metric.
    pub async fn query_metric_series(
        &self,
        query: MetricQuery,
        page_size: i32,
        page_token: &str,
    ) -> Result<MetricSeries, Error> {
        let asked = ("metric series", &query, format!("{:?}", query.resolution));
        let request = PageRequest::new(page_size, page_token, &asked)?;
        let versions = match &query.of {
            Measured::Version(name) => {
                self.get_version(name, ReadAt::Present).await?;
                vec![name.clone()]
            }
            Measured::Model(name) => {
                self.get_model(name, ReadAt::Present).await?;
                self.versions_with_series(name).await?
            }
        };
        let namespace = query.model().namespace.clone();
        let mut found = Found::default();
        for version in versions {
            let range = match &query.selection.slice {
                Some(slice) => {
                    let digest = slice_digest(slice)?;
                    keys::series(&version, &query.selection.metric, &digest, query.start_time, query.end_time)
                }
                None => keys::series_of_metric(&version, &query.selection.metric),
            };
            self.read_series(&namespace, range, &mut found).await?;
        }
        // Decoding and merging of many points takes long for an async thread.
        let series = tokio::task::spawn_blocking(move || found.series(&query)).await;
        let series = series.map_err(|error| Error::Internal(error.to_string()))??;
        let (step, superseded, excluded) = (series.step, series.superseded, series.excluded);
        Ok(MetricSeries { segments: page(&request, series), step, superseded, excluded })
    }

    /// The versions of a model of which something was measured: one read each.
    async fn versions_with_series(&self, model: &ModelName) -> Result<Vec<VersionName>, Error> {
        let mut versions = Vec::new();
        let mut rest = keys::series_of_model(model);
        while let Some((key, _)) = self.scan(&model.namespace, rest.clone(), 1, false).await?.pop() {
            let version = keys::version_of_series(model, &key).ok_or_else(unreadable)?;
            rest.start = keys::series_of_version(&version).end;
            versions.push(version);
        }
        Ok(versions)
    }

    async fn read_series(
        &self,
        namespace: &NamespaceId,
        mut rest: Range<Bytes>,
        found: &mut Found,
    ) -> Result<(), Error> {
        loop {
            let pairs = self.scan(namespace, rest.clone(), CHUNK, false).await?;
            let read = pairs.len();
            for (key, record) in pairs {
                found.bytes += record.len();
                found.records.push(record);
                rest.start = keys::after(&key);
            }
            if found.records.len() > MOST_POINTS || found.bytes > MOST_BYTES {
                let sentence = format!(
                    "more than {MOST_POINTS} points or {} MiB of them lie in this span; ask for a shorter one, \
                     or for one slice",
                    MOST_BYTES >> 20
                );
                return Err(Error::field("end_time", sentence));
            }
            if read < CHUNK {
                return Ok(());
            }
        }
    }

    /// Which series a version has.
    pub async fn list_metrics(
        &self,
        version: &VersionName,
        page_size: i32,
        page_token: &str,
    ) -> Result<Page<Listed>, Error> {
        let request = PageRequest::new(page_size, page_token, &("metrics", version))?;
        self.get_version(version, ReadAt::Present).await?;
        let all = keys::series_of_version(version);
        let mut at = Place::read(request.cursor(), &all);
        let mut items = Vec::new();
        let mut counted = 0;
        while let Some(group) = self.next_group(version, at.start.clone()..all.end.clone()).await? {
            if items.len() >= request.limit() || counted >= MOST_COUNTED {
                return Ok(request.page(items, Some(Place { start: group, shown: 0 }.cursor())));
            }
            let lines = self.count_group(version, &group, &mut counted).await?;
            let room = request.limit() - items.len();
            let left = lines.len().saturating_sub(at.shown);
            items.extend(lines.into_iter().skip(at.shown).take(room));
            if left > room {
                let shown = at.shown + room;
                return Ok(request.page(items, Some(Place { start: group, shown }.cursor())));
            }
            at = Place { start: keys::after_prefix(&group), shown: 0 };
        }
        Ok(request.page(items, None))
    }

    /// The first metric and slice of a range of points.
    async fn next_group(&self, version: &VersionName, range: Range<Bytes>) -> Result<Option<Bytes>, Error> {
        let first = self.scan(&version.model.namespace, range, 1, false).await?.pop();
        first.map(|(key, _)| keys::group_of_series(version, &key).ok_or_else(unreadable)).transpose()
    }

    /// The lines of one metric and slice.
    async fn count_group(
        &self,
        version: &VersionName,
        group: &Bytes,
        counted: &mut usize,
    ) -> Result<Vec<Listed>, Error> {
        let mut rest = group.clone()..keys::after_prefix(group);
        let mut listing = Listing::default();
        loop {
            let pairs = self.scan(&version.model.namespace, rest.clone(), CHUNK, false).await?;
            let read = pairs.len();
            *counted += read;
            for (key, record) in pairs {
                listing.add(decode_point(&record)?);
                rest.start = keys::after(&key);
            }
            if read < CHUNK {
                return Ok(listing.lines().collect());
            }
        }
    }
}

fn unreadable() -> Error {
    Error::Damaged("the index over series cannot be read".to_owned())
}

/// Points as they are kept.
#[derive(Default)]
struct Found {
    records: Vec<Bytes>,
    bytes: usize,
}

impl Found {
    fn series(self, query: &MetricQuery) -> Result<Series, Error> {
        let mut points = Vec::with_capacity(self.records.len());
        for record in self.records {
            let point = decode_point(&record)?;
            if query.wants(&point) {
                points.push(point);
            }
        }
        Ok(Series::of(points, query.resolution))
    }
}

/// Where a page of a list goes on: at a metric and slice, of which some lines were shown.
struct Place {
    start: Bytes,
    shown: usize,
}

impl Place {
    /// A forged cursor leads to no key outside of the range.
    fn read(cursor: Option<&Bytes>, all: &Range<Bytes>) -> Self {
        match cursor.and_then(|cursor| cursor.split_first_chunk()) {
            Some((shown, start)) => Place {
                start: Bytes::copy_from_slice(start).max(all.start.clone()).min(all.end.clone()),
                shown: u32::from_be_bytes(*shown) as usize,
            },
            None => Place { start: all.start.clone(), shown: 0 },
        }
    }

    fn cursor(&self) -> Bytes {
        let shown = u32::try_from(self.shown).unwrap_or(u32::MAX);
        [&shown.to_be_bytes(), self.start.as_ref()].concat().into()
    }
}

/// Bytes of a step on the wire, and of each number in it, roughly.
const STEP: usize = 128;
const NUMBER: usize = 24;
/// Bytes of what a segment says of itself, and of each of its bins.
const SEGMENT: usize = 1_024;
const BIN: usize = 72;

/// The page of the steps, in their segments.
fn page(request: &PageRequest, series: Series) -> Page<Segment> {
    let mut heads = Vec::with_capacity(series.segments.len());
    let mut steps: Vec<(usize, usize, Step)> = Vec::new();
    for (at, mut segment) in series.segments.into_iter().enumerate() {
        let mut head = SEGMENT + BIN * segment.form.shape.size();
        for step in std::mem::take(&mut segment.steps) {
            // The first step of a segment brings the head along.
            steps.push((at, std::mem::take(&mut head) + STEP + NUMBER * step.value.size(), step));
        }
        heads.push(segment);
    }
    let page = request.part_of(steps, |(_, bytes, _)| *bytes);
    let mut segments: Vec<(usize, Segment)> = Vec::new();
    for (at, _, step) in page.items {
        match segments.last_mut() {
            Some((last, segment)) if *last == at => segment.steps.push(step),
            _ => {
                segments.extend(heads.get(at).map(|head| (at, Segment { steps: vec![step], ..head.clone() })))
            }
        }
    }
    let items = segments.into_iter().map(|(_, segment)| segment).collect();
    Page { items, next_page_token: page.next_page_token }
}
