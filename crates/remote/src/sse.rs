//! The parser of server-sent events, fed with whatever pieces the network delivers.
//!
//! Pieces may end anywhere, also inside a character or between CR and LF, so it works on bytes and decodes whole lines
//! only. Lines end with LF, CR LF or CR; comments and fields other than `data` are skipped; several `data` lines make
//! one event. Source: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

/// An event longer than this is not an answer.
const MAX_EVENT_BYTES: usize = 8 << 20;

/// Splits a stream into the data of its events.
#[derive(Debug, Default)]
pub(crate) struct SseParser {
    line: Vec<u8>,
    data: Option<String>,
    after_cr: bool,
    started: bool,
}

/// An event is too long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl SseParser {
    /// The data of the events that `bytes` completes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<String>, TooLong> {
        let mut events = Vec::new();
        for &byte in bytes {
            let continues_crlf = std::mem::replace(&mut self.after_cr, byte == b'\r') && byte == b'\n';
            match byte {
                b'\n' if continues_crlf => {}
                b'\n' | b'\r' => events.extend(self.end_line()),
                byte => self.line.push(byte),
            }
            if self.line.len() + self.data.as_ref().map_or(0, String::len) > MAX_EVENT_BYTES {
                return Err(TooLong);
            }
        }
        Ok(events)
    }

    /// The data of an event that the end of the stream completes. The standard drops it; servers that forget the last
    /// empty line are common, and a half line does not parse as JSON anyway.
    pub(crate) fn finish(mut self) -> Option<String> {
        let ended = self.end_line();
        ended.or(self.data)
    }

    fn end_line(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.line);
        let mut line = line.as_slice();
        if !std::mem::replace(&mut self.started, true) {
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        if line.is_empty() {
            return self.data.take();
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &b""[..]),
        };
        if field == b"data" {
            let value = String::from_utf8_lossy(value.strip_prefix(b" ").unwrap_or(value));
            match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(&value);
                }
                None => self.data = Some(value.into_owned()),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(pieces: &[&[u8]]) -> Vec<String> {
        let mut parser = SseParser::default();
        let mut events: Vec<String> =
            pieces.iter().flat_map(|piece| parser.feed(piece).expect("short enough")).collect();
        events.extend(parser.finish());
        events
    }

    #[test]
    fn comments_other_fields_and_every_line_end_are_understood() {
        let stream = "\u{feff}: hello\r\nevent: message\r\ndata: one\r\n\r\ndata:two\rdata: three\r\rid: 4\n\n\
                      data\n\ndata: last";
        assert_eq!(events(&[stream.as_bytes()]), ["one", "two\nthree", "", "last"]);
    }

    #[test]
    fn an_endless_line_is_given_up() {
        let mut parser = SseParser::default();
        let piece = vec![b'x'; 1 << 20];
        assert!((0..9).any(|_| parser.feed(&piece).is_err()));
    }

    proptest! {
        #[test]
        fn a_stream_means_the_same_however_it_is_split(
            texts in prop::collection::vec("[a-zé漢🙂 :]{0,12}", 0..6),
            ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n"]), 6),
            cuts in prop::collection::vec(0_usize..200, 0..12),
        ) {
            let stream: String = texts
                .iter()
                .zip(&ends)
                .map(|(text, end)| format!(": ping{end}data: {text}{end}{end}"))
                .collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let bytes = stream.as_bytes();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(events(&pieces), texts);
        }
    }
}
