//! A pad made by the kernel, where /dev/uinput can be written and udev runs.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use entente_input::{PadOptions, PadReader};
use entente_model::input::{Buttons, InputEvent, PadState, PlayerInput};
use rustix::ioctl::{IntegerSetter, NoArg, ioctl, opcode};

// Linux, include/uapi/linux/uinput.h and input-event-codes.h.
const UI_DEV_CREATE: u32 = opcode::none(b'U', 1);
const UI_SET_EVBIT: u32 = opcode::write::<i32>(b'U', 100);
const UI_SET_KEYBIT: u32 = opcode::write::<i32>(b'U', 101);
const UI_SET_ABSBIT: u32 = opcode::write::<i32>(b'U', 103);
const EV_SYN: u16 = 0;
const EV_KEY: u16 = 1;
const EV_ABS: u16 = 3;
const BTN_SOUTH: u16 = 0x130;
const BTN_THUMBR: u16 = 0x13E;
const ABS_X: u16 = 0;
const ABS_Y: u16 = 1;
const ABS_Z: u16 = 2;
const ABS_RX: u16 = 3;
const ABS_RY: u16 = 4;
const ABS_RZ: u16 = 5;
const ABS_HAT0X: u16 = 16;
const ABS_HAT0Y: u16 = 17;

struct VirtualPad(File);

impl VirtualPad {
    /// An Xbox One pad on USB (045e:02ea, version 0x301), whose layout gilrs knows.
    fn create(mut file: File) -> Self {
        for kind in [EV_SYN, EV_KEY, EV_ABS] {
            set::<UI_SET_EVBIT>(&file, kind);
        }
        for button in BTN_SOUTH..=BTN_THUMBR {
            set::<UI_SET_KEYBIT>(&file, button);
        }
        // struct uinput_user_dev: name[80], id, ff_effects_max, absmax[64], absmin[64], absfuzz[64], absflat[64].
        let mut device = vec![0_u8; 80 + 8 + 4 + 4 * 64 * 4];
        device[..17].copy_from_slice(b"Entente test pad\0");
        for (index, value) in [3_u16, 0x045E, 0x02EA, 0x0301].into_iter().enumerate() {
            device[80 + 2 * index..][..2].copy_from_slice(&value.to_ne_bytes());
        }
        for (axis, low, high) in [
            (ABS_X, -32768, 32767),
            (ABS_Y, -32768, 32767),
            (ABS_RX, -32768, 32767),
            (ABS_RY, -32768, 32767),
            (ABS_Z, 0, 1023),
            (ABS_RZ, 0, 1023),
            (ABS_HAT0X, -1, 1),
            (ABS_HAT0Y, -1, 1_i32),
        ] {
            set::<UI_SET_ABSBIT>(&file, axis);
            let at = 92 + 4 * usize::from(axis);
            device[at..][..4].copy_from_slice(&high.to_ne_bytes());
            device[at + 256..][..4].copy_from_slice(&i32::to_ne_bytes(low));
        }
        file.write_all(&device).unwrap();
        // SAFETY: UI_DEV_CREATE takes no argument.
        unsafe { ioctl(&file, NoArg::<UI_DEV_CREATE>::new()) }.unwrap();
        Self(file)
    }

    fn send(&mut self, events: &[(u16, u16, i32)]) {
        let mut bytes = Vec::new();
        for (kind, code, value) in events.iter().chain([&(EV_SYN, 0, 0)]) {
            // struct input_event: the kernel sets the time.
            bytes.extend([0_u8; 2 * size_of::<usize>()]);
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(code.to_ne_bytes());
            bytes.extend(value.to_ne_bytes());
        }
        self.0.write_all(&bytes).unwrap();
    }
}

fn set<const OPCODE: u32>(file: &File, value: u16) {
    // SAFETY: UI_SET_*BIT take their argument by value.
    unsafe { ioctl(file, IntegerSetter::<OPCODE>::new_usize(usize::from(value))) }.unwrap();
}

/// The last state of the pad when nothing has come for a while, or when `wanted` has come.
fn settle(events: &Receiver<InputEvent>, wanted: &PadState) -> Option<PadState> {
    let mut last = None;
    while let Ok(event) = events.recv_timeout(Duration::from_secs(2)) {
        if let PlayerInput::Pad { state, .. } = event.what {
            assert!(event.at <= Instant::now());
            last = Some(state);
            if state == *wanted {
                break;
            }
        }
    }
    last
}

#[test]
fn a_real_pad_comes_plays_and_goes() {
    let Ok(file) = OpenOptions::new().write(true).open("/dev/uinput") else {
        println!("skipped: no /dev/uinput");
        return;
    };
    if !std::path::Path::new("/run/udev/control").exists() {
        println!("skipped: udev is not running");
        return;
    }
    let (sender, events) = sync_channel(1024);
    let sink = Box::new(move |event| {
        let _ = sender.try_send(event);
    });
    let _reader = PadReader::start(sink, PadOptions { rumble: false, ..PadOptions::default() });
    let mut device = VirtualPad::create(file);
    let connected = std::iter::from_fn(|| events.recv_timeout(Duration::from_secs(10)).ok())
        .find_map(|event| match event.what {
            PlayerInput::PadConnected { pad, name } if name.contains("Xbox") || name.contains("Entente") => Some(pad),
            _ => None,
        })
        .expect("the pad was not found within ten seconds");
    assert!(connected < 16);

    let none = PadState::default();
    let south = PadState { buttons: Buttons::SOUTH, ..none };
    let hat = PadState { buttons: Buttons::UP | Buttons::RIGHT, ..none };
    let full = PadState { buttons: Buttons::LEFT_TRIGGER, left_y: 32767, left_trigger: 65535, ..none };
    for (input, wanted) in [
        (vec![(EV_KEY, BTN_SOUTH, 1)], south),
        (vec![(EV_KEY, BTN_SOUTH, 0)], none),
        (vec![(EV_ABS, ABS_HAT0X, 1), (EV_ABS, ABS_HAT0Y, -1)], hat),
        (vec![(EV_ABS, ABS_HAT0X, 0), (EV_ABS, ABS_HAT0Y, 0)], none),
        (vec![(EV_ABS, ABS_Y, -32768), (EV_ABS, ABS_Z, 1023)], full),
    ] {
        device.send(&input);
        assert_eq!(settle(&events, &wanted), Some(wanted), "{input:?}");
    }
    drop(device);
    assert_eq!(settle(&events, &none), Some(none), "what was held is let go");
    let gone = events.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(gone.what, PlayerInput::PadGone { pad: connected });
}
