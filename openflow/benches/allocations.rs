//! How often and how much the codec allocates: the same rows as in `codec`, with a counting
//! allocator, which makes them slower.
//!
//! `cargo bench -p openflow --bench allocations`

mod samples;

use bytes::BytesMut;
use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher, black_box};
use openflow::{Framer, Message, Xid};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// 1,000 messages: divide by it.
#[divan::bench]
fn mixed_1000(bencher: Bencher<'_, '_>) {
    let stream = samples::mixed_stream();
    bencher
        .counter(ItemsCount::new(1000u32))
        .with_inputs(|| BytesMut::from(&stream[..]))
        .bench_local_values(|mut buffer| {
            let framer = Framer::new();
            while let Ok(Some(frame)) = framer.next(&mut buffer) {
                black_box(Message::decode(frame).is_ok());
            }
        });
}

macro_rules! message_group {
    ($name:ident, $message:expr) => {
        #[divan::bench_group]
        mod $name {
            use super::*;

            #[divan::bench]
            fn decode(bencher: Bencher<'_, '_>) {
                let wire = samples::encode(&$message);
                bencher.bench_local(|| Message::decode(black_box(wire.clone())));
            }

            #[divan::bench]
            fn encode(bencher: Bencher<'_, '_>) {
                let message = $message;
                let mut out = Vec::with_capacity(1 << 16);
                bencher.bench_local(|| {
                    out.clear();
                    black_box(message.encode(Xid(1), &mut out).is_ok());
                });
            }
        }
    };
}

message_group!(packet_in_64, samples::packet_in(64));
message_group!(packet_in_1500, samples::packet_in(1500));
message_group!(flow_mod_1_field_1_action, samples::small_flow_mod());
message_group!(flow_mod_10_fields_3_actions, samples::large_flow_mod());
message_group!(flow_reply_500, samples::flow_reply());
