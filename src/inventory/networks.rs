//! Which network a word means: on the command line, in AHV's words, and in what the API is asked.

use super::{Inventory, uuid};
use crate::config;
use crate::topology::Vlan;

/// Why a word does not mean one network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoNetwork {
    /// It is no network's name, VLAN or UUID.
    #[error("there is no network {word:?}{suggestion}")]
    Unknown {
        /// The word.
        word: String,
        /// The nearest names, as the end of the sentence.
        suggestion: String,
    },
    /// It is a VLAN that no network has.
    #[error("there is no network of VLAN {0}")]
    OfVlan(u16),
    /// It is a number that is no VLAN.
    #[error(
        "there is no VLAN {0}; they are 1 to {highest}, and 0 for the untagged network",
        highest = Vlan::MAX.id()
    )]
    NoVlan(String),
    /// It is the name of a network, and the VLAN of another one.
    #[error(
        "{word:?} may be the network of that name, whose VLAN is {vlan}, or {other:?}, which has that \
         VLAN; say which one by its UUID: {} or {}",
        uuid("network", .word),
        uuid("network", .other)
    )]
    Ambiguous {
        /// The word, and the name of one network.
        word: String,
        /// The VLAN of that.
        vlan: u16,
        /// The name of the other one.
        other: String,
    },
}

/// The name of the network that `word` means, of those with these names and VLANs: that with this name,
/// which must not be the VLAN of another one; or else with this VLAN; or else with this UUID.
///
/// # Errors
///
/// Why there is no such network, or not just one.
pub fn find_network<'n>(
    networks: impl Iterator<Item = (&'n str, u16)> + Clone,
    word: &str,
) -> Result<&'n str, NoNetwork> {
    let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let id = word.parse().ok().filter(|_| is_number).and_then(Vlan::new);
    let id = id.map(Vlan::id);
    let named = networks.clone().find(|(name, _)| *name == word);
    let of_vlan = networks.clone().find(|(_, vlan)| Some(*vlan) == id);
    match (named, of_vlan) {
        (Some((_, vlan)), Some((other, _))) if other != word => Err(NoNetwork::Ambiguous {
            word: word.to_owned(),
            vlan,
            other: other.to_owned(),
        }),
        (Some((name, _)), _) | (None, Some((name, _))) => Ok(name),
        (None, None) => {
            let wanted = word.to_ascii_lowercase();
            let mut names = networks.map(|(name, _)| name);
            let mut with_uuid = names.clone();
            match (
                with_uuid.find(|name| uuid("network", name).to_string() == wanted),
                id,
            ) {
                (Some(name), _) => Ok(name),
                (None, Some(vlan)) => Err(NoNetwork::OfVlan(vlan)),
                (None, None) if is_number => Err(NoNetwork::NoVlan(word.to_owned())),
                (None, None) => Err(NoNetwork::Unknown {
                    word: word.to_owned(),
                    suggestion: config::suggestion(word, names.by_ref(), "the networks are"),
                }),
            }
        }
    }
}

impl Inventory {
    /// The name of the network that `word` means, see [`find_network`].
    ///
    /// # Errors
    ///
    /// Those of [`find_network`].
    pub fn find_network(&self, word: &str) -> Result<&str, NoNetwork> {
        let networks = self.networks.iter();
        find_network(
            networks.map(|(name, network)| (name.as_str(), network.vlan)),
            word,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORKS: [(&str, u16); 4] = [("a", 7), ("4000", 3000), ("b", 4000), ("9", 9)];

    fn find(word: &str) -> Result<&'static str, String> {
        find_network(NETWORKS.into_iter(), word).map_err(|error| error.to_string())
    }

    #[test]
    fn a_word_means_a_name_or_a_vlan_or_a_uuid_and_never_two_of_them() {
        let ids = ["4000", "b"].map(|name| uuid("network", name).to_string());
        for (word, name) in [
            ("a", "a"),
            ("7", "a"),
            ("3000", "4000"),
            // Its own name and its own VLAN.
            ("9", "9"),
            (&ids[0], "4000"),
            (&ids[1].to_uppercase(), "b"),
        ] {
            assert_eq!(find(word), Ok(name), "{word}");
        }
        let [four, b] = ids;
        let ambiguous = format!(
            "\"4000\" may be the network of that name, whose VLAN is 3000, or \"b\", which has that \
             VLAN; say which one by its UUID: {four} or {b}"
        );
        assert_eq!(find("4000"), Err(ambiguous));
        for (word, message) in [
            ("8", "there is no network of VLAN 8"),
            ("+7", "there is no network \"+7\""),
            ("", "there is no network \"\""),
            ("5000", "there is no VLAN 5000; they are 1 to 4094"),
            ("70000", "there is no VLAN 70000; they are 1 to 4094"),
        ] {
            let error = find(word).unwrap_err();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
