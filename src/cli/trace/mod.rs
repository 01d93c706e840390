//! `bridgechain trace`: follows a frame through flows, compiled ones or those that running bridges
//! hold, and says who sees it.

mod ends;
mod headers;
mod live;
mod notes;
mod path;
mod sightings;
mod site;

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context, ensure};
use bridgechain::config::Lines;
use bridgechain::learning::{Learned as Outcome, MacTable};
use bridgechain::simulate::{Frame, Network, Tags};
use bridgechain::topology::Host;
use openflow::MacAddr;
use serde::Serialize;

use self::ends::{Destination, Sender};
use self::live::Reading;
use self::sightings::Sighting;

pub(super) use self::notes::Notes;
pub(super) use self::path::{PassReport, report as path_report};
pub(super) use self::sightings::who;
pub(super) use self::site::Site;
use super::completing;
use super::inputs::{self, Numbers};
use super::live::Live;
use super::progress::Progress;

/// Arguments of `bridgechain trace`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status: 0 done, 1 the flows do what they must not, or (--live) other \
                        than the configuration says; 2 wrong arguments."
)]
pub(crate) struct Args {
    /// The configuration file (YAML)
    config: PathBuf,
    /// Who sends it: a VM (VM-A), a certain vNIC of it (VM-A/MAC or VM-A/PORT), `uplink`, `host`,
    /// or a port by its name
    #[arg(long, value_name = "WHO", add = completing::senders())]
    from: String,
    /// Where to: a VM as above, a MAC address, `broadcast`, `multicast`, `unknown`, `host`, or
    /// `outside` (an address that was learned at an uplink)
    #[arg(long, value_name = "WHO", add = completing::receivers())]
    to: String,
    /// It leaves its sender with the tag of this VLAN; 0 is a priority tag
    #[arg(long, value_name = "VID", value_parser = clap::value_parser!(u16).range(0..4096))]
    vlan: Option<u16>,
    /// Its source address, instead of the sender's own
    #[arg(long, value_name = "MAC")]
    src: Option<MacAddr>,
    /// This address was learned at this port (`host` for the host itself); may be repeated
    #[arg(long, value_name = "MAC@PORT", conflicts_with = "live")]
    learned: Vec<Learned>,
    #[command(flatten)]
    headers: headers::Carrying,
    /// The host on which it is sent, where that is not clear
    #[arg(long, add = completing::hosts())]
    host: Option<String>,
    /// Port numbers (YAML or JSON, `PORT: NUMBER`, for all hosts or by host); ports that are not
    /// in it are taken as absent. Without it all configured ports are there
    #[arg(long, value_name = "FILE", conflicts_with = "live")]
    ports: Option<PathBuf>,
    #[command(flatten)]
    live: Live,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// `MAC@PORT`
#[derive(Debug, Clone)]
struct Learned {
    mac: MacAddr,
    port: String,
}

impl FromStr for Learned {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mac, port) = text
            .split_once('@')
            .ok_or("expected MAC@PORT, such as 02:00:00:00:00:07@vma0")?;
        let mac = mac.parse().map_err(|error| format!("{error}"))?;
        Ok(Self {
            mac,
            port: port.to_owned(),
        })
    }
}

/// Prints the path and who sees the frame. Fails where the flows do what they must not.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(topology) = inputs::topology(&args.config) else {
        return Ok(ExitCode::FAILURE);
    };
    let lines = Lines::load(&args.config);
    let lines = lines.with_context(|| format!("{} has changed", args.config.display()))?;
    let notes = Notes::new(&lines, &topology.networks);
    let hosts: Vec<&Host> = match &args.host {
        Some(name) => vec![inputs::host(&topology, name)?],
        None => topology.hosts.values().collect(),
    };
    if args.live.is_asked {
        let host = inputs::only(&hosts)?;
        let what = format!("reading the bridges of {}", host.name);
        let progress = Progress::new(what, args.json);
        let reading = Reading::new(&topology, host, &args.live.sockets())?;
        drop(progress);
        let sites = [reading.site(&topology)];
        let (site, mut sender) = ends::sender(&sites, &args.from)?;
        let mut destination = ends::destination(site, &topology, &sender, &args.to, args.vlan)?;
        let vlan = site.network_of(sender.at, args.vlan);
        reading.name(vlan, &mut sender, &mut destination)?;
        let notes = notes.comparing(reading.wanted.iter().cloned());
        let (network, wanted) = (reading.network(), reading.wanted_network());
        return trace(
            args,
            site,
            &network,
            Some(&wanted),
            &notes,
            sender,
            &destination,
        );
    }
    let numbers = Numbers::read(args.ports.as_deref(), &topology)?;
    let sites = hosts
        .into_iter()
        .map(|host| Site::new(host, &topology, &numbers))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let (site, sender) = ends::sender(&sites, &args.from)?;
    let destination = ends::destination(site, &topology, &sender, &args.to, args.vlan)?;
    let network = site.network(&learned(site, &sender, &destination, args)?);
    trace(args, site, &network, None, &notes, sender, &destination)
}

/// Sends the frame into `network`, and into the one that should be there.
fn trace(
    args: &Args,
    site: &Site<'_>,
    network: &Network,
    wanted: Option<&Network>,
    notes: &Notes<'_>,
    mut sender: Sender,
    destination: &Destination,
) -> anyhow::Result<ExitCode> {
    let frame = Frame::new(args.src.unwrap_or(sender.mac), destination.mac);
    let frame = match args.vlan {
        Some(vid) => frame.tagged(vid),
        None => frame,
    };
    let frame = match args.headers.headers()? {
        Some(headers) => frame.carrying(headers),
        None => frame,
    };
    if args.from == "uplink" && site.host.is_bonded() {
        sender = ends::taken_by(site, network, sender, &frame);
    }
    let (role, port) = (sender.at.role, sender.at.port);
    let walk = network.inject(role, port, frame.clone());
    let sightings = sightings::of(site, &sender, &walk);
    let wanted = wanted.map(|wanted| {
        let walk = wanted.inject(role, port, frame.clone());
        sightings::of(site, &sender, &walk)
    });
    let report = Report {
        host: &site.host.name,
        from: &sender,
        to: destination,
        tags: frame.tags.iter().map(|tag| tag.vid).collect(),
        path: path_report(site, &walk.pass, notes),
        wanted: wanted.filter(|wanted| *wanted != sightings),
        sightings,
        packet_ins: walk.packet_ins.len(),
        faults: walk.faults.iter().map(ToString::to_string).collect(),
    };
    super::print(&if args.json {
        serde_json::to_string_pretty(&report)? + "\n"
    } else {
        report.text(&frame)
    })?;
    Ok(if walk.faults.is_empty() && report.wanted.is_none() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What is known of addresses: what the command line says, and otherwise what is taken for
/// granted of the sender and the destination.
fn learned(
    site: &Site<'_>,
    sender: &Sender,
    destination: &Destination,
    args: &Args,
) -> anyhow::Result<MacTable> {
    let told = args
        .learned
        .iter()
        .map(|Learned { mac, port }| Ok((*mac, port, site.port(port)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut macs = site.macs();
    // Nothing is learned of a frame that belongs to no network, and nothing helps it.
    let Some(vlan) = site.network_of(sender.at, args.vlan) else {
        return Ok(macs);
    };
    for (mac, port, at) in told {
        let entry = site.learned(vlan, mac, at).with_context(|| {
            let refusal = site.refusal(vlan, mac, port);
            format!("{mac} is never learned at {port}: {refusal}")
        })?;
        ensure!(
            macs.location(vlan, mac).is_none(),
            "{mac} is said to be learned at two ports"
        );
        ensure!(
            macs.learn(entry) == Outcome::New,
            "{mac} is not learned at {port}: its vNIC or its network may have no more addresses \
             (max_macs)"
        );
    }
    for (mac, at) in [
        (sender.mac, sender.learned_at),
        (destination.mac, destination.learned_at),
    ] {
        let at = at.filter(|_| macs.location(vlan, mac).is_none());
        if let Some(entry) = at.and_then(|at| site.learned(vlan, mac, at)) {
            // Where there is no room for it, it is unknown.
            macs.learn(entry);
        }
    }
    Ok(macs)
}

/// What is printed.
#[derive(Serialize)]
struct Report<'a> {
    host: &'a str,
    from: &'a Sender,
    to: &'a Destination,
    /// VLAN ids that it leaves its sender with, outermost first.
    tags: Vec<u16>,
    path: PassReport,
    sightings: Vec<Sighting>,
    /// Who should see it, where these are others.
    #[serde(skip_serializing_if = "Option::is_none")]
    wanted: Option<Vec<Sighting>>,
    /// How often the controller is told of the source.
    packet_ins: usize,
    faults: Vec<String>,
}

impl Report<'_> {
    fn text(&self, frame: &Frame) -> String {
        let Self {
            host,
            from,
            to,
            path,
            sightings,
            wanted,
            packet_ins,
            faults,
            ..
        } = self;
        let tags = Tags(&frame.tags);
        let mut text = format!(
            "host {host}: {} ({}) to {} ({}), {tags}\n",
            from.who, frame.src, to.who, frame.dst
        );
        if let Some(headers) = frame.headers {
            text.push_str(&format!("{headers}\n"));
        }
        text.push_str(&format!("\n{path}\n"));
        text.push_str(&sightings::table(sightings));
        if let Some(wanted) = wanted {
            text.push_str("\nIT SHOULD BE, by the configuration:\n\n");
            text.push_str(&sightings::table(wanted));
        }
        if path.to_string().contains("multipath(") {
            text.push_str(
                "\nWhich conversations a tap gets a sample of is up to the switch: here it is by another hash.\n",
            );
        }
        if *packet_ins > 0 {
            text.push_str("\nThe source is not known yet: the controller is told of it.\n");
        }
        for fault in faults {
            text.push_str(&format!("\nFAULT: {fault}\n"));
        }
        text
    }
}
