//! How fast messages are read and written. Beside each row stands a plain copy of the same bytes,
//! the floor that nothing that touches them can be below.
//!
//! `cargo bench -p openflow --bench codec`

mod samples;

use bytes::{Bytes, BytesMut};
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use openflow::{Framer, Message, Xid};

fn main() {
    divan::main();
}

/// A buffer of 1,000 messages, PACKET_IN and FLOW_MOD alternating, framed and decoded in full.
#[divan::bench_group]
mod mixed_1000 {
    use super::*;

    #[divan::bench]
    fn frame_and_decode(bencher: Bencher<'_, '_>) {
        let stream = samples::mixed_stream();
        bencher
            .counter(ItemsCount::new(1000u32))
            .counter(BytesCount::of_slice(&stream))
            .with_inputs(|| BytesMut::from(&stream[..]))
            .bench_local_values(|mut buffer| {
                let framer = Framer::new();
                while let Ok(Some(frame)) = framer.next(&mut buffer) {
                    black_box(Message::decode(frame).is_ok());
                }
            });
    }

    #[divan::bench]
    fn copy(bencher: Bencher<'_, '_>) {
        copy_of(bencher, &samples::mixed_stream(), 1000);
    }
}

macro_rules! message_group {
    ($name:ident, $message:expr) => {
        #[divan::bench_group]
        mod $name {
            use super::*;

            #[divan::bench]
            fn decode(bencher: Bencher<'_, '_>) {
                decode_of(bencher, &$message);
            }

            #[divan::bench]
            fn encode(bencher: Bencher<'_, '_>) {
                encode_of(bencher, &$message);
            }

            #[divan::bench]
            fn copy(bencher: Bencher<'_, '_>) {
                copy_of(bencher, &samples::encode(&$message), 1);
            }
        }
    };
}

message_group!(packet_in_64, samples::packet_in(64));
message_group!(packet_in_1500, samples::packet_in(1500));
message_group!(flow_mod_1_field_1_action, samples::small_flow_mod());
message_group!(flow_mod_10_fields_3_actions, samples::large_flow_mod());
message_group!(flow_reply_500, samples::flow_reply());

fn decode_of(bencher: Bencher<'_, '_>, message: &Message) {
    let wire: Bytes = samples::encode(message);
    bencher
        .counter(ItemsCount::new(1u32))
        .counter(BytesCount::of_slice(&wire))
        .bench_local(|| Message::decode(black_box(wire.clone())));
}

/// Into a buffer that is reused.
fn encode_of(bencher: Bencher<'_, '_>, message: &Message) {
    let mut out = Vec::with_capacity(1 << 16);
    bencher
        .counter(ItemsCount::new(1u32))
        .counter(BytesCount::of_slice(&samples::encode(message)))
        .bench_local(|| {
            out.clear();
            black_box(message.encode(Xid(1), &mut out).is_ok());
            black_box(out.as_slice());
        });
}

fn copy_of(bencher: Bencher<'_, '_>, wire: &[u8], messages: u32) {
    let mut out = vec![0; wire.len()];
    bencher
        .counter(ItemsCount::new(messages))
        .counter(BytesCount::of_slice(wire))
        .bench_local(|| {
            out.copy_from_slice(black_box(wire));
            black_box(out.as_slice());
        });
}
