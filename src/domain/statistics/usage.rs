//! What a model costs, and whether its budget lasts.

use super::{InputError, MAX_COUNT, within};
use crate::domain::evaluation::point;

/// Requests, tokens and money of a window: at least one request; each at most 2^53-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    requests: u64,
    input_tokens: u64,
    output_tokens: u64,
    cost_micros: u64,
    outcomes: u64,
}

impl Usage {
    /// Counters of a window; the cost is in millionths of a currency that is the same throughout.
    pub fn new(
        requests: u64,
        input_tokens: u64,
        output_tokens: u64,
        cost_micros: u64,
        outcomes: u64,
    ) -> Result<Self, InputError> {
        if requests == 0 {
            return Err(InputError::NoObservations);
        }
        if [requests, input_tokens, output_tokens, cost_micros, outcomes].iter().any(|n| *n > MAX_COUNT) {
            return Err(InputError::TooMany);
        }
        Ok(Usage { requests, input_tokens, output_tokens, cost_micros, outcomes })
    }

    /// Requests made.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// The cost in the currency.
    pub fn cost(&self) -> f64 {
        self.cost_micros as f64 / 1e6
    }

    /// Cost of 1,000 requests in the currency.
    pub fn cost_per_thousand_requests(&self) -> f64 {
        self.cost_micros as f64 / self.requests as f64 / 1e3
    }

    /// Cost of an outcome in the currency; `None` without outcomes.
    pub fn cost_per_outcome(&self) -> Option<f64> {
        (self.outcomes > 0).then(|| self.cost_micros as f64 / self.outcomes as f64 / 1e6)
    }

    /// Tokens of a request, sent and received.
    pub fn tokens_per_request(&self) -> (f64, f64) {
        let requests = self.requests as f64;
        (self.input_tokens as f64 / requests, self.output_tokens as f64 / requests)
    }
}

impl TryFrom<&point::Usage> for Usage {
    type Error = InputError;

    fn try_from(usage: &point::Usage) -> Result<Self, InputError> {
        let count = |count: i64| count.max(0).unsigned_abs();
        Usage::new(
            count(usage.requests),
            count(usage.input_tokens),
            count(usage.output_tokens),
            count(usage.cost_micros),
            count(usage.outcomes),
        )
    }
}

/// What was counted of two windows, or of two parts of one; `None` where their currencies differ,
/// or where the sums are more than can be counted. What cost nothing needs no currency.
pub fn sum(a: &point::Usage, b: &point::Usage) -> Option<point::Usage> {
    let currency = match (a.currency.as_str(), b.currency.as_str()) {
        (one, "") => one,
        ("", two) => two,
        (one, two) if one == two => one,
        _ => return None,
    };
    let sum = point::Usage {
        requests: a.requests.checked_add(b.requests)?,
        input_tokens: a.input_tokens.checked_add(b.input_tokens)?,
        output_tokens: a.output_tokens.checked_add(b.output_tokens)?,
        cost_micros: a.cost_micros.checked_add(b.cost_micros)?,
        outcomes: a.outcomes.checked_add(b.outcomes)?,
        currency: currency.to_owned(),
    };
    Usage::try_from(&sum).is_ok().then_some(sum)
}

/// Where a budget is heading.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// What the whole period will cost if it goes on as it did, in the unit of the budget.
    pub projected: f64,
    /// How much faster money is spent than the budget allows; above 1 it does not last.
    pub burn_rate: f64,
    /// The share of the period after which the budget is used up, from its start; `None` if it lasts.
    pub exhausted_at: Option<f64>,
}

/// The forecast of a budget (above 0, at most 1e15) of which an amount from 0 to 1e15 was spent in the
/// `elapsed` share of its period (1e-6 to 1), in a straight line.
pub fn forecast(budget: f64, spent: f64, elapsed: f64) -> Result<Forecast, InputError> {
    let budget = within("budget", budget, (1e-6..=1e15).contains(&budget), "it is from 1e-6 to 1e15")?;
    let spent = within("spent", spent, (0.0..=1e15).contains(&spent), "it is from 0 to 1e15")?;
    let elapsed = within("elapsed", elapsed, (1e-6..=1.0).contains(&elapsed), "it is from 1e-6 to 1")?;
    let projected = spent / elapsed;
    let exhausted_at = (projected > budget).then(|| budget / projected);
    Ok(Forecast { projected, burn_rate: projected / budget, exhausted_at })
}
