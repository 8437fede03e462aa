//! What V1 has and Resident does not offer: parts of a service in a cloud, which a program on your own computer has no
//! place for. Each answers 501 and says why.

use axum::Router;
use axum::routing::{MethodRouter, any};

use crate::error::Problem;
use crate::state::Shared;

/// Paths, and why there is nothing behind them.
const NOT_OFFERED: [(&str, &str); 12] = [
    ("/v1/client-side-access-tokens", TOKENS),
    ("/v1/client-side-access-tokens/{token}", TOKENS),
    ("/v1/templates", TEMPLATES),
    ("/v1/templates/{template_name}", TEMPLATES),
    ("/v1/templates/{template_name}/agents", TEMPLATES),
    ("/v1/templates/{template_name}/save", TEMPLATES),
    ("/v1/templates/{template_name}/rollback", TEMPLATES),
    ("/v1/environments", ENVIRONMENTS),
    ("/v1/environments/{id}", ENVIRONMENTS),
    ("/v1/environments/{id}/messages", ENVIRONMENTS),
    ("/v1/agents/{agent_id}/schedule", SCHEDULE),
    ("/v1/agents/{agent_id}/schedule/{scheduled_message_id}", SCHEDULE),
];

const TOKENS: &str = "Access tokens for the users of a web app belong to a cloud service. This server has one token, which \
                      `resident server` prints.";
const TEMPLATES: &str =
    "Versioned templates belong to a cloud service. Duplicate an agent, or carry it as an agent file.";
const ENVIRONMENTS: &str = "Environments connect a cloud service to computers. Resident runs on the computer itself.";
const SCHEDULE: &str =
    "Scheduled messages belong to a cloud service. Let the scheduler of your system send the message.";

pub(super) fn routes() -> Router<Shared> {
    NOT_OFFERED.iter().fold(Router::new(), |router, (path, why)| router.route(path, refusal(why)))
}

fn refusal(why: &'static str) -> MethodRouter<Shared> {
    any(move || async move { Problem::not_offered(why) })
}
