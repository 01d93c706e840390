//! The bridgechain controller.
