//! `bridgechain decode` from outside: the command, its input and its output.

mod captures;
mod command;
mod documentation;
mod lines;
mod oracle;
mod packets;
mod resources;
