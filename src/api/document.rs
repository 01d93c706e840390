//! The OpenAPI document. It is made of what stands beside the handlers.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi, SecurityRequirement};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::problem::Problem;

/// What is said of the API as a whole.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "bridgechain",
        description = "The running controller: what it knows, and what happens.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(Problem)),
    tags(
        (name = "state", description = "What is so at the moment"),
        (name = "configuration", description = "What the configuration in force says"),
        (name = "events", description = "What happens"),
        (name = "documents", description = "For programs that watch or describe the controller"),
    ),
)]
struct Document;

/// The head of the document, without any resource. A Unix socket asks for no token, TCP does.
pub(super) fn head() -> OpenApi {
    let mut document = <Document as utoipa::OpenApi>::openapi();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "Over TCP: what is in the file of `controller.api_token_file`",
        ))
        .build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    document.security = Some(vec![
        SecurityRequirement::default(),
        SecurityRequirement::new("token", Vec::<String>::new()),
    ]);
    document
}

/// Where the document itself is.
pub(super) fn resources() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(openapi))
}

/// The OpenAPI document of this API.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "documents",
    responses((status = 200, description = "The document", body = Object), Problem))]
async fn openapi(State(shared): State<Shared>) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, String::from(&*shared.document)).into_response()
}
