//! Control messages of either side; what is understood survives the wire.
#![no_main]

use entente_model::wire::control::Control;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(message) = Control::parse(data)
        && message != Control::Unknown
    {
        let again = Control::parse(message.to_json().as_bytes());
        // A float that JSON cannot hold (an overflow to infinity) is written as null and refused.
        if let Ok(again) = again {
            assert_eq!(again.to_json(), message.to_json());
        }
    }
});
