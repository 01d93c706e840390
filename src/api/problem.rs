//! What an answer says where it is not the one that was asked for.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Path, Query as Parsed};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::config::suggestion;

/// Why a request is not answered as asked (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What that status means.
    pub title: String,
    /// What is wrong with this request, and what would be right.
    pub detail: String,
}

/// The media type of problems.
pub(super) const PROBLEM: &str = "application/problem+json";
/// After how many seconds it is worth asking again what can not be answered now.
const RETRY_AFTER: u64 = 5;

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status: status.as_u16(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            detail: detail.into(),
        }
    }

    /// The request can not be understood.
    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// There is no such thing.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// It can not be answered now.
    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// Nobody is left who could answer.
    pub(super) fn ending() -> Self {
        Self::unavailable("the controller is ending; ask again when it has started")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let kind = HeaderValue::from_static(PROBLEM);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let after = HeaderValue::from(RETRY_AFTER);
            response.headers_mut().insert(header::RETRY_AFTER, after);
        }
        response
    }
}

/// In the OpenAPI document: every resource may answer with a problem.
impl IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let schema = Ref::from_schema_name("Problem");
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new()
            .description("Why it is not answered as asked")
            .content(PROBLEM, content)
            .build();
        BTreeMap::from([("default".to_owned(), response.into())])
    }
}

/// The name at the end of the path of a request; a [`Problem`] where it is no text.
#[derive(Debug)]
pub(super) struct Name(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = Path::<String>::from_request_parts(parts, state).await;
        let Path(name) = read.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
        Ok(Self(name))
    }
}

/// The query of a request; a [`Problem`] where it can not be read.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let read = Parsed::try_from_uri(&parts.uri);
        let Parsed(query) =
            read.map_err(|rejection: QueryRejection| Problem::bad_request(rejection.body_text()))?;
        Ok(Self(query))
    }
}

/// Refuses a `name` that is none of `existing`, and says what may have been meant.
pub(super) fn known<'a>(
    what: &str,
    name: &str,
    existing: impl IntoIterator<Item = &'a str>,
) -> Result<(), String> {
    let existing: BTreeSet<&str> = existing.into_iter().collect();
    if existing.contains(name) {
        return Ok(());
    }
    let meant = suggestion(name, existing.into_iter(), "there are");
    Err(format!("there is no {what} {name:?}{meant}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_does_not_exist_is_answered_with_those_that_do() {
        let existing = ["node1", "node1", "edge"];
        assert_eq!(known("host", "edge", existing), Ok(()));
        assert_eq!(
            known("host", "node2", existing).unwrap_err(),
            "there is no host \"node2\"; did you mean \"node1\"?"
        );
        assert_eq!(
            known("host", "storage", existing).unwrap_err(),
            "there is no host \"storage\"; there are \"edge\", \"node1\""
        );
    }
}
