//! Entries of files of others, and the records that they mean.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

/// 2026-03-01T00:00:00Z.
const MARCH: Timestamp = Timestamp { seconds: 1_772_323_200, nanos: 0 };

fn openai() -> UpstreamReference {
    UpstreamReference { provider: "openai".into(), ..UpstreamReference::default() }
}

fn announced(format: FileFormat, text: &str) -> Announced {
    read(format, text, &openai()).unwrap()
}

fn skipped(announced: &Announced) -> Vec<(&str, &str)> {
    announced.skipped.iter().map(|one| (one.entry.as_str(), one.why.as_str())).collect()
}

#[test]
fn a_key_of_litellm_tells_who_sells_the_model_how_and_where() {
    for (provider, entry, parts) in [
        ("openai", "gpt-4", ["openai", "", "", "gpt-4"]),
        ("openai", "high/1024-x-1024/gpt-image-1", ["openai", "", "", "gpt-image-1"]),
        ("text-completion-openai", "ft:davinci-002", ["openai", "", "", "ft:davinci-002"]),
        ("azure", "azure/gpt-4", ["openai", "azure", "", "gpt-4"]),
        ("azure", "azure/eu/gpt-4o", ["openai", "azure", "eu", "gpt-4o"]),
        ("azure", "azure/low/1024-x-1536/gpt-image-1", ["openai", "azure", "", "gpt-image-1"]),
        ("azure_ai", "azure_ai/Codestral-2501", ["azure_ai", "", "", "Codestral-2501"]),
        (
            "bedrock",
            "bedrock/us-gov-east-1/anthropic.claude-v1:0",
            ["anthropic", "bedrock", "us-gov-east-1", "anthropic.claude-v1:0"],
        ),
        (
            "bedrock_converse",
            "eu.anthropic.claude-v1:0",
            ["anthropic", "bedrock", "", "eu.anthropic.claude-v1:0"],
        ),
        (
            "bedrock",
            "512-x-512/50-steps/bedrock/amazon.nova-v1:0",
            ["amazon", "bedrock", "", "amazon.nova-v1:0"],
        ),
        ("bedrock", "bedrock/claude_platform/claude-4", ["bedrock", "", "", "claude_platform/claude-4"]),
        (
            "bedrock_mantle",
            "bedrock_mantle/deepseek.v3.1",
            ["deepseek", "bedrock_mantle", "", "deepseek.v3.1"],
        ),
        (
            "vertex_ai-anthropic_models",
            "vertex_ai/claude-opus-4@default",
            ["anthropic", "vertex_ai", "", "claude-opus-4@default"],
        ),
        ("vertex_ai-llama_models", "vertex_ai/meta/llama-3", ["meta", "vertex_ai", "", "meta/llama-3"]),
        ("vertex_ai-language-models", "gemini-2.5-pro", ["google", "vertex_ai", "", "gemini-2.5-pro"]),
        ("vertex_ai", "vertex_ai/deepseek-ai/ocr", ["vertex_ai", "", "", "deepseek-ai/ocr"]),
        ("gemini", "gemini/gemini-2.5-pro", ["google", "gemini", "", "gemini-2.5-pro"]),
        ("together_ai", "together_ai/Qwen/QwQ-32B", ["together_ai", "", "", "Qwen/QwQ-32B"]),
        ("deepseek", "deepseek/deepseek-chat", ["deepseek", "", "", "deepseek-chat"]),
    ] {
        let UpstreamReference { provider, channel, region, model_id } = litellm_model(provider, entry);
        assert_eq!([provider, channel, region, model_id], parts, "{entry}");
    }
}

#[test]
fn a_date_means_the_first_moment_of_that_day_in_utc() {
    let litellm = r#"{"gpt": {"litellm_provider": "openai", "deprecation_date": "2026-03-01"}}"#;
    let list = r#"{"object": "list", "data": [{"id": "gpt", "shutdown_date": "2026-03-01"}]}"#;
    let seconds = r#"[{"id": "gpt", "shutdown_date": 1772323200}]"#;
    for (format, text) in
        [(FileFormat::Litellm, litellm), (FileFormat::Openai, list), (FileFormat::Openai, seconds)]
    {
        let announced = announced(format, text);
        assert_eq!((announced.read, announced.mapped), (1, 1), "{text}");
        let wanted = Upstream {
            provider: "openai".into(),
            model_id: "gpt".into(),
            shutdown_time: Some(MARCH),
            ..Upstream::default()
        };
        assert_eq!(announced.records, [wanted], "{text}");
    }
}

#[test]
fn an_entry_without_a_date_is_read_and_no_more() {
    for (format, text) in [
        (FileFormat::Litellm, r#"{"gpt": {"litellm_provider": "openai"}}"#),
        (FileFormat::Openai, r#"[{"id": "gpt", "shutdown_date": null}]"#),
    ] {
        assert_eq!(announced(format, text), Announced { read: 1, ..Announced::default() });
    }
}

#[test]
fn what_cannot_be_used_is_skipped_with_its_reason() {
    let long = "x".repeat(251);
    let text = format!(
        r#"{{"a": {{"litellm_provider": "openai", "deprecation_date": "soon"}},
            "b": {{"litellm_provider": "openai", "deprecation_date": "2026-02-30"}},
            "c": {{"deprecation_date": "2026-03-01"}},
            "d": {{"litellm_provider": "openai", "deprecation_date": 5}},
            "{long}": {{"litellm_provider": "openai", "deprecation_date": "2026-03-01"}}}}"#
    );
    let litellm = announced(FileFormat::Litellm, &text);
    assert_eq!((litellm.read, litellm.mapped, litellm.records.len()), (5, 0, 0));
    assert_eq!(
        skipped(&litellm),
        [
            ("a", r#""soon" is not a date such as 2026-03-01"#),
            ("b", r#""2026-02-30" is not a date such as 2026-03-01"#),
            ("c", "has no litellm_provider"),
            ("d", "5 is not a date such as 2026-03-01"),
            (&long, "its model id does not have 1-250 characters"),
        ]
    );
    // Milliseconds, a word, and a model without an id.
    let text = r#"[{"id": "a", "shutdown_date": 1772323200000}, {"id": "b", "shutdown_date": "soon"},
        {"shutdown_date": "2026-03-01"}]"#;
    let openai = announced(FileFormat::Openai, text);
    let entries: Vec<&str> = skipped(&openai).into_iter().map(|(entry, _)| entry).collect();
    assert_eq!(entries, ["a", "b", "data[2]"]);
}

#[test]
fn of_two_entries_that_mean_one_model_the_earlier_date_counts() {
    let entry = |date: &str| format!(r#"{{"litellm_provider": "deepseek", "deprecation_date": "{date}"}}"#);
    for (bare, full, outdone) in [
        ("2026-03-01", "2026-03-02", Some("deepseek/chat")),
        ("2026-03-02", "2026-03-01", Some("chat")),
        ("2026-03-01", "2026-03-01", None),
    ] {
        let text = format!(r#"{{"chat": {}, "deepseek/chat": {}}}"#, entry(bare), entry(full));
        let announced = announced(FileFormat::Litellm, &text);
        assert_eq!((announced.mapped, announced.records.len()), (2, 1));
        assert_eq!(announced.records[0].shutdown_time, Some(MARCH));
        let later: Vec<&str> = announced.outdone.iter().map(|one| one.entry.as_str()).collect();
        assert_eq!(later, outdone.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn only_a_web_address_is_taken_as_the_source() {
    for (source, taken) in
        [("https://a.example/b", "https://a.example/b"), ("ask the vendor", ""), ("https://a b", "")]
    {
        let text = format!(
            r#"{{"gpt": {{"litellm_provider": "openai", "deprecation_date": "2026-03-01", "source": "{source}"}}}}"#
        );
        assert_eq!(announced(FileFormat::Litellm, &text).records[0].source_uri, taken);
    }
}

#[test]
fn a_file_of_another_format_is_refused() {
    for (format, text) in [
        (FileFormat::Litellm, "[]"),
        (FileFormat::Openai, "{}"),
        (FileFormat::Openai, "5"),
        (FileFormat::Litellm, "<html>"),
    ] {
        assert!(matches!(read(format, text, &openai()), Err(Failure::Input(_))), "{text}");
    }
}
