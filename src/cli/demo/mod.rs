//! demo
use super::{client::Session, error::Failure};
use clap::Args;
/// Arguments of `steward demo`.
#[derive(Args, Debug)]
pub struct DemoArgs {}
/// x
pub async fn run(_session: &Session, _args: DemoArgs) -> Result<(), Failure> {
    Ok(())
}
