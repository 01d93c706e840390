//! The tables of the service bridge, and what its registers hold.
//!
//! | table | does |
//! |---|---|
//! | 0 | tells by the port whether a frame passes a chain at all |
//! | 1 | finds the chain |
//! | 2 | takes the frame to its stage, by chain and port |
//! | 16 to 48 | the stages to the right: 16 in front of the first function, 17 behind it |
//! | 64 to 96 | the stages to the left: 95 in front of the first function, 96 behind it |
//!
//! The table of a stage does not depend on how many functions the chain has, so the others keep
//! their flows when one is added.

use openflow::{Action, OxmField, Subfield, TableId};

use crate::topology::Chain;

/// Finds the chain of a frame.
pub(super) const SELECT: TableId = TableId(1);
/// Takes a frame to its stage.
pub(super) const ENTER: TableId = TableId(2);
/// The stage of frames to the right in front of the first function.
const RIGHT: u8 = 16;
/// The stage of frames to the left that have passed all functions.
const LEFT: u8 = 64 + MAX_FUNCTIONS;
const MAX_FUNCTIONS: u8 = Chain::MAX_FUNCTIONS as u8;

/// The register that keeps a frame's mark while copies leave Open vSwitch without it.
pub(super) const SAVED_MARK: OxmField = OxmField::Reg0;
/// The register with the number of the frame's chain, 0 for none.
pub(in crate::compile) const CHAIN: OxmField = OxmField::Reg2;
/// The register with the port of the instance that was chosen for a frame.
pub(super) const INSTANCE: OxmField = OxmField::Reg3;

/// The register that tells how far the search for an instance has come; 0 between functions.
pub(super) const STEP: OxmField = OxmField::Reg4;

/// Puts the frame's mark aside.
pub(super) fn save_mark() -> Action {
    Action::RegMove {
        src: Subfield::whole(OxmField::PktMark),
        dst: Subfield::whole(SAVED_MARK),
    }
}

/// Gives the frame the mark back that was put aside.
pub(super) fn restore_mark() -> Action {
    Action::RegMove {
        src: Subfield::whole(SAVED_MARK),
        dst: Subfield::whole(OxmField::PktMark),
    }
}

/// The way of a frame along the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the guests to the uplink.
    Right,
    /// From the uplink to the guests.
    Left,
}

impl std::fmt::Display for Direction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Right => "right",
            Self::Left => "left",
        })
    }
}

/// A place of a frame between two functions of its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stage {
    pub(super) direction: Direction,
    /// How many functions are to the left of it.
    pub(super) position: usize,
}

impl Stage {
    /// The position of the function that comes next in a chain of `functions`, and the stage
    /// behind that; `None` behind the last one.
    pub(super) fn ahead(self, functions: usize) -> Option<(usize, Self)> {
        let (function, position) = match self.direction {
            Direction::Right if self.position < functions => (self.position, self.position + 1),
            Direction::Left if self.position > 0 => (self.position - 1, self.position - 1),
            _ => return None,
        };
        Some((function, Self { position, ..self }))
    }

    /// The one whose flows stand in `table`.
    pub(super) fn at(table: TableId) -> Option<Self> {
        let number = table.0;
        let (direction, position) = match number {
            RIGHT.. if number <= RIGHT + MAX_FUNCTIONS => (Direction::Right, number - RIGHT),
            _ if (LEFT - MAX_FUNCTIONS..=LEFT).contains(&number) => {
                (Direction::Left, LEFT - number)
            }
            _ => return None,
        };
        Some(Self {
            direction,
            position: usize::from(position),
        })
    }

    /// Where its flows stand.
    pub(super) fn table(self) -> TableId {
        // A configuration has no longer chains.
        let position = u8::try_from(self.position)
            .unwrap_or(MAX_FUNCTIONS)
            .min(MAX_FUNCTIONS);
        TableId(match self.direction {
            Direction::Right => RIGHT + position,
            Direction::Left => LEFT - position,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_stage_of_the_longest_chain_has_a_table_behind_that_of_the_stage_before() {
        let mut tables: BTreeSet<TableId> = [SELECT, ENTER].into();
        for direction in [Direction::Right, Direction::Left] {
            let position = match direction {
                Direction::Right => 0,
                Direction::Left => Chain::MAX_FUNCTIONS,
            };
            let mut stage = Stage {
                direction,
                position,
            };
            assert!(stage.table() > ENTER);
            let mut passed = Vec::new();
            assert!(tables.insert(stage.table()));
            assert_eq!(Stage::at(stage.table()), Some(stage));
            while let Some((function, next)) = stage.ahead(Chain::MAX_FUNCTIONS) {
                assert!(next.table() > stage.table(), "{stage:?} {next:?}");
                assert!(tables.insert(next.table()), "{next:?}");
                passed.push(function);
                stage = next;
                assert_eq!(Stage::at(stage.table()), Some(stage));
            }
            if direction == Direction::Left {
                passed.reverse();
            }
            assert!(passed.into_iter().eq(0..Chain::MAX_FUNCTIONS));
        }
        // Open vSwitch keeps the highest number for itself.
        assert!(tables.iter().all(|table| table.0 < 254));
    }
}
