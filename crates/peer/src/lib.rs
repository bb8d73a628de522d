//! A WebRTC peer connection as a Link building block, and the open WHEP host as a full Link.
