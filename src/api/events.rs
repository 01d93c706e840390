//! `/v1/events`: what has happened, at once or as it happens.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::Stream;
use futures_util::stream;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::{Problem, Query};
use super::server::Peer;
use super::{Shared, word};
use crate::controller::{Next, Observer};
use crate::status::{Events, Gap};

/// How long a request may wait for an event.
const LONGEST_WAIT: u64 = 30;
/// How often a stream says that it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const LAST_EVENT_ID: &str = "last-event-id";

/// The resources of events.
pub(super) fn resources() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(events))
        .routes(routes!(follow))
}

/// Which events are asked for.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Since {
    /// The number of the last one that is known; without it, all that are kept.
    #[serde(default, deserialize_with = "number")]
    since: Option<u64>,
    /// The run that this number is of; without it, the present one.
    run: Option<f64>,
    /// How many seconds to wait for an event where there is none, 30 at the most. Not for a stream.
    #[serde(default, deserialize_with = "seconds")]
    #[param(maximum = 30)]
    wait: u64,
}

/// What has happened. With `Accept: text/event-stream` it goes on with what happens, as
/// /v1/events/stream does.
#[utoipa::path(get, path = "/v1/events", tag = "events", params(Since),
    responses((status = 200, description = "The events", body = Events), Problem))]
async fn events(
    State(mut observer): State<Observer>,
    Extension(peer): Extension<Arc<Peer>>,
    headers: HeaderMap,
    Query(asked): Query<Since>,
) -> Result<Response, Problem> {
    if accepts_a_stream(&headers) {
        return stream_of(observer, &peer, &headers, &asked);
    }
    let since = asked.known_to(&observer);
    let wait = Duration::from_secs(asked.wait);
    let mut events = observer.events(since, Duration::ZERO).await;
    if events.events.is_empty() && !wait.is_zero() {
        peer.follow()?;
        events = observer.events(since, wait).await;
    }
    Ok(Json(events).into_response())
}

/// What has happened and what happens, as server-sent events.
///
/// It begins with `run`, which says which run of the controller this is. Each event has its kind as
/// `event`, itself as `data`, and as `id` RUN-NUMBER: the run and its sequence number in that. Where some
/// are no longer kept that a client asks for, or one reads too slowly for them, `gap` says so. The header
/// `Last-Event-ID` goes before `since` and `run`.
#[utoipa::path(get, path = "/v1/events/stream", tag = "events", params(
        ("since" = inline(Option<u64>), Query, description = "The number of the last event that is known; without it, all that are kept"),
        ("run" = inline(Option<f64>), Query, description = "The run that this number is of; without it, the present one"),
        ("Last-Event-ID" = inline(Option<String>), Header, description = "The `id` of the last event that is known, or only its number; before `since` and `run`",
            pattern = r"^([0-9]+(\.[0-9]+)?-)?[0-9]{1,18}$"),
    ),
    responses((status = 200, description = "The stream", body = String, content_type = "text/event-stream"), Problem))]
async fn follow(
    State(observer): State<Observer>,
    Extension(peer): Extension<Arc<Peer>>,
    headers: HeaderMap,
    Query(asked): Query<Since>,
) -> Result<Response, Problem> {
    if asked.wait != 0 {
        return Err(Problem::bad_request(
            "a stream does not end, so there is nothing to wait for: leave out `wait`",
        ));
    }
    stream_of(observer, &peer, &headers, &asked)
}

impl Since {
    /// The last event of the present run that the client knows. One that comes from another run
    /// knows none of this.
    fn known_to(&self, observer: &Observer) -> u64 {
        match self.run {
            Some(run) if !observer.run().is(run) => 0,
            _ => self.since.unwrap_or(0),
        }
    }
}

/// The sequence number that a text is: no more than most languages have for one, which is what the document
/// says.
fn sequence(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|it| i64::try_from(*it).is_ok());
    number.ok_or_else(|| {
        format!(
            "expected the sequence number of an event, 0 to {}, instead of {text:?}",
            i64::MAX
        )
    })
}

/// The run, if it says that, and the sequence number that an `id` of the stream is. The run is part of it
/// since a client of the standard kind says nothing else when it comes back, and numbers begin anew in
/// each run.
fn id(text: &str) -> Result<(Option<f64>, u64), String> {
    let (run, number) = match text.rsplit_once('-') {
        Some((run, number)) => (Some(run), number),
        None => (None, text),
    };
    let run = run.map(|run| {
        run.parse().map_err(|_| {
            format!("expected the id of an event, RUN-NUMBER or NUMBER, instead of {text:?}")
        })
    });
    Ok((run.transpose()?, sequence(number)?))
}

fn number<'de, D: Deserializer<'de>>(since: D) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(since)?;
    sequence(&text).map(Some).map_err(D::Error::custom)
}

fn seconds<'de, D: Deserializer<'de>>(wait: D) -> Result<u64, D::Error> {
    let text = String::deserialize(wait)?;
    let seconds = text.parse().ok().filter(|it| *it <= LONGEST_WAIT);
    seconds.ok_or_else(|| {
        D::Error::custom(format_args!(
            "expected whole seconds, 0 to {LONGEST_WAIT}, instead of {text:?}"
        ))
    })
}

fn accepts_a_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).into_iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|kind| {
            kind.split(';')
                .next()
                .is_some_and(|it| it.trim() == "text/event-stream")
        })
}

fn stream_of(
    observer: Observer,
    peer: &Peer,
    headers: &HeaderMap,
    asked: &Since,
) -> Result<Response, Problem> {
    let mut asked = *asked;
    if let Some(last) = headers.get(LAST_EVENT_ID) {
        let (run, number) = id(&String::from_utf8_lossy(last.as_bytes()))
            .map_err(|error| Problem::bad_request(format!("Last-Event-ID: {error}")))?;
        asked.run = run.or(asked.run);
        asked.since = Some(number);
    }
    let reader = Reader::new(observer, &asked);
    peer.follow()?;
    peer.stay();
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(reader.into_stream())
        .keep_alive(keep_alive)
        .into_response())
}

/// Where a client of the stream is. It holds a position and nothing else: the events are those of the
/// journal.
struct Reader {
    observer: Observer,
    /// Of the controller, which ids are of.
    run: f64,
    since: u64,
    /// Said before anything else.
    greetings: Vec<Sent>,
}

impl Reader {
    fn new(observer: Observer, asked: &Since) -> Self {
        let run = observer.run();
        let mut greetings = Vec::new();
        let mut since = asked.known_to(&observer);
        let of_another = asked.since.is_some_and(|known| known > 0)
            && (asked.run.is_some_and(|known| !run.is(known)) || since > run.last);
        if of_another {
            since = 0;
            greetings.extend(sent("gap", &Gap { missed: None }));
        }
        greetings.extend(sent("run", &run));
        Self {
            observer,
            run: run.run,
            since,
            greetings,
        }
    }

    fn into_stream(self) -> impl Stream<Item = Result<Sent, Infallible>> {
        stream::unfold(self, async |mut reader| {
            let sent = reader.next().await?;
            Some((Ok(sent), reader))
        })
    }

    /// `None` at the end of the controller.
    async fn next(&mut self) -> Option<Sent> {
        if let Some(greeting) = self.greetings.pop() {
            return Some(greeting);
        }
        loop {
            let (since, sent) = match self.observer.next(self.since).await? {
                Next::Missed { count, since } => {
                    let missed = Some(count);
                    (since, sent("gap", &Gap { missed }))
                }
                Next::Event(event) => {
                    let number = event.sequence;
                    let sent = sent(&word(&event.happening.kind), &*event);
                    let id = format!("{}-{number}", self.run);
                    (number, sent.map(|sent| sent.id(id)))
                }
            };
            self.since = since;
            if sent.is_some() {
                return sent;
            }
        }
    }
}

/// An event of the stream with `data` as JSON, which all that is said here has a form in.
fn sent(kind: &str, data: &impl Serialize) -> Option<Sent> {
    Sent::default().event(kind).json_data(data).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_a_run_and_a_number_or_only_that() {
        assert_eq!(id("1795662245.25-18"), Ok((Some(1795662245.25), 18)));
        assert_eq!(id("1795662245-18"), Ok((Some(1795662245.0), 18)));
        assert_eq!(id("18"), Ok((None, 18)));
        for wrong in [
            "",
            "-",
            "-18",
            "18-",
            "a-18",
            "1.5-a",
            "1.5-9223372036854775808",
        ] {
            assert!(id(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_stream_is_asked_for_by_its_media_type() {
        let accept = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, value.parse().unwrap());
            accepts_a_stream(&headers)
        };
        assert!(accept("text/event-stream"));
        assert!(accept("application/json;q=0.5, text/event-stream;q=0.9"));
        assert!(!accept("*/*") && !accept("application/json"));
        assert!(!accepts_a_stream(&HeaderMap::new()));
    }
}
