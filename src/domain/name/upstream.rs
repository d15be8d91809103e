//! Names of records about rented models. The same model dies on different days
//! in different channels and regions, so all four parts are its name.

use super::{ENCODED, NameError, NamespaceId, decode, shown};
use crate::domain::version::UpstreamReference;
use percent_encoding::{AsciiSet, utf8_percent_encode};
use std::{fmt, str::FromStr};

/// Between the parts, and so never within one.
const BETWEEN: char = '~';
const PART: &AsciiSet = &ENCODED.add(b'~');
const FORM: &str = "namespaces/{namespace}/upstreams/{provider}~{channel}~{region}~{model_id}";

/// `namespaces/{namespace}/upstreams/{provider}~{channel}~{region}~{model_id}`, each
/// part percent-encoded; channel and region may be empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UpstreamName {
    /// The tenant.
    pub namespace: NamespaceId,
    /// The four parts.
    pub key: UpstreamReference,
}

impl UpstreamName {
    /// The four parts as they stand in the name.
    pub fn segment(&self) -> String {
        let key = &self.key;
        let parts = [&key.provider, &key.channel, &key.region, &key.model_id];
        parts.map(|part| utf8_percent_encode(part, PART).to_string()).join("~")
    }
}

impl fmt::Display for UpstreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "namespaces/{}/upstreams/{}", self.namespace, self.segment())
    }
}

impl FromStr for UpstreamName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let form = || NameError(format!("{} is not a name of the form {FORM}", shown(text)));
        let (parent, segment) = text.rsplit_once("/upstreams/").ok_or_else(form)?;
        let namespace = parent.strip_prefix("namespaces/").ok_or_else(form)?;
        let namespace = NamespaceId::new(&decode(namespace)?)?;
        let parts: Vec<&str> = segment.split(BETWEEN).collect();
        let [provider, channel, region, model_id] = parts.as_slice() else { return Err(form()) };
        let key = UpstreamReference {
            provider: decode(provider)?.into_owned(),
            model_id: decode(model_id)?.into_owned(),
            channel: decode(channel)?.into_owned(),
            region: decode(region)?.into_owned(),
        };
        if segment.contains('/') || !key.is_well_formed() {
            return Err(form());
        }
        Ok(UpstreamName { namespace, key })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_name_reads_back_whatever_its_parts_are() {
        for (provider, channel, region, model_id) in [
            ("openai", "", "", "gpt-4o-2024-08-06"),
            ("bedrock", "direct", "eu-west-1", "anthropic.claude-v1:0"),
            ("a~b", "c/d", "%", "ü ~ / é"),
        ] {
            let key = UpstreamReference {
                provider: provider.to_owned(),
                model_id: model_id.to_owned(),
                channel: channel.to_owned(),
                region: region.to_owned(),
            };
            let name = UpstreamName { namespace: NamespaceId::new("default").unwrap(), key };
            assert_eq!(name.to_string().parse(), Ok(name.clone()), "{name}");
        }
    }

    #[test]
    fn a_name_without_four_parts_is_refused() {
        for text in [
            "namespaces/default/upstreams/openai~gpt-4o",
            "namespaces/default/upstreams/~~~gpt-4o",
            "namespaces/default/upstreams/openai~~~",
            "namespaces/default/upstreams/openai~~~a/b",
            "namespaces/default/upstreams/openai~~~%",
            "upstreams/openai~~~gpt-4o",
        ] {
            text.parse::<UpstreamName>().unwrap_err();
        }
    }
}
