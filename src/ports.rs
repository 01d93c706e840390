//! The ports that a bridge has at the moment.

use std::collections::BTreeMap;

use openflow::PortNo;

/// The ports of one bridge, by OVS interface name and by OpenFlow port number.
///
/// The bridge's own LOCAL port is among them, under the bridge's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ports {
    numbers: BTreeMap<String, PortNo>,
    names: BTreeMap<PortNo, String>,
}

impl Ports {
    /// The number of the port called `name`.
    pub fn get(&self, name: &str) -> Option<PortNo> {
        self.numbers.get(name).copied()
    }

    /// The name of the port numbered `number`.
    pub fn name(&self, number: PortNo) -> Option<&str> {
        self.names.get(&number).map(String::as_str)
    }

    /// Adds a port, in place of any that has its name or its number.
    pub fn insert(&mut self, name: String, number: PortNo) {
        self.remove(number);
        if let Some(renumbered) = self.numbers.insert(name.clone(), number) {
            self.names.remove(&renumbered);
        }
        self.names.insert(number, name);
    }

    /// Takes out the port numbered `number`, and returns its name.
    pub fn remove(&mut self, number: PortNo) -> Option<String> {
        let name = self.names.remove(&number)?;
        self.numbers.remove(&name);
        Some(name)
    }

    /// All ports in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, PortNo)> {
        self.numbers
            .iter()
            .map(|(name, number)| (name.as_str(), *number))
    }
}

impl FromIterator<(String, PortNo)> for Ports {
    fn from_iter<T: IntoIterator<Item = (String, PortNo)>>(ports: T) -> Self {
        let mut all = Self::default();
        for (name, number) in ports {
            all.insert(name, number);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_comes_back_under_another_number_leaves_nothing_of_the_old_one() {
        let mut ports: Ports = [("vma0".to_owned(), PortNo(4))].into_iter().collect();
        ports.insert("vma0".to_owned(), PortNo(9));
        assert_eq!(ports.get("vma0"), Some(PortNo(9)));
        assert_eq!(ports.name(PortNo(4)), None);
    }

    #[test]
    fn a_number_that_is_given_to_another_port_leaves_nothing_of_the_old_one() {
        let mut ports: Ports = [("vma0".to_owned(), PortNo(4))].into_iter().collect();
        ports.insert("vmb0".to_owned(), PortNo(4));
        assert_eq!(ports.get("vma0"), None);
        assert_eq!(ports.name(PortNo(4)), Some("vmb0"));
    }
}
