//! The table of who sees which frame: what is expected, what was measured.

use std::fmt;

use anyhow::Result;
use integration::Lab;
use integration::probe::Seen;
use openflow::MacAddr;

use crate::Holds;

const VM_104: &str = "vm104";
const IDS: &str = "ids0";
const ACCEPT: &str = "mon0";

const COLUMNS: [&str; 4] = [
    "VM-104, access",
    "VM-104, trunked",
    "IDS (tap)",
    "vNIC with accept",
];

/// How VM-104 is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// To demo3000.
    Access,
    /// To demo3000 and demo4000.
    Trunked,
}

/// A kind of frame.
struct Row {
    frame: &'static str,
    from: &'static str,
    to: To,
    expected: [&'static str; 4],
}

/// Where a frame is sent to.
#[derive(Clone, Copy)]
enum To {
    Station(&'static str),
    Address(MacAddr),
}

const MULTICAST: MacAddr = MacAddr([0x01, 0x00, 0x5e, 0x01, 0x02, 0x03]);
const NOBODY: MacAddr = MacAddr([0x02, 0, 0, 0, 0x99, 0x99]);

const NO: &str = "no";
const UNTAGGED: &str = "once, untagged";
const ON_3000: &str = "once, tagged 3000";
const ON_4000: &str = "once, tagged 4000";

const SEEN_ON_3000: [&str; 4] = [UNTAGGED, ON_3000, ON_3000, UNTAGGED];
const SEEN_ON_4000: [&str; 4] = [NO, ON_4000, ON_4000, NO];

const ROWS: [Row; 10] = [
    row(
        "demo3000: unicast to VM-104",
        "vma0",
        To::Station(VM_104),
        SEEN_ON_3000,
    ),
    row(
        "demo3000: broadcast",
        "vma0",
        To::Address(MacAddr::BROADCAST),
        SEEN_ON_3000,
    ),
    row(
        "demo3000: multicast",
        "vma0",
        To::Address(MULTICAST),
        SEEN_ON_3000,
    ),
    row(
        "demo3000: unknown unicast",
        "vma0",
        To::Address(NOBODY),
        SEEN_ON_3000,
    ),
    row(
        "demo3000: unicast VM-A to VM-B",
        "vma0",
        To::Station("vmb0"),
        [NO, NO, ON_3000, UNTAGGED],
    ),
    row(
        "demo4000: unicast to VM-104",
        "vmc0",
        To::Station(VM_104),
        SEEN_ON_4000,
    ),
    row(
        "demo4000: broadcast",
        "vmc0",
        To::Address(MacAddr::BROADCAST),
        SEEN_ON_4000,
    ),
    row(
        "demo4000: multicast",
        "vmc0",
        To::Address(MULTICAST),
        SEEN_ON_4000,
    ),
    row(
        "demo4000: unknown unicast",
        "vmc0",
        To::Address(NOBODY),
        SEEN_ON_4000,
    ),
    row(
        "demo4000: unicast VM-C to VM-D",
        "vmc0",
        To::Station("vmd0"),
        [NO, NO, ON_4000, NO],
    ),
];

const fn row(frame: &'static str, from: &'static str, to: To, expected: [&'static str; 4]) -> Row {
    Row {
        frame,
        from,
        to,
        expected,
    }
}

/// What was measured, and what is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// The cells of each row, once its frame was sent.
    cells: Vec<[Option<String>; 4]>,
    mistakes: Vec<String>,
}

impl Table {
    /// Sends a frame of each kind.
    pub(crate) fn measure(&mut self, lab: &Lab, phase: Phase) -> Result<()> {
        self.cells.resize(ROWS.len(), Default::default());
        for (index, row) in ROWS.iter().enumerate() {
            let dst = match row.to {
                To::Station(port) => lab.mac(port)?,
                To::Address(address) => address,
            };
            let seen = lab.probe(&lab.frame(row.from, dst)?)?;
            self.enter(index, phase, &seen);
        }
        Ok(())
    }

    fn enter(&mut self, index: usize, phase: Phase, seen: &Seen) {
        let row = &ROWS[index];
        let vm_104 = if phase == Phase::Access { 0 } else { 1 };
        for (column, port) in [(vm_104, VM_104), (2, IDS), (3, ACCEPT)] {
            let cell = cell(seen.at(port));
            if cell != row.expected[column] {
                let (frame, who, expected) = (row.frame, COLUMNS[column], row.expected[column]);
                self.mistakes
                    .push(format!("{frame}, {who}: {cell}; expected: {expected}"));
            }
            // A column that is measured twice keeps what is wrong.
            let entry = &mut self.cells[index][column];
            if entry
                .as_deref()
                .is_none_or(|entry| entry == row.expected[column])
            {
                *entry = Some(cell);
            }
        }
        if !seen.at(row.from).is_empty() {
            self.mistakes
                .push(format!("{}: came back to its sender", row.frame));
        }
    }
}

impl Holds for Table {
    fn holds(&self) -> bool {
        self.mistakes.is_empty()
    }
}

/// The copies of a frame that arrived at one port, in words.
fn cell(copies: &[String]) -> String {
    let tagging = |copy: &String| match copy.as_str() {
        "untagged" => "untagged".to_owned(),
        vid => format!("tagged {vid}"),
    };
    match copies {
        [] => NO.to_owned(),
        [copy] => format!("once, {}", tagging(copy)),
        several => {
            let copies: Vec<_> = several.iter().map(tagging).collect();
            format!("{} times: {}", several.len(), copies.join(" and "))
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = |index: usize| {
            let measured = |cell: &Option<String>| cell.clone().unwrap_or_default();
            let row = self
                .cells
                .get(index)
                .map(|row| row.each_ref().map(measured));
            row.unwrap_or_default()
        };
        writeln!(f, "Who saw which frame:\n")?;
        line(f, "frame", COLUMNS)?;
        line(
            f,
            &"-".repeat(30),
            [
                "-".repeat(17),
                "-".repeat(17),
                "-".repeat(17),
                "-".repeat(17),
            ],
        )?;
        for (index, row) in ROWS.iter().enumerate() {
            line(f, row.frame, cells(index))?;
        }
        writeln!(f)?;
        for mistake in &self.mistakes {
            writeln!(f, "WRONG  {mistake}")?;
        }
        match self.mistakes.len() {
            0 => write!(
                f,
                "All as it must be, and no sender got its own frame back."
            ),
            wrong => write!(f, "{wrong} of these are not as they must be."),
        }
    }
}

fn line<T: fmt::Display>(f: &mut fmt::Formatter<'_>, frame: &str, cells: [T; 4]) -> fmt::Result {
    let [a, b, c, d] = cells.map(|cell| cell.to_string());
    writeln!(
        f,
        "{}",
        format!("{frame:<30}  {a:<17}  {b:<17}  {c:<17}  {d}").trim_end()
    )
}
