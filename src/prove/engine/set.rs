//! Sets of values of one field: those that agree in some bits, less exceptions.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;
use std::rc::Rc;

use super::mixer::Mixer;

/// How a question relates to a set of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It holds for every value of the set.
    Always,
    /// It holds for none.
    Never,
    /// It holds for some.
    Depends,
}

/// A set of values: those that agree with `value` in the bits of `mask`, less the exceptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Set {
    value: u128,
    mask: u128,
    /// All bits of the field.
    full: u128,
    except: Option<Rc<Exceptions>>,
}

/// Values that are not in a set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Exceptions {
    single: HashSet<u128, BuildHasherDefault<Mixer>>,
    /// Values with masks; all values that agree are exceptions.
    masked: Vec<(u128, u128)>,
}

impl Set {
    /// All values of `bits` bits.
    pub(crate) fn all(bits: u8) -> Self {
        Self {
            value: 0,
            mask: 0,
            full: ones(bits),
            except: None,
        }
    }

    /// The bits that all values have in common, and which these are.
    pub(crate) fn known(&self) -> (u128, u128) {
        (self.value, self.mask)
    }

    /// Whether a value of the set agrees with `value` in the bits of `mask`.
    pub(crate) fn is(&self, value: u128, mask: u128) -> Answer {
        let mask = mask & self.full;
        if (self.value ^ value) & self.mask & mask != 0 {
            return Answer::Never;
        }
        if mask & !self.mask == 0 {
            return Answer::Always;
        }
        let part = (self.value | value & mask, self.mask | mask);
        match &self.except {
            Some(except) if except.covers(part, self.full) => Answer::Never,
            _ => Answer::Depends,
        }
    }

    /// The values that agree with `value` in the bits of `mask`. To be used where that
    /// [depends](Answer::Depends).
    #[must_use]
    pub(crate) fn only(&self, value: u128, mask: u128) -> Self {
        let mask = mask & self.full;
        let mask_now = self.mask | mask;
        Self {
            value: self.value | value & mask,
            mask: mask_now,
            full: self.full,
            except: self.except.clone().filter(|_| mask_now != self.full),
        }
    }

    /// The values that are in none of these cubes (values with masks).
    #[must_use]
    pub(crate) fn without(&self, cubes: impl IntoIterator<Item = (u128, u128)>) -> Self {
        let mut set = self.clone();
        let mut except: Option<Exceptions> = None;
        for (value, mask) in cubes {
            let mask = mask & set.full;
            if (set.value ^ value) & set.mask & mask != 0 {
                continue;
            }
            let open = mask & !set.mask;
            if open.is_power_of_two() {
                // One bit decides.
                set.mask |= open;
                set.value |= !value & open;
                continue;
            }
            let except =
                except.get_or_insert_with(|| self.except.as_deref().cloned().unwrap_or_default());
            if mask == set.full {
                except.single.insert(value & mask);
            } else if !except.masked.contains(&(value & mask, mask)) {
                except.masked.push((value & mask, mask));
            }
        }
        if let Some(except) = except {
            set.except = Some(Rc::new(except));
        }
        set
    }

    /// The values that are in both.
    #[must_use]
    pub(crate) fn and(&self, other: &Self) -> Self {
        let both = match self.is(other.value, other.mask) {
            Answer::Always => self.clone(),
            Answer::Depends => self.only(other.value, other.mask),
            Answer::Never => self.without([(0, 0)]),
        };
        let Some(except) = &other.except else {
            return both;
        };
        let singles = except.single.iter().map(|value| (*value, self.full));
        both.without(except.masked.iter().copied().chain(singles))
    }

    /// Whether there is no such value.
    pub(crate) fn is_empty(&self) -> bool {
        let Some(except) = &self.except else {
            return false;
        };
        // As long as there are more values than exceptions, one is left.
        let open = (self.full & !self.mask).count_ones();
        let mut excluded = except.single.len() as u128;
        for (_, mask) in &except.masked {
            let open_in_cube = (self.full & !self.mask & !mask).count_ones();
            excluded =
                excluded.saturating_add(1_u128.checked_shl(open_in_cube).unwrap_or(u128::MAX));
        }
        if open >= 128 || excluded < 1 << open {
            return false;
        }
        self.any().is_none()
    }

    /// Whether `value` is one of them.
    pub(crate) fn contains(&self, value: u128) -> bool {
        let value = value & self.full;
        (self.value ^ value) & self.mask == 0
            && self
                .except
                .as_ref()
                .is_none_or(|except| !except.covers((value, self.full), self.full))
    }

    /// What is excepted, if anything is.
    pub(crate) fn exceptions(&self) -> Option<&Rc<Exceptions>> {
        self.except.as_ref()
    }

    /// The only value, if there is just one.
    pub(crate) fn single(&self) -> Option<u128> {
        (self.mask == self.full).then_some(self.value)
    }

    /// One of the values.
    pub(crate) fn any(&self) -> Option<u128> {
        let Some(except) = &self.except else {
            return Some(self.value);
        };
        let singles = except.single.iter().map(|value| (*value, self.full));
        let cubes: Vec<(u128, u128)> = except.masked.iter().copied().chain(singles).collect();
        outside((self.value, self.mask), &cubes)
    }
}

impl Exceptions {
    /// Whether a value is among them.
    pub(crate) fn contain(&self, value: u128) -> bool {
        self.covers((value, u128::MAX), u128::MAX)
    }

    /// Whether all of a cube are exceptions, as far as that is seen at a glance.
    fn covers(&self, (value, mask): (u128, u128), full: u128) -> bool {
        (mask == full || mask == u128::MAX) && self.single.contains(&value)
            || self
                .masked
                .iter()
                .any(|(v, m)| m & !mask == 0 && (v ^ value) & m == 0)
    }
}

/// A value in the cube that is in none of the others.
fn outside((value, mask): (u128, u128), others: &[(u128, u128)]) -> Option<u128> {
    let meets = |(v, m): &&(u128, u128)| (v ^ value) & m & mask == 0;
    let relevant: Vec<(u128, u128)> = others.iter().filter(meets).copied().collect();
    let Some((v, m)) = relevant.first() else {
        return Some(value);
    };
    // It must differ from this one in some bit.
    let mut open = m & !mask;
    while open != 0 {
        let bit = 1 << open.trailing_zeros();
        open &= !bit;
        let found = outside((value | !v & bit, mask | bit), &relevant);
        if found.is_some() {
            return found;
        }
    }
    None
}

/// The lowest `bits` bits.
pub(crate) fn ones(bits: u8) -> u128 {
    match bits {
        0 => 0,
        bits => u128::MAX >> (128 - u32::from(bits.min(128))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sets of 4-bit values can be compared value by value.
    fn values(set: &Set) -> Vec<u128> {
        (0..16).filter(|value| set.contains(*value)).collect()
    }

    #[test]
    fn one_bit_that_is_left_decides() {
        let odd = Set::all(4).without([(0, 1)]);
        assert_eq!(odd.known(), (1, 1));
        assert_eq!(odd.is(0, 1), Answer::Never);
    }

    #[test]
    fn a_set_can_run_empty() {
        let even = Set::all(4).only(0, 1);
        let none = even.without((0..8).map(|half| (half * 2, 15)));
        assert!(none.is_empty());
        assert_eq!(none.any(), None);
    }

    /// Sets that are not empty.
    fn sets() -> impl Strategy<Value = Set> {
        let step = (any::<bool>(), 0..16_u128, 0..16_u128);
        proptest::collection::vec(step, 0..5).prop_map(|steps| {
            steps
                .into_iter()
                .fold(Set::all(4), |set, (is_only, value, mask)| {
                    let part = match (set.is(value, mask), is_only) {
                        (Answer::Depends, true) => set.only(value, mask),
                        (Answer::Depends, false) => set.without([(value, mask)]),
                        _ => return set,
                    };
                    match part.is_empty() {
                        true => set,
                        false => part,
                    }
                })
        })
    }

    proptest! {
        #[test]
        fn what_is_in_both(
            [first, second] in [sets(), sets()],
        ) {
            let both = first.and(&second);
            let expected: Vec<u128> = (0..16)
                .filter(|value| first.contains(*value) && second.contains(*value))
                .collect();
            prop_assert_eq!(both.any().is_none(), expected.is_empty());
            prop_assert_eq!(values(&both), expected);
        }

        #[test]
        fn questions_and_parts_agree_with_the_values(
            steps in proptest::collection::vec((any::<bool>(), 0..16_u128, 0..16_u128), 0..8),
            value in 0..16_u128,
            mask in 0..16_u128,
        ) {
            let mut set = Set::all(4);
            let mut expected: Vec<u128> = (0..16).collect();
            for (is_only, value, mask) in steps {
                let agrees = |found: &u128| (found ^ value) & mask == 0;
                if is_only {
                    if set.is(value, mask) == Answer::Depends {
                        set = set.only(value, mask);
                        expected.retain(|found| agrees(found));
                    }
                } else if set.is(value, mask) == Answer::Depends {
                    set = set.without([(value, mask)]);
                    expected.retain(|found| !agrees(found));
                }
                prop_assert_eq!(set.is_empty(), expected.is_empty());
                if expected.is_empty() {
                    return Ok(());
                }
            }
            prop_assert_eq!(values(&set), expected.clone());
            prop_assert!(expected.contains(&set.any().expect("it is not empty")));
            let agreeing = expected.iter().filter(|found| (*found ^ value) & mask == 0).count();
            match set.is(value, mask) {
                Answer::Always => prop_assert_eq!(agreeing, expected.len()),
                Answer::Never => prop_assert_eq!(agreeing, 0),
                // What depends may turn out not to, once the part is looked at.
                Answer::Depends => {
                    prop_assert_eq!(set.only(value, mask).is_empty(), agreeing == 0);
                    prop_assert_eq!(
                        set.without([(value, mask)]).is_empty(),
                        agreeing == expected.len()
                    );
                }
            }
        }
    }
}
