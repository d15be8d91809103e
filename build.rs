//! Compiles the protos without protoc: protox parses them, prost and tonic
//! write the code. The descriptor set is embedded too, for reflection, the
//! command line's JSON, and the tests over the contract.

use std::{env, error::Error, fs, path::PathBuf};

const FILES: &[&str] = &[
    "steward/v1/alias.proto",
    "steward/v1/audit.proto",
    "steward/v1/calendar.proto",
    "steward/v1/checkpoint.proto",
    "steward/v1/consumer.proto",
    "steward/v1/evaluation.proto",
    "steward/v1/incident.proto",
    "steward/v1/lifecycle.proto",
    "steward/v1/metric.proto",
    "steward/v1/model.proto",
    "steward/v1/monitor.proto",
    "steward/v1/namespace.proto",
    "steward/v1/person.proto",
    "steward/v1/policy.proto",
    "steward/v1/proposal.proto",
    "steward/v1/retraining.proto",
    "steward/v1/subscription.proto",
    "steward/v1/upstream.proto",
    "steward/v1/version.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true).open_files(FILES)?;

    // Encoded by protox itself: prost's types would drop the google.api options.
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptor.binpb"), compiler.encode_file_descriptor_set())?;

    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names().btree_map(["."]).bytes([".steward.v1.AuditEvent.leaf"]);
    tonic_prost_build::configure().compile_fds_with_config(compiler.file_descriptor_set(), config)?;
    Ok(())
}
