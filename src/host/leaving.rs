//! Flows that we have deleted, and whose notices are still on their way.
//!
//! A switch sends one notice for each flow that goes, whatever made it go: one that idles out just
//! before our delete comes has its own notice, and the delete matches nothing. But notices may come
//! late, when the same flow is back already (an address moved away and back again), and look as if
//! somebody else had removed that. So each flow that we delete is counted until its notice is here.
//!
//! Where it is not known whether there is a flow to delete, none is counted: then a notice of our
//! own may have the bridge read back once, but no flow that somebody else removes stays away.

use std::collections::{BTreeMap, BTreeSet};

use openflow::FlowModFlags;

use crate::program::{Flow, FlowKey};

/// The notices that our own deletes bring on one connection.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    /// How many are to come yet.
    due: BTreeMap<FlowKey, u32>,
    /// Flows that are gone by their notice, as long as we have neither added nor deleted them.
    gone: BTreeSet<FlowKey>,
}

impl Leaving {
    /// A flow is being added, or replaced, of which there is no notice.
    pub(super) fn add(&mut self, key: &FlowKey) {
        self.gone.remove(key);
    }

    /// A flow is being deleted that is there by all that is known.
    pub(super) fn delete(&mut self, key: &FlowKey, flow: &Flow) {
        if !self.gone.remove(key) && flow.flags.contains(FlowModFlags::SEND_FLOW_REM) {
            *self.due.entry(key.clone()).or_default() += 1;
        }
    }

    /// The notice of a flow is here; says whether it is of one that we have deleted.
    pub(super) fn take(&mut self, key: &FlowKey) -> bool {
        let Some(count) = self.due.get_mut(key) else {
            return false;
        };
        *count -= 1;
        if *count == 0 {
            self.due.remove(key);
        }
        true
    }

    /// A flow that should be there has gone by itself, or by somebody else.
    pub(super) fn lose(&mut self, key: FlowKey) {
        self.gone.insert(key);
    }

    /// The connection is another one, or what the bridge holds is not known, or known anew.
    pub(super) fn clear(&mut self) {
        self.due.clear();
        self.gone.clear();
    }
}
