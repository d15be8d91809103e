//! `steward audit`: who changed what, when and why.

use clap::Subcommand;

use super::{
    audit_read::{self, ListArgs, TailArgs},
    checkpoint::{self, CheckpointArgs, ConsistencyArgs, ProveArgs, RotateArgs},
    client::Session,
    error::Failure,
    publish::{self, PublishArgs},
    serve::NewEpochArgs,
    verify::{self, VerifyArgs},
};

/// What to do with the audit log.
#[derive(Subcommand, Debug)]
pub enum AuditCommand {
    /// Follow the changes as they happen
    #[command(after_help = "\
Prints one line for each change; with --output json the event itself, one JSON object a line. A broken \
connection is taken up again without a loss or a repeat.

Examples:
  steward audit tail
  steward audit tail --from earliest --resource donor-chatbot
  steward audit tail --from '#120' --until '#130'
  steward audit tail --type VersionApproved --type AliasSet --from 2026-03-01
  steward audit tail --token-file follower.token --output json | ./forward-to-chat")]
    Tail(TailArgs),

    /// List changes of the past
    #[command(after_help = "\
Examples:
  steward audit list --newest-first --limit 20
  steward audit list --resource fundraising --from 2026-01-01 --to 2026-02-01")]
    List(ListArgs),

    /// Show how long the log is, and its fingerprint
    Head,

    /// Print a signed checkpoint: the size and root of the log, for whoever verifies it
    Checkpoint(CheckpointArgs),

    /// Print the public keys that verify the log
    Key,

    /// Print everything that proves one event to somebody who has nothing but the public key
    #[command(after_help = "\
Examples:
  steward audit prove '#12'
  steward audit prove '#12' --proof event12.proof --leaf event12.json
  steward audit prove '#12' --tree-size 4000")]
    Prove(ProveArgs),

    /// Print the proof that the log contains an earlier state of it: its hashes in base64
    #[command(after_help = "\
Examples:
  steward audit consistency 4000
  steward audit consistency 4000 --tree-size 5000")]
    Consistency(ConsistencyArgs),

    /// Have another key sign the log; those before it sign beside it for a while
    #[command(after_help = "\
Example:
  steward audit rotate-key --overlap '30 days' --reason 'yearly rotation'")]
    RotateKey(RotateArgs),

    /// Write the log as static files, for any web server and any verifier, or bring them up to date
    #[command(after_help = "\
Examples:
  steward audit publish /var/www/steward-log
Run it as often as you like: only what is new is written, and the checkpoint last.")]
    Publish(PublishArgs),

    /// Verify a log, or that an event is in it, without trusting anybody
    #[command(after_help = "\
Checks that the log is whole, that the key has signed it, that every state follows from the one before, and \
makes every decision once more from what was recorded. The first thing that is wrong is named; the exit code \
is 9 then.

Examples:
  steward audit verify
  steward audit verify log --key example.com/log+d455c521+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4
  steward audit verify https://registry.example/namespaces/default --policy trusted.policy
  steward audit verify registry.jsonl --checkpoint newest.checkpoint --policy trusted.policy
  steward audit verify event12.proof --leaf event12.json --policy trusted.policy")]
    Verify(VerifyArgs),

    /// Give up events that a restored store lacks, on record, so that it can be used again
    #[command(after_help = "\
The server refuses to start with a store that is older than what was acknowledged or signed. When nothing \
newer is to be had, stop it and run this where the store is. From then on the log signs under another name \
and with another key, which everybody who verifies it has to be told.

Example:
  steward audit new-epoch --data-dir /var/lib/steward --reason 'disk failed on 3 March; backup of the day before'")]
    NewEpoch(NewEpochArgs),
}

/// Carries out one command.
pub async fn run(session: &Session, command: AuditCommand) -> Result<(), Failure> {
    match command {
        AuditCommand::Tail(args) => audit_read::tail(session, args).await,
        AuditCommand::List(args) => audit_read::list(session, args).await,
        AuditCommand::Checkpoint(args) => checkpoint::checkpoint(session, args).await,
        AuditCommand::Key => checkpoint::key(session).await,
        AuditCommand::Prove(args) => checkpoint::prove(session, args).await,
        AuditCommand::Consistency(args) => checkpoint::consistency(session, args).await,
        AuditCommand::RotateKey(args) => checkpoint::rotate(session, args).await,
        AuditCommand::Verify(args) => verify::run(session, args).await,
        AuditCommand::Publish(args) => publish::run(session, args).await,
        AuditCommand::NewEpoch(_) => Err(Failure::Usage("This command needs no server.".to_owned())),
        AuditCommand::Head => audit_read::show_head(session).await,
    }
}
