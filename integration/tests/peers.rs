//! Peers that do not speak OpenFlow 1.3 are shown out, and the bridges do not notice.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::Result;
use common::{WORLD, assert_seen, snoop, start};
use integration::{Lab, wait};

const HELLO_1_3: [u8; 16] = [
    4, 0, 0, 16, // version 1.3, HELLO, 16 bytes
    0, 0, 0, 1, // xid
    0, 1, 0, 8, // version bitmap
    0, 0, 0, 0x10, // 1.3
];
const HELLO_1_0: [u8; 8] = [1, 0, 0, 8, 0, 0, 0, 1];

/// Sends bytes to the controller, and returns everything it answers until it hangs up.
fn talk(lab: &Lab, bytes: &[u8]) -> Result<Vec<u8>> {
    lab.layout().host().enter(|| {
        let mut stream = TcpStream::connect("127.0.0.1:6653")?;
        stream.set_read_timeout(Some(wait::LIMIT))?;
        stream.write_all(bytes)?;
        let mut answer = Vec::new();
        let mut part = [0; 4096];
        loop {
            match stream.read(&mut part) {
                Ok(0) => return Ok(answer),
                Ok(length) => answer.extend(&part[..length]),
                // It hung up with bytes of ours unread.
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                    return Ok(answer);
                }
                Err(error) => return Err(error.into()),
            }
        }
    })
}

/// The messages in an answer: their types and bodies.
fn messages(mut answer: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut messages = Vec::new();
    while let Some((header, rest)) = answer.split_first_chunk::<8>() {
        let length = usize::from(u16::from_be_bytes([header[2], header[3]])).saturating_sub(8);
        let (body, rest) = rest.split_at(length.min(rest.len()));
        messages.push((header[1], body.to_vec()));
        answer = rest;
    }
    messages
}

/// The type and code of each OpenFlow error in an answer.
fn errors(answer: &[u8]) -> Vec<(u16, u16)> {
    let of_error = |(kind, body): (u8, Vec<u8>)| match body[..] {
        [a, b, c, d, ..] if kind == 1 => {
            Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
        }
        _ => None,
    };
    messages(answer).into_iter().filter_map(of_error).collect()
}

const HELLO_FAILED_INCOMPATIBLE: (u16, u16) = (0, 0);
const BAD_REQUEST: u16 = 1;

#[test]
fn bad_peers_are_answered_and_disconnected_and_the_bridges_go_on() -> Result<()> {
    let (lab, controller) = start(WORLD)?;
    let snoops = snoop(&lab)?;
    let handshakes = controller.logged("in sync");

    let web = talk(&lab, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")?;
    assert!(
        messages(&web).iter().all(|(kind, _)| *kind <= 1),
        "at most HELLO and ERROR: {web:?}"
    );
    controller.wait_for_log(r#"not OpenFlow: it begins with "GET / HT""#, 1)?;

    let old = talk(&lab, &HELLO_1_0)?;
    assert_eq!(
        errors(&old),
        [HELLO_FAILED_INCOMPATIBLE],
        "a switch of OpenFlow 1.0: {old:?}"
    );
    controller.wait_for_log("the peer speaks OpenFlow 1.0", 1)?;

    // A message after the greeting that is shorter than its own header.
    let short = talk(&lab, &[&HELLO_1_3[..], &[4, 6, 0, 4, 0, 0, 0, 2]].concat())?;
    let short = errors(&short);
    assert!(
        matches!(short[..], [(BAD_REQUEST, _)]),
        "a length below 8: {short:?}"
    );
    controller.wait_for_log("message of 4 bytes, shorter than its 8-byte header", 1)?;

    // Another version after the greeting.
    let mixed = talk(&lab, &[&HELLO_1_3[..], &[1, 5, 0, 8, 0, 0, 0, 2]].concat())?;
    let mixed = errors(&mixed);
    assert!(
        matches!(mixed[..], [(BAD_REQUEST, _)]),
        "a message of version 1.0: {mixed:?}"
    );
    controller.wait_for_log("version is 1, expected 4", 1)?;

    assert_eq!(
        controller.logged("in sync"),
        handshakes,
        "no bridge had to connect again"
    );
    for snoop in &snoops {
        assert_eq!(snoop.count("OFPT_FEATURES_REQUEST"), 0);
    }
    assert_seen(
        &lab,
        "vma0",
        lab.mac("vmb0")?,
        "all0/untagged ids0/3000 vmb0/untagged",
    );
    assert!(controller.terminate()?.success());
    Ok(())
}

#[test]
fn a_crowd_of_silent_peers_does_not_keep_the_bridges_out() -> Result<()> {
    let lab = Lab::from_config(WORLD)?;
    let controller = lab.start_controller()?;
    controller.wait_for_log("listening", 1)?;
    let crowd: Vec<TcpStream> = lab.layout().host().enter(|| {
        let connect = |_| Ok(TcpStream::connect("127.0.0.1:6653")?);
        (0..100).map(connect).collect()
    })?;
    lab.await_sync(&controller)?;
    assert_seen(
        &lab,
        "vma0",
        lab.mac("vmb0")?,
        "all0/untagged ids0/3000 vmb0/untagged",
    );
    drop(crowd);
    Ok(())
}
