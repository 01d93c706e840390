//! The errors that the specification numbers.

use std::fmt;

use super::error::{ErrorKind, ErrorType};
use crate::experimenter::{NICIRA, ONF};

/// An error of the specification: its type and its code, which only together have a meaning.
///
/// The constants keep their names in C, because the codes of different types share their words.
///
/// ```
/// use openflow::{ErrorCode, ErrorType};
/// let error = ErrorCode { kind: ErrorType::BadRequest, code: 6 };
/// assert_eq!(error, ErrorCode::OFPBRC_BAD_LEN);
/// assert_eq!(error.to_string(), "OFPBRC_BAD_LEN");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorCode {
    /// What kind of thing went wrong.
    pub kind: ErrorType,
    /// What about it.
    pub code: u16,
}

macro_rules! error_codes {
    ($( $name:ident = $kind:ident, $code:literal; )*) => {
        impl ErrorCode {
            $(
                #[doc = concat!("`", stringify!($name), "`: code ", $code, " of [`ErrorType::", stringify!($kind), "`].")]
                pub const $name: Self = Self { kind: ErrorType::$kind, code: $code };
            )*

            /// The name in C, where the specification gives one.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $( Self::$name => Some(stringify!($name)), )*
                    _ => None,
                }
            }
        }
    };
}

error_codes! {
    OFPHFC_INCOMPATIBLE = HelloFailed, 0;
    OFPHFC_EPERM = HelloFailed, 1;
    OFPBRC_BAD_VERSION = BadRequest, 0;
    OFPBRC_BAD_TYPE = BadRequest, 1;
    OFPBRC_BAD_MULTIPART = BadRequest, 2;
    OFPBRC_BAD_EXPERIMENTER = BadRequest, 3;
    OFPBRC_BAD_EXP_TYPE = BadRequest, 4;
    OFPBRC_EPERM = BadRequest, 5;
    OFPBRC_BAD_LEN = BadRequest, 6;
    OFPBRC_BUFFER_EMPTY = BadRequest, 7;
    OFPBRC_BUFFER_UNKNOWN = BadRequest, 8;
    OFPBRC_BAD_TABLE_ID = BadRequest, 9;
    OFPBRC_IS_SLAVE = BadRequest, 10;
    OFPBRC_BAD_PORT = BadRequest, 11;
    OFPBRC_BAD_PACKET = BadRequest, 12;
    OFPBRC_MULTIPART_BUFFER_OVERFLOW = BadRequest, 13;
    OFPBAC_BAD_TYPE = BadAction, 0;
    OFPBAC_BAD_LEN = BadAction, 1;
    OFPBAC_BAD_EXPERIMENTER = BadAction, 2;
    OFPBAC_BAD_EXP_TYPE = BadAction, 3;
    OFPBAC_BAD_OUT_PORT = BadAction, 4;
    OFPBAC_BAD_ARGUMENT = BadAction, 5;
    OFPBAC_EPERM = BadAction, 6;
    OFPBAC_TOO_MANY = BadAction, 7;
    OFPBAC_BAD_QUEUE = BadAction, 8;
    OFPBAC_BAD_OUT_GROUP = BadAction, 9;
    OFPBAC_MATCH_INCONSISTENT = BadAction, 10;
    OFPBAC_UNSUPPORTED_ORDER = BadAction, 11;
    OFPBAC_BAD_TAG = BadAction, 12;
    OFPBAC_BAD_SET_TYPE = BadAction, 13;
    OFPBAC_BAD_SET_LEN = BadAction, 14;
    OFPBAC_BAD_SET_ARGUMENT = BadAction, 15;
    OFPBIC_UNKNOWN_INST = BadInstruction, 0;
    OFPBIC_UNSUP_INST = BadInstruction, 1;
    OFPBIC_BAD_TABLE_ID = BadInstruction, 2;
    OFPBIC_UNSUP_METADATA = BadInstruction, 3;
    OFPBIC_UNSUP_METADATA_MASK = BadInstruction, 4;
    OFPBIC_BAD_EXPERIMENTER = BadInstruction, 5;
    OFPBIC_BAD_EXP_TYPE = BadInstruction, 6;
    OFPBIC_BAD_LEN = BadInstruction, 7;
    OFPBIC_EPERM = BadInstruction, 8;
    OFPBMC_BAD_TYPE = BadMatch, 0;
    OFPBMC_BAD_LEN = BadMatch, 1;
    OFPBMC_BAD_TAG = BadMatch, 2;
    OFPBMC_BAD_DL_ADDR_MASK = BadMatch, 3;
    OFPBMC_BAD_NW_ADDR_MASK = BadMatch, 4;
    OFPBMC_BAD_WILDCARDS = BadMatch, 5;
    OFPBMC_BAD_FIELD = BadMatch, 6;
    OFPBMC_BAD_VALUE = BadMatch, 7;
    OFPBMC_BAD_MASK = BadMatch, 8;
    OFPBMC_BAD_PREREQ = BadMatch, 9;
    OFPBMC_DUP_FIELD = BadMatch, 10;
    OFPBMC_EPERM = BadMatch, 11;
    OFPFMFC_UNKNOWN = FlowModFailed, 0;
    OFPFMFC_TABLE_FULL = FlowModFailed, 1;
    OFPFMFC_BAD_TABLE_ID = FlowModFailed, 2;
    OFPFMFC_OVERLAP = FlowModFailed, 3;
    OFPFMFC_EPERM = FlowModFailed, 4;
    OFPFMFC_BAD_TIMEOUT = FlowModFailed, 5;
    OFPFMFC_BAD_COMMAND = FlowModFailed, 6;
    OFPFMFC_BAD_FLAGS = FlowModFailed, 7;
    OFPGMFC_GROUP_EXISTS = GroupModFailed, 0;
    OFPGMFC_INVALID_GROUP = GroupModFailed, 1;
    OFPGMFC_WEIGHT_UNSUPPORTED = GroupModFailed, 2;
    OFPGMFC_OUT_OF_GROUPS = GroupModFailed, 3;
    OFPGMFC_OUT_OF_BUCKETS = GroupModFailed, 4;
    OFPGMFC_CHAINING_UNSUPPORTED = GroupModFailed, 5;
    OFPGMFC_WATCH_UNSUPPORTED = GroupModFailed, 6;
    OFPGMFC_LOOP = GroupModFailed, 7;
    OFPGMFC_UNKNOWN_GROUP = GroupModFailed, 8;
    OFPGMFC_CHAINED_GROUP = GroupModFailed, 9;
    OFPGMFC_BAD_TYPE = GroupModFailed, 10;
    OFPGMFC_BAD_COMMAND = GroupModFailed, 11;
    OFPGMFC_BAD_BUCKET = GroupModFailed, 12;
    OFPGMFC_BAD_WATCH = GroupModFailed, 13;
    OFPGMFC_EPERM = GroupModFailed, 14;
    OFPPMFC_BAD_PORT = PortModFailed, 0;
    OFPPMFC_BAD_HW_ADDR = PortModFailed, 1;
    OFPPMFC_BAD_CONFIG = PortModFailed, 2;
    OFPPMFC_BAD_ADVERTISE = PortModFailed, 3;
    OFPPMFC_EPERM = PortModFailed, 4;
    OFPTMFC_BAD_TABLE = TableModFailed, 0;
    OFPTMFC_BAD_CONFIG = TableModFailed, 1;
    OFPTMFC_EPERM = TableModFailed, 2;
    OFPQOFC_BAD_PORT = QueueOpFailed, 0;
    OFPQOFC_BAD_QUEUE = QueueOpFailed, 1;
    OFPQOFC_EPERM = QueueOpFailed, 2;
    OFPSCFC_BAD_FLAGS = SwitchConfigFailed, 0;
    OFPSCFC_BAD_LEN = SwitchConfigFailed, 1;
    OFPSCFC_EPERM = SwitchConfigFailed, 2;
    OFPRRFC_STALE = RoleRequestFailed, 0;
    OFPRRFC_UNSUP = RoleRequestFailed, 1;
    OFPRRFC_BAD_ROLE = RoleRequestFailed, 2;
    OFPMMFC_UNKNOWN = MeterModFailed, 0;
    OFPMMFC_METER_EXISTS = MeterModFailed, 1;
    OFPMMFC_INVALID_METER = MeterModFailed, 2;
    OFPMMFC_UNKNOWN_METER = MeterModFailed, 3;
    OFPMMFC_BAD_COMMAND = MeterModFailed, 4;
    OFPMMFC_BAD_FLAGS = MeterModFailed, 5;
    OFPMMFC_BAD_RATE = MeterModFailed, 6;
    OFPMMFC_BAD_BURST = MeterModFailed, 7;
    OFPMMFC_BAD_BAND = MeterModFailed, 8;
    OFPMMFC_BAD_BAND_VALUE = MeterModFailed, 9;
    OFPMMFC_OUT_OF_METERS = MeterModFailed, 10;
    OFPMMFC_OUT_OF_BANDS = MeterModFailed, 11;
    OFPTFFC_BAD_TABLE = TableFeaturesFailed, 0;
    OFPTFFC_BAD_METADATA = TableFeaturesFailed, 1;
    OFPTFFC_BAD_TYPE = TableFeaturesFailed, 2;
    OFPTFFC_BAD_LEN = TableFeaturesFailed, 3;
    OFPTFFC_BAD_ARGUMENT = TableFeaturesFailed, 4;
    OFPTFFC_EPERM = TableFeaturesFailed, 5;
}

/// The errors of experimenters that Open vSwitch sends over OpenFlow 1.3.
const OF_EXPERIMENTERS: &[(u32, u16, &str)] = &[
    (ONF, 2300, "OFPBFC_UNKNOWN"),
    (ONF, 2301, "OFPBFC_EPERM"),
    (ONF, 2302, "OFPBFC_BAD_ID"),
    (ONF, 2303, "OFPBFC_BUNDLE_EXIST"),
    (ONF, 2304, "OFPBFC_BUNDLE_CLOSED"),
    (ONF, 2305, "OFPBFC_OUT_OF_BUNDLES"),
    (ONF, 2306, "OFPBFC_BAD_TYPE"),
    (ONF, 2307, "OFPBFC_BAD_FLAGS"),
    (ONF, 2308, "OFPBFC_MSG_BAD_LEN"),
    (ONF, 2309, "OFPBFC_MSG_BAD_XID"),
    (ONF, 2310, "OFPBFC_MSG_UNSUP"),
    (ONF, 2311, "OFPBFC_MSG_CONFLICT"),
    (ONF, 2312, "OFPBFC_MSG_TOO_MANY"),
    (ONF, 2313, "OFPBFC_MSG_FAILED"),
    (ONF, 2314, "OFPBFC_TIMEOUT"),
    (ONF, 2315, "OFPBFC_BUNDLE_IN_PROGRESS"),
    (ONF, 2360, "OFPFMFC_BAD_PRIORITY"),
    (ONF, 2370, "OFPACFC_INVALID"),
    (ONF, 2371, "OFPACFC_UNSUPPORTED"),
    (ONF, 2372, "OFPACFC_EPERM"),
    (ONF, 2600, "OFPBIC_DUP_INST"),
    (ONF, 2640, "OFPBRC_MULTIPART_REQUEST_TIMEOUT"),
    (ONF, 2641, "OFPBRC_MULTIPART_REPLY_TIMEOUT"),
    (ONF, 4250, "OFPBAC_BAD_SET_MASK"),
    (ONF, 4443, "OFPBPC_TOO_MANY"),
    (ONF, 4444, "OFPBPC_DUP_TYPE"),
    (ONF, 4445, "OFPBPC_BAD_EXPERIMENTER"),
    (ONF, 4446, "OFPBPC_BAD_EXP_TYPE"),
    (ONF, 4447, "OFPBPC_BAD_EXP_VALUE"),
    (ONF, 4448, "OFPBPC_EPERM"),
    (NICIRA, 2, "NXBRC_NXM_INVALID"),
    (NICIRA, 3, "NXBRC_NXM_BAD_TYPE"),
    (NICIRA, 4, "NXBRC_MUST_BE_ZERO"),
    (NICIRA, 5, "NXBRC_BAD_REASON"),
    (NICIRA, 6, "OFPMOFC_MONITOR_EXISTS"),
    (NICIRA, 7, "OFPMOFC_BAD_FLAGS"),
    (NICIRA, 8, "OFPMOFC_UNKNOWN_MONITOR"),
    (NICIRA, 9, "NXBRC_FM_BAD_EVENT"),
    (NICIRA, 10, "NXBRC_UNENCODABLE_ERROR"),
    (NICIRA, 11, "NXBAC_MUST_BE_ZERO"),
    (NICIRA, 12, "NXFMFC_HARDWARE"),
    (NICIRA, 13, "NXFMFC_BAD_TABLE_ID"),
    (NICIRA, 15, "NXBAC_BAD_CONJUNCTION"),
    (NICIRA, 16, "NXTTMFC_BAD_COMMAND"),
    (NICIRA, 17, "NXTTMFC_BAD_OPT_LEN"),
    (NICIRA, 18, "NXTTMFC_BAD_FIELD_IDX"),
    (NICIRA, 19, "NXTTMFC_TABLE_FULL"),
    (NICIRA, 20, "NXTTMFC_ALREADY_MAPPED"),
    (NICIRA, 21, "NXTTMFC_DUP_ENTRY"),
    (NICIRA, 34, "NXR_NOT_SUPPORTED"),
    (NICIRA, 35, "NXR_STALE"),
    (NICIRA, 36, "NXST_NOT_CONFIGURED"),
    (NICIRA, 37, "NXFMFC_INVALID_TLV_FIELD"),
    (NICIRA, 38, "NXTTMFC_INVALID_TLV_DEL"),
    (NICIRA, 39, "NXBAC_BAD_HEADER_TYPE"),
    (NICIRA, 40, "NXBAC_UNKNOWN_ED_PROP"),
    (NICIRA, 41, "NXBAC_BAD_ED_PROP"),
    (NICIRA, 42, "NXBAC_CT_DATAPATH_SUPPORT"),
    (NICIRA, 43, "NXBMC_CT_DATAPATH_SUPPORT"),
    (NICIRA, 44, "NXTFFC_DUP_TABLE"),
];

impl ErrorKind {
    /// The name in C, where there is one.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Standard(error) => error.name(),
            Self::Experimenter {
                experimenter,
                exp_type,
            } => OF_EXPERIMENTERS
                .iter()
                .find(|(id, kind, _)| (*id, *kind) == (experimenter, exp_type))
                .map(|(_, _, name)| *name),
        }
    }
}

/// The name in C, or the numbers.
impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.name()) {
            (_, Some(name)) => f.write_str(name),
            (Self::Standard(error), None) => error.fmt(f),
            (
                Self::Experimenter {
                    experimenter,
                    exp_type,
                },
                None,
            ) => {
                write!(f, "experimenter {experimenter:#010x} type {exp_type}")
            }
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "type {} code {}", u16::from(self.kind), self.code),
        }
    }
}
