//! Names of retrainings.

use super::{ModelName, NameError, RetrainingId, model_name, segments};
use std::{fmt, str::FromStr};

/// `namespaces/{namespace}/models/{model}/retrainings/{retraining}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RetrainingName {
    /// The model.
    pub model: ModelName,
    /// The retraining.
    pub retraining: RetrainingId,
}

impl fmt::Display for RetrainingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/retrainings/{}", self.model, self.retraining)
    }
}

impl FromStr for RetrainingName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let [namespace, model, retraining] = segments(text, ["namespaces", "models", "retrainings"])?;
        Ok(Self { model: model_name(&namespace, &model)?, retraining: RetrainingId::new(&retraining)? })
    }
}
