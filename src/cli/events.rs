//! `bridgechain events`: what has happened lately, and what happens.

use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use bridgechain::status::{Event, Events, Gap, Run};

use super::client::{Client, Where};

/// The stream says at least every 15 seconds that it is still there.
const SILENCE: Duration = Duration::from_secs(45);
/// How long a controller may be away before there is nothing more to follow.
const ABSENCE: Duration = Duration::from_secs(30);
/// Wait before it is looked for again.
const PAUSE: Duration = Duration::from_millis(500);

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
    if args.follow {
        return follow(&client, args.json);
    }
    let events: Events = client.get("/v1/events", Duration::ZERO)?;
    for event in &events.events {
        show(event, args.json)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What of a stream was seen.
#[derive(Debug, Default)]
struct Seen {
    run: Option<f64>,
    last: u64,
}

/// Follows the stream, and looks for the controller again where it ends.
fn follow(client: &Client, json: bool) -> anyhow::Result<ExitCode> {
    let mut seen = Seen::default();
    let mut absent_since: Option<Instant> = None;
    loop {
        let run = seen
            .run
            .map_or_else(String::new, |run| format!("&run={run}"));
        let resource = format!("/v1/events/stream?since={}{run}", seen.last);
        match client.follow(&resource, SILENCE) {
            Ok(lines) => {
                absent_since = None;
                read(lines, &mut seen, json)?;
            }
            // It was there before: it may be on its way back.
            Err(error) if seen.run.is_some() => {
                let since = *absent_since.get_or_insert_with(Instant::now);
                if since.elapsed() > ABSENCE {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
        if absent_since.is_none() {
            say!("bridgechain: the controller is gone; looking for it");
            absent_since = Some(Instant::now());
        }
        thread::sleep(PAUSE);
    }
}

/// Reads a stream to its end, which is where the controller ends or is silent.
fn read(
    lines: impl Iterator<Item = io::Result<String>>,
    seen: &mut Seen,
    json: bool,
) -> anyhow::Result<()> {
    let mut kind = String::new();
    for line in lines.map_while(Result::ok) {
        if let Some(of) = line.strip_prefix("event: ") {
            kind = of.to_owned();
        }
        let Some(data) = line.strip_prefix("data: ") else {
            continue;
        };
        match &*kind {
            "run" => {
                let run: Run = serde_json::from_str(data)?;
                if seen.run.is_some_and(|known| !run.is(known)) {
                    say!("bridgechain: the controller has started anew");
                    seen.last = 0;
                }
                seen.run = Some(run.run);
            }
            "gap" => {
                let gap: Gap = serde_json::from_str(data)?;
                if let Some(missed) = gap.missed {
                    say!("bridgechain: {missed} events were missed");
                }
            }
            _ => {
                let event: Event = serde_json::from_str(data)?;
                seen.last = event.sequence;
                show(&event, json)?;
            }
        }
    }
    Ok(())
}

fn show(event: &Event, json: bool) -> anyhow::Result<()> {
    super::print(&match json {
        true => serde_json::to_string(event)? + "\n",
        false => line(event),
    })
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
