//! A stream without window and sound card.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use entente_audio::{AudioConfig, DeviceChoice};
use entente_decode::HardwareChoice;
use entente_engine::{News, NewsSink, Screen, Stream, StreamConfig};
use entente_model::Link;
use entente_present::{Command, Presenter, Slot, command_queue};
use entente_stats::journal;

pub(crate) struct Rig {
    pub(crate) stream: Stream,
    pub(crate) news: Arc<Mutex<Vec<News>>>,
    commands: crossbeam_channel::Sender<Command>,
    present: std::thread::JoinHandle<Result<entente_present::Summary, entente_present::PresentError>>,
}

pub(crate) fn config() -> StreamConfig {
    StreamConfig {
        clock: entente_drive::mono_clock(),
        hardware: HardwareChoice::Never,
        codec: None,
        allow_damaged: false,
        audio: AudioConfig { device: DeviceChoice::Null, ..AudioConfig::default() },
        extra_root_pem: None,
        dump: None,
        frames: None,
        record: None,
        shared_clock: true,
    }
}

impl Rig {
    pub(crate) fn start(link: Box<dyn Link>) -> Self {
        Self::start_with(link, config())
    }

    pub(crate) fn start_with(link: Box<dyn Link>, config: StreamConfig) -> Self {
        let (commands, orders) = command_queue();
        let screen = Screen { slot: Slot::new(), commands: commands.clone() };
        let (writer, reader) = journal(entente_engine::JOURNAL);
        let (presenter, info) = Presenter::null();
        let slot = screen.slot.clone();
        let present = entente_present::spawn(presenter, info, slot, orders, writer.clone(), Instant::now).unwrap();
        let news = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&news);
        let sink: NewsSink = Arc::new(move |item| heard.lock().unwrap().push(item));
        let stream = Stream::with_journal(link, config, &screen, &sink, (writer, reader)).unwrap();
        Self { stream, news, commands, present }
    }

    /// Waits until some news are `wanted`.
    pub(crate) fn wait_for(&self, wanted: impl Fn(&News) -> bool) -> bool {
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end {
            if self.news.lock().unwrap().iter().any(&wanted) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    pub(crate) fn stop(self, reason: entente_model::EndReason) -> entente_engine::Finished {
        let finished = self.stream.stop(reason);
        self.commands.send(Command::Quit).unwrap();
        self.present.join().unwrap().unwrap();
        finished
    }
}
