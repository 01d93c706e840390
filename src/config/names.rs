//! Names: nearest names for messages, and what may be the name of an OVS interface.

/// How many names a message lists.
const LISTED: usize = 16;

/// How long a name, in bytes, is still compared with others.
const LONGEST_COMPARED: usize = 64;

/// The end of a message about a name that does not exist: the nearest existing one, or else, behind
/// `introduction`, those that do exist.
pub fn suggestion<'n>(
    wrong: &str,
    existing: impl Iterator<Item = &'n str>,
    introduction: &str,
) -> String {
    let existing: Vec<&str> = existing.collect();
    if let Some(near) = nearest(wrong, &existing) {
        return format!("; did you mean {near:?}?");
    }
    if existing.is_empty() || existing.len() > LISTED {
        return String::new();
    }
    let listed: Vec<String> = existing.iter().map(|name| format!("{name:?}")).collect();
    format!("; {introduction} {}", listed.join(", "))
}

/// The name most like `wrong`, if one is so much like it that it may have been meant.
fn nearest<'n>(wrong: &str, existing: &[&'n str]) -> Option<&'n str> {
    // The cost grows with the product of the lengths.
    if wrong.len() > LONGEST_COMPARED {
        return None;
    }
    let wrong = wrong.to_lowercase();
    let allowed = (wrong.chars().count() / 3).max(1);
    existing
        .iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&wrong, &name.to_lowercase()),
                *name,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// What keeps `name` from being the name of an OVS interface that `bridgechain` can recognise.
///
/// Linux allows 15 bytes (`IFNAMSIZ` without the NUL) and no slash, blank or colon; OpenFlow's
/// `ofp_port` has room for 15 as well, so a longer one would come back cut off.
pub(super) fn wrong_interface_name(name: &str) -> Option<String> {
    const LONGEST: usize = 15;
    if name.is_empty() {
        return Some("is empty".to_owned());
    }
    if name == "." || name == ".." {
        return Some("is a directory to Linux".to_owned());
    }
    if name.starts_with('-') {
        return Some("begins with a dash, so commands would take it for an option".to_owned());
    }
    if name.len() > LONGEST {
        return Some(format!("is longer than {LONGEST} bytes"));
    }
    let wrong = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
    name.chars()
        .find(|&c| wrong(c))
        .map(|c| format!("contains {c:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggest(wrong: &str, existing: &[&str]) -> String {
        suggestion(wrong, existing.iter().copied(), "there are")
    }

    #[test]
    fn a_near_name_is_suggested() {
        let names = ["demo3000", "demo4000", "native"];
        assert_eq!(suggest("demo300", &names), "; did you mean \"demo3000\"?");
        assert_eq!(suggest("Native", &names), "; did you mean \"native\"?");
        assert_eq!(suggest("ntaive", &names), "; did you mean \"native\"?");
    }

    #[test]
    fn without_a_near_one_the_names_are_listed_if_they_are_few() {
        assert_eq!(
            suggest("storage", &["a1", "b2"]),
            "; there are \"a1\", \"b2\""
        );
        assert_eq!(suggest("storage", &[]), "");
        assert_eq!(suggest("storage", &["a1"; LISTED + 1]), "");
    }

    #[test]
    fn interface_names_are_those_of_linux() {
        for good in ["eth0", "br0.local", "vnet-12_a", "fifteen-bytes-x"] {
            assert_eq!(wrong_interface_name(good), None, "{good:?}");
        }
        for bad in [
            "",
            ".",
            "..",
            "sixteen-bytes-xy",
            "a/b",
            "a b",
            "a:b",
            "a\tb",
            "ööööööööö",
        ] {
            assert!(wrong_interface_name(bad).is_some(), "{bad:?}");
        }
    }
}
