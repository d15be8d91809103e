//! `steward proposal`: steps that take more than one person, and what people
//! did about them. `--propose` on a verb of `steward version` makes one.

use clap::{Args, Subcommand};

use super::{
    client::Session,
    error::Failure,
    flags::{ChangeFlags, EtagFlag, NeededReason, PageFlags, PastFlag},
    name::{self, ModelRef, VersionRef},
    proposal_view::{facts, sentence, table},
};
use crate::proto::v1::{self, GetProposalRequest, ListProposalsRequest, ListProposalsResponse, Proposal};

/// What to do with proposals.
#[derive(Subcommand, Debug)]
pub enum ProposalCommand {
    /// List the proposals about the versions of a model that wait for somebody
    #[command(after_help = "\
Examples:
  steward proposal list fundraising
  steward proposal list fundraising --closed")]
    List(ListArgs),

    /// Show one proposal and what was done about it
    #[command(after_help = "Example:\n  steward proposal get fundraising 1 farewell")]
    Get(GetArgs),

    /// Agree; the last agreement that is needed carries the step out
    #[command(after_help = "\
Examples:
  steward proposal approve fundraising 1 farewell --dry-run
  steward proposal approve fundraising 1 farewell --comment \"The website has moved\"")]
    Approve(ApproveArgs),

    /// Take your own agreement back
    Revoke(ActArgs),

    /// Say no, which ends the proposal
    #[command(after_help = "\
Example:
  steward proposal reject fundraising 1 farewell --reason \"Not before Christmas\"")]
    Reject(ActArgs),

    /// Take your own proposal back, which ends it
    Withdraw(ActArgs),

    /// Say something about a proposal
    #[command(after_help = "\
Example:
  steward proposal comment fundraising 1 farewell --comment \"Has the newsletter moved?\"")]
    Comment(CommentArgs),
}

/// A proposal on the command line.
#[derive(Args, Debug)]
pub struct ProposalRef {
    #[command(flatten)]
    version: VersionRef,

    /// The proposal's id; needed unless the full name of the proposal is given
    #[arg(value_name = "PROPOSAL")]
    proposal: Option<String>,
}

impl ProposalRef {
    fn name(&self, session: &Session) -> Result<String, Failure> {
        name::proposal(session.namespace(), &self.version, self.proposal.as_deref())
    }
}

/// Arguments of `steward proposal list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    model: ModelRef,

    /// Show those that are decided, too
    #[arg(long)]
    closed: bool,

    #[command(flatten)]
    page: PageFlags,
}

/// Arguments of `steward proposal get`.
#[derive(Args, Debug)]
pub struct GetArgs {
    #[command(flatten)]
    proposal: ProposalRef,

    #[command(flatten)]
    past: PastFlag,
}

/// Arguments of `steward proposal approve`.
#[derive(Args, Debug)]
pub struct ApproveArgs {
    #[command(flatten)]
    proposal: ProposalRef,

    /// What you want to say about it; it is kept in the audit log
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    comment: String,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward proposal comment`.
#[derive(Args, Debug)]
pub struct CommentArgs {
    #[command(flatten)]
    proposal: ProposalRef,

    /// What you want to say; it is kept in the audit log
    #[arg(long, value_name = "TEXT")]
    comment: String,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Arguments of `steward proposal revoke`, `reject` and `withdraw`.
#[derive(Args, Debug)]
pub struct ActArgs {
    #[command(flatten)]
    proposal: ProposalRef,

    #[command(flatten)]
    reason: NeededReason,

    #[command(flatten)]
    etag: EtagFlag,

    #[command(flatten)]
    change: ChangeFlags,
}

/// Carries out one command.
pub async fn run(session: &Session, command: ProposalCommand) -> Result<(), Failure> {
    /// Does something about a proposal; `$words` is the field with what is said.
    macro_rules! act {
        ($args:ident, $words:expr, $request:ident, $method:ident) => {{
            let request_id = $args.change.request_id();
            let request = v1::$request {
                name: $args.proposal.name(session)?,
                reason: $words,
                etag: $args.etag.etag,
                request_id: request_id.clone(),
                validate_only: $args.change.dry_run,
            };
            let send = async |r| session.proposals().$method(r).await;
            let proposal = session.change(&request_id, request, send).await?;
            told(session, $args.change.dry_run, &proposal)
        }};
    }
    match command {
        ProposalCommand::List(args) => list(session, args).await,
        ProposalCommand::Get(args) => get(session, args).await,
        ProposalCommand::Approve(args) => {
            act!(args, args.comment, ApproveProposalRequest, approve_proposal)
        }
        ProposalCommand::Revoke(args) => {
            act!(args, args.reason.reason, RevokeApprovalRequest, revoke_approval)
        }
        ProposalCommand::Reject(args) => {
            act!(args, args.reason.reason, RejectProposalRequest, reject_proposal)
        }
        ProposalCommand::Withdraw(args) => {
            act!(args, args.reason.reason, WithdrawProposalRequest, withdraw_proposal)
        }
        ProposalCommand::Comment(args) => {
            act!(args, args.comment, CommentOnProposalRequest, comment_on_proposal)
        }
    }
}

async fn list(session: &Session, args: ListArgs) -> Result<(), Failure> {
    let parent = name::model(session.namespace(), &args.model.model)?;
    let fetch = async |page_size, page_token| {
        let request =
            ListProposalsRequest { parent: parent.clone(), page_size, page_token, show_closed: args.closed };
        let answer = session.call(request, async |r| session.proposals().list_proposals(r).await).await?;
        Ok((answer.proposals, answer.next_page_token))
    };
    let (proposals, next_page_token) = args.page.collect(fetch).await?;
    let answer = ListProposalsResponse { proposals, next_page_token };
    let nothing = if args.closed {
        "There is no proposal."
    } else {
        "No proposal waits; --closed shows those that are decided."
    };
    session.output().list(&answer, &table(&answer.proposals), nothing, &answer.next_page_token)
}

async fn get(session: &Session, args: GetArgs) -> Result<(), Failure> {
    let request = GetProposalRequest { name: args.proposal.name(session)?, read_at: args.past.read_at() };
    let proposal = session.call(request, async |r| session.proposals().get_proposal(r).await).await?;
    session.output().resource(&proposal, &facts(&proposal))
}

/// Tells where a proposal stands now, and who has to do what.
pub fn told(session: &Session, dry_run: bool, proposal: &Proposal) -> Result<(), Failure> {
    session.output().changed(dry_run, proposal, &sentence(proposal), &facts(proposal))
}
