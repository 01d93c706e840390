use openflow::*;
use std::mem::size_of;
fn main() {
    println!(
        "Oxm {} MatchEntry {} Match {} Action {} Instruction {} FlowMod {} PacketIn {} Message {} DecodeError {} Result {} FlowStats {} PortStatus {} ErrorMsg {}",
        size_of::<Oxm>(),
        size_of::<MatchEntry>(),
        size_of::<Match>(),
        size_of::<Action>(),
        size_of::<Instruction>(),
        size_of::<FlowMod>(),
        size_of::<PacketIn>(),
        size_of::<Message>(),
        size_of::<DecodeError>(),
        size_of::<Result<(Xid, Message), DecodeError>>(),
        size_of::<FlowStats>(),
        size_of::<PortStatus>(),
        size_of::<ErrorMsg>()
    );
}
