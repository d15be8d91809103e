//! Log lines: structured, on standard error, for people or for programs.

use crate::cli::serve::LogFormat;
use std::{io::IsTerminal as _, panic};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not one.
    #[error("`log_filter` is {0:?}, which is no filter: use info, debug or steward_registry=debug,warn")]
    Filter(String),
    /// Something else logs already.
    #[error("logging has been started already")]
    Started,
}

/// Starts logging for the whole process.
pub fn start(filter: &str, format: LogFormat) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(filter).map_err(|_| TelemetryError::Filter(filter.to_owned()))?;
    let stderr = std::io::stderr;
    // Colours are for people: in a file they are noise, and every span pays for them.
    let lines = fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal()).with_target(false);
    let started = match format {
        LogFormat::Text => tracing_subscriber::registry().with(filter).with(lines.compact()).try_init(),
        LogFormat::Json => {
            let json = lines.json().flatten_event(true).with_current_span(true).with_span_list(false);
            tracing_subscriber::registry().with(filter).with(json).try_init()
        }
    };
    started.map_err(|_| TelemetryError::Started)?;
    panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// A panic in a line of its own. It has been caught, or will be: whoever depends
/// on what it ended is told so.
fn log_panic(caught: &panic::PanicHookInfo<'_>) {
    let cause = caught.payload_as_str().unwrap_or("no words were given");
    let place = caught.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current().name().unwrap_or_default().to_owned();
    tracing::error!(
        cause,
        place,
        thread,
        "something cannot be as it is: the store may be damaged, or Steward has a defect"
    );
}
