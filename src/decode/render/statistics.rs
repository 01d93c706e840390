//! Counters and limits.

use openflow::{
    AggregateStats, BucketCounter, GroupFeatures, GroupStats, MeterBandStats, MeterFeatures,
    MeterStats, PortStats, QueueStats, QueueStatsRequest, TableStats,
};

use super::values::Hexadecimal;
use super::writer::{Fields, Record};

impl Fields for AggregateStats {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("packet_count", &self.packet_count)
            .field("byte_count", &self.byte_count)
            .field("flow_count", &self.flow_count);
    }
}

impl Fields for TableStats {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("table_id", &self.table_id)
            .field("active_count", &self.active_count)
            .field("lookup_count", &self.lookup_count)
            .field("matched_count", &self.matched_count);
    }
}

impl Fields for PortStats {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("port_no", &self.port_no)
            .field("rx_packets", &self.rx_packets)
            .field("tx_packets", &self.tx_packets)
            .field("rx_bytes", &self.rx_bytes)
            .field("tx_bytes", &self.tx_bytes)
            .field("rx_dropped", &self.rx_dropped)
            .field("tx_dropped", &self.tx_dropped)
            .field("rx_errors", &self.rx_errors)
            .field("tx_errors", &self.tx_errors)
            .field("rx_frame_err", &self.rx_frame_err)
            .field("rx_over_err", &self.rx_over_err)
            .field("rx_crc_err", &self.rx_crc_err)
            .field("collisions", &self.collisions)
            .field("duration_sec", &self.duration_sec)
            .field("duration_nsec", &self.duration_nsec);
    }
}

impl Fields for QueueStatsRequest {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("port_no", &self.port_no)
            .field("queue_id", &self.queue_id);
    }
}

impl Fields for QueueStats {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("port_no", &self.port_no)
            .field("queue_id", &self.queue_id)
            .field("tx_bytes", &self.tx_bytes)
            .field("tx_packets", &self.tx_packets)
            .field("tx_errors", &self.tx_errors)
            .field("duration_sec", &self.duration_sec)
            .field("duration_nsec", &self.duration_nsec);
    }
}

impl Fields for GroupStats {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("group_id", &self.group_id)
            .field("ref_count", &self.ref_count)
            .field("packet_count", &self.packet_count)
            .field("byte_count", &self.byte_count)
            .field("duration_sec", &self.duration_sec)
            .field("duration_nsec", &self.duration_nsec)
            .field("bucket_stats", &self.bucket_stats);
    }
}

impl Fields for BucketCounter {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("packet_count", &self.packet_count)
            .field("byte_count", &self.byte_count);
    }
}

impl Fields for GroupFeatures {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("types", &Hexadecimal(self.types))
            .field("capabilities", &self.capabilities)
            .field("max_groups", &self.max_groups)
            .field("actions", &self.actions.map(Hexadecimal));
    }
}

impl Fields for MeterStats {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("meter_id", &self.meter_id)
            .field("flow_count", &self.flow_count)
            .field("packet_in_count", &self.packet_in_count)
            .field("byte_in_count", &self.byte_in_count)
            .field("duration_sec", &self.duration_sec)
            .field("duration_nsec", &self.duration_nsec)
            .field("band_stats", &self.band_stats);
    }
}

impl Fields for MeterBandStats {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("packet_band_count", &self.packet_band_count)
            .field("byte_band_count", &self.byte_band_count);
    }
}

impl Fields for MeterFeatures {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("max_meter", &self.max_meter)
            .field("band_types", &Hexadecimal(self.band_types))
            .field("capabilities", &Hexadecimal(self.capabilities))
            .field("max_bands", &self.max_bands)
            .field("max_color", &self.max_color);
    }
}
