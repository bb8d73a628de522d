//! The launcher's side: a ticket on standard input, JSON lines both ways while it is supervised.

use std::io::{BufRead, BufReader, Read, Write};
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use entente_model::EndReason;
use entente_model::ticket::Ticket;
use serde_json::{Value, json};

/// Largest ticket.
const MAX_TICKET: u64 = 256 * 1024;
/// How long a ticket may take to arrive.
const TICKET_LIMIT: Duration = Duration::from_secs(8);

/// What the launcher says after the ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// End the game.
    Stop,
    /// Standard input ended: a launcher that supervised us is gone.
    Gone,
}

/// A launcher that started us.
#[derive(Debug)]
pub(crate) struct Shell {
    pub(crate) words: Receiver<Word>,
    pub(crate) supervised: bool,
}

/// Reads the ticket, and goes on listening.
pub(crate) fn read_ticket() -> Result<(Ticket, Shell), EndReason> {
    let (found, ticket) = bounded(1);
    let (said, words) = bounded(16);
    std::thread::Builder::new()
        .name(String::from("shell"))
        .spawn(move || {
            let mut input = BufReader::new(std::io::stdin().lock());
            let ticket = first_value(&mut input);
            let go_on = ticket.is_ok();
            if found.send(ticket).is_err() || !go_on {
                return;
            }
            for line in input.lines().map_while(Result::ok) {
                let stop = serde_json::from_str::<Value>(&line)
                    .is_ok_and(|word| word.get("command").is_some_and(|command| command == "stop"));
                if stop && said.send(Word::Stop).is_err() {
                    return;
                }
            }
            let _ = said.send(Word::Gone);
        })
        .map_err(|error| EndReason::Fault(format!("no thread: {error}")))?;
    let value = ticket
        .recv_timeout(TICKET_LIMIT)
        .map_err(|_| EndReason::BadTicket(String::from("none arrived on standard input")))??;
    let ticket = parse(value)?;
    let supervised = ticket.supervised;
    Ok((ticket, Shell { words, supervised }))
}

fn parse(value: Value) -> Result<Ticket, EndReason> {
    let ticket: Ticket = serde_json::from_value(value).map_err(|error| EndReason::BadTicket(error.to_string()))?;
    if ticket.version != 1 {
        return Err(EndReason::BadTicket(format!("version {} is not known, only 1 is", ticket.version)));
    }
    Ok(ticket)
}

/// The first JSON value, on one line or several.
fn first_value(input: &mut impl BufRead) -> Result<Value, EndReason> {
    let mut values = serde_json::Deserializer::from_reader(input.take(MAX_TICKET)).into_iter::<Value>();
    match values.next() {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(EndReason::BadTicket(format!("not JSON ({error})"))),
        None => Err(EndReason::BadTicket(String::from("standard input ended without one"))),
    }
}

/// Writes one event line for the launcher; a launcher that does not listen is found out by its words.
pub(crate) fn tell(event: &str, mut fields: Value) {
    if let Some(object) = fields.as_object_mut() {
        object.insert(String::from("event"), json!(event));
    }
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{fields}");
    let _ = out.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Ticket, EndReason> {
        first_value(&mut BufReader::new(text.as_bytes())).and_then(parse)
    }

    #[test]
    fn a_ticket_over_several_lines_is_read() {
        let ticket =
            read("{\n \"version\": 1,\n \"url\": \"demo://game\", \"bearer\": \"s3cret\"}\n{\"command\":\"stop\"}")
                .unwrap();
        assert_eq!(ticket.url, "demo://game");
        assert!(!format!("{ticket:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(read(r#"{"version":1}"#), Err(EndReason::BadTicket(String::from("missing field `url`"))));
        assert!(matches!(read(""), Err(EndReason::BadTicket(_))));
        assert!(matches!(read("][ nonsense"), Err(EndReason::BadTicket(_))));
        assert!(matches!(read(r#"{"version":2,"url":"demo://"}"#), Err(EndReason::BadTicket(_))));
    }
}
