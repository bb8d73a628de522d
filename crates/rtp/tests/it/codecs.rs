//! Packets written out by hand for each codec, and the frames they must give.

use bytes::Bytes;
use entente_model::media::VideoCodec;
use entente_rtp::{AccessUnit, DepacketizeError, Depacketizer, PayloadFormat};

use crate::sender::{H264_PPS, H264_SPS, HEVC_PPS, HEVC_SPS, HEVC_VPS};

fn new(codec: VideoCodec) -> Depacketizer {
    Depacketizer::new(&PayloadFormat::new(96, codec))
}

fn assemble(codec: &mut Depacketizer, payloads: &[&[u8]]) -> Result<AccessUnit, DepacketizeError> {
    codec.assemble(payloads.iter().copied())
}

fn annex_b(units: &[&[u8]]) -> Vec<u8> {
    units.iter().flat_map(|unit| [&[0, 0, 0, 1], *unit].concat()).collect()
}

const IDR: [u8; 4] = [0x65, 0x88, 0x84, 0x21];

#[test]
fn h264_single_units_aggregates_and_fragments_make_one_unit() {
    let mut codec = new(VideoCodec::H264);
    let stap = [&[0x78, 0, 8], &H264_SPS[..], &[0, 4], &H264_PPS[..]].concat();
    let unit = assemble(
        &mut codec,
        &[&[0x09, 0x10], &stap, &[0x7c, 0x85, 0x88, 0x84], &[0x7c, 0x05, 0x21], &[0x7c, 0x45, 0x22], &[0x06, 0x05]],
    );
    let idr = [0x65, 0x88, 0x84, 0x21, 0x22];
    let expected = annex_b(&[&[0x09, 0x10], &H264_SPS, &H264_PPS, &idr, &[0x06, 0x05]]);
    assert_eq!(unit, Ok(AccessUnit { data: expected.into(), key: true, discardable: false }));
}

#[test]
fn h264_key_frames_without_parameter_sets_get_those_known() {
    let format = PayloadFormat {
        parameter_sets: vec![Bytes::copy_from_slice(&H264_SPS), Bytes::copy_from_slice(&H264_PPS)],
        ..PayloadFormat::new(96, VideoCodec::H264)
    };
    let mut codec = Depacketizer::new(&format);
    let unit = assemble(&mut codec, &[&IDR]).unwrap();
    assert_eq!(unit.data, annex_b(&[&H264_SPS, &H264_PPS, &IDR]));
    assert!(unit.key);
    let unit = assemble(&mut codec, &[&[0x09, 0x10], &IDR]).unwrap();
    assert_eq!(unit.data, annex_b(&[&[0x09, 0x10], &H264_SPS, &H264_PPS, &IDR]), "the delimiter stays first");

    // Changed in mid-stream, on its own.
    let changed = [0x67, 0x64, 0x00, 0x28, 0xda, 0x02, 0x80];
    assert_eq!(assemble(&mut codec, &[&changed]), Err(DepacketizeError::NoPicture));
    let unit = assemble(&mut codec, &[&IDR]).unwrap();
    assert_eq!(unit.data, annex_b(&[&changed, &H264_PPS, &IDR]));
}

#[test]
fn h264_key_frames_whose_parameter_sets_nobody_knows_are_no_place_to_start() {
    let mut codec = new(VideoCodec::H264);
    let unit = assemble(&mut codec, &[&IDR]).unwrap();
    assert!(!unit.key);
    codec.learn(&H264_SPS);
    assert!(!assemble(&mut codec, &[&IDR]).unwrap().key);
    codec.learn(&[&[0x78, 0, 4], &H264_PPS[..]].concat());
    assert!(assemble(&mut codec, &[&IDR]).unwrap().key);
}

#[test]
fn h264_short_and_reserved_payloads_do_no_harm_but_contradictions_do() {
    let mut codec = new(VideoCodec::H264);
    let slice = [0x41, 0x9a, 0x01];
    let unit = assemble(&mut codec, &[&[], &[0x7c], &[0x78], &[0x78, 0], &[0x1f, 1], &slice]).unwrap();
    assert_eq!(unit.data, annex_b(&[&slice]));
    assert_eq!(assemble(&mut codec, &[&[0x7c, 0x05, 0x21]]), Err(DepacketizeError::Fragments));
    assert_eq!(assemble(&mut codec, &[&[0x78, 0, 9, 0x41]]), Err(DepacketizeError::Truncated));
    assert_eq!(assemble(&mut codec, &[&[0x7a, 0, 0]]), Err(DepacketizeError::Unsupported(26)));
    // A fragment that never ended does not swallow what follows.
    let unit = assemble(&mut codec, &[&[0x5c, 0x81, 0x9a], &slice]).unwrap();
    assert_eq!(unit.data, annex_b(&[&[0x41, 0x9a], &slice]));
}

#[test]
fn h264_packets_tell_what_they_are_part_of() {
    let codec = new(VideoCodec::H264);
    assert!(codec.starts_frame(&[0x41, 0x80]) && !codec.starts_frame(&[0x41, 0x40]));
    assert!(codec.starts_frame(&[0x78, 0, 1, 0x67]));
    // An IDR slice begins its frame only where parameter sets never come in the packet before it.
    assert!(!codec.starts_frame(&[0x7c, 0x85, 0x88]));
    let mut format = PayloadFormat::new(96, VideoCodec::H264);
    format.parameter_sets = vec![Bytes::from_static(&H264_SPS), Bytes::from_static(&H264_PPS)];
    let mut told = Depacketizer::new(&format);
    assert!(told.starts_frame(&[0x7c, 0x85, 0x88]) && !told.starts_frame(&[0x7c, 0x05, 0x88]));
    told.learn(&H264_SPS);
    assert!(!told.starts_frame(&[0x7c, 0x85, 0x88]) && told.starts_frame(&H264_SPS));
    assert!(codec.marks_key(&[0x7c, 0x05, 0x88]) && codec.marks_key(&IDR) && !codec.marks_key(&[0x41, 0x9a]));
    assert_eq!(codec.discardable(&[0x01, 0x9a]), Some(true));
    assert_eq!(codec.discardable(&[0x1c, 0x41, 0]), Some(true));
    assert_eq!(codec.discardable(&[0x41, 0x9a]), Some(false));
    assert_eq!(codec.discardable(&[0x06, 0x05]), None);
}

#[test]
fn hevc_aggregates_and_fragments_make_one_unit() {
    let mut codec = new(VideoCodec::Hevc);
    let aggregate = [&[0x60, 0x01, 0, 6], &HEVC_VPS[..], &[0, 20], &HEVC_SPS[..], &[0, 5], &HEVC_PPS[..]].concat();
    let unit = assemble(
        &mut codec,
        &[&aggregate, &[0x62, 0x01, 0x93, 0xaf, 1], &[0x62, 0x01, 0x13, 2], &[0x62, 0x01, 0x53, 3]],
    );
    let idr = [0x26, 0x01, 0xaf, 1, 2, 3];
    let expected = annex_b(&[&HEVC_VPS, &HEVC_SPS, &HEVC_PPS, &idr]);
    assert_eq!(unit, Ok(AccessUnit { data: expected.into(), key: true, discardable: false }));
    // A clean random access picture later, without parameter sets.
    let unit = assemble(&mut codec, &[&[0x2a, 0x01, 0xac, 9]]).unwrap();
    assert_eq!(unit.data, annex_b(&[&HEVC_VPS, &HEVC_SPS, &HEVC_PPS, &[0x2a, 0x01, 0xac, 9]]));
    assert!(unit.key);
}

#[test]
fn hevc_out_of_band_sets_come_from_the_session_description() {
    let fmtp = "sprop-vps=QAEMAf//; sprop-sps=QgEBAWAAAAMAkAAAAwAAAwBdoAI=; sprop-pps=RAHBcrQ=";
    let mut codec = Depacketizer::new(&PayloadFormat::new(96, VideoCodec::Hevc).with_fmtp(fmtp));
    let unit = assemble(&mut codec, &[&[0x26, 0x01, 0xaf, 1]]).unwrap();
    assert_eq!(unit.data, annex_b(&[&HEVC_VPS, &HEVC_SPS, &HEVC_PPS, &[0x26, 0x01, 0xaf, 1]]));
}

#[test]
fn hevc_only_the_top_sub_layer_can_be_done_without() {
    let mut codec = new(VideoCodec::Hevc);
    assert!(assemble(&mut codec, &[&[0x00, 0x01, 0x80]]).unwrap().discardable);
    assert!(!assemble(&mut codec, &[&[0x02, 0x01, 0x80]]).unwrap().discardable);
    assert!(assemble(&mut codec, &[&[0x00, 0x02, 0x80]]).unwrap().discardable);
    assert!(!assemble(&mut codec, &[&[0x00, 0x01, 0x80]]).unwrap().discardable);
    assert_eq!(codec.discardable(&[0x62, 0x02, 0x00, 1]), Some(true));
    assert_eq!(codec.discardable(&[0x62, 0x01, 0x00, 1]), Some(false));
    assert_eq!(assemble(&mut codec, &[&[0x64, 0x01, 0]]), Err(DepacketizeError::Unsupported(50)));
}

#[test]
fn vp8_descriptors_of_all_lengths_are_passed_over() {
    let mut codec = new(VideoCodec::Vp8);
    for descriptor in [
        &[0x10][..],
        &[0x90, 0x00],
        &[0x90, 0x80, 0x11],
        &[0x90, 0x80, 0x91, 0x22],
        &[0x90, 0xf0, 0x91, 0x22, 0x33, 0x44],
        &[0x90, 0x20, 0x55],
    ] {
        let start = [descriptor, &[0x9c, 0x01]].concat();
        let unit = assemble(&mut codec, &[&start, &[0x00, 0x02]]).unwrap();
        assert_eq!(unit, AccessUnit { data: Bytes::from_static(&[0x9c, 1, 2]), key: true, discardable: false });
        assert!(codec.marks_key(&start) && codec.starts_frame(&start));
    }
    let unit = assemble(&mut codec, &[&[0x30, 0x9d, 0x01]]).unwrap();
    assert!(!unit.key && unit.discardable);
    assert!(!codec.starts_frame(&[0x11, 0x9c]), "the second partition");
    assert_eq!(assemble(&mut codec, &[&[0x00, 0x9c]]), Err(DepacketizeError::Fragments));
    assert_eq!(assemble(&mut codec, &[&[0x90, 0x80]]), Err(DepacketizeError::Truncated));
}

#[test]
fn vp9_descriptors_of_both_modes_are_passed_over() {
    let mut codec = new(VideoCodec::Vp9);
    let key = [0x83, 0x49, 0x83, 0x42];
    // Picture id of 15 bits, scalability structure: one layer with its size, two pictures with references.
    let structure = [0x8a, 0x81, 0x02, 0x18, 0x05, 0x00, 0x02, 0xd0, 2, 0x14, 1, 0x08, 1, 2];
    let start = [&structure[..], &key].concat();
    let unit = assemble(&mut codec, &[&start, &[0x84, 0x81, 0x02, 0x55]]).unwrap();
    assert_eq!(unit.data[..], [0x83, 0x49, 0x83, 0x42, 0x55]);
    assert!(unit.key && codec.marks_key(&start));
    // Flexible mode with three references, then layer indices.
    let inter = [0xfc, 0x03, 0x00, 0x03, 0x05, 0x06, 0x87, 0x01, 0x77];
    let unit = assemble(&mut codec, &[&inter]).unwrap();
    assert_eq!(unit.data[..], [0x87, 0x01, 0x77]);
    assert!(!unit.key && !unit.discardable);
    // Non-flexible mode: TL0PICIDX. No reference is replaced.
    let inter = [0xec, 0x04, 0x00, 0x09, 0x87, 0x00, 0x77];
    let unit = assemble(&mut codec, &[&inter]).unwrap();
    assert_eq!(unit.data[..], [0x87, 0x00, 0x77]);
    assert!(unit.discardable);
    assert_eq!(codec.discardable(&inter), Some(true));
    assert_eq!(assemble(&mut codec, &[&[0x84, 0x01, 0x77]]), Err(DepacketizeError::Fragments));
}

#[test]
fn vp9_spatial_layers_become_a_superframe() {
    let mut codec = new(VideoCodec::Vp9);
    let base = [0xae, 0x01, 0x00, 0x00, 0x00, 0x83, 0x49, 0x83];
    let upper = [0xec, 0x01, 0x02, 0x00, 0x87, 0x01];
    let unit = assemble(&mut codec, &[&base, &upper]).unwrap();
    let index = [0xd9, 3, 0, 0, 0, 2, 0, 0, 0, 0xd9];
    assert_eq!(unit.data, [&[0x83, 0x49, 0x83, 0x87, 0x01], &index[..]].concat());
    assert!(unit.key);
}

#[test]
fn av1_elements_become_obus_with_sizes() {
    let mut codec = new(VideoCodec::Av1);
    // N, lengths on all elements: temporal delimiter (to be dropped), sequence header, and the start of a frame.
    let first = [0x48, 0x01, 0x10, 0x03, 0x08, 0xaa, 0xbb, 0x03, 0x30, 0x10, 0xcc];
    // W = 1: its end.
    let second = [0x90, 0xdd, 0xee];
    let unit = assemble(&mut codec, &[&first, &second]).unwrap();
    assert_eq!(unit.data[..], [0x0a, 2, 0xaa, 0xbb, 0x32, 4, 0x10, 0xcc, 0xdd, 0xee]);
    assert!(unit.key);
    assert!(codec.marks_key(&first) && codec.starts_frame(&first));
    assert!(!codec.marks_key(&second) && !codec.starts_frame(&second));
    // W = 2, an extension, and a size field that is there already.
    let inter = [0x20, 0x04, 0x34, 0x08, 0x30, 0x01, 0x32, 0x02, 0x30, 0x05];
    let unit = assemble(&mut codec, &[&inter]).unwrap();
    assert_eq!(unit.data[..], [0x36, 0x08, 2, 0x30, 0x01, 0x32, 0x02, 0x30, 0x05]);
    assert!(!unit.key);
}

#[test]
fn av1_headers_may_be_torn_apart() {
    let mut codec = new(VideoCodec::Av1);
    let unit = assemble(&mut codec, &[&[0x50, 0x34], &[0xd0, 0x08], &[0x90, 0x30, 0x07]]).unwrap();
    assert_eq!(unit.data[..], [0x36, 0x08, 2, 0x30, 0x07]);
    let body = vec![0x55; 300];
    let unit = assemble(&mut codec, &[&[&[0x10, 0x30], &body[..]].concat()]).unwrap();
    assert_eq!(unit.data, [&[0x32, 0xac, 0x02], &body[..]].concat());
}

#[test]
fn av1_contradictions_are_refused() {
    let mut codec = new(VideoCodec::Av1);
    assert_eq!(assemble(&mut codec, &[&[0x90, 0x30]]), Err(DepacketizeError::Fragments));
    assert_eq!(assemble(&mut codec, &[&[0x50, 0x30]]), Err(DepacketizeError::Fragments));
    assert_eq!(assemble(&mut codec, &[&[0x00, 0x09, 0x30]]), Err(DepacketizeError::Truncated));
    assert_eq!(assemble(&mut codec, &[&[0x00, 0xff, 0xff]]), Err(DepacketizeError::Truncated));
    assert_eq!(assemble(&mut codec, &[&[0x18, 0x08, 1]]), Err(DepacketizeError::NoPicture));
}

#[test]
fn av1_rows_of_any_length_are_walked_to_their_end() {
    let mut codec = new(VideoCodec::Av1);
    // W = 0, 255 elements without bytes, then a frame: one more than a byte can count.
    let payload = [&[0x00][..], &[0; 255], &[0x02, 0x30, 0x07]].concat();
    assert_eq!(assemble(&mut codec, &[&payload]).unwrap().data[..], [0x32, 1, 0x07]);
}
