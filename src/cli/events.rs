//! `bridgechain events`: what has happened lately.

use std::process::ExitCode;
use std::time::Duration;

use bridgechain::status::{Event, Events};

use super::client::{Client, Where};

/// How long one request waits for an event.
const WAIT: Duration = Duration::from_secs(20);

/// Arguments of `bridgechain events`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Where,
    /// Go on with what happens from now on
    #[arg(long, short)]
    follow: bool,
    /// Print each event as a line of JSON
    #[arg(long)]
    json: bool,
}

/// Prints events, the oldest first.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(client) = Client::new(&args.place)? else {
        return Ok(ExitCode::FAILURE);
    };
    let (mut since, mut wait, mut run) = (0, Duration::ZERO, None);
    loop {
        let resource = format!("/v1/events?since={since}&wait={}", wait.as_secs());
        let events: Events = client.get(&resource, wait)?;
        if run.is_some_and(|run| run != events.run) {
            eprintln!("bridgechain: the controller has started anew");
            (since, wait, run) = (0, Duration::ZERO, None);
            continue;
        }
        let missed = events.oldest.saturating_sub(since + 1);
        if missed > 0 && run.is_some() {
            eprintln!("bridgechain: {missed} events were missed");
        }
        run = Some(events.run);
        let mut text = String::new();
        for event in &events.events {
            text += &match args.json {
                true => serde_json::to_string(event)? + "\n",
                false => line(event),
            };
            since = event.sequence;
        }
        super::print(&text)?;
        if !args.follow {
            return Ok(ExitCode::SUCCESS);
        }
        wait = WAIT;
    }
}

fn line(event: &Event) -> String {
    let Event {
        sequence,
        time,
        host,
        happening,
    } = event;
    format!(
        "{sequence:>5}  {}  {host}  {}: {}\n",
        utc(*time),
        happening.subject,
        happening.message
    )
}

/// Seconds since 1970 as date and time of day (UTC).
fn utc(seconds: f64) -> String {
    let milliseconds = (seconds * 1000.0) as u64;
    let (days, rest) = (milliseconds / 86_400_000, milliseconds % 86_400_000);
    let (year, month, day) = date(days);
    let (hours, minutes) = (rest / 3_600_000, rest / 60_000 % 60);
    let (seconds, milliseconds) = (rest / 1000 % 60, rest % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}Z")
}

/// The date of a day, counted from 1970-01-01.
fn date(mut days: u64) -> (u64, usize, u64) {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if days < length {
            break;
        }
        days -= length;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= months[month] {
        days -= months[month];
        month += 1;
    }
    (year, month + 1, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_date_and_time_of_day() {
        // As `date -u -d @N` has it.
        for (seconds, shown) in [
            (0.0, "1970-01-01T00:00:00.000Z"),
            (951_782_400.5, "2000-02-29T00:00:00.500Z"),
            (1_709_251_199.0, "2024-02-29T23:59:59.000Z"),
            (1_767_225_599.0, "2025-12-31T23:59:59.000Z"),
            (4_107_542_400.0, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(utc(seconds), shown);
        }
    }
}
