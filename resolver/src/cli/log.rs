//! Where the log goes: a line an event, whatever strangers put into what it tells of.
//!
//! Most of what others wrote is escaped where it is logged, as a value in quotes. What an error says of itself is not, and it
//! may repeat what somebody answered.

use std::io;

use namesake::escape_for_terminal;
use tracing_subscriber::fmt::MakeWriter;

/// A writer that gives whole events to another, each as one line without anything hidden in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct OneLine<M> {
    /// Whose writers they go to.
    pub(super) to: M,
    /// Whether the formatter colours its lines: then colours are let through, whoever wrote them.
    pub(super) coloured: bool,
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for OneLine<M> {
    type Writer = OneLine<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        OneLine { to: self.to.make_writer(), coloured: self.coloured }
    }
}

impl<W: io::Write> io::Write for OneLine<W> {
    /// Takes an event, which the formatter writes at once.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let (line, end) = text.strip_suffix('\n').map_or((&*text, ""), |line| (line, "\n"));
        let line = if self.coloured { but_for_colours(line) } else { escape_for_terminal(line) };
        // A line that cannot be written (nobody reads, the disk is full) is lost, and that is all: the formatter would tell of
        // the error on the standard error, and panic where that is what cannot be written.
        if self.to.write_all([line.as_bytes(), end.as_bytes()].concat().as_slice()).is_err() {
            metrics::counter!("namesake_log_lines_lost_total").increment(1);
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.to.flush();
        Ok(())
    }
}

/// A line escaped but for what only colours it: `ESC [ … m` (ECMA-48 section 8.3.117).
fn but_for_colours(line: &str) -> String {
    let mut pieces = line.split('\u{1b}');
    let mut shown = pieces.next().map(escape_for_terminal).unwrap_or_default();
    for piece in pieces {
        let numbers =
            piece.strip_prefix('[').and_then(|rest| rest.split_once('m')).map(|(numbers, _)| numbers);
        let colours =
            numbers.is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b';'));
        shown.push_str(if colours { "\u{1b}" } else { "\\u{1b}" });
        shown.push_str(&escape_for_terminal(piece));
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::{
        error::Error,
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    use super::{MakeWriter, OneLine};

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Log {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let hostile = "no\r\n2026-01-01T00:00:00Z  WARN all is well\u{1b}[2J\u{7}\u{202e}\u{9b}\u{2028}";
        for coloured in [false, true] {
            let log = Log::default();
            let to = OneLine { to: log.clone(), coloured };
            let subscriber = tracing_subscriber::fmt().with_ansi(coloured).with_writer(to).finish();
            tracing::subscriber::with_default(subscriber, || {
                let inner = io::Error::other(hostile);
                let error = io::Error::other(inner);
                tracing::error!(error = &error as &dyn Error, reason = %hostile, text = hostile, "{hostile}");
                tracing::info!("the next");
            });
            let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
            let lines: Vec<_> = text.split('\n').collect();
            assert!(lines.len() == 3 && lines[1].ends_with("the next") && lines[2].is_empty(), "{text}");
            let hidden =
                |c: char| c.is_control() && !(coloured && c == '\u{1b}') || "\u{202e}\u{2028}".contains(c);
            assert!(!lines[0].contains(hidden) && !lines[0].contains("\u{1b}[2J"), "{:?}", lines[0]);
            assert!(lines[0].contains("all is well") && lines[0].contains("error"), "{:?}", lines[0]);
        }
    }

    /// Takes nothing, as a disk that is full.
    #[derive(Clone, Copy)]
    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    #[test]
    fn a_line_that_cannot_be_written_is_lost_and_that_is_all() {
        let mut log = OneLine { to: Full, coloured: false };
        assert_eq!(log.write(b"an event\n").unwrap(), 9);
        log.flush().unwrap();
    }
}
