//! Which packets the IPS lets pass.

use anyhow::Result;
use integration::ids::{SIGNATURE, arrived, await_alerts, await_arrival, packet};
use openflow::MacAddr;

use super::report::{Cell, Report};
use super::{FAR, FIRST, IDS, OUTSIDE, SECOND, Stage, VM_A, VM_B};

/// A way that packets take.
struct Way {
    name: &'static str,
    from: &'static str,
    src: MacAddr,
    dst: MacAddr,
    to: &'static str,
}

/// Sends a harmless packet and an attack each way, and counts their copies.
pub(super) fn measure(stage: &Stage, report: &mut Report) -> Result<()> {
    let lab = &stage.lab;
    let (a, b) = (lab.mac(VM_A)?, lab.mac(VM_B)?);
    let way = |name, from, src, dst, to| Way {
        name,
        from,
        src,
        dst,
        to,
    };
    let ways = [
        way("VM-A to VM-B", VM_A, a, b, VM_B),
        way("VM-A to all", VM_A, a, MacAddr::BROADCAST, VM_B),
        way("VM-A to outside", VM_A, a, FAR, OUTSIDE),
        way("outside to VM-A", OUTSIDE, FAR, a, VM_A),
    ];
    let mut attacks = stage.first.alerts()?.len();
    for (port, way) in (1000..).step_by(10).zip(ways) {
        let attack = format!("{SIGNATURE}: {}", way.name);
        let harmless = format!("harmless: {}", way.name);
        for (port, payload) in [(port, &attack), (port + 1, &harmless)] {
            let tags = lab.station(way.from)?.tags();
            lab.transmit(way.from, &packet(way.src, way.dst, tags, port, payload)?)?;
        }
        // Frames keep their order: what was sent first is through when the second is.
        await_arrival(lab, way.to, &harmless)?;
        attacks += 1;
        await_alerts(&*stage.first, attacks)?;
        lab.flush()?;
        for (payload, passes) in [(&harmless, true), (&attack, false)] {
            let from_outside = way.from == OUTSIDE;
            let leg = if from_outside { FIRST[1] } else { FIRST[0] };
            // From outside frames come by the IPS first, and by the IDS if they pass.
            let cells = [
                (IDS, usize::from(passes || !from_outside)),
                (leg, 1),
                (SECOND[0], 0),
                (way.to, usize::from(passes)),
            ];
            let cells =
                cells.map(|(at, expected)| Cell::copies(arrived(lab, at, payload), expected));
            report.packet(payload, cells);
        }
    }
    Ok(())
}
