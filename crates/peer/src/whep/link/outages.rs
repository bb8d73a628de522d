//! Media stopped: is it an outage, and how does the session come back?

use std::time::{Duration, Instant};

use entente_model::http::{HttpError, HttpResponse, Method};
use entente_model::stage::Stage;
use entente_model::{EndReason, Event};

use super::{CONTROL, WhepLink};
use crate::peer::Peer;
use crate::whep::outage::{ASK, Outage, PATIENCE, STILL_AGAIN, STILL_ASK, STILL_NOTICE, Still, silence_limit};
use crate::whep::phase::{Phase, RESTARTING, SHORT_REQUEST};

impl WhepLink {
    pub(super) fn check_silence(&mut self, now: Instant) {
        if !matches!(self.phase, Phase::Playing) {
            return;
        }
        let Some(heard) = self.heard() else { return };
        let silence = now.saturating_duration_since(heard);
        if let Some(outage) = &self.outage {
            if silence >= self.limit(now) + PATIENCE {
                if outage.restarted || self.no_restart || self.session.is_none() {
                    self.rejoin(now);
                } else {
                    self.restart(now);
                }
            }
            return;
        }
        if silence >= ASK && self.control_closed.is_some() {
            self.finish(now, EndReason::HostEnded("it closed the connection".to_owned()));
        } else if silence >= self.limit(now) {
            self.outage = Some(Outage::new(heard));
            self.set_stage(Stage::Reconnecting);
        } else if silence >= ASK {
            self.control.hurry();
        } else {
            self.check_picture(now);
        }
    }

    /// Media comes; is it sound alone?
    fn check_picture(&mut self, now: Instant) {
        let Some(seen) = self.playing_since else { return };
        let Some(peer) = &mut self.peer else { return };
        if now < seen + STILL_ASK {
            return;
        }
        let still = self.still.get_or_insert(Still { ask: now, told: false });
        if now >= still.ask {
            still.ask = now + STILL_AGAIN;
            peer.nudge_keyframe();
        }
        if now >= seen + STILL_NOTICE && !std::mem::replace(&mut still.told, true) {
            let words = "The picture has stopped, the sound goes on. The host may have paused.";
            self.event(Event::Notice(words.to_owned()));
        }
    }

    /// The last sign of media.
    pub(super) fn heard(&self) -> Option<Instant> {
        self.peer.as_ref().and_then(Peer::last_media).max(self.playing_since)
    }

    pub(super) fn limit(&self, now: Instant) -> Duration {
        let control = self.peer.as_ref().is_some_and(|peer| peer.is_open(CONTROL));
        silence_limit(now, control, self.control.last_answer())
    }

    /// When [`Self::check_silence`] may have something to do.
    pub(super) fn silence_deadline(&self, now: Instant) -> Option<Instant> {
        if !matches!(self.phase, Phase::Playing) {
            return None;
        }
        let heard = self.heard()?;
        let limit = self.limit(now);
        let still = self.playing_since.map(|seen| [seen + STILL_ASK, seen + STILL_NOTICE]);
        let times = [heard + ASK, heard + limit, heard + limit + PATIENCE].into_iter();
        let times = times.chain(still.into_iter().flatten()).chain(self.still.map(|still| still.ask));
        // Between them the limit itself may change with the host's answers, so look now and then.
        Some(times.filter(|at| *at > now).min().unwrap_or(now + ASK))
    }

    pub(super) fn restart(&mut self, now: Instant) {
        let (Some(session), Some(peer)) = (self.session.clone(), self.peer.as_mut()) else { return };
        let Ok(fragment) = peer.restart(now) else { return self.rejoin(now) };
        if let Some(outage) = &mut self.outage {
            outage.restarted = true;
        }
        // RFC 9725 section 4.3.3: a restart is not conditional on the state of the session.
        let headers = [("Content-Type", "application/trickle-ice-sdpfrag"), ("If-Match", "*")];
        let patch = Some(self.request(Method::Patch, &session, &headers, fragment.into_bytes(), SHORT_REQUEST));
        self.phase = Phase::Restarting { patch, until: now + RESTARTING };
    }

    pub(super) fn patched(&mut self, now: Instant, until: Instant, result: Result<HttpResponse, HttpError>) {
        let restarted = match &result {
            Ok(response) if response.status == 200 => {
                let fragment = String::from_utf8_lossy(&response.body);
                self.peer.as_mut().is_some_and(|peer| peer.restarted(now, &fragment))
            }
            // Without new credentials there is no new path.
            Ok(_) => {
                self.no_restart = true;
                false
            }
            Err(error) => {
                if let Some(outage) = &mut self.outage {
                    outage.trouble = error.to_string();
                }
                false
            }
        };
        if restarted {
            self.phase = Phase::Restarting { patch: None, until };
        } else {
            self.rejoin(now);
        }
    }

    pub(super) fn rejoin(&mut self, now: Instant) {
        if let Some(outage) = &self.outage
            && now >= outage.over_at()
        {
            let words = outage.trouble.clone();
            return self.finish(now, EndReason::ConnectionLost(words));
        }
        self.drop_session(now);
        self.no_restart = false;
        self.timeline.rejoin();
        self.open(now);
    }

    /// A picture came.
    pub(super) fn picture(&mut self, now: Instant) {
        if self.outage.take().is_some() {
            self.reconnects += 1;
        }
        if !matches!(self.phase, Phase::Playing) {
            self.phase = Phase::Playing;
            self.start_by = None;
        }
        self.playing_since = Some(now);
        self.still = None;
        self.set_stage(Stage::Playing);
    }
}
