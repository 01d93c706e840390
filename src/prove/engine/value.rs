//! What is known of the value of a field: bits that are known, and bits of a variable.

use openflow::OxmField;

/// Something that a frame may have any value of: a field of it as it comes in, or a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Var {
    /// A header field, or the mark that it comes in with.
    Field(OxmField),
    /// The control information of its tag number so and so, as `NXM_OF_VLAN_TCI` has it.
    Tci(u8),
    /// What follows its first so many tags.
    Type(u8),
    /// What a hash came to, by the number of the choice.
    Hash(u16),
    /// What a bridge remembers, by the number of the choice.
    Memory(u16),
}

impl Var {
    /// How many bits it has.
    pub(crate) fn bits(self) -> u8 {
        match self {
            Self::Field(field) => field.bits(),
            Self::Tci(_) | Self::Type(_) | Self::Hash(_) => 16,
            Self::Memory(_) => 64,
        }
    }
}

/// The value of a field of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value {
    /// The bits that are known.
    bits: u128,
    known: u128,
    /// The others are bits of this variable, so many places further up.
    var: Option<(Var, i16)>,
}

/// A question about a variable: does it agree with `value` in the bits of `mask`?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) var: Var,
    pub(crate) value: u128,
    pub(crate) mask: u128,
}

impl Value {
    /// A number.
    pub(crate) const fn number(bits: u128) -> Self {
        Self {
            bits,
            known: u128::MAX,
            var: None,
        }
    }

    /// The whole of a variable.
    pub(crate) fn var(var: Var) -> Self {
        Self {
            bits: 0,
            known: !super::set::ones(var.bits()),
            var: Some((var, 0)),
        }
    }

    /// The number that it is, where nothing of it is unknown.
    pub(crate) fn as_number(self) -> Option<u128> {
        (self.known == u128::MAX).then_some(self.bits)
    }

    /// `count` bits of it from the bit `start` on, as a value of their own.
    pub(crate) fn part(self, start: u16, count: u16) -> Self {
        let window = low_bits(count);
        let unknown = (!self.known >> start) & window;
        Self {
            bits: (self.bits >> start) & window,
            known: !unknown,
            var: self
                .var
                .filter(|_| unknown != 0)
                .map(|(var, up)| (var, up + start as i16)),
        }
    }

    /// It with `count` bits from the bit `start` on replaced by the low bits of `part`; `None`
    /// where it would be made of two variables.
    pub(crate) fn with_part(self, start: u16, count: u16, part: Self) -> Option<Self> {
        let window = low_bits(count) << start;
        let unknown_here = !self.known & !window;
        let unknown_there = (!part.known & low_bits(count)) << start;
        let moved = part.var.map(|(var, up)| (var, up - start as i16));
        let var = match (unknown_here != 0, unknown_there != 0) {
            (false, false) => None,
            (true, false) => self.var,
            (false, true) => moved,
            (true, true) if self.var == moved => moved,
            (true, true) => return None,
        };
        let known = !(unknown_here | unknown_there);
        Some(Self {
            bits: (self.bits & !window | (part.bits << start) & window) & known,
            known,
            var,
        })
    }

    /// It with the bits of `mask` as in `value`.
    pub(crate) fn with_bits(self, value: u128, mask: u128) -> Self {
        let known = self.known | mask;
        Self {
            bits: self.bits & !mask | value & mask,
            known,
            var: self.var.filter(|_| known != u128::MAX),
        }
    }

    /// Whether it agrees with `value` in the bits of `mask`: known, or a question about its
    /// variable.
    pub(crate) fn is(self, value: u128, mask: u128) -> Result<bool, Question> {
        if (self.bits ^ value) & self.known & mask != 0 {
            return Ok(false);
        }
        let open = mask & !self.known;
        match self.var {
            Some((var, up)) if open != 0 => Err(Question {
                var,
                value: shift(value & open, up),
                mask: shift(open, up),
            }),
            _ => Ok(true),
        }
    }

    /// Its unknown bits from what is known of its variable.
    pub(crate) fn resolved(self, known: impl FnOnce(Var) -> (u128, u128)) -> Self {
        match self.var {
            None => self,
            Some((var, up)) => {
                let (value, mask) = known(var);
                let mask = shift(mask, -up) & !self.known;
                self.with_bits(shift(value, -up), mask)
            }
        }
    }

    /// The variable that its unknown bits are of.
    pub(crate) fn variable(self) -> Option<Var> {
        self.var.map(|(var, _)| var)
    }

    /// Whether it is the whole of a variable.
    pub(crate) fn is_whole(self) -> bool {
        self.var.is_some_and(|(var, _)| self == Self::var(var))
    }

    /// Which bits are known, and their values.
    pub(crate) fn known(self) -> (u128, u128) {
        (self.bits, self.known)
    }
}

fn shift(bits: u128, up: i16) -> u128 {
    match up {
        0.. => bits << up,
        _ => bits >> -up,
    }
}

fn low_bits(count: u16) -> u128 {
    super::set::ones(count.min(128) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: Var = Var::Field(OxmField::PktMark);

    #[test]
    fn a_part_of_a_variable_asks_for_its_bits() {
        let high = Value::var(MARK).part(16, 16);
        assert_eq!(
            high.is(0x8000, 0xffff),
            Err(Question {
                var: MARK,
                value: 0x8000_0000,
                mask: 0xffff_0000
            })
        );
        assert_eq!(high.is(0x1_0000, u128::MAX), Ok(false));
    }

    #[test]
    fn a_part_can_be_replaced() {
        let mark = Value::var(MARK);
        let copied = mark.with_part(0, 16, Value::number(7)).unwrap();
        assert_eq!(copied.is(7, 0xffff), Ok(true));
        assert_eq!(copied.is(8, 0xffff), Ok(false));
        let moved = Value::number(0)
            .with_part(0, 16, mark.part(16, 16))
            .unwrap();
        assert_eq!(
            moved.is(1, 0xffff),
            Err(Question {
                var: MARK,
                value: 0x1_0000,
                mask: 0xffff_0000
            })
        );
        let mixed = copied.with_part(0, 8, Value::var(Var::Tci(0)).part(0, 8));
        assert_eq!(mixed, None);
        assert_eq!(mark.with_part(16, 16, mark.part(16, 16)), Some(mark));
    }

    #[test]
    fn what_is_known_of_a_variable_is_known_of_its_parts() {
        let part = Value::var(MARK).part(8, 16);
        let resolved = part.resolved(|_| (0x1200, 0xff00));
        assert_eq!(resolved.known().0, 0x12);
        assert_eq!(resolved.is(0x13, 0xff), Ok(false));
        assert!(resolved.is(0x3412, 0xffff).is_err());
    }
}
