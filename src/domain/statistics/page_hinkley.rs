//! The Page–Hinkley test as river 0.26 computes it.

use super::{InputError, chart::Signal, moments::LARGEST, within};
use serde::{Deserialize, Serialize};

/// Which changes count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mode {
    /// Rises.
    Up,
    /// Drops.
    Down,
    /// Both.
    #[default]
    Both,
}

/// How the test is set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Values before which there is no signal.
    pub least: u64,
    /// Changes of the mean that are allowed, δ.
    pub delta: f64,
    /// What the sum has to reach, λ.
    pub threshold: f64,
    /// How much of the sum is kept at each value, α.
    pub alpha: f64,
    /// Which changes count.
    pub mode: Mode,
}

impl Default for Settings {
    /// River's: 30 values, δ 0.005, λ 50, α 0.9999, both directions.
    fn default() -> Self {
        Settings { least: 30, delta: 0.005, threshold: 50.0, alpha: 0.9999, mode: Mode::Both }
    }
}

impl Settings {
    /// For standardised residuals of rates, where λ is 5–10: 8 here.
    pub fn for_rates() -> Self {
        Settings { threshold: 8.0, ..Settings::default() }
    }
}

/// Page–Hinkley (Page 1954; Gama et al. 2014): with the running mean x̄ of the values so far,
/// U = αU+(x−x̄)−δ and T = αT+(x−x̄)+δ; a rise when U − min U > λ, a drop when max T − T > λ.
///
/// Equal to river 0.26's `PageHinkley` value for value, with what is peculiar to it: the value after
/// a signal starts the test anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageHinkley {
    settings: Settings,
    n: u64,
    mean: f64,
    rise: f64,
    drop: f64,
    /// None before the first value.
    lowest: Option<f64>,
    highest: f64,
    signalled: bool,
}

impl PageHinkley {
    /// A test that has seen nothing. δ and λ are from 0 to 1e100, α from 0 to 1.
    pub fn new(settings: Settings) -> Result<Self, InputError> {
        let fits = |value: f64, most: f64| (0.0..=most).contains(&value);
        within("delta", settings.delta, fits(settings.delta, LARGEST), "it is from 0 to 1e100")?;
        within("threshold", settings.threshold, fits(settings.threshold, LARGEST), "it is from 0 to 1e100")?;
        within("alpha", settings.alpha, fits(settings.alpha, 1.0), "it is from 0 to 1")?;
        Ok(PageHinkley::fresh(settings))
    }

    fn fresh(settings: Settings) -> Self {
        // The first T is δ, which is not below 0, so max T may begin there.
        let (mean, rise, drop) = (0.0, 0.0, 0.0);
        PageHinkley { settings, n: 0, mean, rise, drop, lowest: None, highest: 0.0, signalled: false }
    }

    /// How far both sums are from their extremes, to be compared with λ.
    pub fn distances(&self) -> (f64, f64) {
        (self.rise - self.lowest.unwrap_or(self.rise), self.highest - self.drop)
    }

    /// Takes in the next value, at most 1e100 in size.
    pub fn update(&mut self, x: f64) -> Result<Signal, InputError> {
        let x = within("x", x, x.abs() <= LARGEST, "it is a finite number of at most 1e100 in size")?;
        if self.signalled {
            *self = PageHinkley::fresh(self.settings);
        }
        let Settings { least, delta, threshold, alpha, mode } = self.settings;
        self.n += 1;
        self.mean += (x - self.mean) / self.n as f64;
        let gap = x - self.mean;
        self.rise = alpha * self.rise + gap - delta;
        self.drop = alpha * self.drop + gap + delta;
        self.lowest = Some(self.lowest.map_or(self.rise, |lowest| lowest.min(self.rise)));
        self.highest = self.highest.max(self.drop);
        let (rise, drop) = self.distances();
        let signal = match mode {
            _ if self.n < least => Signal::Within,
            Mode::Up | Mode::Both if rise > threshold => Signal::High,
            Mode::Down | Mode::Both if drop > threshold => Signal::Low,
            _ => Signal::Within,
        };
        self.signalled = signal != Signal::Within;
        Ok(signal)
    }
}
