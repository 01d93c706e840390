//! What is asked of a resource of the API.

use std::fmt::Write;

/// `resource?KEY=VALUE&...`, with those that have a value.
pub(super) fn query(resource: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut text = resource.to_owned();
    let given = pairs
        .iter()
        .filter_map(|(key, value)| Some((key, (*value)?)));
    for (place, (key, value)) in given.enumerate() {
        let before = if place == 0 { '?' } else { '&' };
        text.push(before);
        text.push_str(key);
        text.push('=');
        encode(value, &mut text);
    }
    text
}

/// Percent-encoding (RFC 3986, section 2.1) of all but what needs none anywhere.
fn encode(value: &str, text: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_whatever_they_hold() {
        let pairs = [
            ("network", Some("a b&c")),
            ("vm", None),
            ("host", Some("nö-1")),
        ];
        assert_eq!(
            query("/v1/macs", &pairs),
            "/v1/macs?network=a%20b%26c&host=n%C3%B6-1"
        );
        assert_eq!(query("/v1/macs", &[("vm", None)]), "/v1/macs");
    }
}
